// SPDX-License-Identifier: MIT OR Apache-2.0
//! From an access unit to a frame, or to what is said instead.

use std::sync::atomic::Ordering;

use gst_video::prelude::*;
use gst_video::subclass::prelude::*;
use gst_video::{VideoCodecFrame, VideoFrameRef};

use super::imp::{CAT, LnrDec, is_flushing};
use super::selection::Choice;
use super::session::Session;
use crate::error::Task;
use crate::{caps, error, format, frame};
use lnr::{Error, Tau};
use lnr_gst::hdr::Hdr;
use lnr_gst::orientation;

impl LnrDec {
    pub(super) fn decode(
        &self,
        session: &mut Session,
        mut frame: VideoCodecFrame,
    ) -> Result<gst::FlowSuccess, gst::FlowError> {
        let obj = self.obj();
        let is_packetized = obj.is_packetized();
        let pushed = match frame.input_buffer().and_then(|buffer| buffer.map_readable().ok()) {
            Some(unit) => session.push(&unit, is_packetized),
            None => Err((Error::damaged("an access unit without bytes"), true)),
        };
        let shown = match pushed {
            Ok(shown) => shown,
            Err((error, is_news)) => {
                obj.release_frame(frame);
                return match is_news || self.is_fatal(&error) {
                    true => self.report(&error),
                    false => self.count(&error),
                };
            }
        };
        if !is_packetized || frame.pts().is_none() {
            frame.set_pts(shown.pts);
        }
        if !is_packetized || frame.duration().is_none() {
            frame.set_duration(shown.duration);
        }
        if shown.is_key {
            frame.set_flags(gst_video::VideoCodecFrameFlags::SYNC_POINT);
        }
        if let Err(flow) = self.configure(session) {
            obj.release_frame(frame);
            return Err(flow);
        }
        session.selection.is_timed = obj.is_qos() && self.hears_of_lateness.load(Ordering::Relaxed);
        let (pts, duration) = (frame.pts(), frame.duration());
        match session.selection.choose(&obj.input_segment(), pts, duration, shown.is_key) {
            Choice::Show => {}
            choice => {
                gst::trace!(CAT, imp = self, "not shown: {pts:?}, {choice:?}");
                self.leave_out(session, frame)?;
                return match choice {
                    Choice::End => Err(gst::FlowError::Eos),
                    _ => Ok(gst::FlowSuccess::Ok),
                };
            }
        }
        if obj.is_qos() && obj.max_decode_time(&frame) < 0 {
            gst::debug!(CAT, imp = self, "too late: {pts:?}");
            return obj.drop_frame(frame);
        }
        obj.allocate_output_frame(&mut frame, None)?;
        if let Err(error) = self.render(session, shown.tau, &mut frame) {
            obj.release_frame(frame);
            return self.report(&error);
        }
        session.has_decoded = true;
        obj.finish_frame(frame)
    }

    /// Fills the frame's output buffer.
    fn render(
        &self,
        session: &mut Session,
        tau: Tau,
        frame: &mut VideoCodecFrame,
    ) -> lnr::Result<()> {
        let state = self.obj().output_state();
        let state = state.ok_or_else(|| Error::Unsupported("no output format".into()))?;
        let picture = session.render(tau, state.info())?;
        let buffer = frame.output_buffer_mut().ok_or_else(unwritable)?;
        frame::clear_padding(buffer, picture.format());
        let mapped = VideoFrameRef::from_buffer_ref_writable(buffer, state.info());
        frame::from_picture(picture, &mut mapped.map_err(|_| unwritable())?)
    }

    /// Lets go of a frame that is good, but not wanted.
    fn leave_out(
        &self,
        session: &mut Session,
        frame: VideoCodecFrame,
    ) -> Result<(), gst::FlowError> {
        // A stream that brings no frame until its end is an error to the base class, unless a frame was
        // dropped, which tells the application. Once is enough.
        match std::mem::replace(&mut session.has_decoded, true) {
            true => self.obj().release_frame(frame),
            false => drop(self.obj().drop_frame(frame)?),
        }
        Ok(())
    }

    /// Negotiates when the stream's format, rate or display has changed.
    fn configure(&self, session: &Session) -> Result<(), gst::FlowError> {
        let (Some(header), Some(metadata)) = (session.header(), session.metadata()) else {
            return Ok(());
        };
        let (native, rate) = (header.format, caps::frame_rate(header.frame_rate));
        let (hdr, orientation) = (Hdr::from(metadata), metadata.orientation);
        let (is_new, has_turned) = {
            let mut stream = self.stream.lock().unwrap();
            let told = (stream.format, stream.rate, stream.hdr);
            stream.format = Some(native);
            stream.rate = Some(rate);
            stream.hdr = hdr;
            let before = std::mem::replace(&mut stream.orientation, orientation);
            (told != (Some(native), Some(rate), hdr), before != orientation)
        };
        if has_turned {
            let tags = orientation::tags(orientation);
            self.obj().merge_tags(Some(&tags), gst::TagMergeMode::Replace);
        }
        if !is_new {
            return Ok(());
        }
        let info = format::native(&native)
            .and_then(|own| format::video_info(&native, own, rate))
            .map_err(|e| error::post(&*self.obj(), Task::Decoding, &e))?;
        let obj = self.obj();
        let state = obj.set_output_state(info.format(), info.width(), info.height(), None)?;
        obj.negotiate(state).map_err(|flow| {
            // The next frame must try again.
            self.stream.lock().unwrap().rate = None;
            // On the way down to READY nothing can be negotiated, and that is no error.
            match is_flushing(obj.src_pad()) {
                true => gst::FlowError::Flushing,
                false => flow,
            }
        })
    }

    /// Whether everything that follows would fail as well: the device is gone, or the stream takes more
    /// than the user allows.
    fn is_fatal(&self, error: &Error) -> bool {
        match error {
            Error::Backend(_) => true,
            Error::Limit(_) => self.settings.lock().unwrap().max_memory > 0,
            _ => false,
        }
    }

    /// Warns, and counts an error against `max-errors`; but what is fatal is an element error, and
    /// being asked to stop is none.
    pub(super) fn report(&self, error: &Error) -> Result<gst::FlowSuccess, gst::FlowError> {
        if self.is_fatal(error) || matches!(error, Error::Cancelled) {
            return Err(error::post(&*self.obj(), Task::Decoding, error));
        }
        error::warn(&*self.obj(), error::DROPPING, error);
        self.count(error)
    }

    fn count(&self, error: &Error) -> Result<gst::FlowSuccess, gst::FlowError> {
        gst_video::video_decoder_error!(&*self.obj(), 1, gst::StreamError::Decode, ["{error}"])
    }
}

fn unwritable() -> Error {
    Error::Unsupported("an output buffer that is not writable".into())
}
