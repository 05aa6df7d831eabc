// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole trainings on the CPU and by the CUDA kernels under the SIMT shim.

use super::{Recipe, Trained, train, train_paper};
use crate::backend::Backend;
use crate::backend::cpu::Cpu;
use crate::backend::cuda::Cuda;
use crate::backend::cuda::simt::Simt;
use crate::backend::paper::{PaperBackend, PaperPurpose, PaperShape};
use crate::base::{Chroma, Picture, PictureFormat};
use crate::model::{EncodingSpec, PaperSpec, Spec, TimedSpec};

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

/// The group and the mean squared error of its last epoch.
fn warp<B: Backend>(backend: &B) -> (Trained, f32) {
    let timed = |strides: &[u32]| TimedSpec { strides: strides.to_vec(), node_step: 1 };
    let spec = Spec {
        width: SIZE.0,
        height: SIZE.1,
        n_frames: N_FRAMES,
        n_out: 3,
        canonical: vec![1, 2, 4],
        cubic_up_to: 2,
        margin: 0,
        motion: timed(&[4, 8]),
        residual: timed(&[4]),
        d_latent: 3,
        latent_step: 2,
        hidden: 16,
        rank: 2,
    };
    let pictures = pictures();
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let mut mse = f32::NAN;
    let trained = train(
        backend,
        &spec.shape().unwrap(),
        &Recipe::new(1e-3, 24, 7),
        &pictures,
        &|_| Ok(0.0),
        &mut |report| {
            mse = report.mse;
            Ok(())
        },
    );
    (trained.unwrap(), mse)
}

/// The parameters and the mean squared error of every step.
fn paper<B: PaperBackend>(backend: &B) -> (Vec<f32>, Vec<f32>) {
    let pictures = pictures();
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let mut errors = Vec::new();
    let recipe = Recipe::new(0.0, 16, 7);
    let trained = train_paper(backend, &paper_shape(), &recipe, &pictures, &mut |report| {
        errors.push(report.mse);
        Ok(())
    });
    (trained.unwrap().0, errors)
}

fn paper_shape() -> PaperShape {
    let spec = PaperSpec {
        width: SIZE.0,
        height: SIZE.1,
        n_frames: N_FRAMES,
        n_out: 3,
        patch: 1,
        encoding: EncodingSpec::Hash { features: 2, table: 8 },
        resolutions: vec![3, 7, 16],
        hidden: 24,
        n_layers: 4,
        modulated: vec![1],
        rank: 3,
        d_latent: 6,
        hyper_layers: 2,
        hyper_width: 8,
    };
    spec.shape().unwrap()
}

/// The picture between two frames.
fn rendered<B: PaperBackend>(backend: &B, params: &[f32]) -> Picture {
    let shape = paper_shape();
    let mut buffer = backend.alloc(params.len()).unwrap();
    backend.write(&mut buffer, 0, params).unwrap();
    let purpose = PaperPurpose::Render { max_prefix: 0 };
    let mut workspace = backend.paper_workspace(&shape, purpose).unwrap();
    let format = PictureFormat::new(SIZE.0, SIZE.1, Chroma::Yuv420, 8);
    let mut out = Picture::new(format).unwrap();
    backend.paper_render(&mut workspace, &shape, 0.5, &buffer, &mut out).unwrap();
    out
}

fn simt(seed: u64) -> Cuda<Simt> {
    Cuda::on(Simt::new(seed)).unwrap()
}

fn decibels(mse: f32) -> f32 {
    -10.0 * mse.log10()
}

#[test]
fn a_group_becomes_as_good_by_the_kernels_as_on_the_cpu() {
    let (_, cpu) = warp(&Cpu::new(1).unwrap());
    let (trained, simt_3) = warp(&simt(3));
    let (again, simt_9) = warp(&simt(9));
    let (a, b) = (decibels(cpu), decibels(simt_3));
    assert!(a > 20.0 && (a - b).abs() < 0.3, "CPU {a} dB, kernels {b} dB");
    assert_eq!(simt_3, simt_9);
    assert!(trained.symbols == again.symbols && trained.tensors == again.tensors);
    assert!(trained.entropy == again.entropy);
}

#[test]
fn a_group_of_the_paper_becomes_as_good_by_the_kernels_as_on_the_cpu() {
    let (_, cpu) = paper(&Cpu::new(1).unwrap());
    let (params, simt_3) = paper(&simt(3));
    let (again, _) = paper(&simt(9));
    assert!(cpu[15] < cpu[7], "{cpu:?}");
    let (a, b) = (decibels(cpu[15]), decibels(simt_3[15]));
    assert!((a - b).abs() < 0.01, "CPU {a} dB, kernels {b} dB");
    assert!(params == again, "the order of threads changed a training");
    let (a, b) = (rendered(&Cpu::new(1).unwrap(), &params), rendered(&simt(4), &params));
    for plane in 0..3 {
        let pairs = a.plane(plane).iter().zip(b.plane(plane));
        let worst = pairs.map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(1), "plane {plane}: {worst:?}");
    }
}
