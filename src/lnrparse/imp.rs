// SPDX-License-Identifier: MIT OR Apache-2.0

use std::sync::{LazyLock, Mutex};

use gst::glib;
use gst_base::prelude::*;
use gst_base::subclass::prelude::*;

use super::index::Index;
use crate::clock::{Timing, UnitClock};
use crate::framing::{self, Found, MAX_SKIP, MIN_UNIT};
use crate::metadata::{Hdr, orientation_tags};
use crate::{caps, error};
use lnr::stream::{Orientation, Scan, Scanner, scan};
use lnr::{Error, PictureFormat};

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("lnrparse", gst::DebugColorFlags::empty(), Some("LNR parser"))
});

#[derive(Default)]
struct State {
    clock: UnitClock,
    /// Stands where the data of the next call begin.
    scanner: Scanner,
    index: Index,
    /// Upstream gives one access unit per buffer and its times.
    is_timed: bool,
    /// What upstream says about the rate; it knows better than the stream after `lnrinterp`.
    upstream_rate: Option<gst::Fraction>,
    /// What upstream says about the display; what the stream says wins.
    upstream_hdr: Hdr,
    /// What the source pad's caps were made of.
    announced: Option<(PictureFormat, Option<gst::Fraction>, Hdr)>,
    /// What the tags say; none where they do not speak of it.
    orientation: Option<Orientation>,
    /// A warning about access units without a group was posted for this hole.
    has_warned: bool,
}

#[derive(Default)]
pub struct LnrParse {
    state: Mutex<State>,
}

#[glib::object_subclass]
impl ObjectSubclass for LnrParse {
    const NAME: &'static str = "GstLnrParse";
    type Type = super::LnrParse;
    type ParentType = gst_base::BaseParse;
}

impl ObjectImpl for LnrParse {}
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
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            [
                ("sink", gst::PadDirection::Sink, caps::parsable()),
                ("src", gst::PadDirection::Src, caps::produced()),
            ]
            .into_iter()
            .filter_map(|(name, direction, caps)| {
                gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
            })
            .collect()
        });
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

    fn sink_event(&self, event: gst::Event) -> bool {
        match event.view() {
            gst::EventView::Segment(segment) => {
                let is_timed = segment.segment().format() == gst::Format::Time;
                self.state.lock().unwrap().is_timed = is_timed;
            }
            gst::EventView::FlushStop(_) => {
                let mut state = self.state.lock().unwrap();
                state.clock.reset();
                state.scanner.reset();
            }
            _ => {}
        }
        self.parent_sink_event(event)
    }

    fn handle_frame(
        &self,
        frame: gst_base::BaseParseFrame,
    ) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        let obj = self.obj();
        let Some(data) = frame.buffer().and_then(|buffer| buffer.map_readable().ok()) else {
            return Err(gst::FlowError::Error);
        };
        let is_draining = obj.is_draining();
        let found = framing::find(&mut self.state.lock().unwrap().scanner, &data);
        let len = match found {
            Found::Unit(len) if len <= data.len() => len,
            Found::Unit(needed) | Found::More(needed) => {
                if is_draining {
                    // What follows may be whole: search on behind the start of this one.
                    gst::warning!(CAT, imp = self, "the stream ends inside an access unit");
                    return self.skip(self.group_inside(&data, true).unwrap_or(data.len()));
                }
                return self.need(needed);
            }
            Found::Garbage(n) => {
                gst::debug!(CAT, imp = self, "skipping {n} bytes that are no access unit");
                obj.set_min_frame_size(MIN_UNIT as u32);
                return self.skip(n);
            }
        };
        let (unit, following) = data.split_at(len);
        let is_timed = self.state.lock().unwrap().is_timed;
        if let (Scan::More(more), false, false) = (scan(following), is_timed, is_draining) {
            return self.need(len + more);
        }
        obj.set_min_frame_size(MIN_UNIT as u32);

        let lookahead = (!is_timed).then_some(following);
        let timing = self.state.lock().unwrap().clock.next(unit, lookahead);
        let restart = match &timing {
            Ok(timing) if timing.is_damaged => self.group_inside(unit, false),
            _ => None,
        };
        drop(data);
        match (timing, restart) {
            (Ok(_), Some(restart)) => {
                self.state.lock().unwrap().clock.reset();
                self.warn_once(&Error::damaged("bytes of a group are missing"));
                self.skip(restart)
            }
            (Ok(timing), None) => self.push_unit(frame, len, timing, is_timed),
            (Err(error), _) => {
                self.warn_once(&error);
                self.skip(len)
            }
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

impl State {
    /// Takes the orientation over, and says whether it is another one than was told. A stream that
    /// never was turned leaves it to upstream's tags.
    fn turn(&mut self, orientation: Orientation) -> bool {
        let has_turned = orientation != self.orientation.unwrap_or_default();
        if has_turned {
            self.orientation = Some(orientation);
        }
        has_turned
    }
}

impl LnrParse {
    /// Asks the base class for at least `size` bytes.
    fn need(&self, size: usize) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        self.obj().set_min_frame_size(u32::try_from(size).unwrap_or(u32::MAX));
        Ok((gst::FlowSuccess::Ok, 0))
    }

    /// Drops so many bytes, or as many as may be dropped at once.
    fn skip(&self, n: usize) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        let n = n.min(MAX_SKIP);
        self.state.lock().unwrap().scanner.consume(n);
        Ok((gst::FlowSuccess::Ok, n as u32))
    }

    /// Where the next group begins inside of a damaged access unit.
    fn group_inside(&self, unit: &[u8], is_end: bool) -> Option<usize> {
        self.state.lock().unwrap().scanner.group_inside(unit, is_end)
    }

    fn push_unit(
        &self,
        mut frame: gst_base::BaseParseFrame,
        len: usize,
        timing: Timing,
        is_timed: bool,
    ) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        if timing.is_key {
            self.state.lock().unwrap().has_warned = false;
            self.build_index(frame.offset());
            self.announce();
        }
        let buffer = frame.buffer_mut().ok_or(gst::FlowError::Error)?;
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
        self.state.lock().unwrap().scanner.consume(len);
        self.obj().finish_frame(frame, len as u32).map(|flow| (flow, 0))
    }

    /// Finds every group of the file, so that duration and seeking are exact.
    fn build_index(&self, offset: u64) {
        let obj = self.obj();
        let pad = obj.sink_pad();
        if pad.mode() != gst::PadMode::Pull || self.state.lock().unwrap().index.is_built() {
            return;
        }
        let index = Index::scan(offset, |offset, size| pad.pull_range(offset, size));
        for (offset, pts) in index.groups() {
            obj.add_index_entry(offset, gst::ClockTime::from_nseconds(pts), true, true);
        }
        if let Some(end) = index.end() {
            obj.set_duration(gst::ClockTime::from_nseconds(end), 0);
        }
        gst::debug!(CAT, imp = self, "{} groups, end {:?}", index.groups().count(), index.end());
        self.state.lock().unwrap().index = index;
    }

    /// Sets the source pad's caps and the tags when what they say has changed.
    fn announce(&self) {
        let (what, is_new, orientation, has_turned) = {
            let mut state = self.state.lock().unwrap();
            let Some(format) = state.clock.header().map(|h| h.format) else {
                return;
            };
            let rate = state.upstream_rate.or_else(|| state.clock.unit_rate());
            let metadata = state.clock.metadata();
            let orientation = metadata.orientation;
            let what = (format, rate, Hdr::from(metadata).or(state.upstream_hdr));
            let is_new = state.announced.replace(what) != Some(what);
            let has_turned = state.turn(orientation);
            (what, is_new, state.orientation, has_turned)
        };
        let obj = self.obj();
        if is_new {
            let (format, rate, hdr) = what;
            let caps = caps::for_pad(obj.src_pad(), &format, rate, &hdr);
            gst::debug!(CAT, imp = self, "caps {caps}");
            if let Some(rate) = rate.filter(|rate| rate.numer() > 0) {
                obj.set_frame_rate(rate, 0, 0);
            }
            obj.src_pad().push_event(gst::event::Caps::new(&caps));
        }
        if is_new || has_turned {
            // They replace those that were told before.
            let mut tags = orientation.map(orientation_tags).unwrap_or_default();
            tags.make_mut()
                .add::<gst::tags::VideoCodec>(&caps::CODEC_NAME, gst::TagMergeMode::Replace);
            obj.merge_tags(Some(&tags), gst::TagMergeMode::Replace);
        }
    }

    fn warn_once(&self, error: &Error) {
        gst::debug!(CAT, imp = self, "dropping an access unit: {error}");
        let mut state = self.state.lock().unwrap();
        if !std::mem::replace(&mut state.has_warned, true) {
            drop(state);
            error::warn(&*self.obj(), error::DROPPING, error);
        }
    }
}
