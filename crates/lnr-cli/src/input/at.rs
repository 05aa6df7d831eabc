// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;

use super::lnr_file::{LnrSource, Timing};
#[cfg(feature = "gstreamer")]
use super::{Kind, kind_of, video::Video};
use super::{Options, Source, begin_at, is_lnr, open, turned};
use crate::console::Console;
use crate::exit::Outcome;
use crate::numbers::Start;

/// Opens any video at the picture that is shown so many seconds after the first one, without decoding all
/// before it where that is possible. Only that picture counts: others may come at other times.
///
/// # Errors
/// When it cannot be read, or has no picture there.
pub fn open_at(
    path: &Path,
    seconds: f64,
    options: Options,
    console: &Console,
) -> Outcome<Box<dyn Source>> {
    if is_lnr(path)? {
        let timing = Timing { start: seconds, duration: None, frame_rate: Some((1, 1)) };
        let source = LnrSource::open(path, options, timing, console)?;
        return Ok(turned(path, Box::new(source)));
    }
    #[cfg(feature = "gstreamer")]
    if kind_of(path)? != Kind::Y4m {
        let mut video = Video::open(path, console)?;
        if seconds > 0.0 {
            video.seek(crate::numbers::nanoseconds(seconds))?;
        }
        return Ok(turned(path, Box::new(video)));
    }
    begin_at(open(path, options, console)?, path, Start::Time(seconds), console)
}
