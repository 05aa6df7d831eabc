// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{PaperBits, PaperHeader};
use crate::base::spec::{Bits, LatentSpec, ModelSpec, Modulation, NetworkSpec};
use crate::base::spec::{Precision, SourceSpec};
use crate::base::{Error, Result};

/// What the codec still sees of a [`ModelSpec`], until it is written over that.
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
    /// # Errors
    /// [`Error::Unsupported`] when the codec does not know such a model.
    pub fn of(spec: &ModelSpec) -> Result<Self> {
        match spec.precision {
            Precision::Steps => WarpHeader::of(spec).map(Self::Warp),
            Precision::Uniform(bits) => PaperHeader::of(spec, bits).map(Self::Paper),
        }
    }

    /// The description of the model.
    pub fn spec(&self) -> ModelSpec {
        match self {
            Self::Warp(m) => m.spec(),
            Self::Paper(m) => m.spec(),
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
    fn of(spec: &ModelSpec) -> Result<Self> {
        let mut m = Self {
            motion: SourceHeader { strides: Vec::new(), node_step: 1 },
            residual: SourceHeader { strides: Vec::new(), node_step: 1 },
            latent: LatentHeader { dim: spec.latent.dim, node_step: spec.latent.node_step },
            network: NetworkHeader { width: spec.network.width, rank: spec.network.rank },
            ..Self::default()
        };
        for pair in spec.sources.windows(2) {
            if pair[0].order() == pair[1].order() {
                return Err(Error::Unsupported("several sources of a kind".into()));
            }
        }
        let has_motion = spec.sources.iter().any(|s| s.order() == 1);
        for source in spec.sources.iter().cloned() {
            match source {
                SourceSpec::Canonical { strides, cubic_up_to, margin, motion } => {
                    if motion.is_some() != has_motion {
                        return Err(Error::Unsupported("motion that moves nothing".into()));
                    }
                    m.canonical.strides = strides;
                    (m.cubic_up_to, m.margin) = (cubic_up_to, margin);
                }
                SourceSpec::Motion { strides, node_step } => {
                    m.motion = SourceHeader { strides, node_step };
                }
                SourceSpec::Residual { strides, node_step } => {
                    m.residual = SourceHeader { strides, node_step };
                }
                _ => return Err(Error::Unsupported("a source that is no grid".into())),
            }
        }
        Ok(m)
    }

    fn spec(&self) -> ModelSpec {
        let mut sources = Vec::new();
        if !self.canonical.strides.is_empty() {
            sources.push(SourceSpec::Canonical {
                strides: self.canonical.strides.clone(),
                cubic_up_to: self.cubic_up_to,
                margin: self.margin,
                motion: (!self.motion.strides.is_empty()).then_some(0),
            });
        }
        if !self.motion.strides.is_empty() {
            let SourceHeader { strides, node_step } = self.motion.clone();
            sources.push(SourceSpec::Motion { strides, node_step });
        }
        if !self.residual.strides.is_empty() {
            let SourceHeader { strides, node_step } = self.residual.clone();
            sources.push(SourceSpec::Residual { strides, node_step });
        }
        let LatentHeader { dim, node_step } = self.latent;
        ModelSpec {
            sources,
            latent: LatentSpec { dim, node_step },
            network: NetworkSpec {
                width: self.network.width,
                rank: self.network.rank,
                ..ModelSpec::default().network
            },
            precision: Precision::Steps,
        }
    }
}

impl PaperHeader {
    fn of(spec: &ModelSpec, bits: Bits) -> Result<Self> {
        let (hash, resolutions) = match &spec.sources[..] {
            [SourceSpec::Hash { features, table, resolutions }] => {
                (Some((*features, *table)), resolutions.clone())
            }
            [SourceSpec::Fourier { resolutions }] => (None, resolutions.clone()),
            _ => return Err(Error::Unsupported("such sources in a model of coordinates".into())),
        };
        let net = spec.network.clone();
        Ok(Self {
            patch: net.patch,
            hash,
            resolutions,
            width: net.width,
            n_layers: net.n_layers,
            modulated: net.modulated,
            rank: net.rank,
            d_latent: spec.latent.dim,
            hyper_layers: net.hyper_layers,
            hyper_width: net.hyper_width,
            bits: PaperBits {
                encoding: bits.sources,
                base: bits.base,
                hyper: bits.hyper,
                latents: bits.latents,
            },
        })
    }

    fn spec(&self) -> ModelSpec {
        let resolutions = self.resolutions.clone();
        let PaperBits { encoding, base, hyper, latents } = self.bits;
        ModelSpec {
            sources: vec![match self.hash {
                Some((features, table)) => SourceSpec::Hash { features, table, resolutions },
                None => SourceSpec::Fourier { resolutions },
            }],
            latent: LatentSpec { dim: self.d_latent, node_step: 1 },
            network: NetworkSpec {
                patch: self.patch,
                width: self.width,
                n_layers: self.n_layers,
                skip: false,
                modulated: self.modulated.clone(),
                rank: self.rank,
                modulation: Modulation::Sigmoid,
                hyper_layers: self.hyper_layers,
                hyper_width: self.hyper_width,
            },
            precision: Precision::Uniform(Bits { sources: encoding, base, hyper, latents }),
        }
    }
}
