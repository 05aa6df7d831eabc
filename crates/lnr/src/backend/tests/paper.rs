// SPDX-License-Identifier: MIT OR Apache-2.0

use super::cases::{download, upload};
use super::cpu::cpus;
use super::gradients::difference;
use super::parity::{close, same_picture};
use crate::backend::paper::*;
use crate::backend::reference::Reference;
use crate::backend::{Sum, read_sums};
use crate::base::{Chroma, Picture, PictureFormat, Rng};

/// Hands out places in the parameters.
fn chain(sizes: &[usize], offset: &mut usize) -> Vec<Dense> {
    let layer = |w: &[usize]| {
        let layer = Dense { n_in: w[0], n_out: w[1], offset: *offset };
        *offset += (w[0] + 1) * w[1];
        layer
    };
    sizes.windows(2).map(layer).collect()
}

struct Options {
    size: (usize, usize),
    n_out: usize,
    patch: usize,
    width: usize,
    modulated: &'static [usize],
    hash: bool,
    hyper: &'static [usize],
}

fn shape(o: &Options) -> PaperShape {
    let mut offset = 0;
    let side = o.size.0.max(o.size.1) as f32;
    let (encoding, n_in) = match o.hash {
        false => (Encoding::Fourier { frequencies: vec![1.0, 2.5, 6.0] }, 12),
        true => {
            let level = |cells: f32| {
                let scale = cells / side;
                let vertices = |n: usize| (n as f32 * scale) as usize + 2;
                let (width, height) = (vertices(o.size.0), vertices(o.size.1));
                let n_entries = (width * height).min(64);
                let level = HashLevel { scale, width, height, n_entries, offset };
                offset += n_entries * 3;
                level
            };
            (Encoding::Hash { levels: [2.0, 5.0, 14.0].map(level).to_vec(), n_features: 3 }, 9)
        }
    };
    let w = o.width;
    let layers = chain(&[n_in, w, w + 1, w, o.n_out * o.patch * o.patch], &mut offset);
    let d_latent = 5;
    let hyper = o.modulated.iter().map(|&layer| {
        let mut sizes = vec![d_latent];
        sizes.extend(o.hyper);
        sizes.push(2 * (layers[layer].n_in + layers[layer].n_out));
        Hyper { layer, rank: 2, layers: chain(&sizes, &mut offset) }
    });
    let hyper = hyper.collect();
    PaperShape {
        width: o.size.0,
        height: o.size.1,
        n_frames: 4,
        n_out: o.n_out,
        patch: o.patch,
        encoding,
        layers,
        hyper,
        d_latent,
        latents: offset,
    }
}

struct Case {
    shape: PaperShape,
    step: PaperStep,
    params: Vec<f32>,
    target: Vec<f32>,
}

impl Case {
    fn new(o: &Options, step: usize, phase: (usize, usize)) -> Self {
        let shape = shape(o);
        let lattice = shape.centres(step, phase);
        let mut rng = Rng::new(17);
        // Wide layers with smaller weights, so that values stay within a few hundred.
        let gain = (2.0 / (o.width as f32).sqrt()).min(0.5);
        let mut params: Vec<f32> = (0..shape.len()).map(|_| gain * rng.normal()).collect();
        // Most units are on, so that few are near the kink of their ReLU.
        for layer in &shape.layers {
            params[layer.bias()].iter_mut().for_each(|b| *b += 1.0);
        }
        let n = shape.n_frames * shape.n_values() * lattice.len();
        // Pixels that are not there are not there in any component.
        let area = shape.patch * shape.patch * lattice.len();
        let missing = |i: usize| i % area % 13 == 5;
        let target = (0..n).map(|i| if missing(i) { f32::NAN } else { rng.normal() }).collect();
        let form = [[1.3, 0.2, -0.1], [0.2, 0.9, 0.15], [-0.1, 0.15, 1.1]];
        Self { shape, step: PaperStep { lattice, form, weight: 0.01 }, params, target }
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
        };
        vec![
            Self::new(&o((37, 21), 3, 1, 9, &[1], true, &[7]), 1, (0, 0)),
            Self::new(&o((37, 21), 3, 4, 8, &[0, 2], true, &[6, 3]), 1, (0, 0)),
            Self::new(&o((70, 9), 1, 2, 13, &[3], false, &[4]), 2, (1, 0)),
            Self::new(&o((1, 1), 3, 1, 4, &[0, 1, 2, 3], true, &[]), 1, (0, 0)),
            Self::new(&o((65, 40), 3, 1, 33, &[2], false, &[5]), 1, (0, 0)),
            Self::new(&o((9, 5), 3, 2, 131, &[1], true, &[4]), 1, (0, 0)),
        ]
    }

    /// Error and gradients; what they are added to must not matter.
    fn train<B: PaperBackend>(&self, backend: &B, poison: f32) -> (f64, Vec<f32>) {
        let Self { shape, step, target, params } = self;
        let n = params.len();
        let mut workspace = backend
            .paper_workspace(shape, PaperPurpose::Train { n_points: step.lattice.len() })
            .unwrap();
        let [target, params] = [target, params].map(|v| upload(backend, v));
        let mut grads = upload(backend, &vec![poison; n]);
        let mut sums = upload(backend, &[f32::NAN; 2]);
        // Twice: scratch memory must be left clean.
        for _ in 0..2 {
            let error = Sum { buffer: &mut sums, index: 0 };
            backend
                .paper_train(&mut workspace, shape, step, &target, &params, Some(&mut grads), error)
                .unwrap();
        }
        let error = read_sums(backend, &sums, 1).unwrap()[0];
        let grads = download(backend, &grads, n);
        (error, grads.iter().map(|g| (g - poison) / 2.0).collect())
    }
}

#[test]
fn paper_step_against_finite_differences() {
    for mut case in Case::all().into_iter().take(4) {
        let (_, grads) = case.train(&Reference, 0.0);
        let mut params = case.params.clone();
        for tensor in case.shape.tensors() {
            // A layer that feeds nothing but dead units, and entries that no point reaches.
            if grads[tensor.range.clone()].iter().all(|g| g.abs() < 1e-4) {
                continue;
            }
            let range = tensor.range.clone();
            let mut loss = |p: &[f32]| {
                case.params.copy_from_slice(p);
                let Case { shape, step, target, params } = &case;
                let mut sums = vec![0.0; 2];
                let error = Sum { buffer: &mut sums, index: 0 };
                Reference.paper_train(&mut (), shape, step, target, params, None, error).unwrap();
                f64::from(step.weight) * read_sums(&Reference, &sums, 1).unwrap()[0]
            };
            let error = difference(&tensor.name, &mut params, &grads, range, 1e-3, &mut loss);
            assert!(error < 0.02, "{}: relative error {error:.4}", tensor.name);
        }
        case.params = params;
    }
}

/// How far a backend may be from the reference: of the error, of the largest gradient of every
/// tensor, and in steps of 8-bit samples. The random weights here make values a hundred times those
/// of a picture, which f16 (11 bits) rounds by as much more; trained networks stay within one step.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub error: f64,
    pub gradients: f32,
    pub steps: u16,
}

/// Training steps and pictures of every case.
pub fn paper<B: PaperBackend>(backend: &B, name: &str, tolerance: Tolerance) {
    for (i, case) in Case::all().iter().enumerate() {
        let name = format!("case {i} on {name}");
        let (error, grads) = case.train(&Reference, 0.0);
        let (got_error, got) = case.train(backend, 0.25);
        let off = (got_error / error - 1.0).abs();
        assert!(off < tolerance.error, "{name}: {got_error} for {error}");
        for tensor in case.shape.tensors() {
            let what = format!("{name}: {}", tensor.name);
            let (got, grads) = (&got[tensor.range.clone()], &grads[tensor.range]);
            close(&what, got, grads, tolerance.gradients);
        }
        pictures(backend, &name, case, tolerance.steps);
    }
}

/// Pictures of several sizes and times, with what does not depend on time kept and without.
fn pictures<B: PaperBackend>(backend: &B, name: &str, case: &Case, steps: u16) {
    let chroma = if case.shape.n_out == 1 { Chroma::Gray } else { Chroma::Yuv420 };
    let own_size = (case.shape.width, case.shape.height);
    for ((width, height), times) in
        [(own_size, &[0.0, 1.75, 3.0][..]), ((29, 50), &[1.75]), ((9, 5), &[0.25])]
    {
        let format = PictureFormat::new(width as u32, height as u32, chroma, 8);
        for &tau in times {
            let expected = rendered(&Reference, case, format, 0, &[tau]);
            let without = rendered(backend, case, format, 0, &[tau]);
            // The second time with what was kept.
            let with = rendered(backend, case, format, 1 << 30, &[0.5, tau]);
            for plane in 0..chroma.n_planes() {
                assert_eq!(with.plane(plane), without.plane(plane), "{name}: prefix");
            }
            same_picture(name, &without, &expected, steps);
        }
    }
}

/// The picture of the last of some times.
fn rendered<B: PaperBackend>(
    backend: &B,
    case: &Case,
    format: PictureFormat,
    max_prefix: usize,
    times: &[f32],
) -> Picture {
    let params = upload(backend, &case.params);
    let purpose = PaperPurpose::Render { max_prefix };
    let mut workspace = backend.paper_workspace(&case.shape, purpose).unwrap();
    let mut out = Picture::new(format).unwrap();
    for &tau in times {
        backend.paper_render(&mut workspace, &case.shape, tau, &params, &mut out).unwrap();
    }
    out
}

#[test]
fn cpu_paper_parity() {
    let tolerance = Tolerance { error: 1e-4, gradients: 2e-3, steps: 1 };
    cpus().for_each(|(cpu, name)| paper(&cpu, &name, tolerance));
}
