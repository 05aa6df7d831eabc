// SPDX-License-Identifier: MIT OR Apache-2.0
//! Models with random parameters, shared by the tests.

use crate::backend::*;
use crate::base::Rng;

/// A group with grids, networks and a target.
pub struct Case {
    pub shape: Shape,
    pub step: TrainStep,
    pub grids: Vec<f32>,
    pub network: Vec<f32>,
    pub target: Vec<f32>,
}

fn timed(
    strides: &[u32],
    n_components: usize,
    offset: usize,
    size: (u32, u32),
    nodes: Nodes,
) -> Timed {
    let mut node_len = 0;
    let levels = strides.iter().map(|&s| {
        let grid = Grid::cover(size.0, size.1, s, 0);
        let level = TimedLevel { grid, offset: node_len };
        node_len += grid.len() * n_components;
        level
    });
    Timed { levels: levels.collect(), n_components, offset, node_len, nodes }
}

/// A shape with cubic and linear canonical levels, motion and residual.
pub fn shape(size: (u32, u32), n_out: usize, width: usize, margin: u32) -> Shape {
    let n_frames = 6;
    let mut offset = 0;
    let levels =
        [(1, Kernel::Cubic), (2, Kernel::Cubic), (4, Kernel::Linear), (16, Kernel::Linear)];
    let canonical: Vec<Canonical> = levels
        .into_iter()
        .map(|(stride, kernel)| {
            let grid = Grid::cover(size.0, size.1, stride, margin);
            let level = Canonical { grid, kernel, offset };
            offset += grid.len();
            level
        })
        .collect();
    let motion = timed(&[4, 8], 2, offset, size, Nodes::cover(n_frames, 1));
    let end = motion.offset + motion.nodes.n * motion.node_len;
    let residual = timed(&[4, 16], 1, end, size, Nodes::cover(n_frames, 2));
    let network = Network {
        n_features: 6,
        width,
        n_out,
        rank: 2,
        d_latent: 3,
        nodes: Nodes::cover(n_frames, 2),
        n_scales: [4, 2, 2],
    };
    let (width, height) = (size.0 as usize, size.1 as usize);
    Shape { width, height, n_frames, canonical, motion, residual, network }
}

impl Case {
    /// Random parameters for every point of a frame at time `tau`.
    pub fn new(shape: Shape, tau: f32, lattice: Lattice) -> Self {
        let mut rng = Rng::new(11);
        let mut normal =
            |n: usize, gain: f32| -> Vec<f32> { (0..n).map(|_| gain * rng.normal()).collect() };
        let grids = normal(shape.n_grid(), 1.5);
        let mut network = normal(shape.network.len(), 0.4);
        for v in &mut network[shape.network.range(Tensor::Scales)] {
            *v = *v * 0.3 - 0.5;
        }
        let target = normal(shape.network.n_out * lattice.len(), 0.5);
        let form = [[1.3, 0.2, -0.1], [0.2, 0.9, 0.15], [-0.1, 0.15, 1.1]];
        let step = TrainStep { tau, lattice, form, weight: 0.7 };
        Self { shape, step, grids, network, target }
    }

    /// All the cases that parity is checked on: odd sizes, one component, subsets of points.
    pub fn all() -> Vec<Self> {
        let full = |w, h| Lattice::subset((w, h), 1, (0, 0));
        vec![
            Self::new(shape((37, 21), 3, 16, 0), 2.0, full(37, 21)),
            Self::new(shape((37, 21), 3, 6, 5), 2.5, full(37, 21)),
            Self::new(shape((70, 9), 1, 3, 0), 4.25, Lattice::subset((70, 9), 2, (1, 0))),
            Self::new(shape((1, 1), 3, 16, 0), 5.0, full(1, 1)),
            Self::new(shape((2, 130), 3, 5, 3), 0.0, Lattice::subset((2, 130), 2, (0, 1))),
        ]
    }
}

/// What a training step returns, as plain vectors.
pub struct Trained {
    pub squared_error: f64,
    pub d_grids: Vec<f32>,
    pub d_network: Vec<f32>,
}

/// A buffer with these values.
pub fn upload<B: Backend>(backend: &B, values: &[f32]) -> B::Buffer {
    let mut buffer = backend.alloc(values.len()).unwrap();
    backend.write(&mut buffer, 0, values).unwrap();
    buffer
}

/// The values of a buffer.
pub fn download<B: Backend>(backend: &B, buffer: &B::Buffer, len: usize) -> Vec<f32> {
    let mut values = vec![0.0; len];
    backend.read(buffer, 0, &mut values).unwrap();
    values
}

/// Modulation, training step and modulation backward. Gradients start from `poison`, which must
/// not matter: they are added to.
pub fn train<B: Backend>(backend: &B, case: &Case, poison: f32) -> Trained {
    let Case { shape, step, grids, network, target } = case;
    let net = &shape.network;
    let mut workspace = backend.workspace(shape, Purpose::Train).unwrap();
    let (n_grids, n_network) = (grids.len(), network.len());
    let [grids, network, target] = [grids, network, target].map(|v| upload(backend, v));
    let mut modulated = upload(backend, &vec![f32::NAN; net.modulated_len()]);
    backend.modulate(shape, step.tau, &network, &mut modulated).unwrap();
    let [mut d_grids, mut d_network] =
        [n_grids, n_network].map(|n| upload(backend, &vec![poison; n]));
    let mut d_modulated = backend.alloc(net.modulated_len()).unwrap();
    let params = Params { grids: &grids, network: &network, modulated: &modulated };
    let mut grads =
        Grads { grids: &mut d_grids, network: &mut d_network, modulated: &mut d_modulated };
    let mut sums = upload(backend, &[f32::NAN; 4]);
    // Twice: scratch memory must be left clean.
    for _ in 0..2 {
        let error = Sum { buffer: &mut sums, index: 1 };
        backend
            .train(&mut workspace, shape, step, &target, &params, Some(&mut grads), error)
            .unwrap();
    }
    let squared_error = read_sums(backend, &sums, 2).unwrap()[1];
    let error = Sum { buffer: &mut sums, index: 0 };
    backend.train(&mut workspace, shape, step, &target, &params, None, error).unwrap();
    let without_grads = read_sums(backend, &sums, 2).unwrap()[0];
    assert!((without_grads / squared_error - 1.0).abs() < 1e-5, "{without_grads} {squared_error}");
    backend
        .modulate_bwd(shape, step.tau, &network, &modulated, &d_modulated, &mut d_network)
        .unwrap();
    let unpoison = |v: Vec<f32>| v.into_iter().map(|v| (v - poison) / 2.0).collect();
    Trained {
        squared_error,
        d_grids: unpoison(download(backend, &d_grids, n_grids)),
        d_network: unpoison(download(backend, &d_network, n_network)),
    }
}

/// Entropy models and planes over the grids of a case.
pub fn rate_case(case: &Case, before: bool, extra: bool) -> (Entropy, Vec<RatePlane>, Vec<f32>) {
    let shape = &case.shape;
    let entropy = Entropy { before, extra, n_biases: 3 };
    let mut planes = vec![];
    for (i, c) in shape.canonical.iter().enumerate() {
        let coarser = shape.canonical.get(i + 1);
        let extra = coarser.map(|e| {
            let ratio = (e.grid.stride / c.grid.stride) as usize;
            Extra { offset: e.offset, grid: e.grid, ratio }
        });
        planes.push(RatePlane { offset: c.offset, grid: c.grid, before: None, extra, biases: 0 });
    }
    for level in 0..2 {
        planes.push(RatePlane {
            offset: shape.motion.plane(3, level, 1).start,
            grid: shape.motion.levels[level].grid,
            before: Some(shape.motion.plane(2, level, 1).start),
            extra: Some(Extra {
                offset: shape.motion.plane(3, level, 0).start,
                grid: shape.motion.levels[level].grid,
                ratio: 1,
            }),
            biases: level + 1,
        });
    }
    let mut rng = Rng::new(4);
    let model = (0..entropy.len()).map(|_| rng.normal() * 0.15).collect();
    (entropy, planes, model)
}

/// Bits and gradients of [`Backend::rate`], which are added to 0.5.
pub fn rate<B: Backend>(
    backend: &B,
    shape: &Shape,
    (entropy, planes): (&Entropy, &[RatePlane]),
    symbols: &[f32],
    model: &[f32],
    weight: f32,
) -> (f64, Vec<f32>, Vec<f32>) {
    let mut workspace = backend.workspace(shape, Purpose::Train).unwrap();
    let (n_symbols, n_model) = (symbols.len(), model.len());
    let [symbols, model] = [symbols, model].map(|v| upload(backend, v));
    let [mut d_symbols, mut d_model] = [n_symbols, n_model].map(|n| upload(backend, &vec![0.5; n]));
    let mut sums = upload(backend, &[f32::NAN; 4]);
    for grads in [Some((&mut d_symbols, &mut d_model)), None] {
        let bits = Sum { buffer: &mut sums, index: grads.is_some().into() };
        backend
            .rate(&mut workspace, entropy, planes, &symbols, &model, weight, grads, bits)
            .unwrap();
    }
    let bits = read_sums(backend, &sums, 2).unwrap();
    assert!((bits[0] / bits[1] - 1.0).abs() < 1e-6, "{bits:?}");
    let d_symbols = download(backend, &d_symbols, n_symbols);
    (bits[1], d_symbols, download(backend, &d_model, n_model))
}
