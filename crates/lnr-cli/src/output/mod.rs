// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where access units and pictures are written to.

mod constant_rate;
#[cfg(feature = "gstreamer")]
mod container;
mod guard;
mod place;
mod png;
mod units;
#[cfg(feature = "gstreamer")]
mod video;
mod y4m;

pub use guard::{check_outputs, picture_files};
pub use place::{Place, is_direct};
pub use png::{encoded_rgb8, write_rgb8};
pub use units::{append_units, begin_units, finished, open_units, takes_any_format};

use std::path::Path;

use constant_rate::ConstantRate;

use lnr::AccessUnit;

use crate::console::Console;
use crate::exit::Outcome;
use crate::input::{Frame, VideoInfo};

/// Takes the access units of a file.
pub trait UnitSink {
    /// Writes the access units of a group.
    fn write(&mut self, units: &[AccessUnit]) -> Outcome<()>;
    /// Nothing more will come: adds what only a file has that is finished. Without it the file can be
    /// gone on with.
    fn add_index(&mut self) -> Outcome<()> {
        Ok(())
    }
    /// Completes the file and puts it in its place, unless writing failed or nothing was written.
    fn finish(&mut self) -> Outcome<()>;
}

/// Takes pictures in order of time.
pub trait PictureSink {
    fn write(&mut self, frame: Frame) -> Outcome<()>;
    /// Completes the file and puts it in its place, unless writing failed or nothing was written.
    fn finish(&mut self) -> Outcome<()>;
}

/// Opens what `path` names: a .y4m file or `-`, a directory or pattern of PNG files, a container; what
/// is written to directly and has no such name gets Y4M, `/dev/null` nothing.
pub fn open_pictures(
    path: &Path,
    info: &VideoInfo,
    console: &Console,
) -> Outcome<Box<dyn PictureSink>> {
    let extension = extension(path);
    if path == Path::new("/dev/null") {
        return Ok(Box::new(Nowhere));
    }
    if path == Path::new("-") || extension == "y4m" || (extension.is_empty() && is_direct(path)) {
        let sink = Box::new(y4m::Y4mSink::create(path, info, console)?);
        return Ok(Box::new(ConstantRate::new(path, sink, info, console)));
    }
    if is_png(path) {
        return Ok(Box::new(png::PngSink::create(path)?));
    }
    open_container(path, &extension, info, console)
}

/// Whether pictures for `path` become PNG files.
fn is_png(path: &Path) -> bool {
    let name = path.to_string_lossy();
    match extension(path).as_str() {
        "png" => true,
        "" => !is_direct(path),
        _ => path.is_dir() || name.ends_with('/'),
    }
}

fn extension(path: &Path) -> String {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    extension.to_ascii_lowercase()
}

/// Takes pictures of any format and writes none.
struct Nowhere;

impl PictureSink for Nowhere {
    fn write(&mut self, _: Frame) -> Outcome<()> {
        Ok(())
    }

    fn finish(&mut self) -> Outcome<()> {
        Ok(())
    }
}

#[cfg(feature = "gstreamer")]
fn open_container(
    path: &Path,
    extension: &str,
    info: &VideoInfo,
    console: &Console,
) -> Outcome<Box<dyn PictureSink>> {
    let sink = Box::new(video::VideoSink::create(path, extension, info, console)?);
    Ok(match extension {
        "avi" => Box::new(ConstantRate::new(path, sink, info, console)),
        _ => sink,
    })
}

#[cfg(not(feature = "gstreamer"))]
fn open_container(
    path: &Path,
    _: &str,
    _: &VideoInfo,
    _: &Console,
) -> Outcome<Box<dyn PictureSink>> {
    Err(crate::exit::Failure::usage(format!(
        "{}: this build, made without GStreamer (feature `gstreamer`), writes .y4m and .png",
        path.display()
    )))
}
