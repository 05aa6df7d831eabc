// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which settings of an encoder go together.

use super::{Alignment, EncoderSettings, ModelOptions, Profile, RateControl, plan, threads};
use crate::base::{Error, Result, limits};

impl EncoderSettings {
    /// # Errors
    /// [`Error::InvalidSetting`] naming the first setting that is out of range; for a format that
    /// cannot be, [`Error::Limit`] or [`Error::Unsupported`], as [`crate::PictureFormat::validate`].
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
        }
        if !(1..=limits::MAX_GROUP_FRAMES).contains(&self.key_int_max) {
            return Err(Error::InvalidSetting(format!(
                "key-int-max {}: choose 1 to {}",
                self.key_int_max,
                limits::MAX_GROUP_FRAMES
            )));
        }
        if self.profile != Profile::Warp {
            plan::largest(self, 0.0, self.key_int_max)?;
        }
        if self.frame_rate.1 == 0 {
            return Err(Error::InvalidSetting("frame rate with denominator 0".into()));
        }
        if self.epochs > Self::MAX_EPOCHS {
            return Err(Error::InvalidSetting(format!(
                "epochs {}: choose 1 to {}, or 0 for those of the preset",
                self.epochs,
                Self::MAX_EPOCHS
            )));
        }
        if self.jobs > limits::MAX_THREADS {
            return Err(Error::InvalidSetting(format!(
                "jobs {}: choose 1 to {}, or 0 for as many as threads and memory allow",
                self.jobs,
                limits::MAX_THREADS
            )));
        }
        self.alignment.as_ref().map_or(Ok(()), Alignment::validate)?;
        threads::count(self.threads).map(|_| ())
    }
}
