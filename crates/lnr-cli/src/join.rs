// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use lnr::stream::parse_group_header;
use lnr::{AccessUnit, Joiner, PictureFormat};
use serde_json::json;

use crate::args::JoinArgs;
use crate::console::Console;
use crate::exit::{Failure, Outcome, output_name};
use crate::input::{self, Damage, Item, VideoInfo};
use crate::output::{self, UnitSink};
use crate::text;

pub fn run(args: &JoinArgs, console: &Console) -> Outcome<()> {
    let inputs: Vec<&Path> = args.inputs.iter().map(PathBuf::as_path).collect();
    output::check_outputs(&inputs, std::slice::from_ref(&args.output), args.force)?;
    let mut join = Join {
        output: &args.output,
        console,
        joiner: Joiner::default(),
        sink: None,
        damage: Damage::default(),
        first_damaged: None,
        n_groups: 0,
        n_frames: 0,
        end: 0,
    };
    let result = args.inputs.iter().try_for_each(|input| join.append(input));
    let rest = join.joiner.finish();
    let result = result.and(join.write(&rest));
    if let Some((_, sink)) = &mut join.sink {
        if result.is_ok() {
            sink.add_index()?;
        }
        sink.finish()?;
    }
    result?;
    join.report(args)
}

struct Join<'a> {
    output: &'a Path,
    console: &'a Console,
    joiner: Joiner,
    /// Opened with the first group, whose format is that of the file.
    sink: Option<(PictureFormat, Box<dyn UnitSink>)>,
    damage: Damage,
    first_damaged: Option<&'a Path>,
    n_groups: u64,
    n_frames: u64,
    /// When the last frame ends, in ns.
    end: u64,
}

impl<'a> Join<'a> {
    fn append(&mut self, input: &'a Path) -> Outcome<()> {
        let mut units = input::open_units(input, self.console)?;
        let mut n_groups = 0;
        while let Some(item) = units.next()? {
            self.console.check()?;
            let joined = match item {
                Item::Index(_) => continue,
                Item::Damage { cause, .. } => Err(cause),
                Item::Unit(unit) => {
                    let is_group = parse_group_header(&unit).is_ok();
                    let joined = self.joiner.push(&unit).map_err(|e| e.to_string());
                    if is_group && joined.is_ok() {
                        self.damage.good_group();
                        n_groups += 1;
                    }
                    joined
                }
            };
            match joined {
                Ok(group) => self.write(&group)?,
                Err(cause) => {
                    self.console.warn(&format!("{}: {cause}", input.display()));
                    self.damage.found(cause);
                    self.first_damaged.get_or_insert(input);
                }
            }
        }
        match n_groups {
            0 => Err(Failure::damaged(input, "no LNR group in it")),
            _ => Ok(()),
        }
    }

    /// Writes the access units of a group.
    fn write(&mut self, group: &[AccessUnit]) -> Outcome<()> {
        let Some(first) = group.first() else { return Ok(()) };
        let header = parse_group_header(&first.data).map_err(|e| Failure::codec(self.output, e))?;
        let sink = match &mut self.sink {
            Some((format, _))
                if *format != header.format && !output::takes_any_format(self.output) =>
            {
                return Err(Failure::usage(format!(
                    "{}: the parts differ in size or format, which a container cannot hold: \
                     write a .lnr file",
                    self.output.display()
                )));
            }
            Some((_, sink)) => sink,
            None => {
                let info = VideoInfo {
                    format: header.format,
                    frame_rate: header.frame_rate,
                    metadata: Default::default(),
                    n_frames: None,
                };
                let sink = output::open_units(self.output, &info)?;
                &mut self.sink.insert((header.format, sink)).1
            }
        };
        sink.write(group)?;
        self.n_groups += 1;
        self.n_frames += group.len() as u64;
        self.end = group.last().map_or(self.end, |last| last.pts + last.duration);
        Ok(())
    }

    fn report(&self, args: &JoinArgs) -> Outcome<()> {
        let seconds = text::seconds(self.end);
        let line = match args.json {
            true => json!({
                "frames": self.n_frames,
                "groups": self.n_groups,
                "seconds": text::rounded(seconds, 6),
                "damaged": self.damage.n_parts,
            })
            .to_string(),
            false => format!(
                "{}: {} frames in {} groups, {seconds:.3} s",
                output_name(self.output),
                self.n_frames,
                self.n_groups
            ),
        };
        self.console.report(self.output, &line)?;
        match self.first_damaged {
            None => Ok(()),
            Some(input) => {
                let parts = text::damaged_parts(self.damage.n_parts);
                Err(Failure::damaged(input, format!("{parts} left out, the rest was joined")))
            }
        }
    }
}
