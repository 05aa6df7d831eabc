// SPDX-License-Identifier: MIT OR Apache-2.0

use super::PaperHeader;
use super::bytes::{Reader, Writer};
use crate::base::{Error, Result, limits};

/// What the network of a group looks like (FORMAT sections 4 and 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelHeader {
    /// Grids sampled through motion.
    Warp(WarpHeader),
    /// The paper's coordinate network.
    Paper(PaperHeader),
}

impl Default for ModelHeader {
    fn default() -> Self {
        Self::Warp(WarpHeader::default())
    }
}

impl ModelHeader {
    const WARP: u8 = 0;
    const PAPER: u8 = 1;

    /// Dimensions of a latent.
    pub fn d_latent(&self) -> u32 {
        match self {
            Self::Warp(m) => m.latent.dim,
            Self::Paper(m) => m.d_latent,
        }
    }

    pub(super) fn write(&self, w: &mut Writer) {
        match self {
            Self::Warp(m) => {
                w.u8(Self::WARP);
                m.write(w);
            }
            Self::Paper(m) => {
                w.u8(Self::PAPER);
                m.write(w);
            }
        }
    }

    pub(super) fn read(r: &mut Reader) -> Result<Self> {
        match r.u8()? {
            Self::WARP => Ok(Self::Warp(WarpHeader::read(r)?)),
            Self::PAPER => Ok(Self::Paper(PaperHeader::read(r)?)),
            kind => Err(Error::damaged(format!("unknown kind of model {kind}"))),
        }
    }
}

/// One kind of grid source: its levels and its time nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceHeader {
    /// Stride of each level in pixels, finest first.
    pub strides: Vec<u32>,
    /// Frames between two time nodes (1 = one per frame); unused for canonical grids.
    pub node_step: u32,
}

/// The latent trajectory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatentHeader {
    /// Dimensions of z.
    pub dim: u32,
    /// Frames between two time nodes.
    pub node_step: u32,
}

/// The base network and its modulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkHeader {
    /// Width of both hidden layers.
    pub width: u32,
    /// Rank r of the modulation.
    pub rank: u32,
}

/// The model of profile `warp` (FORMAT section 4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WarpHeader {
    /// Canonical grids; those of stride <= `cubic_up_to` are sampled by cubic B-splines.
    pub canonical: SourceHeader,
    /// Largest stride of a cubic canonical level.
    pub cubic_up_to: u32,
    /// Pixels by which the canonical grids reach beyond each edge of the frame.
    pub margin: u32,
    /// Motion grids, two components per level.
    pub motion: SourceHeader,
    /// Residual grids.
    pub residual: SourceHeader,
    /// Latent trajectory.
    pub latent: LatentHeader,
    /// Base network.
    pub network: NetworkHeader,
}

impl WarpHeader {
    fn write(&self, w: &mut Writer) {
        for source in [&self.canonical, &self.motion, &self.residual] {
            w.varint(source.strides.len() as u64);
            source.strides.iter().for_each(|&s| w.varint(s.into()));
        }
        w.varint(self.motion.node_step.into());
        w.varint(self.residual.node_step.into());
        w.varint(self.cubic_up_to.into());
        w.varint(self.margin.into());
        w.varint(self.latent.dim.into());
        w.varint(self.latent.node_step.into());
        w.varint(self.network.width.into());
        w.varint(self.network.rank.into());
    }

    fn read(r: &mut Reader) -> Result<Self> {
        let mut sources = [const { Vec::new() }; 3];
        for strides in &mut sources {
            let n = r.bounded("number of levels", 0..=limits::MAX_LEVELS as u64)?;
            for _ in 0..n {
                strides.push(r.bounded("stride", 1..=u64::from(limits::MAX_STRIDE))?);
            }
        }
        let [canonical, motion, residual] = sources;
        let steps = 1..=u64::from(limits::MAX_GROUP_FRAMES);
        Ok(Self {
            canonical: SourceHeader { strides: canonical, node_step: 0 },
            motion: SourceHeader {
                strides: motion,
                node_step: r.bounded("motion node step", steps.clone())?,
            },
            residual: SourceHeader {
                strides: residual,
                node_step: r.bounded("residual node step", steps.clone())?,
            },
            cubic_up_to: r.bounded("largest cubic stride", 0..=u64::from(limits::MAX_STRIDE))?,
            margin: r.bounded("margin", 0..=u64::from(limits::MAX_STRIDE))?,
            latent: LatentHeader {
                dim: r.bounded("latent dimension", 1..=u64::from(limits::MAX_LATENT))?,
                node_step: r.bounded("latent node step", steps)?,
            },
            network: NetworkHeader {
                width: r.bounded("network width", 1..=u64::from(limits::MAX_WIDTH))?,
                rank: r.bounded("rank", 1..=u64::from(limits::MAX_RANK))?,
            },
        })
    }
}
