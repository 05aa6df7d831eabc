// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an interrupted run of `lnr encode` left, so that another one can go on with it.

use std::path::Path;

use lnr::stream::{FileIndex, IndexBuilder, Unit, parse};
use lnr::{Control, Encoder};

use crate::args::EncodeArgs;
use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::input::{Item, open_units};
use crate::output::{self, UnitSink};
use crate::selection::Selection;

/// Has `encoder` take over the groups that the output holds already, with their frames. Returns where
/// to write the others, or none when there is no file yet.
///
/// # Errors
/// When these groups are not of this video and these settings, or nothing remains to be done.
pub fn resume(
    args: &EncodeArgs,
    encoder: &mut Encoder,
    frames: &mut Selection,
    console: &Console,
) -> Outcome<Option<Box<dyn UnitSink>>> {
    let path = &args.output;
    let kept = read(path, console)?;
    if kept.groups.is_empty() {
        return Ok(None);
    }
    let control = Control { cancel: console.cancel.clone(), progress: None };
    for group in &kept.groups {
        let mut of = Vec::new();
        while of.len() < group.len() {
            let Some(frame) = frames.next()? else {
                let cause = "it holds more frames than there are to encode";
                return Err(Failure::usage(format!("{}: {cause}", path.display())));
            };
            of.push(frame);
        }
        let adopted = encoder.adopt(group, &of, &control);
        adopted.map_err(|e| Failure::codec(path, e))?;
    }
    let name = path.display();
    if kept.is_finished() {
        return match frames.next()? {
            None => Ok(Some(output::finished())),
            Some(_) => Err(Failure::usage(format!(
                "{name}: it is finished, but the video goes on; encode the rest (--start) to \
                 another file and use `lnr join`"
            ))),
        };
    }
    let (n, n_groups) = (encoder.stats().frames, kept.groups.len());
    console.tell(&format!("{name}: going on after {n} frames of {n_groups} groups"));
    let sink = match kept.stated {
        None => output::append_units(path, kept.index),
        // Its index is of a file that was longer, and stands where the groups begin.
        Some(_) => output::begin_units(path, &kept.groups, kept.index),
    };
    sink.map(Some)
}

/// The whole groups at the start of a file.
#[derive(Default)]
struct Kept {
    /// The bytes of the access units of each.
    groups: Vec<Vec<Vec<u8>>>,
    index: IndexBuilder,
    /// What the file says of itself.
    stated: Option<FileIndex>,
}

/// Reads what `path` holds; nothing where there is no file.
///
/// # Errors
/// When it is no .lnr file, or cannot be read.
fn read(path: &Path, console: &Console) -> Outcome<Kept> {
    let mut kept = Kept::default();
    if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("lnr")) {
        let path = path.display();
        return Err(Failure::usage(format!("{path}: --resume goes on with .lnr files only")));
    }
    if !path.exists() {
        return Ok(kept);
    }
    let mut units = open_units(path, console)?;
    let mut group = Group::default();
    // What follows damage is not where an uninterrupted run would have it.
    while let Some(item) = units.next()? {
        console.check()?;
        match item {
            Item::Unit(unit) => {
                if let Some(whole) = group.take(unit) {
                    kept.add(path, whole)?;
                }
            }
            Item::Index(stated) => {
                kept.stated.get_or_insert(stated);
            }
            // Nothing is there that would be lost: what follows, if anything, was joined behind.
            Item::Damage { n_bytes: 0, .. } => {}
            Item::Damage { .. } => break,
        }
    }
    if kept.groups.is_empty() {
        let cause = "no whole group in it to go on after; encode without --resume";
        return Err(Failure::damaged(path, cause));
    }
    Ok(kept)
}

impl Kept {
    /// Whether it has all groups that its index names; a file without one was not finished.
    fn is_finished(&self) -> bool {
        self.stated.as_ref().is_some_and(|stated| stated.n_bytes() <= self.index.index().n_bytes())
    }

    fn add(&mut self, path: &Path, group: Vec<Vec<u8>>) -> Outcome<()> {
        for unit in &group {
            self.index.push(unit).map_err(|e| Failure::codec(path, e))?;
        }
        self.groups.push(group);
        Ok(())
    }
}

/// The group that is being read.
#[derive(Default)]
struct Group {
    n_frames: usize,
    units: Vec<Vec<u8>>,
}

impl Group {
    /// Takes its next access unit; returns all when it is the last one.
    fn take(&mut self, unit: Vec<u8>) -> Option<Vec<Vec<u8>>> {
        if let Ok(Unit::Group { header, .. }) = parse(&unit) {
            self.n_frames = header.n_frames() as usize;
            self.units.clear();
        }
        self.units.push(unit);
        (self.units.len() == self.n_frames).then(|| std::mem::take(&mut self.units))
    }
}
