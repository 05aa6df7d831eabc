// SPDX-License-Identifier: MIT OR Apache-2.0
//! On the CPU and by the CUDA kernels under the SIMT shim.

use super::{coordinate_model, extent, grid_model, run};
use crate::backend::cpu::Cpu;
use crate::backend::cuda::Cuda;
use crate::backend::cuda::simt::Simt;
use crate::backend::{Backend, Params, Purpose, Shape};
use crate::base::spec::{ModelSpec, SourceSpec};
use crate::base::{Chroma, Picture, PictureFormat};
use crate::train::{Recipe, Trained, Values};

/// Three anchors, of which the even ones and the odd one have a motion each, and blend grids.
fn anchored_model() -> ModelSpec {
    let sources = vec![
        SourceSpec::canonical(&[1, 2, 4], 2, 0, &[0]).anchored(1, &[0, 1]),
        SourceSpec::motion(&[8], 2),
        SourceSpec::motion(&[4], 1),
        SourceSpec::residual(&[4], 1),
        SourceSpec::blend(&[4, 8], 1),
    ];
    ModelSpec { sources, ..grid_model() }
}

/// The group and the mean squared error of its last epoch.
fn grids<B: Backend>(backend: &B, model: &ModelSpec) -> (Trained, f32) {
    let mut mse = f32::NAN;
    let recipe = Recipe::grids(1e-3, 24, 7);
    let trained = run(backend, model, &recipe, &mut |report| {
        mse = report.mse;
        Ok(())
    });
    (trained.unwrap(), mse)
}

/// The group and the mean squared error of every step.
fn coordinates<B: Backend>(backend: &B) -> (Trained, Vec<f32>) {
    let mut errors = Vec::new();
    let recipe = Recipe::coordinates(16, 7);
    let trained = run(backend, &coordinate_model(), &recipe, &mut |report| {
        errors.push(report.mse);
        Ok(())
    });
    (trained.unwrap(), errors)
}

/// The picture between two frames.
fn rendered<B: Backend>(backend: &B, values: &Values) -> Picture {
    let Values::Plain { grids, network } = values else { panic!("a model of another kind") };
    let shape = Shape::new(&coordinate_model(), &extent()).unwrap();
    let [grids, network] = [grids, network].map(|v| backend.upload(v.clone()).unwrap());
    let params = Params { grids: &grids, network: &network };
    let mut ws = backend.workspace(&shape, Purpose::Render { max_prefix: 0 }).unwrap();
    backend.load(&mut ws, &shape, &params).unwrap();
    let format = PictureFormat::new(extent().width, extent().height, Chroma::Yuv420, 8);
    let mut surface = backend.surface(format).unwrap();
    let mut out = Picture::new(format).unwrap();
    let sample = shape.sample(0.5);
    backend.render(&mut ws, &shape, &sample, &params, &|| false, &mut surface).unwrap();
    backend.download(&mut surface, &mut out).unwrap();
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
    for model in [grid_model(), anchored_model()] {
        let (_, cpu) = grids(&Cpu::new(1).unwrap(), &model);
        let (trained, simt_3) = grids(&simt(3), &model);
        let (again, simt_9) = grids(&simt(9), &model);
        let (a, b) = (decibels(cpu), decibels(simt_3));
        assert!(a > 20.0 && (a - b).abs() < 0.3, "CPU {a} dB, kernels {b} dB");
        assert_eq!(simt_3, simt_9);
        assert!(trained.values == again.values, "the order of threads changed a training");
    }
}

#[test]
fn a_group_of_the_paper_becomes_as_good_by_the_kernels_as_on_the_cpu() {
    let (_, cpu) = coordinates(&Cpu::new(1).unwrap());
    let (trained, simt_3) = coordinates(&simt(3));
    let (again, _) = coordinates(&simt(9));
    assert!(cpu[15] < cpu[7], "{cpu:?}");
    let (a, b) = (decibels(cpu[15]), decibels(simt_3[15]));
    assert!((a - b).abs() < 0.01, "CPU {a} dB, kernels {b} dB");
    assert!(trained.values == again.values, "the order of threads changed a training");
    let values = &trained.values;
    let (a, b) = (rendered(&Cpu::new(1).unwrap(), values), rendered(&simt(4), values));
    for plane in 0..3 {
        let pairs = a.plane(plane).iter().zip(b.plane(plane));
        let worst = pairs.map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(1), "plane {plane}: {worst:?}");
    }
}
