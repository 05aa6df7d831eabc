// SPDX-License-Identifier: MIT OR Apache-2.0

use std::collections::VecDeque;

use gst::prelude::*;
use gst_video::{VideoCodecFrame, VideoCodecFrameFlags, VideoFrameRef, VideoInfo};

use super::progress::Begun;
use crate::frame;
use lnr::stream::{Metadata, Orientation};
use lnr::{Encoder, Error, InputFrame, PictureFormat, RateControl, Result};

/// Frames per second where caps tell none.
const ASSUMED_RATE: u64 = 25;

/// The codec's encoder for one format, and the frames that wait inside it.
pub(super) struct Session {
    pub encoder: Encoder,
    /// System frame numbers in order. Frames themselves hold the stream lock, so they are not kept.
    pub frames: VecDeque<u32>,
    pub begun: Begun,
    info: VideoInfo,
    format: PictureFormat,
    /// What was asked for last; the encoder takes it over where a group begins.
    rate_control: RateControl,
    /// When the last frame began and ended.
    last: Option<(gst::ClockTime, gst::ClockTime)>,
}

impl Session {
    pub fn new(encoder: Encoder, info: VideoInfo) -> Self {
        Self {
            format: encoder.settings().format,
            rate_control: encoder.settings().rate_control,
            encoder,
            frames: VecDeque::new(),
            begun: Begun::new(),
            info,
            last: None,
        }
    }

    /// Lets groups that begin from now on say this orientation.
    pub fn turn(&mut self, orientation: Orientation) {
        let metadata = self.encoder.settings().metadata.clone();
        self.encoder.set_metadata(Metadata { orientation, ..metadata });
    }

    /// Lets groups that begin from now on aim at this, and says whether it is news.
    pub fn aim(&mut self, rate_control: RateControl) -> Result<bool> {
        let is_new = rate_control != self.rate_control;
        if is_new {
            self.encoder.set_rate_control(rate_control)?;
            self.rate_control = rate_control;
        }
        Ok(is_new)
    }

    /// How long a frame lasts unless it says so itself.
    pub fn frame_duration(&self) -> gst::ClockTime {
        frame_duration(&self.info)
    }

    /// Copies the frame into what the codec takes. Its time is the running time, so that a file
    /// begins at 0 wherever the source began.
    pub fn input(&mut self, frame: &VideoCodecFrame, segment: &gst::Segment) -> Result<InputFrame> {
        let buffer = frame.input_buffer();
        let picture = buffer
            .and_then(|buffer| VideoFrameRef::from_buffer_ref_readable(buffer, &self.info).ok())
            .ok_or_else(|| Error::Unsupported("a frame that cannot be read".into()))
            .and_then(|mapped| frame::to_picture(&mapped, &self.format))?;
        let running = segment
            .downcast_ref::<gst::ClockTime>()
            .and_then(|segment| segment.to_running_time(frame.pts()));
        let (earliest, expected) = self.last.unwrap_or_default();
        // Sources that jump back are cured rather than refused.
        let pts = running.unwrap_or(expected).max(earliest);
        let duration = frame.duration().filter(|d| !d.is_zero());
        let duration = duration.unwrap_or_else(|| self.frame_duration());
        self.last = Some((pts, pts.saturating_add(duration)));
        Ok(InputFrame {
            picture,
            pts: pts.nseconds(),
            duration: duration.nseconds().max(1),
            force_key: frame.flags().contains(VideoCodecFrameFlags::FORCE_KEYFRAME),
        })
    }

    /// Forgets what did not come out. Returns the groups whose training ends so.
    pub fn reset(&mut self) -> Begun {
        self.encoder.reset();
        self.frames.clear();
        self.last = None;
        std::mem::take(&mut self.begun)
    }
}

fn frame_duration(info: &VideoInfo) -> gst::ClockTime {
    let second = gst::ClockTime::SECOND;
    let fps = info.fps();
    match (fps.numer(), fps.denom()) {
        (n @ 1.., d @ 1..) => {
            second.mul_div_floor(d as u64, n as u64).unwrap_or(second / ASSUMED_RATE)
        }
        _ => second / ASSUMED_RATE,
    }
}
