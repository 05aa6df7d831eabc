// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where access units and pictures are written to.

#[cfg(feature = "gstreamer")]
mod container;
mod png;
mod units;
#[cfg(feature = "gstreamer")]
mod video;
mod y4m;

pub use png::write_rgb8;
pub use units::{open_units, takes_any_format};

use std::path::Path;

use lnr::AccessUnit;

use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::input::{Frame, VideoInfo};

/// Takes the access units of a file.
pub trait UnitSink {
    /// Writes the access units of a group; what was written stays readable if nothing follows.
    fn write(&mut self, units: &[AccessUnit]) -> Outcome<()>;
    fn finish(&mut self) -> Outcome<()>;
}

/// Takes pictures in order of time.
pub trait PictureSink {
    fn write(&mut self, frame: Frame) -> Outcome<()>;
    /// Completes the file; without it a container may be unreadable.
    fn finish(&mut self) -> Outcome<()>;
}

/// Opens what `path` names: a .y4m file or `-`, a directory or pattern of PNG files, a container.
pub fn open_pictures(
    path: &Path,
    info: &VideoInfo,
    console: &Console,
) -> Outcome<Box<dyn PictureSink>> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    let name = path.to_string_lossy();
    if path == Path::new("-") || extension.eq_ignore_ascii_case("y4m") {
        return Ok(Box::new(y4m::Y4mSink::create(path, info, console)?));
    }
    if extension.eq_ignore_ascii_case("png")
        || path.is_dir()
        || extension.is_empty()
        || name.ends_with('/')
    {
        return Ok(Box::new(png::PngSink::create(path)?));
    }
    open_container(path, extension, info, console)
}

#[cfg(feature = "gstreamer")]
fn open_container(
    path: &Path,
    extension: &str,
    info: &VideoInfo,
    console: &Console,
) -> Outcome<Box<dyn PictureSink>> {
    let sink = video::VideoSink::create(path, extension, info, console)?;
    Ok(Box::new(sink))
}

#[cfg(not(feature = "gstreamer"))]
fn open_container(
    path: &Path,
    _: &str,
    _: &VideoInfo,
    _: &Console,
) -> Outcome<Box<dyn PictureSink>> {
    Err(Failure::usage(format!(
        "{}: this build, made without GStreamer (feature `gstreamer`), writes .y4m and .png",
        path.display()
    )))
}

/// # Errors
/// When both paths name the same existing file: it would be overwritten while it is read.
pub fn check_distinct(input: &Path, output: &Path) -> Outcome<()> {
    match (input.canonicalize(), output.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => {
            Err(Failure::usage(format!("{}: input and output are the same file", output.display())))
        }
        _ => Ok(()),
    }
}
