// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is searched for, as a vector.

use std::path::Path;

use lnr::align::{MODEL_VARIABLE, Space, normalise};
#[cfg(feature = "clip")]
use lnr::align::{TextModel, find_model};

use super::args::{Moment, SearchArgs};
use super::corpus::indexed;
use crate::alignment;
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::index_dir::may_hold_lnr;
use crate::input::{self, Options};
use crate::numbers::nanoseconds;
use crate::tracks::FileTracks;

/// A query.
pub struct Query {
    /// Of length 1.
    pub vector: Vec<f32>,
    pub space: Space,
}

impl Query {
    /// The query that the options ask for; `spaces` are those that can be searched.
    ///
    /// # Errors
    /// When a model or a file cannot be read, or they are of different spaces.
    pub fn new(args: &SearchArgs, spaces: &[&Space], console: &Console) -> Outcome<Self> {
        let mut model = Texts::new(args, spaces);
        let (mut vector, space) = match (&args.text, &args.image, &args.like) {
            (Some(text), ..) => model.embed(text)?,
            (_, Some(path), _) => image(args, path, spaces, console)?,
            (.., Some(moment)) => moment_of(moment, console)?,
            _ => return Err(Failure::usage("nothing to search for")),
        };
        normalise(&mut vector);
        for text in &args.not {
            let (mut other, other_space) = model.embed(text)?;
            other_space.check_same(&space).map_err(|e| Failure::usage(e.to_string()))?;
            normalise(&mut other);
            vector.iter_mut().zip(&other).for_each(|(v, o)| *v -= o);
        }
        normalise(&mut vector);
        match vector.iter().any(|v| *v != 0.0) {
            true => Ok(Self { vector, space }),
            false => Err(Failure::usage("nothing is left to search for: what is asked for is not")),
        }
    }
}

/// What names the model: an option, the variable, or what is searched.
fn model_name(args: &SearchArgs, spaces: &[&Space]) -> Option<String> {
    let has_variable = || std::env::var_os(MODEL_VARIABLE).is_some_and(|v| !v.is_empty());
    match args.clip_model.as_deref() {
        Some(name) => Some(name.to_owned()),
        None if has_variable() => None,
        None => spaces.first().map(|s| s.name.clone()),
    }
}

/// The text tower of the model, loaded when it is needed.
struct Texts {
    #[cfg_attr(not(feature = "clip"), allow(dead_code))]
    name: Option<String>,
    #[cfg(feature = "clip")]
    model: Option<TextModel>,
}

impl Texts {
    fn new(args: &SearchArgs, spaces: &[&Space]) -> Self {
        Self {
            name: model_name(args, spaces),
            #[cfg(feature = "clip")]
            model: None,
        }
    }

    #[cfg(feature = "clip")]
    fn embed(&mut self, text: &str) -> Outcome<(Vec<f32>, Space)> {
        let model = match self.model.take() {
            Some(model) => model,
            None => {
                let folder = find_model(self.name.as_deref()).map_err(alignment::failed)?;
                TextModel::load(&folder).map_err(alignment::failed)?
            }
        };
        let vector = model.embed(text).map_err(alignment::failed)?;
        let space = model.space().clone();
        self.model = Some(model);
        Ok((vector, space))
    }

    #[cfg(not(feature = "clip"))]
    fn embed(&mut self, _: &str) -> Outcome<(Vec<f32>, Space)> {
        Err(Failure::new(
            Code::Input,
            "this build has no models (feature `clip`): search with --like FILE@TIME",
        ))
    }
}

/// The vector of the first picture of a file.
fn image(
    args: &SearchArgs,
    path: &Path,
    spaces: &[&Space],
    console: &Console,
) -> Outcome<(Vec<f32>, Space)> {
    let options = Options { decoder: args.compute.decoder(), ..Options::default() };
    let first = input::open(path, options, console)?.next()?;
    let frame = first.ok_or_else(|| Failure::damaged(path, "there is no picture in it"))?;
    let name = model_name(args, spaces).unwrap_or_else(|| "auto".into());
    let teacher = alignment::model(&name)?;
    let vector = teacher.embed((0, 0), &frame.picture).map_err(alignment::failed)?;
    Ok((vector, teacher.space().clone()))
}

/// The vector of a moment of a file: as the file says it, or as a model saw it for an index.
fn moment_of(moment: &Moment, console: &Console) -> Outcome<(Vec<f32>, Space)> {
    let path = moment.file.as_path();
    let says_nothing = || {
        let cure = "encode it with --clip-model, have lnr index --embed look at it, or search with --image";
        Failure::damaged(path, format!("it does not say what its frames mean: {cure}"))
    };
    if !may_hold_lnr(&path.to_string_lossy()) || !input::is_lnr(path)? {
        return indexed(path, moment.time, console)?.ok_or_else(says_nothing);
    }
    let tracks = FileTracks::read(path, console)?;
    let time = tracks.begin.saturating_add(nanoseconds(moment.time));
    if time >= tracks.duration {
        let seconds = crate::text::seconds(tracks.duration - tracks.begin);
        let cause = format!("it is {seconds:.3} s long, --like asks for {} s", moment.time);
        return Err(Failure::new(Code::Usage, format!("{}: {cause}", path.display())));
    }
    // Of groups that say it, the last that has begun, or the first.
    let n_begun = tracks.groups.partition_point(|g| g.begin <= time);
    match tracks.groups.get(n_begun.saturating_sub(1)) {
        Some(group) => Ok((group.at(time), group.track.space().clone())),
        None => match indexed(path, moment.time, console)? {
            Some(found) => Ok(found),
            None => Err(says_nothing()),
        },
    }
}
