// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::{Error, Result, Tau};

/// The latent of one shown time.
#[derive(Clone, Debug, PartialEq)]
pub struct Latent {
    /// z(tau). [dim] f32
    pub z: Vec<f32>,
    /// [`crate::bitstream::GroupHeader::id`] of its group.
    pub group: u8,
    /// Time inside the group.
    pub tau: Tau,
    /// Presentation time in ns by the group's own clock.
    pub pts: u64,
}

/// Reads latents from access units without decoding pictures.
#[derive(Default)]
pub struct LatentReader {}

impl LatentReader {
    /// The latent that this access unit shows.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is damaged or belongs to a group whose start was not seen.
    pub fn push(&mut self, unit: &[u8]) -> Result<Latent> {
        let _ = unit;
        Err(Error::Unsupported("not here yet".into()))
    }

    /// Forgets the current group (after a seek).
    pub fn reset(&mut self) {}
}
