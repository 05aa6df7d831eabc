// SPDX-License-Identifier: MIT OR Apache-2.0

use super::cases::{download, upload};
use super::cpu::cpus;
use super::gradients::check;
use super::parity::{close, close_on_average, render, same_picture, training_astray};
use crate::backend::reference::Reference;
use crate::backend::*;
use crate::base::spec::{
    Bits, Extent, LatentSpec, ModelSpec, Modulation, NetworkSpec, Precision, SourceSpec,
};
use crate::base::{Chroma, PictureFormat, Rng};

struct Options {
    size: (u32, u32),
    n_out: u32,
    patch: u32,
    width: u32,
    modulated: &'static [u32],
    hash: bool,
    /// Hidden layers of the hypernetworks, and their width.
    hyper: (u32, u32),
    /// Frames from one latent to the next.
    node_step: u32,
}

fn shape(o: &Options) -> Shape {
    let source = match o.hash {
        false => SourceSpec::Fourier { resolutions: vec![1, 2, 6] },
        true => SourceSpec::Hash { features: 3, table: 6, resolutions: vec![2, 5, 14] },
    };
    let spec = ModelSpec {
        sources: vec![source],
        latent: LatentSpec { dim: 5, node_step: o.node_step },
        network: NetworkSpec {
            patch: o.patch,
            width: o.width,
            n_layers: 4,
            skip: false,
            modulated: o.modulated.to_vec(),
            rank: 2,
            modulation: Modulation::Sigmoid,
            hyper_layers: o.hyper.0,
            hyper_width: o.hyper.1,
        },
        precision: Precision::Uniform(Bits { sources: 8, base: 32, hyper: 8, latents: 32 }),
    };
    let extent = Extent { width: o.size.0, height: o.size.1, n_frames: 4, n_out: o.n_out };
    Shape::new(&spec, &extent).unwrap()
}

struct Case {
    shape: Shape,
    step: TrainStep,
    tables: Vec<f32>,
    network: Vec<f32>,
    target: Vec<f32>,
}

/// What a training step returns.
struct Trained {
    error: f64,
    d_tables: Vec<f32>,
    d_network: Vec<f32>,
}

/// Every tensor: its name, whether it lies in the network buffer, and where.
fn tensors(shape: &Shape) -> Vec<(String, bool, std::ops::Range<usize>)> {
    let network = shape.network.tensors().into_iter().map(|t| (t.name, true, t.range));
    let mut all: Vec<_> = network.collect();
    if let Some(Encoding::Hash { levels, n_features }) = shape.encoding() {
        let table = |l: &HashLevel| l.offset..l.offset + l.n_entries * n_features;
        let tables = levels.iter().enumerate();
        all.extend(tables.map(|(i, l)| (format!("hash level {i}"), false, table(l))));
    }
    all
}

impl Case {
    fn new(o: &Options, step: usize, phase: (usize, usize)) -> Self {
        let shape = shape(o);
        let lattice = shape.centres(step, phase);
        let mut rng = Rng::new(17);
        // Wide layers with smaller weights, so that values stay within a few hundred.
        let gain = (2.0 / (o.width as f32).sqrt()).min(0.5);
        let mut normal = |n: usize| -> Vec<f32> { (0..n).map(|_| gain * rng.normal()).collect() };
        let (tables, mut network) = (normal(shape.n_grid()), normal(shape.network.len()));
        // Most units are on, so that few are near the kink of their ReLU.
        for layer in &shape.network.layers {
            network[layer.bias()].iter_mut().for_each(|b| *b += 1.0);
        }
        let n = shape.n_frames * shape.n_values() * lattice.len();
        // Pixels that are not there are not there in any component.
        let area = shape.patch * shape.patch * lattice.len();
        let missing = |i: usize| i % area % 13 == 5;
        let target = (0..n).map(|i| if missing(i) { f32::NAN } else { rng.normal() }).collect();
        let form = [[1.3, 0.2, -0.1], [0.2, 0.9, 0.15], [-0.1, 0.15, 1.1]];
        let samples = shape.step_samples(0);
        let step = TrainStep { samples, lattice, form, weight: 0.01 };
        Self { shape, step, tables, network, target }
    }

    /// One component, patches that reach beyond the frame, every set of modulated layers, both
    /// encodings, tables that collide, hypernetworks with and without hidden layers.
    fn all() -> Vec<Self> {
        let o = |size, n_out, patch, width, modulated, hash, hyper| Options {
            size,
            n_out,
            patch,
            width,
            modulated,
            hash,
            hyper,
            node_step: 1,
        };
        // Patches that lie across the bands of a picture, fewer latents than frames.
        let across = o((40, 60), 3, 3, 6, &[0, 2], false, (1, 3));
        vec![
            Self::new(&o((37, 21), 3, 1, 9, &[1], true, (1, 7)), 1, (0, 0)),
            Self::new(&o((37, 21), 3, 4, 8, &[0, 2], true, (2, 6)), 1, (0, 0)),
            Self::new(&o((70, 9), 1, 2, 13, &[3], false, (1, 4)), 2, (1, 0)),
            Self::new(&o((1, 1), 3, 1, 4, &[0, 1, 2, 3], true, (0, 1)), 1, (0, 0)),
            Self::new(&o((65, 40), 3, 1, 33, &[2], false, (1, 5)), 1, (0, 0)),
            Self::new(&o((9, 5), 3, 2, 131, &[1], true, (1, 4)), 1, (0, 0)),
            Self::new(&Options { node_step: 2, ..across }, 1, (0, 0)),
        ]
    }

    /// Error and gradients; what they are added to must not matter.
    fn train<B: Backend>(&self, backend: &B, poison: f32) -> Trained {
        let Self { shape, step, target, tables, network } = self;
        let purpose = Purpose::Train { n_points: step.lattice.len() };
        let mut workspace = backend.workspace(shape, purpose).unwrap();
        let lens = [tables.len(), network.len()];
        let [target, tables, network] = [target, tables, network].map(|v| upload(backend, v));
        let [mut d_tables, mut d_network] = lens.map(|n| upload(backend, &vec![poison; n]));
        let mut sums = upload(backend, &[f32::NAN; 2]);
        let params = Params { grids: &tables, network: &network };
        let mut grads = Grads { grids: &mut d_tables, network: &mut d_network };
        // Twice: scratch memory must be left clean.
        for _ in 0..2 {
            let error = Sum { buffer: &mut sums, index: 0 };
            backend
                .train(&mut workspace, shape, step, &target, &params, Some(&mut grads), error)
                .unwrap();
        }
        let clean = |d: &B::Buffer, n: usize| {
            download(backend, d, n).iter().map(|g| (g - poison) / 2.0).collect()
        };
        Trained {
            error: read_sums(backend, &sums, 1).unwrap()[0],
            d_tables: clean(&d_tables, lens[0]),
            d_network: clean(&d_network, lens[1]),
        }
    }

    /// The loss with these values in one of the two buffers.
    fn loss(&mut self, in_network: bool, values: &[f32]) -> f64 {
        let buffer = if in_network { &mut self.network } else { &mut self.tables };
        buffer.copy_from_slice(values);
        let Self { shape, step, target, tables, network } = self;
        let params = Params { grids: tables, network };
        let mut sums = vec![0.0; 2];
        let error = Sum { buffer: &mut sums, index: 0 };
        Reference.train(&mut (), shape, step, target, &params, None, error).unwrap();
        f64::from(step.weight) * read_sums(&Reference, &sums, 1).unwrap()[0]
    }
}

#[test]
fn paper_step_against_finite_differences() {
    for mut case in Case::all().into_iter().take(4) {
        let trained = case.train(&Reference, 0.0);
        for (name, in_network, range) in tensors(&case.shape) {
            let (mut values, grads) = match in_network {
                true => (case.network.clone(), &trained.d_network),
                false => (case.tables.clone(), &trained.d_tables),
            };
            let loss = &mut |v: &[f32]| case.loss(in_network, v);
            check(&name, &mut values, grads, range, loss);
            case.loss(in_network, &values);
        }
    }
}

/// A shape, a step of it, and its tables, network and target.
#[cfg(feature = "cuda")]
pub type Model = (Shape, TrainStep, [Vec<f32>; 3]);

/// The models of all cases.
#[cfg(feature = "cuda")]
pub fn models() -> Vec<Model> {
    let model = |c: Case| (c.shape, c.step, [c.tables, c.network, c.target]);
    Case::all().into_iter().map(model).collect()
}

/// A parameter that is NaN makes the error NaN.
pub fn astray<B: Backend>(backend: &B, name: &str) {
    let all = Case::all();
    // Every kind of encoding, hidden layers of hypernetworks.
    for Case { shape, step, tables, network, target } in [&all[1], &all[2]] {
        training_astray(backend, name, (shape, step), [tables, network, target]);
    }
}

#[test]
fn reference_paper_astray() {
    astray(&Reference, "reference");
}

#[test]
fn cpu_paper_astray() {
    cpus().for_each(|(cpu, name)| astray(&cpu, &name));
}

/// How far a backend may be from the reference: of the error, of the largest gradient of every
/// tensor (each one, and the root of the mean square), and in steps of 8-bit samples. The random weights here make values a hundred times those
/// of a picture, which f16 (11 bits) rounds by as much more; trained networks stay within one step.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub error: f64,
    pub gradients: f32,
    pub mean: f32,
    pub steps: u16,
}

/// Training steps and pictures of every case.
pub fn paper<B: Backend>(backend: &B, name: &str, tolerance: Tolerance) {
    for (i, case) in Case::all().iter().enumerate() {
        let name = format!("case {i} on {name}");
        let (expected, got) = (case.train(&Reference, 0.0), case.train(backend, 0.25));
        let off = (got.error / expected.error - 1.0).abs();
        assert!(off < tolerance.error, "{name}: {} for {}", got.error, expected.error);
        for (tensor, in_network, range) in tensors(&case.shape) {
            let what = format!("{name}: {tensor}");
            let (got, expected) = match in_network {
                true => (&got.d_network, &expected.d_network),
                false => (&got.d_tables, &expected.d_tables),
            };
            let (got, expected) = (&got[range.clone()], &expected[range]);
            close(&what, got, expected, tolerance.gradients);
            close_on_average(&what, got, expected, tolerance.mean);
        }
        pictures(backend, &name, case, tolerance.steps);
    }
}

/// Pictures of several sizes and times, with what does not depend on time kept and without.
fn pictures<B: Backend>(backend: &B, name: &str, case: &Case, steps: u16) {
    let chroma = if case.shape.n_out == 1 { Chroma::Gray } else { Chroma::Yuv420 };
    let own_size = (case.shape.width, case.shape.height);
    for ((width, height), times) in
        [(own_size, &[0.0, 1.75, 3.0][..]), ((29, 50), &[1.75]), ((9, 5), &[0.25])]
    {
        let format = PictureFormat::new(width as u32, height as u32, chroma, 8);
        let params = (&case.tables[..], &case.network[..]);
        for &tau in times {
            let expected = render(&Reference, &case.shape, params, format, 0, &[tau]);
            let without = render(backend, &case.shape, params, format, 0, &[tau]);
            // The second time with what was kept, which may be a part.
            let max_prefix = if tau == times[0] { 1 << 30 } else { 1 << 14 };
            let with = render(backend, &case.shape, params, format, max_prefix, &[0.5, tau]);
            for plane in 0..chroma.n_planes() {
                assert_eq!(with.plane(plane), without.plane(plane), "{name}: prefix");
            }
            same_picture(name, &without, &expected, steps);
        }
    }
}

#[test]
fn cpu_paper_parity() {
    let tolerance = Tolerance { error: 1e-4, gradients: 2e-3, mean: 5e-4, steps: 1 };
    cpus().for_each(|(cpu, name)| paper(&cpu, &name, tolerance));
}
