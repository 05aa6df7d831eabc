// SPDX-License-Identifier: MIT OR Apache-2.0

use super::AccessUnit;
use crate::base::{Error, Result};

/// Inserts access units at times between frames (paper Eq. 4 does the rest in the decoder).
pub struct Interpolator {}

impl Interpolator {
    /// # Errors
    /// [`Error::InvalidSetting`] unless `factor` is 1, 2, 4 or 8.
    pub fn new(factor: u32) -> Result<Self> {
        let _ = factor;
        Ok(Self {})
    }

    /// The access units that replace this one: itself with a shorter duration, then the inserted
    /// ones. Durations add up to `duration` exactly. After the last frame of a group the inserted
    /// units hold that frame, because nothing may be interpolated across groups.
    ///
    /// # Errors
    /// [`Error::Damaged`] when `unit` is none, or belongs to a group whose start was not seen.
    pub fn push(&mut self, unit: &[u8], pts: u64, duration: u64) -> Result<Vec<AccessUnit>> {
        let _ = (unit, pts, duration);
        Err(Error::Unsupported("not here yet".into()))
    }

    /// Forgets the current group (after a seek).
    pub fn reset(&mut self) {}
}
