// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole trainings of tiny groups.

mod divergence;
#[cfg(feature = "cuda")]
mod kernels;
mod start;

use crate::backend::{Backend, Shape};
use crate::base::spec::{
    Bits, Extent, LatentSpec, ModelSpec, Modulation, NetworkSpec, Precision, SourceSpec,
};
use crate::base::{Chroma, Picture, PictureFormat, Result};
use crate::train::{Recipe, Report, Trained, train};

const SIZE: (u32, u32) = (24, 14);
const N_FRAMES: u32 = 3;

/// A bright disc that moves over a ramp.
fn pictures() -> Vec<Picture> {
    let format = PictureFormat::new(SIZE.0, SIZE.1, Chroma::Yuv420, 8);
    let draw = |frame: u32| {
        let mut picture = Picture::new(format).unwrap();
        for plane in 0..3 {
            let (w, h) = format.plane_size(plane);
            let scale = SIZE.0 as f32 / w as f32;
            for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                let (px, py) = (x as f32 * scale, y as f32 * scale);
                let disc = (px - 8.0 - 2.0 * frame as f32).hypot(py - 7.0) < 4.0;
                let v = if disc { 200 - 60 * plane } else { 60 + 3 * x + 2 * y };
                picture.set_sample(plane, x, y, v as u16);
            }
        }
        picture
    };
    (0..N_FRAMES).map(draw).collect()
}

fn extent() -> Extent {
    Extent { width: SIZE.0, height: SIZE.1, n_frames: N_FRAMES, n_out: 3 }
}

fn grid_model() -> ModelSpec {
    ModelSpec {
        sources: vec![
            SourceSpec::canonical(&[1, 2, 4], 2, 0, &[0]),
            SourceSpec::motion(&[4, 8], 1),
            SourceSpec::residual(&[4], 1),
        ],
        latent: LatentSpec { dim: 3, node_step: 2 },
        network: NetworkSpec::of_grids(16, 2),
        precision: Precision::Steps,
    }
}

fn coordinate_model() -> ModelSpec {
    ModelSpec {
        sources: vec![SourceSpec::Hash { features: 2, table: 8, resolutions: vec![3, 7, 16] }],
        latent: LatentSpec { dim: 6, node_step: 1 },
        network: NetworkSpec {
            patch: 1,
            width: 24,
            n_layers: 4,
            skip: false,
            modulated: vec![1],
            rank: 3,
            modulation: Modulation::Sigmoid,
            hyper_layers: 2,
            hyper_width: 8,
        },
        precision: Precision::Uniform(Bits { sources: 8, base: 32, hyper: 8, latents: 32 }),
    }
}

/// Trains a model on the pictures.
fn run<B: Backend>(
    backend: &B,
    model: &ModelSpec,
    recipe: &Recipe,
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Trained> {
    let shape = Shape::new(model, &extent())?;
    let pictures = pictures();
    let pictures: Vec<&Picture> = pictures.iter().collect();
    train(backend, (&shape, model.precision), recipe, &pictures, &|_| Ok(0.0), report)
}
