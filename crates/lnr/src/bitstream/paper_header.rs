// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::{Error, Result};

/// Bits per value of each kind of tensor: 1 to 16, or 32 for plain floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaperBits {
    /// Hash tables.
    pub encoding: u32,
    /// Base network.
    pub base: u32,
    /// Hypernetworks.
    pub hyper: u32,
    /// Latents.
    pub latents: u32,
}

/// A model of the paper's profiles (FORMAT section 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperHeader {
    /// Side of the patch that a point yields, in pixels.
    pub patch: u32,
    /// Hash grids: features per entry and binary logarithm of the most entries of a level; `None`
    /// for Fourier features.
    pub hash: Option<(u32, u32)>,
    /// Cells (hash) or half periods (Fourier) of each level along the frame's longer side.
    pub resolutions: Vec<u32>,
    /// Width of the hidden layers.
    pub width: u32,
    /// Layers of the base network.
    pub n_layers: u32,
    /// Modulated layers, ascending, 0 = the first.
    pub modulated: Vec<u32>,
    /// Rank of the modulation.
    pub rank: u32,
    /// Dimensions of a latent.
    pub d_latent: u32,
    /// Hidden layers of each hypernetwork.
    pub hyper_layers: u32,
    /// Their width.
    pub hyper_width: u32,
    /// Bits per value.
    pub bits: PaperBits,
}

impl PaperBits {
    /// # Errors
    /// [`Error::Limit`] unless each is 1 to 16, or 32.
    pub fn validate(&self) -> Result<()> {
        let Self { encoding, base, hyper, latents } = *self;
        match [encoding, base, hyper, latents].iter().find(|b| !matches!(b, 1..=16 | 32)) {
            None => Ok(()),
            Some(bits) => Err(Error::limit(format!("{bits} bits per value: 1 to 16, or 32"))),
        }
    }
}
