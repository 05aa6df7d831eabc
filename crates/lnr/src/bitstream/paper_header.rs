// SPDX-License-Identifier: MIT OR Apache-2.0

use super::bytes::{Reader, Writer};
use crate::base::{Error, Result, limits};

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

impl PaperHeader {
    pub(super) fn write(&self, w: &mut Writer) {
        let mut put = |v: u32| w.varint(v.into());
        put(self.patch);
        let (features, table) = self.hash.unwrap_or((0, 0));
        put(features);
        put(table);
        put(self.resolutions.len() as u32);
        self.resolutions.iter().for_each(|&r| put(r));
        put(self.width);
        put(self.n_layers);
        put(self.modulated.len() as u32);
        self.modulated.iter().for_each(|&l| put(l));
        for v in [self.rank, self.d_latent, self.hyper_layers, self.hyper_width] {
            put(v);
        }
        let PaperBits { encoding, base, hyper, latents } = self.bits;
        for v in [encoding, base, hyper, latents] {
            put(v);
        }
    }

    pub(super) fn read(r: &mut Reader) -> Result<Self> {
        let mut get = |name: &str, from: u32, to: u32| r.bounded(name, from.into()..=to.into());
        let patch = get("patch", 1, limits::MAX_PATCH)?;
        let features = get("features per entry", 0, limits::MAX_FEATURES)?;
        let table = get("size of hash tables", 0, limits::MAX_TABLE)?;
        let n = get("number of levels", 1, limits::MAX_RESOLUTIONS)?;
        let resolutions: Result<_> =
            (0..n).map(|_| get("resolution", 1, limits::MAX_SIDE)).collect();
        let resolutions = resolutions?;
        let width = get("network width", 1, limits::MAX_WIDTH)?;
        let n_layers = get("number of layers", 2, limits::MAX_LAYERS)?;
        let n = get("number of modulated layers", 1, n_layers)?;
        let modulated: Result<_> =
            (0..n).map(|_| get("modulated layer", 0, n_layers - 1)).collect();
        let header = Self {
            patch,
            hash: (features > 0).then_some((features, table)),
            resolutions,
            width,
            n_layers,
            modulated: modulated?,
            rank: get("rank", 1, limits::MAX_RANK)?,
            d_latent: get("latent dimension", 1, limits::MAX_LATENT)?,
            hyper_layers: get("hypernetwork layers", 0, limits::MAX_LAYERS)?,
            hyper_width: get("hypernetwork width", 1, limits::MAX_WIDTH)?,
            bits: PaperBits {
                encoding: get("bits", 1, 32)?,
                base: get("bits", 1, 32)?,
                hyper: get("bits", 1, 32)?,
                latents: get("bits", 1, 32)?,
            },
        };
        header.bits.validate()?;
        Ok(header)
    }
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
