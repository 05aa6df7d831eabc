// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames of any video, and access units of LNR files.

mod at;
mod begin;
#[cfg(feature = "gstreamer")]
mod container;
mod damage;
#[cfg(feature = "gstreamer")]
mod decoding;
#[cfg(feature = "gstreamer")]
mod feed;
mod index;
mod lnr_file;
mod pipe;
mod reader;
mod resize;
mod turned;
mod units;
#[cfg(feature = "gstreamer")]
mod video;
mod y4m;

pub use at::open_at;
pub use begin::begin_at;
pub use damage::Damage;
pub use index::{Index, IndexedGroup, index_parts};
pub use lnr_file::{LnrSource, Timing};
pub use pipe::forget_all as forget_pipes;
pub use reader::cancel_with;
pub use resize::Resized;
pub use turned::turned;
pub use units::open_units;

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use lnr::stream::{FileIndex, INDEX_MAGIC, MAGIC, Metadata};
use lnr::{DecoderSettings, Picture, PictureFormat};

use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::numbers::Size;

/// A picture and when it is shown, in ns.
#[derive(Clone)]
pub struct Frame {
    pub picture: Picture,
    pub pts: u64,
    pub duration: u64,
}

/// What is known of a video before its frames are read.
#[derive(Clone)]
pub struct VideoInfo {
    pub format: PictureFormat,
    /// (0, 1) when variable or unknown.
    pub frame_rate: (u32, u32),
    /// What it says of rotation and display.
    pub metadata: Metadata,
    /// How many frames there are, when that can be told; an estimate for some containers.
    pub n_frames: Option<u64>,
}

/// A video that is read frame by frame; all frames have the same format.
pub trait Source {
    fn info(&self) -> &VideoInfo;
    /// The next frame, or none at the end.
    fn next(&mut self) -> Outcome<Option<Frame>>;
    /// Damaged parts passed over so far, as [`Damage`] counts them.
    fn n_damaged(&self) -> u64 {
        0
    }
}

/// What comes next in a stream of access units.
pub enum Item {
    /// A whole access unit whose checksums are good.
    Unit(Vec<u8>),
    /// The index of a file that was finished.
    Index(FileIndex),
    /// Bytes that are none, and why.
    Damage { n_bytes: u64, cause: String },
}

/// A file's access units, in order.
pub trait Units {
    fn next(&mut self) -> Outcome<Option<Item>>;
}

/// How to open a video.
#[derive(Default)]
pub struct Options {
    /// For LNR files.
    pub decoder: DecoderSettings,
    /// For LNR files: size to render at, of turned pictures where they are. Other videos come in their
    /// own.
    pub size: Option<Size>,
    /// Whether pictures come as they are stored, not turned for display.
    pub as_stored: bool,
}

/// What kind of file it is, by its first bytes, and by its name where those are damaged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Y4m,
    Lnr,
    /// A file of the MP4 family; it may hold LNR video.
    Mp4,
    Other,
}

/// # Errors
/// When the file cannot be read.
pub fn kind_of(path: &Path) -> Outcome<Kind> {
    let start = start_of(path)?;
    if start.is_empty() {
        return Err(Failure::damaged(path, "it is empty"));
    }
    let named = |name: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(name));
    Ok(if start.starts_with(y4m::MAGIC) {
        Kind::Y4m
    } else if start.starts_with(&MAGIC) || start.starts_with(&INDEX_MAGIC) || named("lnr") {
        Kind::Lnr
    } else if [&b"ftyp"[..], b"moov", b"wide", b"mdat"].contains(&start.get(4..8).unwrap_or(b"")) {
        Kind::Mp4
    } else {
        Kind::Other
    })
}

/// The first bytes of a file or pipe.
fn start_of(path: &Path) -> Outcome<Vec<u8>> {
    if pipe::is_pipe(path) {
        return pipe::start(path);
    }
    let mut start = Vec::new();
    let mut file = open_file(path)?.take(pipe::START as u64);
    file.read_to_end(&mut start).map_err(|e| Failure::input(path, e))?;
    Ok(start)
}

/// Whether the bytes of `path` can be read again at no cost.
#[cfg(feature = "gstreamer")]
fn is_repeatable(path: &Path) -> bool {
    !pipe::is_pipe(path) || pipe::is_copied(path)
}

/// Opens any video.
///
/// # Errors
/// When it cannot be read, or is of an unsupported kind.
pub fn open(path: &Path, options: Options, console: &Console) -> Outcome<Box<dyn Source>> {
    let as_stored = options.as_stored;
    let source = open_as_stored(path, options, console)?;
    Ok(if as_stored { source } else { turned(path, source) })
}

fn open_as_stored(path: &Path, options: Options, console: &Console) -> Outcome<Box<dyn Source>> {
    match kind_of(path)? {
        Kind::Y4m if pipe::is_pipe(path) => {
            let input = BufReader::with_capacity(1 << 20, pipe::take(path)?);
            Ok(Box::new(y4m::Y4m::new(path, input, None)?))
        }
        Kind::Y4m => {
            let file = open_file(path)?;
            let size = file.metadata().map(|m| m.len()).ok();
            let input = BufReader::with_capacity(1 << 20, file);
            Ok(Box::new(y4m::Y4m::new(path, input, size)?))
        }
        Kind::Lnr => open_lnr(path, options, console),
        kind => open_other(path, kind, options, console),
    }
}

fn open_lnr(path: &Path, options: Options, console: &Console) -> Outcome<Box<dyn Source>> {
    let source = LnrSource::open(path, options, Timing::default(), console)?;
    Ok(Box::new(source))
}

#[cfg(feature = "gstreamer")]
fn open_other(
    path: &Path,
    kind: Kind,
    options: Options,
    console: &Console,
) -> Outcome<Box<dyn Source>> {
    if kind == Kind::Mp4 && container::holds_lnr(path)? {
        return open_lnr(path, options, console);
    }
    Ok(Box::new(video::Video::open(path, console)?))
}

#[cfg(not(feature = "gstreamer"))]
fn open_other(path: &Path, _: Kind, _: Options, _: &Console) -> Outcome<Box<dyn Source>> {
    Err(Failure::damaged(
        path,
        "this build, made without GStreamer (feature `gstreamer`), reads .y4m and .lnr files; \
         convert the video first: ffmpeg -i VIDEO -f yuv4mpegpipe OUT.y4m",
    ))
}

/// Where the bytes of `path` can be read as often as need be: a copy of what a pipe brings.
///
/// # Errors
/// When there can be no copy.
pub fn local(path: &Path) -> Outcome<Cow<'_, Path>> {
    match pipe::is_pipe(path) {
        true => Ok(pipe::copied(path)?.into()),
        false => Ok(path.into()),
    }
}

/// Bytes of the file, or of what came through the pipe.
///
/// # Errors
/// When it is not there.
pub fn n_bytes(path: &Path) -> Outcome<u64> {
    if pipe::is_pipe(path) {
        return pipe::n_bytes(path);
    }
    let metadata = std::fs::metadata(path).map_err(|e| Failure::input(path, e))?;
    Ok(metadata.len())
}

/// Whether it is LNR video, bare or in a container.
///
/// # Errors
/// When it cannot be read.
pub fn is_lnr(path: &Path) -> Outcome<bool> {
    match kind_of(path)? {
        Kind::Lnr => Ok(true),
        #[cfg(feature = "gstreamer")]
        Kind::Mp4 => container::holds_lnr(path),
        _ => Ok(false),
    }
}

pub fn open_file(path: &Path) -> Outcome<File> {
    let file = File::open(local(path)?).map_err(|e| Failure::input(path, e))?;
    match file.metadata() {
        Ok(m) if m.is_dir() => Err(Failure::input(path, "a directory, not a video")),
        _ => Ok(file),
    }
}

/// The time in ns at which frame `n` of a constant frame rate begins.
pub fn grid_time(n: u64, (rate_n, rate_d): (u32, u32)) -> u64 {
    let ns = u128::from(n) * 1_000_000_000 * u128::from(rate_d) / u128::from(rate_n.max(1));
    ns.min(u128::from(u64::MAX)) as u64
}
