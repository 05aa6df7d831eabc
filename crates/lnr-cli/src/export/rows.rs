// SPDX-License-Identifier: MIT OR Apache-2.0
//! The vectors of files, one row each.

use std::path::Path;

use lnr::align::Space;

use crate::console::Console;
use crate::exit::{Failure, Outcome, input_name};
use crate::text::seconds;
use crate::tracks::{FileTracks, GroupTrack};

/// At which times there is a row.
#[derive(Clone, Copy)]
pub enum Places {
    /// Where the files store a vector.
    Nodes,
    /// At each frame.
    Frames,
    /// Every so many seconds.
    Every(f64),
}

/// Most vectors of one run: of 512 dimensions they are 1 GB.
const MAX_ROWS: usize = 500_000;

/// A vector, and what it stands for.
pub struct Row {
    /// The file, as the user names it.
    pub file: String,
    /// From when to when it is the nearest, and its own time, in seconds.
    pub start: f64,
    pub time: f64,
    pub end: f64,
    /// [dim], of length 1.
    pub vector: Vec<f32>,
}

/// Vectors of one space.
pub struct Rows {
    pub space: Space,
    pub all: Vec<Row>,
}

impl Rows {
    /// Reads the vectors of files.
    ///
    /// # Errors
    /// When a file cannot be read or stores no vectors, or those of another space than the first one's.
    pub fn read(paths: &[&Path], places: Places, console: &Console) -> Outcome<Self> {
        let mut rows: Option<Self> = None;
        for path in paths {
            let tracks = FileTracks::read(path, console)?;
            if let Some(cause) = &tracks.damage.first_cause {
                console.warn(&format!("{}: {cause}", input_name(path)));
            }
            if tracks.groups.is_empty() {
                let cause = "it does not say what its frames mean: encode it with --clip-model or --features";
                return Err(Failure::damaged(path, cause));
            }
            for group in &tracks.groups {
                let space = group.track.space();
                let rows =
                    rows.get_or_insert_with(|| Self { space: space.clone(), all: Vec::new() });
                space.check_same(&rows.space).map_err(|e| Failure::damaged(path, e))?;
                let n_free = MAX_ROWS - rows.all.len();
                rows.all.extend(of_group(&input_name(path), group, places, n_free));
                if rows.all.len() >= MAX_ROWS {
                    return Err(Failure::usage(format!(
                        "more than {MAX_ROWS} vectors: choose a larger --every, or fewer files"
                    )));
                }
            }
        }
        rows.ok_or_else(|| Failure::usage("no files"))
    }

    /// All vectors in one row. [n, dim]
    pub fn values(&self) -> Vec<f32> {
        self.all.iter().flat_map(|row| row.vector.iter().copied()).collect()
    }
}

/// At most `most` of them.
fn of_group(file: &str, group: &GroupTrack, places: Places, most: usize) -> Vec<Row> {
    let vectors: Vec<(u64, Vec<f32>)> = match places {
        Places::Nodes => group.nodes().collect(),
        Places::Frames => group.frames().collect(),
        Places::Every(every) => {
            let first = (seconds(group.begin) / every).ceil() as u64;
            let times = (first..).map(|i| (i as f64 * every * 1e9) as u64);
            times.take_while(|t| *t < group.end).take(most).map(|t| (t, group.at(t))).collect()
        }
    };
    let between = |a: u64, b: u64| seconds(a.midpoint(b));
    let row = |(i, (time, vector)): (usize, &(u64, Vec<f32>))| Row {
        file: file.to_owned(),
        start: match i {
            0 => seconds(group.begin),
            i => between(vectors[i - 1].0, *time),
        },
        time: seconds(*time),
        end: vectors.get(i + 1).map_or(seconds(group.end), |next| between(*time, next.0)),
        vector: vector.clone(),
    };
    vectors.iter().enumerate().map(row).collect()
}
