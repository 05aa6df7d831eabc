// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Control, EncoderConfig};
use crate::base::{Error, Picture, Result};

/// A picture to encode.
#[derive(Clone, Debug)]
pub struct InputFrame {
    /// Its samples, in the encoder's format.
    pub picture: Picture,
    /// Presentation time in ns.
    pub pts: u64,
    /// Duration in ns.
    pub duration: u64,
    /// Whether it must begin a group.
    pub force_key: bool,
}

/// One encoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Running totals of an encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EncoderStats {
    /// Groups written.
    pub groups: u64,
    /// Frames written.
    pub frames: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Mean over frames of the RGB PSNR in dB of what the written bytes decode to.
    pub psnr: f64,
    /// Training iterations so far.
    pub iterations: u64,
    /// Seconds spent so far.
    pub seconds: f64,
}

/// Collects frames into groups and trains a network for each.
pub struct Encoder {
    config: EncoderConfig,
    stats: EncoderStats,
}

impl Encoder {
    /// # Errors
    /// Those of [`EncoderConfig::validate`]; [`Error::Backend`] when the backend is not available.
    pub fn new(config: EncoderConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self { config, stats: EncoderStats::default() })
    }

    /// Adds the next frame. When it closes a group, that group is trained, and its access units are
    /// returned: one per frame, in order.
    ///
    /// # Errors
    /// [`Error::Cancelled`] when `control` asks for a stop (the group being trained is lost);
    /// [`Error::InvalidSetting`] for a picture of another format or a time that goes backwards.
    pub fn push(&mut self, frame: InputFrame, control: &mut Control) -> Result<Vec<AccessUnit>> {
        let _ = (frame, control);
        Err(Error::Unsupported("not here yet".into()))
    }

    /// Trains what is left as a shorter group; the encoder can go on with new frames after it.
    ///
    /// # Errors
    /// As [`Encoder::push`].
    pub fn finish(&mut self, control: &mut Control) -> Result<Vec<AccessUnit>> {
        let _ = control;
        Err(Error::Unsupported("not here yet".into()))
    }

    /// Discards the frames that were not trained yet.
    pub fn reset(&mut self) {}

    /// Frames that wait for their group to close.
    pub fn n_pending(&self) -> usize {
        0
    }

    /// Most frames that `push` holds back before it returns their access units.
    pub fn max_delay_frames(&self) -> u32 {
        self.config.key_int_max
    }

    /// Totals so far.
    pub fn stats(&self) -> &EncoderStats {
        &self.stats
    }

    /// The settings.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }
}
