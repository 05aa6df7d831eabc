// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use gst::prelude::*;
use gst_app::AppSink;
use gstlnr::bitstream::parse;

use super::units::{Item, Units};
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::gstreamer::{Pipeline, element, error_of};

/// The caps that qtdemux gives to video whose fourcc it does not know.
const CAPS: &str = "video/x-gst-fourcc-LNR1";

/// The access units of an MP4 or MOV file.
pub struct ContainerUnits {
    path: PathBuf,
    console: Console,
    pipeline: Pipeline,
    sink: AppSink,
    /// Whether a track of LNR video was found, once all tracks are known.
    found: Arc<Mutex<Option<bool>>>,
}

/// Whether the file has a track of LNR video.
pub fn holds_lnr(path: &Path, console: &Console) -> Outcome<bool> {
    let mut units = ContainerUnits::start(path, console)?;
    let first = units.pull()?;
    Ok(first.is_some())
}

impl ContainerUnits {
    /// # Errors
    /// When the file has no LNR video.
    pub fn open(path: &Path, console: &Console) -> Outcome<Self> {
        match holds_lnr(path, console)? {
            true => Self::start(path, console),
            false => Err(Failure::damaged(path, "there is no LNR video in it")),
        }
    }

    fn start(path: &Path, console: &Console) -> Outcome<Self> {
        let pipeline = Pipeline::new()?;
        let source = element("filesrc")?;
        source.set_property("location", path);
        let demux = element("qtdemux")?;
        pipeline.chain(&[&source, &demux])?;
        let sink = AppSink::builder().sync(false).max_buffers(8).build();
        pipeline.0.add(&sink).map_err(|e| Failure::input(path, e))?;
        let found = Arc::new(Mutex::new(None));
        let target = sink.clone();
        let seen = found.clone();
        demux.connect_pad_added(move |_, pad| {
            let is_lnr = pad
                .current_caps()
                .is_some_and(|caps| caps.structure(0).is_some_and(|s| s.name() == CAPS));
            let free = target.static_pad("sink").filter(|p| !p.is_linked());
            if let Some(sink) = free.filter(|_| is_lnr)
                && pad.link(&sink).is_ok()
                && let Ok(mut seen) = seen.lock()
            {
                *seen = Some(true);
            }
        });
        let seen = found.clone();
        demux.connect_no_more_pads(move |_| {
            if let Ok(mut seen) = seen.lock() {
                seen.get_or_insert(false);
            }
        });
        pipeline.play(path, Code::Input)?;
        Ok(Self { path: path.to_owned(), console: console.clone(), pipeline, sink, found })
    }

    /// The next access unit; none at the end, or when there is no LNR video.
    fn pull(&mut self) -> Outcome<Option<Vec<u8>>> {
        loop {
            self.console.check()?;
            let sample = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(50));
            if let Some(buffer) = sample.as_ref().and_then(|s| s.buffer()) {
                let data = buffer.map_readable().map_err(|e| Failure::input(&self.path, e))?;
                return Ok(Some(data.to_vec()));
            }
            let is_missing = self.found.lock().is_ok_and(|f| *f == Some(false));
            if is_missing || self.sink.is_eos() {
                return Ok(None);
            }
            let found = self.found.lock().is_ok_and(|f| f.is_some());
            if let Some(cause) = error_of(&self.pipeline.0) {
                // Without any known track the demuxer fails; then it is for others to read.
                return match found {
                    true => Err(Failure::damaged(&self.path, cause)),
                    false => Ok(None),
                };
            }
        }
    }
}

impl Units for ContainerUnits {
    fn next(&mut self) -> Outcome<Option<Item>> {
        Ok(self.pull()?.map(|data| match parse(&data) {
            Ok(_) => Item::Unit(data),
            Err(e) => Item::Damage { n_bytes: data.len() as u64, cause: e.to_string() },
        }))
    }
}
