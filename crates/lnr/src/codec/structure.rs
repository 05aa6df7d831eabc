// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which grids a model of profile `warp` has, by the size of the picture and the price of a bit.

use crate::base::limits;
use crate::base::spec::{Extent, LatentSpec, ModelSpec, NetworkSpec, Precision, SourceSpec};

/// What is chosen of the model of a group. Strides are powers of two, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Frames between anchors; `None`: one canonical pyramid for the whole group.
    pub anchor_step: Option<u32>,
    /// Finest stride of canonical grids: 1 keeps the detail of sharp pictures.
    pub finest_canonical: u32,
    /// Coarsest stride of every source but the camera's motion.
    pub coarsest: u32,
    /// Finest stride of the motion of objects.
    pub finest_motion: u32,
    /// Stride of the motion of the camera, which has a node for every frame: few entries, for what shakes.
    pub camera: u32,
    /// Finest stride of residual grids.
    pub finest_residual: u32,
    /// Strides of the blend grids that every frame has.
    pub blend: [u32; 2],
    /// Width of the network's hidden layers.
    pub width: u32,
}

/// Frames between nodes of the motion of objects: it is smooth, and a quarter of the unknowns are found
/// sooner (docs/adr/0011).
const MOTION_STEP: u32 = 4;
/// Frames between anchors: 8 and 11 were 8 and 1 % worse; long groups may have twice as many.
const ANCHOR_STEP: u32 = 16;
/// Fewer frames than this have one canonical pyramid: two anchors would each be seen by half of them.
const LEAST_ANCHORED: u32 = 8;

impl Structure {
    /// One canonical pyramid and what is best for most pictures of this size, measured at 320, 640 and
    /// 1280 pixels (docs/adr/0011); the longer side counts, as objects grow with it.
    pub fn new(extent: &Extent, lambda: f32) -> Self {
        let scale = scale(extent);
        let half = (scale / 2).max(1);
        let is_cheap = lambda <= 6e-3;
        Self {
            anchor_step: None,
            finest_canonical: half.min(2),
            coarsest: if scale == 1 { 32 } else { 64 * scale },
            // Motion starts at optical flow, which finds finer detail than strides that grow with pictures.
            finest_motion: 32 * half,
            camera: 64 * scale,
            // Large pictures are soft, and 640 pixels have no more residual than 320.
            finest_residual: half * if is_cheap { 2 } else { 4 },
            blend: [8 * scale, 16 * scale],
            // More pixels share it.
            width: 8 * (scale.ilog2() + 2).min(4),
        }
    }

    /// The same with anchors, for content that enters, leaves or crosses; `None` for a group that is too
    /// short.
    pub fn anchored(&self, extent: &Extent) -> Option<Self> {
        let scale = scale(extent);
        (extent.n_frames >= LEAST_ANCHORED).then_some(Self {
            anchor_step: Some(ANCHOR_STEP),
            finest_motion: 32 * scale,
            camera: 128 * scale,
            finest_residual: self.finest_residual.max(4 * (scale / 2).max(1)),
            ..*self
        })
    }

    /// The same with canonical grids of half the resolution, for content that is blurred.
    pub fn softer(&self) -> Self {
        let finest_canonical = (2 * self.finest_canonical).min(self.coarsest);
        Self { finest_canonical, ..*self }
    }

    /// The model.
    pub fn spec(&self, extent: &Extent) -> ModelSpec {
        let side = extent.width.max(extent.height);
        let strides = |finest: u32| {
            let all = std::iter::successors(Some(finest), |s| Some(s * 2));
            let useful = |&s: &u32| s <= self.coarsest && (s == finest || s < 2 * side);
            all.take_while(useful).take(limits::MAX_LEVELS).collect::<Vec<_>>()
        };
        let motion = SourceSpec::motion(&strides(self.finest_motion), MOTION_STEP);
        let camera = SourceSpec::motion(&[self.camera.min(limits::MAX_STRIDE)], 1);
        let residual = SourceSpec::residual(&strides(self.finest_residual), 1);
        let canonical =
            |motion: &[u32]| SourceSpec::canonical(&strides(self.finest_canonical), 2, 0, motion);
        let sources = match self.anchor_step {
            None => vec![canonical(&[0, 1]), motion, camera, residual],
            Some(step) => vec![
                canonical(&[0, 2]).anchored(step, &[1, 2]),
                motion.clone(),
                motion,
                camera,
                residual,
                SourceSpec::blend(&self.blend, 1),
                SourceSpec::blend(&strides(self.finest_motion), MOTION_STEP),
            ],
        };
        ModelSpec {
            sources,
            latent: LatentSpec { dim: 8, node_step: 1 },
            network: NetworkSpec::of_grids(self.width, 1),
            precision: Precision::StepsByPart,
        }
    }
}

/// By how much strides are longer than at 320 pixels: 1, 2, 4 or 8.
fn scale(extent: &Extent) -> u32 {
    let side = extent.width.max(extent.height);
    1 << (side / 240).max(1).ilog2().min(3)
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
                    let one = Structure::new(&extent, lambda);
                    let all = [Some(one), one.anchored(&extent)];
                    all.into_iter().flatten().for_each(|s| s.spec(&extent).check(&extent).unwrap());
                }
            }
        }
    }

    /// Also with residual grids one level finer and wider networks, so that there is room.
    #[cfg(feature = "cuda")]
    #[test]
    fn the_cuda_kernels_take_every_model() {
        use crate::backend::cuda::{Cuda, simt::Simt};
        use crate::backend::{Backend, Shape};

        let cuda = Cuda::on(Simt::new(0)).unwrap();
        for side in [16, 320, 640, 1280, 1920, 8192] {
            for (lambda, width) in [(1e-5, 16), (0.1, 24), (1e-5, 32)] {
                let extent = Extent { width: side, height: 64, n_frames: 33, n_out: 3 };
                let one = Structure { width, ..Structure::new(&extent, lambda) };
                for s in [one, one.anchored(&extent).unwrap()] {
                    let finer = (s.finest_residual / 2).max(1);
                    let s = Structure { finest_residual: finer, ..s };
                    cuda.supports(&Shape::new(&s.spec(&extent), &extent).unwrap()).unwrap();
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
