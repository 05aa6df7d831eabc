// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;

use super::{Frame, Source, VideoInfo};
use crate::console::Console;
use crate::exit::{Failure, Outcome, input_name};
use crate::numbers::{Start, nanoseconds};

/// A video that begins later; `path` is for messages.
///
/// # Errors
/// When there is no frame there, or the source fails.
pub fn begin_at(
    mut source: Box<dyn Source>,
    path: &Path,
    start: Start,
    console: &Console,
) -> Outcome<Box<dyn Source>> {
    let mut n_passed = 0;
    let mut first_time = None;
    loop {
        console.check()?;
        if start == Start::Frame(n_passed) {
            return Ok(source);
        }
        let Some(frame) = source.next()? else {
            let path = input_name(path);
            let asked = match start {
                Start::Frame(n) => format!("number {n}"),
                Start::Time(seconds) => format!("second {seconds}"),
            };
            return Err(Failure::usage(format!(
                "{path}: it has {n_passed} frames, --start asks for {asked}"
            )));
        };
        let time = frame.pts.saturating_sub(*first_time.get_or_insert(frame.pts));
        if matches!(start, Start::Time(seconds) if time >= nanoseconds(seconds)) {
            return Ok(Box::new(Begun { source, first: Some(frame) }));
        }
        n_passed += 1;
    }
}

/// A video of which a frame was read too many.
struct Begun {
    source: Box<dyn Source>,
    first: Option<Frame>,
}

impl Source for Begun {
    fn info(&self) -> &VideoInfo {
        self.source.info()
    }

    fn next(&mut self) -> Outcome<Option<Frame>> {
        match self.first.take() {
            Some(frame) => Ok(Some(frame)),
            None => self.source.next(),
        }
    }

    fn n_damaged(&self) -> u64 {
        self.source.n_damaged()
    }
}
