// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gst_app::AppSrc;
use lnr::AccessUnit;
use lnr::stream::Metadata;

use super::{Place, UnitSink};
use crate::exit::{Code, Failure, Outcome};
use crate::gstreamer::{FOURCC, Pipeline, element, error_of, fraction, init};
use crate::hdr;
use crate::input::VideoInfo;

/// Writes access units to an MP4 or MOV file, as video of the codec LNR1.
pub struct ContainerSink {
    path: PathBuf,
    writer: Writer,
}

impl ContainerSink {
    /// # Errors
    /// When GStreamer lacks the muxer or the file cannot be created.
    pub fn create(path: &Path, info: &VideoInfo) -> Outcome<Self> {
        init()?;
        let is_mov = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("mov"));
        let (caps, mux) = match is_mov {
            true => ("video/x-qt-part", "qtmux"),
            false => ("video/x-mp4-part", "mp4mux"),
        };
        let f = &info.format;
        if f.width < 16 || f.height < 16 {
            return Err(Failure::usage(format!(
                "{}: the container needs pictures of at least 16x16; write a .lnr file",
                path.display()
            )));
        }
        let mut caps = gst::Caps::builder(caps)
            .field("format", FOURCC)
            .field("width", f.width as i32)
            .field("height", f.height as i32)
            .field("framerate", fraction(info.frame_rate))
            .field("pixel-aspect-ratio", fraction(f.par))
            .build();
        hdr::add_to_caps(&info.metadata, caps.make_mut());
        Ok(Self {
            path: path.to_owned(),
            writer: Writer::create(
                path,
                &caps,
                &info.metadata,
                &[element(mux)?],
                Some("video_%u"),
            )?,
        })
    }
}

impl UnitSink for ContainerSink {
    fn write(&mut self, units: &[AccessUnit]) -> Outcome<()> {
        units.iter().try_for_each(|unit| {
            let mut buffer = gst::Buffer::from_slice(unit.data.clone());
            if let Some(b) = buffer.get_mut() {
                b.set_pts(gst::ClockTime::from_nseconds(unit.pts));
                b.set_dts(gst::ClockTime::from_nseconds(unit.pts));
                b.set_duration(gst::ClockTime::from_nseconds(unit.duration));
                if !unit.is_key {
                    b.set_flags(gst::BufferFlags::DELTA_UNIT | gst::BufferFlags::DROPPABLE);
                }
            }
            self.writer.push(&self.path, buffer)
        })
    }

    fn finish(&mut self) -> Outcome<()> {
        self.writer.finish(&self.path)
    }
}

/// `appsrc ! ... ! filesink`. The file takes its place when it is complete.
pub struct Writer {
    place: Place,
    pipeline: Pipeline,
    source: AppSrc,
    /// Whether an error was reported already, so that nothing more will come.
    has_failed: bool,
    is_empty: bool,
}

/// Buffers that wait for the pipeline at most.
const MAX_QUEUED: u64 = 4;

impl Writer {
    /// A pipeline through `elements`, the last of them a muxer, into the file at `path`. `pad` names
    /// the muxer's pad where the caps alone do not tell.
    ///
    /// # Errors
    /// When the elements do not fit or the file cannot be created.
    pub fn create(
        path: &Path,
        caps: &gst::Caps,
        metadata: &Metadata,
        elements: &[gst::Element],
        pad: Option<&str>,
    ) -> Outcome<Self> {
        let (place, _) = Place::open(path)?;
        let pipeline = Pipeline::new()?;
        let source = AppSrc::builder().caps(caps).format(gst::Format::Time).max_bytes(0).build();
        let sink = element("filesink")?;
        sink.set_property("location", place.path());
        let mut chain = vec![source.upcast_ref()];
        chain.extend(elements);
        match (pad, chain.last().copied()) {
            (Some(pad), Some(mux)) => {
                pipeline.chain(&[mux, &sink])?;
                let before = &chain[..chain.len() - 1];
                pipeline.chain(before)?;
                let last = before[before.len() - 1];
                let linked = last.link_pads(Some("src"), mux, Some(pad));
                linked.map_err(|e| Failure::output(path, e))?;
            }
            _ => {
                chain.push(&sink);
                pipeline.chain(&chain)?;
            }
        }
        pipeline.play(path, Code::Output)?;
        if let Some(tags) = hdr::tags(metadata) {
            // It goes before the first buffer. A muxer that cannot keep it is no failure.
            let _ = source.send_event(tags);
        }
        Ok(Self { place, pipeline, source, has_failed: false, is_empty: true })
    }

    /// Hands over the next buffer; waits while the pipeline is busy.
    ///
    /// # Errors
    /// When the pipeline failed.
    pub fn push(&mut self, path: &Path, buffer: gst::Buffer) -> Outcome<()> {
        while self.source.current_level_buffers() >= MAX_QUEUED {
            if let Some(cause) = error_of(&self.pipeline.0) {
                self.has_failed = true;
                return Err(Failure::output(path, cause));
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        self.is_empty = false;
        self.source.push_buffer(buffer).map(drop).map_err(|flow| {
            self.has_failed = true;
            let cause = error_of(&self.pipeline.0);
            Failure::output(path, cause.unwrap_or_else(|| flow.to_string()))
        })
    }

    /// Ends the stream, waits until the file is complete, and puts it in its place; does nothing
    /// when there is no such file.
    ///
    /// # Errors
    /// When the pipeline failed, unless that was reported before.
    pub fn finish(&mut self, path: &Path) -> Outcome<()> {
        if self.has_failed || self.is_empty {
            return Ok(());
        }
        // An error shows on the bus.
        let _ = self.source.end_of_stream();
        let types = [gst::MessageType::Eos, gst::MessageType::Error];
        let bus = self.pipeline.0.bus();
        let message = bus.and_then(|b| b.timed_pop_filtered(gst::ClockTime::NONE, &types));
        match message.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Error(e)) => Err(Failure::output(path, e.error())),
            _ => self.place.keep(),
        }
    }
}
