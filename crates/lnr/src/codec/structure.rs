// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which grids a model of profile `warp` has, by the size of the picture and the price of a bit.

use crate::base::limits;
use crate::base::spec::{Extent, LatentSpec, ModelSpec, NetworkSpec, Precision, SourceSpec};

/// What is chosen of the model of a group. Strides are powers of two, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Coarsest stride of every source.
    pub coarsest: u32,
    /// Finest stride of canonical grids: 1 keeps the detail of sharp pictures.
    pub finest_canonical: u32,
    /// Finest stride of motion grids.
    pub finest_motion: u32,
    /// Frames between motion nodes.
    pub motion_step: u32,
    /// Finest stride of residual grids.
    pub finest_residual: u32,
    /// Width of the network's hidden layers.
    pub width: u32,
}

impl Structure {
    /// What is best for most pictures of this size, measured at 320, 640 and 1280 pixels
    /// (`docs/adr/0011`); the longer side counts, as objects grow with it.
    pub fn new(extent: &Extent, lambda: f32) -> Self {
        let side = extent.width.max(extent.height);
        let is_cheap = lambda <= 6e-3;
        let residual = |scale: u32| if is_cheap { 2 * scale } else { 4 * scale };
        match side {
            0..480 => Self {
                coarsest: 32,
                finest_canonical: 1,
                finest_motion: 16,
                motion_step: 1,
                finest_residual: residual(1),
                width: 16,
            },
            480..960 => Self {
                coarsest: 128,
                finest_canonical: 1,
                finest_motion: 32,
                motion_step: 1,
                finest_residual: residual(1),
                width: 16,
            },
            960..1920 => Self {
                coarsest: 256,
                finest_canonical: 2,
                finest_motion: 64,
                motion_step: 2,
                finest_residual: residual(2),
                width: 24,
            },
            _ => Self {
                coarsest: 512,
                finest_canonical: 2,
                finest_motion: 128,
                motion_step: 2,
                finest_residual: residual(4),
                width: 24,
            },
        }
    }

    /// The model.
    pub fn spec(&self, extent: &Extent) -> ModelSpec {
        let side = extent.width.max(extent.height);
        let strides = |finest: u32| {
            let all = std::iter::successors(Some(finest), |s| Some(s * 2));
            let useful = |&s: &u32| s <= self.coarsest && (s == finest || s < 2 * side);
            all.take_while(useful).take(limits::MAX_LEVELS).collect::<Vec<_>>()
        };
        ModelSpec {
            sources: vec![
                SourceSpec::canonical(&strides(self.finest_canonical), 2, 0, Some(0)),
                SourceSpec::motion(&strides(self.finest_motion), self.motion_step),
                SourceSpec::residual(&strides(self.finest_residual), 1),
            ],
            latent: LatentSpec { dim: 8, node_step: 1 },
            network: NetworkSpec::of_grids(self.width, 1),
            precision: Precision::Steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_and_price_has_a_legal_model() {
        for (width, height) in
            [(1, 1), (160, 90), (320, 180), (1080, 1920), (4096, 2160), (8192, 64)]
        {
            for lambda in [1e-5, 4e-3, 8e-3, 0.1] {
                for n_frames in [1, 2, 33] {
                    let extent = Extent { width, height, n_frames, n_out: 3 };
                    Structure::new(&extent, lambda).spec(&extent).check(&extent).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_turned_picture_has_the_same_structure() {
        let wide = Extent { width: 1280, height: 720, n_frames: 33, n_out: 3 };
        let high = Extent { width: 720, height: 1280, ..wide };
        assert_eq!(Structure::new(&wide, 4e-3), Structure::new(&high, 4e-3));
    }
}
