// SPDX-License-Identifier: MIT OR Apache-2.0
//! The description of a group's model in whole numbers: what its header says (FORMAT section 4), and
//! what everything else is laid out from.

/// What a group covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Width of the source in pixels.
    pub width: u32,
    /// Height of the source in pixels.
    pub height: u32,
    /// Frames, 1..=[`super::limits::MAX_GROUP_FRAMES`].
    pub n_frames: u32,
    /// Components of a pixel, 1 or 3.
    pub n_out: u32,
}

/// The model of a group: features are sampled from sources and become pixels in a network that is
/// modulated by a latent trajectory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSpec {
    /// What features are sampled from, in the order of [`SourceSpec::order`].
    pub sources: Vec<SourceSpec>,
    /// The latent trajectory.
    pub latent: LatentSpec,
    /// Base network and hypernetworks.
    pub network: NetworkSpec,
    /// How values are stored.
    pub precision: Precision,
}

impl Default for ModelSpec {
    /// The smallest legal model.
    fn default() -> Self {
        Self {
            sources: vec![SourceSpec::Residual { strides: vec![512], node_step: 256 }],
            latent: LatentSpec { dim: 1, node_step: 256 },
            network: NetworkSpec::of_grids(1, 1),
            precision: Precision::Steps,
        }
    }
}

/// A feature source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceSpec {
    /// Grids of the whole group, sampled where motion moves the point: a feature per level.
    Canonical {
        /// Stride of each level in pixels, finest first.
        strides: Vec<u32>,
        /// Largest stride that is sampled by cubic B-splines.
        cubic_up_to: u32,
        /// Pixels by which the grids reach beyond each edge of the frame.
        margin: u32,
        /// The motion sources, ascending from 0, whose displacements move points, added up.
        motion: Vec<u32>,
        /// Several such grids along the group, instead of one.
        anchors: Option<Anchors>,
    },
    /// Displacements in x and y per time node, summed over levels: no features.
    Motion {
        /// Stride of each level in pixels, finest first.
        strides: Vec<u32>,
        /// Frames between time nodes.
        node_step: u32,
    },
    /// Grids per time node: a feature per level.
    Residual {
        /// Stride of each level in pixels, finest first.
        strides: Vec<u32>,
        /// Frames between time nodes.
        node_step: u32,
    },
    /// Which of two anchors a point shows, per time node, summed over the levels of all such sources:
    /// no features. See [`Anchors`].
    Blend {
        /// Stride of each level in pixels, finest first.
        strides: Vec<u32>,
        /// Frames between time nodes.
        node_step: u32,
    },
    /// A multiresolution hash grid of the whole group.
    Hash {
        /// Features per entry.
        features: u32,
        /// Binary logarithm of the most entries of a level.
        table: u32,
        /// Cells of each level along the frame's longer side.
        resolutions: Vec<u32>,
    },
    /// Sines and cosines of the coordinates (paper B.1): no parameters.
    Fourier {
        /// Half periods of each level along the frame's longer side.
        resolutions: Vec<u32>,
    },
}

/// Canonical grids at frames 0, step, 2 step ... A frame mixes the two around it, each read through
/// motion of its own: those of even number through [`SourceSpec::Canonical`]'s, those of odd number
/// through this one's. A feature is even + g (odd - even), g = sigmoid(G + 4 (2 w - 1)): G is the sum of
/// all blend grids at the point, w the odd one's share of the time between the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchors {
    /// Frames from one to the next.
    pub step: u32,
    /// The motion sources, ascending from 0, of those of odd number.
    pub odd_motion: Vec<u32>,
}

impl SourceSpec {
    /// Canonical grids of these strides in pixels, finest first.
    pub fn canonical(strides: &[u32], cubic_up_to: u32, margin: u32, motion: &[u32]) -> Self {
        let (strides, motion) = (strides.to_vec(), motion.to_vec());
        Self::Canonical { strides, cubic_up_to, margin, motion, anchors: None }
    }

    /// The same every `step` frames, moved by `motion` where their number is even, by `odd_motion` where
    /// it is odd; other sources are returned as they are.
    pub fn anchored(self, step: u32, odd_motion: &[u32]) -> Self {
        match self {
            Self::Canonical { strides, cubic_up_to, margin, motion, .. } => {
                let anchors = Some(Anchors { step, odd_motion: odd_motion.to_vec() });
                Self::Canonical { strides, cubic_up_to, margin, motion, anchors }
            }
            other => other,
        }
    }

    /// Blend grids of these strides in pixels, finest first, every `node_step` frames.
    pub fn blend(strides: &[u32], node_step: u32) -> Self {
        Self::Blend { strides: strides.to_vec(), node_step }
    }

    /// Motion grids of these strides in pixels, finest first, every `node_step` frames.
    pub fn motion(strides: &[u32], node_step: u32) -> Self {
        Self::Motion { strides: strides.to_vec(), node_step }
    }

    /// Residual grids of these strides in pixels, finest first, every `node_step` frames.
    pub fn residual(strides: &[u32], node_step: u32) -> Self {
        Self::Residual { strides: strides.to_vec(), node_step }
    }

    /// Sources stand in ascending order of this: canonical, motion, residual, hash, Fourier, blend.
    pub fn order(&self) -> u8 {
        match self {
            Self::Canonical { .. } => 0,
            Self::Motion { .. } => 1,
            Self::Residual { .. } => 2,
            Self::Hash { .. } => 3,
            Self::Fourier { .. } => 4,
            Self::Blend { .. } => 5,
        }
    }

    /// How its grids stand along the group, where they are several.
    pub fn anchors(&self) -> Option<&Anchors> {
        match self {
            Self::Canonical { anchors, .. } => anchors.as_ref(),
            _ => None,
        }
    }

    /// Stride or resolution of each level.
    pub fn levels(&self) -> &[u32] {
        match self {
            Self::Canonical { strides, .. }
            | Self::Motion { strides, .. }
            | Self::Residual { strides, .. }
            | Self::Blend { strides, .. } => strides,
            Self::Hash { resolutions, .. } | Self::Fourier { resolutions } => resolutions,
        }
    }

    /// Features that it gives to a point.
    pub fn n_features(&self) -> u64 {
        let n_levels = self.levels().len() as u64;
        match self {
            Self::Canonical { .. } | Self::Residual { .. } => n_levels,
            Self::Motion { .. } | Self::Blend { .. } => 0,
            Self::Hash { features, .. } => n_levels * u64::from(*features),
            Self::Fourier { .. } => 4 * n_levels,
        }
    }

    /// Time nodes in a group of so many frames.
    pub fn n_nodes(&self, n_frames: u32) -> u32 {
        match self {
            Self::Motion { node_step, .. }
            | Self::Residual { node_step, .. }
            | Self::Blend { node_step, .. } => n_nodes(n_frames, *node_step),
            Self::Canonical { anchors: Some(anchors), .. } => n_nodes(n_frames, anchors.step),
            Self::Canonical { .. } | Self::Hash { .. } | Self::Fourier { .. } => 1,
        }
    }
}

/// The latent trajectory: z is linear between time nodes (paper Eq. 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentSpec {
    /// Dimensions of z.
    pub dim: u32,
    /// Frames between time nodes.
    pub node_step: u32,
}

/// The base network, ReLU between its layers, and a hypernetwork for each modulated layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Side of the patch of pixels that a point yields.
    pub patch: u32,
    /// Width of the hidden layers.
    pub width: u32,
    /// Layers, the output layer too.
    pub n_layers: u32,
    /// Whether there is a linear path from the features to the output.
    pub skip: bool,
    /// Modulated layers, ascending, 0 = the first.
    pub modulated: Vec<u32>,
    /// Rank of the modulation.
    pub rank: u32,
    /// How hypernetworks modulate.
    pub modulation: Modulation,
    /// Hidden layers of each hypernetwork, ending in tanh.
    pub hyper_layers: u32,
    /// Their width.
    pub hyper_width: u32,
}

impl NetworkSpec {
    /// The network of a model of grids, of this width and this rank of its modulation: everything else
    /// is fixed in this version of the format (FORMAT section 4).
    pub fn of_grids(width: u32, rank: u32) -> Self {
        Self {
            patch: 1,
            width,
            n_layers: 3,
            skip: true,
            modulated: vec![0],
            rank,
            modulation: Modulation::Centred,
            hyper_layers: 0,
            hyper_width: 0,
        }
    }
}

/// What a hypernetwork's outputs do to a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modulation {
    /// W = sigmoid(P Q) * W (paper Eq. 2); the layers of hypernetworks have biases.
    Sigmoid,
    /// W = 2 sigmoid(P Q) * W, so that P Q = 0 changes nothing, and v is added to the layer's biases;
    /// the layers of hypernetworks have no biases.
    Centred,
}

/// How values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Grids as symbols times a scale per level, every other tensor as integers times a step of its
    /// own, a power of two.
    Steps,
    /// The same, but entropy models are four tensors each, and a tensor of zeros takes one bit.
    StepsByPart,
    /// So many bits per value, see [`Bits`] (paper Eq. 3).
    Uniform(Bits),
}

/// Bits per value of each kind of tensor: 1 to 16, or 32 for plain floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// Sources.
    pub sources: u32,
    /// Base network.
    pub base: u32,
    /// Hypernetworks.
    pub hyper: u32,
    /// Latents.
    pub latents: u32,
}

/// Time nodes, `step` frames apart from frame 0 on, that a group needs: the last one stands at its
/// last frame or after it.
pub fn n_nodes(n_frames: u32, step: u32) -> u32 {
    (n_frames - 1).div_ceil(step.max(1)) + 1
}

/// Models for tests.
#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    /// What [`grids`] and [`hash`] are made for.
    pub const EXTENT: Extent = Extent { width: 320, height: 180, n_frames: 9, n_out: 3 };

    /// A model of grids: one source of each kind.
    pub fn grids() -> ModelSpec {
        ModelSpec {
            sources: vec![
                SourceSpec::canonical(&[1, 4], 1, 8, &[0]),
                SourceSpec::motion(&[16], 2),
                SourceSpec::residual(&[4], 1),
            ],
            latent: LatentSpec { dim: 4, node_step: 4 },
            network: NetworkSpec::of_grids(16, 2),
            precision: Precision::Steps,
        }
    }

    /// The same with anchors, which share a motion and have one each, and with blend grids.
    pub fn anchored() -> ModelSpec {
        let mut spec = grids();
        spec.sources = vec![
            SourceSpec::canonical(&[1, 4], 1, 8, &[0, 2]).anchored(5, &[1, 2]),
            SourceSpec::motion(&[16], 2),
            SourceSpec::motion(&[16], 2),
            SourceSpec::motion(&[64], 1),
            SourceSpec::residual(&[4], 1),
            SourceSpec::blend(&[8, 16], 1),
            SourceSpec::blend(&[32], 4),
        ];
        spec
    }

    /// A model of a hash grid, with patches and hypernetworks that have a hidden layer.
    pub fn hash() -> ModelSpec {
        ModelSpec {
            sources: vec![SourceSpec::Hash { features: 2, table: 10, resolutions: vec![16, 99] }],
            latent: LatentSpec { dim: 8, node_step: 1 },
            network: NetworkSpec {
                patch: 2,
                width: 32,
                n_layers: 3,
                skip: false,
                modulated: vec![1, 2],
                rank: 2,
                modulation: Modulation::Sigmoid,
                hyper_layers: 1,
                hyper_width: 5,
            },
            precision: Precision::Uniform(Bits { sources: 8, base: 16, hyper: 6, latents: 32 }),
        }
    }
}
