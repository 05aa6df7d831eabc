// SPDX-License-Identifier: MIT OR Apache-2.0

use super::engine::EngineConfig;
use super::profile::{ModelOptions, Profile, paper_spec};
use crate::backend::Choice;
use crate::base::{Error, PictureFormat, Result, limits};

/// What the encoder aims at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateControl {
    /// 0 (smallest file) to 100 (best picture); sets the price of a bit, lambda.
    Quality(f32),
    /// Mean bit rate of the whole sequence in kbit/s.
    Bitrate(u32),
}

/// How long to train.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpeedPreset {
    /// For tests and previews.
    Ultrafast,
    /// About a third of the default's iterations.
    Fast,
    /// The default.
    #[default]
    Medium,
    /// Twice the default's iterations.
    Slow,
    /// Four times the default's iterations.
    Veryslow,
}

/// Settings of an encoder.
#[derive(Clone, Debug)]
pub struct EncoderConfig {
    /// Format of every picture of the sequence.
    pub format: PictureFormat,
    /// Nominal frame rate (numerator, denominator); (0, 1) when variable or unknown.
    pub frame_rate: (u32, u32),
    /// Which model.
    pub profile: Profile,
    /// Numbers that replace those of a paper profile.
    pub model: ModelOptions,
    /// Target; a paper profile's size follows from its model alone.
    pub rate_control: RateControl,
    /// Iterations.
    pub preset: SpeedPreset,
    /// Most frames in a group, 1..=[`limits::MAX_GROUP_FRAMES`].
    pub key_int_max: u32,
    /// Whether to start a new group at scene changes.
    pub scene_cut: bool,
    /// Seed of the random numbers: equal seeds give equal files on the same machine.
    pub seed: u64,
    /// Compute backend.
    pub backend: Choice,
    /// Number of the GPU.
    pub device: u32,
    /// Threads of the CPU backend; 0 = all cores.
    pub threads: usize,
    /// Memory to stay below, in bytes, of the GPU where that trains; 0 = no bound (but a GPU's own).
    /// Groups get shorter where it would be exceeded.
    pub max_memory: u64,
    /// Iterations per frame instead of the preset's; 0 = the preset's.
    pub epochs: u32,
}

impl EncoderConfig {
    /// The defaults for pictures of this format.
    pub fn new(format: PictureFormat) -> Self {
        Self {
            format,
            frame_rate: (0, 1),
            profile: Profile::default(),
            model: ModelOptions::default(),
            rate_control: RateControl::Quality(50.0),
            preset: SpeedPreset::Medium,
            key_int_max: 33,
            scene_cut: true,
            seed: 1,
            backend: Choice::Auto,
            device: 0,
            threads: 0,
            max_memory: 0,
            epochs: 0,
        }
    }

    /// The backend that they ask for.
    pub(super) fn engine(&self) -> EngineConfig {
        EngineConfig { backend: self.backend, device: self.device, threads: self.threads }
    }

    /// # Errors
    /// [`Error::InvalidSetting`] naming the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        self.format.validate()?;
        match self.rate_control {
            RateControl::Quality(q) if !(0.0..=100.0).contains(&q) => {
                return Err(Error::InvalidSetting(format!("quality {q}: choose 0 to 100")));
            }
            RateControl::Bitrate(0) => {
                return Err(Error::InvalidSetting("bitrate 0 kbit/s: choose at least 1".into()));
            }
            _ => {}
        }
        if self.profile == Profile::Warp {
            if self.model != ModelOptions::default() {
                return Err(Error::InvalidSetting(
                    "model options are for paper-s, paper-m and paper-l: choose one of these profiles"
                        .into(),
                ));
            }
        } else {
            if let RateControl::Bitrate(_) = self.rate_control {
                return Err(Error::InvalidSetting(
                    "the size of a paper profile follows from its model: choose a profile or model \
                     options instead of a bit rate"
                        .into(),
                ));
            }
            paper_spec(self.profile, &self.model, &self.format, self.key_int_max)?;
        }
        if !(1..=limits::MAX_GROUP_FRAMES).contains(&self.key_int_max) {
            return Err(Error::InvalidSetting(format!(
                "key-int-max {}: choose 1 to {}",
                self.key_int_max,
                limits::MAX_GROUP_FRAMES
            )));
        }
        if self.frame_rate.1 == 0 {
            return Err(Error::InvalidSetting("frame rate with denominator 0".into()));
        }
        Ok(())
    }
}
