// SPDX-License-Identifier: MIT OR Apache-2.0

use gst_video::VideoInfo;

use crate::clock::UnitClock;
use lnr::stream::{GroupHeader, Metadata};
use lnr::{Decoder, Error, Picture, Result, Tau};

/// What an access unit asks for.
pub(super) struct Request {
    pub tau: Tau,
    pub pts: gst::ClockTime,
    pub duration: Option<gst::ClockTime>,
    pub is_key: bool,
}

/// The codec's decoder, and what belongs to the run of one stream.
pub(super) struct Session {
    decoder: Decoder,
    /// Tells durations where upstream does not.
    clock: UnitClock,
    picture: Option<Picture>,
    has_failed: bool,
}

impl Session {
    pub fn new(decoder: Decoder) -> Self {
        Self { decoder, clock: UnitClock::default(), picture: None, has_failed: false }
    }

    pub fn push(&mut self, unit: &[u8], is_packetized: bool) -> Result<Request> {
        let shown = self.decoder.push(unit)?;
        let timing = match is_packetized {
            true => None,
            false => Some(self.clock.next(unit, None)?),
        };
        let own = || gst::ClockTime::from_nseconds(shown.pts.min(i64::MAX as u64));
        Ok(Request {
            tau: shown.tau,
            pts: timing.map_or_else(own, |t| t.pts),
            duration: timing.map(|t| t.duration),
            is_key: shown.is_key,
        })
    }

    pub fn header(&self) -> Option<&GroupHeader> {
        self.decoder.header()
    }

    pub fn metadata(&self) -> Option<&Metadata> {
        self.decoder.metadata()
    }

    /// Renders `tau` in the size of `info`.
    pub fn render(&mut self, tau: Tau, info: &VideoInfo) -> Result<&Picture> {
        let header = self.decoder.header();
        let native = header.ok_or_else(|| Error::damaged("no group"))?.format;
        let format = native.resized(info.width(), info.height());
        if self.picture.as_ref().is_none_or(|p| *p.format() != format) {
            self.picture = Some(Picture::new(format)?);
        }
        let picture = self.picture.as_mut().ok_or_else(|| Error::damaged("no picture"))?;
        self.decoder.render(tau, picture)?;
        Ok(picture)
    }

    /// Whether this is the first of a row of errors; only that is worth a message on the bus.
    pub fn is_first_error(&mut self) -> bool {
        !std::mem::replace(&mut self.has_failed, true)
    }

    pub fn succeeded(&mut self) {
        self.has_failed = false;
    }

    pub fn reset(&mut self) {
        self.decoder.reset();
        self.clock.reset();
        self.has_failed = false;
    }
}
