// SPDX-License-Identifier: MIT OR Apache-2.0

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gst::prelude::*;
use gst_app::AppSink;
use lnr::stream::parse;

use super::decoding::PATIENCE;
use super::feed::Feed;
use super::{Item, Units, open_file};
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
    /// The demuxer's input, which drives the pipeline.
    driver: gst::Pad,
}

/// How long is waited for an access unit before looking for errors and the wish to stop.
const STEP_MS: u64 = 50;
/// Largest movie header that is searched.
const MAX_MOOV: u64 = 64 << 20;
/// Most boxes that are passed over to find it.
const MAX_BOXES: u32 = 10_000;

/// Whether the file has a track of LNR video: whether a sample description in its movie header says
/// so.
pub fn holds_lnr(path: &Path) -> Outcome<bool> {
    Ok(movie_header(path)?.is_some_and(|moov| describes_lnr(&moov)))
}

/// Whether the file says that its video has the full range: GStreamer 1.22's demuxer does not read that
/// bit of the box `colr`.
pub fn says_full_range(path: &Path) -> Outcome<bool> {
    let Some(moov) = movie_header(path)? else { return Ok(false) };
    // Kind of the box, kind of its content, three numbers of 16 bits, then the bit.
    let mut colors = moov.windows(15).filter(|w| w.starts_with(b"colrnclx")).peekable();
    Ok(colors.peek().is_some() && colors.all(|w| w[14] & 0x80 != 0))
}

/// The box `moov`, up to a limit, where the file has one.
fn movie_header(path: &Path) -> Outcome<Option<Vec<u8>>> {
    let fail = |e: std::io::Error| Failure::input(path, e);
    let mut file = open_file(path)?;
    let mut at = 0u64;
    for _ in 0..MAX_BOXES {
        file.seek(SeekFrom::Start(at)).map_err(fail)?;
        let mut head = Vec::new();
        file.by_ref().take(16).read_to_end(&mut head).map_err(fail)?;
        let Some((size, kind)) = head.first_chunk::<8>().map(|h| h.split_at(4)) else {
            return Ok(None);
        };
        let mut size = u64::from(u32::from_be_bytes(size.try_into().unwrap_or_default()));
        if size == 1 {
            let long = head.get(8..16).and_then(|b| b.try_into().ok());
            size = u64::from_be_bytes(long.unwrap_or_default());
        }
        if kind == b"moov" {
            file.seek(SeekFrom::Start(at)).map_err(fail)?;
            let mut moov = Vec::new();
            file.take(size.min(MAX_MOOV)).read_to_end(&mut moov).map_err(fail)?;
            return Ok(Some(moov));
        }
        // 0 means up to the end of the file; anything else below 8 is damage.
        let next = at.checked_add(size).filter(|_| size >= 8);
        let Some(next) = next else {
            return Ok(None);
        };
        at = next;
    }
    Ok(None)
}

/// `stsd`, version and flags, number of entries, size of the first entry, its format.
fn describes_lnr(moov: &[u8]) -> bool {
    let entries = moov.windows(20).filter(|w| w.starts_with(b"stsd"));
    entries.into_iter().any(|w| w.ends_with(b"LNR1"))
}

impl ContainerUnits {
    /// # Errors
    /// When the file has no LNR video.
    pub fn open(path: &Path, console: &Console) -> Outcome<Self> {
        match holds_lnr(path)? {
            true => Self::start(path, console),
            false => Err(Failure::damaged(path, "there is no LNR video in it")),
        }
    }

    fn start(path: &Path, console: &Console) -> Outcome<Self> {
        let pipeline = Pipeline::new()?;
        let source = Feed::open(path)?.element;
        let demux = element("qtdemux")?;
        pipeline.chain(&[&source, &demux])?;
        let sink = AppSink::builder().sync(false).max_buffers(8).build();
        pipeline.0.add(&sink).map_err(|e| Failure::input(path, e))?;
        let target = sink.clone();
        demux.connect_pad_added(move |_, pad| {
            let is_lnr = pad
                .current_caps()
                .is_some_and(|caps| caps.structure(0).is_some_and(|s| s.name() == CAPS));
            let free = target.static_pad("sink").filter(|p| !p.is_linked());
            if let Some(sink) = free.filter(|_| is_lnr) {
                // A refused link shows as the end of the track.
                let _ = pad.link(&sink);
            }
        });
        let driver = demux.static_pad("sink");
        let driver = driver.ok_or_else(|| Failure::input(path, "qtdemux has no sink pad"))?;
        pipeline.play(path, Code::Input)?;
        Ok(Self { path: path.to_owned(), console: console.clone(), pipeline, sink, driver })
    }

    /// The next access unit; none at the end, or when there is no LNR video.
    fn pull(&mut self) -> Outcome<Option<Vec<u8>>> {
        // Counted in steps, so that a process that is stopped meanwhile loses no patience.
        let mut waited = Duration::ZERO;
        loop {
            self.console.check()?;
            let sample = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(STEP_MS));
            if let Some(buffer) = sample.as_ref().and_then(|s| s.buffer()) {
                let data = buffer.map_readable().map_err(|e| Failure::input(&self.path, e))?;
                return Ok(Some(data.to_vec()));
            }
            if let Some(cause) = error_of(&self.pipeline.0) {
                return Err(Failure::damaged(&self.path, cause));
            }
            let is_linked = self.sink.static_pad("sink").is_some_and(|p| p.is_linked());
            let at_end = match is_linked {
                true => self.sink.is_eos(),
                // The demuxer has read what there is and found no track.
                false => self.driver.task_state() == gst::TaskState::Paused,
            };
            if at_end {
                return Ok(None);
            }
            waited += Duration::from_millis(STEP_MS);
            if waited > PATIENCE {
                let cause = format!("nothing came for {} seconds", PATIENCE.as_secs());
                return Err(Failure::damaged(&self.path, cause));
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
