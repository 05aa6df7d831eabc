// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::{LazyLock, Mutex};

use gst::glib;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;

use super::byte_seeks::ByteSeeks;
use super::index::Index;
use super::patience::let_others_start;
use super::state::{Look, State};
use super::upstream::Durations;
use crate::clock::Timing;
use crate::framing::{MAX_SKIP, MIN_UNIT};
use crate::{caps, error};
use lnr::Error;
use lnr::stream::FileIndex;
use lnr_gst::hdr::Hdr;

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("lnrparse", gst::DebugColorFlags::empty(), Some("LNR parser"))
});

#[derive(Default)]
pub struct LnrParse {
    pub(super) state: Mutex<State>,
    durations: Durations,
    seeks: ByteSeeks,
}

#[glib::object_subclass]
impl ObjectSubclass for LnrParse {
    const NAME: &'static str = "GstLnrParse";
    type Type = super::LnrParse;
    type ParentType = gst_base::BaseParse;
}

impl ObjectImpl for LnrParse {
    fn constructed(&self) {
        self.parent_constructed();
        self.seeks.watch(self.obj().sink_pad());
        self.durations.watch(self.obj().sink_pad());
    }
}
impl GstObjectImpl for LnrParse {}

impl ElementImpl for LnrParse {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "LNR parser",
                "Codec/Parser/Converter/Video",
                "Frames a latent-INR video stream into access units with times",
                "The gst-plugin-lnr authors",
            )
        });
        Some(&*METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> =
            LazyLock::new(|| caps::pad_templates(caps::parsable(), caps::parsed()));
        TEMPLATES.as_ref()
    }
}

impl BaseParseImpl for LnrParse {
    fn start(&self) -> Result<(), gst::ErrorMessage> {
        *self.state.lock().unwrap() = State::default();
        self.obj().set_min_frame_size(MIN_UNIT as u32);
        self.parent_start()
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        *self.state.lock().unwrap() = State::default();
        self.parent_stop()
    }

    fn set_sink_caps(&self, caps: &gst::Caps) -> Result<(), gst::LoggableError> {
        let mut state = self.state.lock().unwrap();
        state.upstream_rate = caps
            .structure(0)
            .and_then(|s| s.get::<gst::Fraction>("framerate").ok())
            .filter(|rate| rate.numer() > 0);
        state.upstream_hdr = Hdr::from_caps(caps);
        state.announced = None;
        Ok(())
    }

    fn src_event(&self, event: gst::Event) -> bool {
        let seqnum = event.seqnum();
        let is_seek = event.type_() == gst::EventType::Seek;
        let is_done = self.parent_src_event(event);
        if is_seek && !is_done {
            self.seeks.failed(seqnum);
        }
        is_done
    }

    fn sink_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Segment(segment) => {
                let mut state = self.state.lock().unwrap();
                state.is_timed = segment.segment().format() == gst::Format::Time;
                state.n_suspect = 0;
                drop(state);
                if let Some(bytes) = segment.segment().downcast_ref::<gst::format::Bytes>() {
                    let offset = bytes.time().map_or(0, |time| *time);
                    for _ in 1..self.seeks.settle(event.seqnum(), offset) {
                        self.parent_sink_event(event.clone());
                    }
                }
            }
            gst::EventView::Tag(tag) => self.note_tags(tag.tag()),
            gst::EventView::FlushStop(_) => self.state.lock().unwrap().jump(),
            _ => {}
        }
        self.parent_sink_event(event)
    }

    fn handle_frame(
        &self,
        frame: gst_base::BaseParseFrame,
    ) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        let is_draining = self.obj().is_draining();
        let Some(data) = frame.buffer().and_then(|buffer| buffer.map_readable().ok()) else {
            return Err(gst::FlowError::Error);
        };
        if self.is_dear(data.len(), is_draining) {
            drop(data);
            return self.push_all(frame, is_draining);
        }
        let look = self.look(&data, frame.offset(), is_draining);
        drop(data);
        match look {
            Look::Unit(len, timing) => self.push_unit(frame, len, timing),
            Look::Index(n, index) => {
                self.take_index(frame.offset(), n, &index);
                self.skip(n)
            }
            Look::Drop(n, _) => self.skip(n),
            Look::Need(n) => self.need(n),
        }
    }

    fn convert(
        &self,
        src_val: impl gst::format::FormattedValue,
        dest_format: gst::Format,
    ) -> Option<gst::GenericFormattedValue> {
        use gst::GenericFormattedValue::{Bytes, Time};
        let known = {
            let state = self.state.lock().unwrap();
            match (src_val.into(), dest_format) {
                (Time(Some(time)), gst::Format::Bytes) => state
                    .index
                    .offset_at(time.nseconds())
                    .map(|offset| Bytes(Some(gst::format::Bytes::from_u64(offset)))),
                (Bytes(Some(offset)), gst::Format::Time) => state
                    .index
                    .time_at(*offset)
                    .map(|time| Time(Some(gst::ClockTime::from_nseconds(time)))),
                _ => None,
            }
        };
        known.or_else(|| self.parent_convert(src_val, dest_format))
    }
}

impl LnrParse {
    /// As [`State::look`]. What is dropped is warned about.
    pub(super) fn look(&self, data: &[u8], offset: u64, is_draining: bool) -> Look {
        let mut state = self.state.lock().unwrap();
        let look = state.look(data, offset, is_draining);
        let is_searching = state.is_searching();
        drop(state);
        if let Look::Drop(n, error) = &look {
            gst::debug!(CAT, imp = self, "dropping {n} bytes: {error}");
            let is_over = is_draining && self.is_past_end();
            if !is_searching && !is_over {
                self.warn_once(error);
            }
        }
        look
    }

    /// Whether all of a seek's range was pushed: then the source is stopped wherever it is.
    fn is_past_end(&self) -> bool {
        let segment = self.obj().segment();
        let times = segment.downcast_ref::<gst::ClockTime>();
        times.and_then(|s| s.stop().zip(s.position())).is_some_and(|(stop, at)| at >= stop)
    }

    /// Asks the base class for at least `size` bytes.
    pub(super) fn need(&self, size: usize) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        self.obj().set_min_frame_size(u32::try_from(size).unwrap_or(u32::MAX));
        Ok((gst::FlowSuccess::Ok, 0))
    }

    /// Drops so many bytes, or as many as may be dropped at once.
    fn skip(&self, n: usize) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        // Else the base class would gather again as much as what is dropped wanted.
        self.obj().set_min_frame_size(MIN_UNIT as u32);
        let n = n.min(MAX_SKIP);
        self.state.lock().unwrap().consume(n);
        Ok((gst::FlowSuccess::Ok, n as u32))
    }

    fn push_unit(
        &self,
        mut frame: gst_base::BaseParseFrame,
        len: usize,
        mut timing: Timing,
    ) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        self.obj().set_min_frame_size(MIN_UNIT as u32);
        if timing.is_key {
            self.begin_group(frame.offset(), len);
        }
        let is_timed = self.state.lock().unwrap().is_timed;
        if is_timed {
            // Not to be measured: see announce().
            frame.set_overhead(gst_base::base_parse_frame::Overhead::Frame);
            timing.duration = self.durations.last().unwrap_or(timing.duration);
        }
        let buffer = frame.buffer_mut().ok_or(gst::FlowError::Error)?;
        stamp(buffer, &timing, is_timed);
        let mut state = self.state.lock().unwrap();
        state.consume(len);
        let is_first = !std::mem::replace(&mut state.has_begun, true);
        drop(state);
        if is_first {
            let_others_start(self.obj().src_pad());
        }
        self.obj().finish_frame(frame, len as u32).map(|flow| (flow, 0))
    }

    /// Tells what a group brings that begins at byte `offset` of the stream with a unit of `len` bytes.
    pub(super) fn begin_group(&self, offset: u64, len: usize) {
        self.state.lock().unwrap().has_warned = false;
        self.build_index(offset);
        self.note_group(offset);
        self.announce(len);
    }

    /// Finds every group of the file, so that duration and seeking are exact.
    fn build_index(&self, offset: u64) {
        let obj = self.obj();
        let pad = obj.sink_pad();
        if pad.mode() != gst::PadMode::Pull || self.state.lock().unwrap().index.is_built() {
            return;
        }
        let index = Index::scan(offset, |offset, size| pad.pull_range(offset, size));
        self.use_index(index, self.n_bytes());
    }

    /// Bytes of the whole stream, if upstream knows.
    fn n_bytes(&self) -> Option<u64> {
        self.obj().sink_pad().peer_query_duration::<gst::format::Bytes>().map(|size| *size)
    }

    /// Remembers where a group stands in a stream of bytes that is not read as a file. The base class
    /// would index frames, too, and not the start of the stream.
    fn note_group(&self, offset: u64) {
        let mut state = self.state.lock().unwrap();
        if state.is_timed || state.index.is_built() {
            return;
        }
        let place = state.clock.place();
        if let Some(place) = place.filter(|&place| state.index.note(offset, place)) {
            drop(state);
            let begin = gst::ClockTime::from_nseconds(place.begin);
            self.obj().add_index_entry(offset, begin, true, true);
        }
    }

    /// Takes over the index of `n_bytes` that stands at byte `offset` of the stream, if it is that of
    /// the whole stream.
    fn take_index(&self, offset: u64, n_bytes: usize, index: &FileIndex) {
        let state = self.state.lock().unwrap();
        if offset > 0 || state.is_timed || state.index.is_built() {
            return;
        }
        drop(state);
        let size = self.n_bytes();
        match Index::of_file(index, n_bytes, size) {
            Some(index) => self.use_index(index, size),
            None => gst::info!(CAT, imp = self, "the index is not that of the whole stream"),
        }
    }

    /// Takes over what is known of a stream of `size` bytes.
    fn use_index(&self, index: Index, size: Option<u64>) {
        let obj = self.obj();
        for (offset, time) in index.groups() {
            obj.add_index_entry(offset, gst::ClockTime::from_nseconds(time), true, true);
        }
        if let Some(end) = index.end() {
            obj.set_duration(gst::ClockTime::from_nseconds(end), 0);
        }
        gst::debug!(CAT, imp = self, "{} groups, end {:?}", index.groups().count(), index.end());
        let mut state = self.state.lock().unwrap();
        if let Some(end) = size.zip(index.end()) {
            state.bitrates.set_file(index.groups(), end);
        }
        state.index = index;
    }

    fn warn_once(&self, error: &Error) {
        let mut state = self.state.lock().unwrap();
        if !std::mem::replace(&mut state.has_warned, true) {
            drop(state);
            error::warn(&*self.obj(), error::DROPPING, error);
        }
    }
}

/// Writes what is known of an access unit into its buffer; where upstream knows the times, only their
/// difference.
pub(super) fn stamp(buffer: &mut gst::BufferRef, timing: &Timing, is_timed: bool) {
    if !is_timed {
        buffer.set_pts(timing.pts);
        buffer.set_dts(timing.pts);
    }
    buffer.set_duration(timing.duration);
    if timing.is_key {
        buffer.unset_flags(gst::BufferFlags::DELTA_UNIT | gst::BufferFlags::DROPPABLE);
    } else {
        buffer.set_flags(gst::BufferFlags::DELTA_UNIT | gst::BufferFlags::DROPPABLE);
    }
    if timing.is_damaged {
        buffer.set_flags(gst::BufferFlags::CORRUPTED);
    }
    if timing.is_restart && !is_timed {
        buffer.set_flags(gst::BufferFlags::DISCONT);
    }
}
