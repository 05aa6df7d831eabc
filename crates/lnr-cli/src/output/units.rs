// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use lnr::AccessUnit;

use super::UnitSink;
#[cfg(feature = "gstreamer")]
use super::container::ContainerSink;
use crate::exit::{Failure, Outcome};
use crate::input::VideoInfo;

/// Opens a .lnr file, `-` for standard output, or a container of the MP4 family.
pub fn open_units(path: &Path, info: &VideoInfo) -> Outcome<Box<dyn UnitSink>> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match extension.to_ascii_lowercase().as_str() {
        "lnr" => Ok(Box::new(LnrSink::create(path)?)),
        _ if path == Path::new("-") => Ok(Box::new(LnrSink::create(path)?)),
        "mp4" | "m4v" | "mov" => open_container(path, info),
        _ => Err(Failure::usage(format!(
            "{}: LNR video is written to .lnr, .mp4 or .mov",
            path.display()
        ))),
    }
}

/// Whether groups of different formats may follow each other in what `path` names.
pub fn takes_any_format(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    path == Path::new("-") || extension.eq_ignore_ascii_case("lnr")
}

#[cfg(feature = "gstreamer")]
fn open_container(path: &Path, info: &VideoInfo) -> Outcome<Box<dyn UnitSink>> {
    Ok(Box::new(ContainerSink::create(path, info)?))
}

#[cfg(not(feature = "gstreamer"))]
fn open_container(path: &Path, _: &VideoInfo) -> Outcome<Box<dyn UnitSink>> {
    Err(Failure::usage(format!(
        "{}: this build, made without GStreamer (feature `gstreamer`), writes .lnr files",
        path.display()
    )))
}

/// Access units back to back.
struct LnrSink {
    path: PathBuf,
    out: Box<dyn Write>,
}

impl LnrSink {
    fn create(path: &Path) -> Outcome<Self> {
        let out: Box<dyn Write> = match path == Path::new("-") {
            true => Box::new(std::io::stdout()),
            false => Box::new(File::create(path).map_err(|e| Failure::output(path, e))?),
        };
        let path = path.to_owned();
        Ok(Self { path, out })
    }
}

impl UnitSink for LnrSink {
    fn write(&mut self, units: &[AccessUnit]) -> Outcome<()> {
        let bytes: Vec<u8> = units.iter().flat_map(|u| &u.data).copied().collect();
        self.out
            .write_all(&bytes)
            .and_then(|()| self.out.flush())
            .map_err(|e| Failure::output(&self.path, e))
    }

    fn finish(&mut self) -> Outcome<()> {
        Ok(())
    }
}
