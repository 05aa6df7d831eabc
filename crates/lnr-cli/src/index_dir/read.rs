// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a file says that its frames mean, or what a model sees in them.

use std::path::Path;

use lnr::align::Teacher;

use super::entry::Entry;
use super::rows::{SpaceRows, key_of, rows_of};
use super::walk::Found;
use crate::alignment;
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome, input_name};
use crate::input::{self, Options};
use crate::text::seconds;
use crate::tracks::FileTracks;
use crate::values::Compute;

/// Times are rounded to ns, and often to ms in containers: a picture that comes this much early in seconds is
/// on time.
const ROUNDING: f64 = 0.0005;

/// A model that looks at videos which do not say what they mean.
pub struct Looker {
    teacher: Teacher,
    /// Seconds from picture to picture.
    every: f64,
    compute: Compute,
}

impl Looker {
    /// # Errors
    /// When the model cannot be loaded.
    pub fn open(model: &str, every: f64, compute: Compute) -> Outcome<Self> {
        Ok(Self { teacher: alignment::model(model)?, every, compute })
    }

    /// What [`Entry::looked`] says of files that it looked at.
    pub fn looked(&self) -> (String, f64) {
        (key_of(self.teacher.space()), self.every)
    }

    /// Rows of the pictures of a video, and its duration in seconds.
    fn look(&self, path: &Path, console: &Console) -> Outcome<(SpaceRows, f64)> {
        let options = Options { decoder: self.compute.decoder(), ..Options::default() };
        let mut source = input::open(path, options, console)?;
        let (mut first, mut end, mut n, mut next) = (None, 0, 0u64, 0.0);
        let mut nodes: Vec<(f64, Vec<f32>)> = Vec::new();
        while let Some(frame) = source.next()? {
            console.check()?;
            let begin = *first.get_or_insert(frame.pts);
            end = (frame.pts + frame.duration).saturating_sub(begin);
            let time = seconds(frame.pts.saturating_sub(begin));
            n += 1;
            if time + ROUNDING < next {
                continue;
            }
            next = (((time + ROUNDING) / self.every).floor() + 1.0) * self.every;
            let vector = self.teacher.embed((n - 1, frame.pts), &frame.picture);
            nodes.push((time, vector.map_err(|e| Failure::codec(path, e))?));
        }
        let mut rows = SpaceRows::new(self.teacher.space().clone());
        add_nodes(&mut rows, (0.0, seconds(end)), &nodes);
        Ok((rows, seconds(end)))
    }
}

/// What was read of a file.
pub struct FileRead {
    pub entry: Entry,
    /// For each of its spaces.
    pub rows: Vec<SpaceRows>,
}

/// Reads a file of the folder `root`, with `looker`'s help where it does not say what it means itself.
/// Damage is noted in the entry.
///
/// # Errors
/// When it cannot be opened or the user asked to stop.
pub fn read_file(
    root: &Path,
    found: &Found,
    looker: Option<&Looker>,
    console: &Console,
) -> Outcome<FileRead> {
    let path = root.join(&found.path);
    let entry = Entry { path: found.path.clone(), stamp: found.stamp, ..Entry::default() };
    let mut read = FileRead { entry, rows: Vec::new() };
    let own = read_own(&path, &mut read, console);
    note(&mut read.entry, &path, own)?;
    if let Some(looker) = looker.filter(|_| read.rows.is_empty() && read.entry.damage.is_none()) {
        read.entry.looked = Some(looker.looked());
        match looker.look(&path, console) {
            Ok((rows, duration)) => {
                read.entry.duration = duration;
                read.rows.extend(Some(rows).filter(|r| r.n() > 0));
            }
            Err(failure) => note(&mut read.entry, &path, Err(failure))?,
        }
    }
    read.entry.spaces = read.rows.iter().map(|r| key_of(&r.space)).collect();
    Ok(read)
}

fn note(entry: &mut Entry, path: &Path, result: Outcome<()>) -> Outcome<()> {
    match result {
        Err(failure) if failure.code == Code::Damaged => {
            let own = format!("{}: ", input_name(path));
            let cause = failure.message.strip_prefix(&own).unwrap_or(&failure.message);
            entry.damage = Some(cause.to_owned());
            Ok(())
        }
        other => other,
    }
}

fn read_own(path: &Path, read: &mut FileRead, console: &Console) -> Outcome<()> {
    if !input::is_lnr(path)? {
        return Ok(());
    }
    let tracks = FileTracks::read(path, console)?;
    read.entry.duration = seconds(tracks.duration.saturating_sub(tracks.begin));
    read.entry.damage = tracks.damage.first_cause;
    let time = |ns: u64| seconds(ns.saturating_sub(tracks.begin));
    for group in &tracks.groups {
        let nodes: Vec<_> = group.nodes().map(|(ns, vector)| (time(ns), vector)).collect();
        let rows = rows_of(&mut read.rows, group.track.space());
        add_nodes(rows, (time(group.begin), time(group.end)), &nodes);
    }
    Ok(())
}

/// Adds a row for each node: it stands for the time up to the middle between it and its neighbours, or to
/// the borders, in seconds.
fn add_nodes(rows: &mut SpaceRows, (begin, end): (f64, f64), nodes: &[(f64, Vec<f32>)]) {
    for (i, (time, vector)) in nodes.iter().enumerate() {
        let middle = |j: usize| (nodes[j].0 + nodes[j + 1].0) / 2.0;
        let from = if i == 0 { begin } else { middle(i - 1) };
        let to = if i + 1 == nodes.len() { end } else { middle(i) };
        rows.push(vector, [from, *time, to.max(*time)], 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::align::Space;

    #[test]
    fn nodes_stand_for_the_time_around_them() {
        let mut rows = SpaceRows::new(Space::new("s", [0; 8], 1).unwrap());
        let nodes = [1.0, 2.0, 4.0].map(|t| (t, vec![1.0]));
        add_nodes(&mut rows, (0.5, 6.0), &nodes);
        assert_eq!(rows.times, [[0.5, 1.0, 1.5], [1.5, 2.0, 3.0], [3.0, 4.0, 6.0]]);
        let mut one = SpaceRows::new(rows.space.clone());
        add_nodes(&mut one, (0.0, 6.0), &nodes[..1]);
        assert_eq!(one.times, [[0.0, 1.0, 6.0]]);
    }
}
