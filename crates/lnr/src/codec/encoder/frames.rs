// SPDX-License-Identifier: MIT OR Apache-2.0
//! What goes into an encoder and what comes out.

use crate::base::{Error, Picture, Result, Tau, limits};
use crate::bitstream::{self, GroupHeader};

/// A picture to encode.
#[derive(Clone, Debug)]
pub struct InputFrame {
    /// Its samples, in the encoder's format.
    pub picture: Picture,
    /// Presentation time in ns.
    pub pts: u64,
    /// Duration in ns, at least 1. It counts for the last frame of a group; others last until the next.
    pub duration: u64,
    /// Whether it must begin a group.
    pub force_key: bool,
}

impl InputFrame {
    /// A picture that is shown at `pts` for `duration`, both in ns, and may stand anywhere in a group.
    pub fn new(picture: Picture, pts: u64, duration: u64) -> Self {
        Self { picture, pts, duration, force_key: false }
    }

    /// # Errors
    /// [`Error::InvalidSetting`] naming the number that no group can hold.
    pub(super) fn check_times(&self) -> Result<()> {
        let (pts, duration) = (self.pts, self.duration);
        if !(1..=limits::MAX_FRAME_DURATION).contains(&duration) {
            return Err(Error::InvalidSetting(format!(
                "a frame that lasts {duration} ns: choose 1 to {}",
                limits::MAX_FRAME_DURATION
            )));
        }
        let end = pts.checked_add(duration);
        if end.is_none_or(|end| end > i64::MAX as u64) {
            return Err(Error::InvalidSetting(format!(
                "a frame at {pts} ns that lasts {duration} ns: it must end by {} ns",
                i64::MAX
            )));
        }
        Ok(())
    }
}

/// One encoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessUnit {
    /// Its bytes (FORMAT section 2).
    pub data: Vec<u8>,
    /// Presentation time in ns.
    pub pts: u64,
    /// Duration in ns.
    pub duration: u64,
    /// Whether it begins a group: decoding can start here.
    pub is_key: bool,
}

/// From each frame's time to the next one's; the last frame keeps its own duration.
pub(super) fn durations(frames: &[InputFrame]) -> Vec<u64> {
    let next = frames.iter().skip(1).map(|f| f.pts);
    let gaps = frames.iter().zip(next).map(|(f, next)| next - f.pts);
    let mut durations: Vec<u64> = gaps.collect();
    durations.extend(frames.last().map(|f| f.duration));
    durations
}

pub(super) fn access_units(
    header: &GroupHeader,
    payload: &[u8],
    frames: &[InputFrame],
) -> Vec<AccessUnit> {
    let unit = |(i, frame): (usize, &InputFrame)| AccessUnit {
        data: match i {
            0 => bitstream::write_group(header, Tau::frame(0), payload),
            _ => bitstream::write_frame(header.id, Tau::frame(i as u32)),
        },
        pts: frame.pts,
        duration: frame.duration,
        is_key: i == 0,
    };
    frames.iter().enumerate().map(unit).collect()
}
