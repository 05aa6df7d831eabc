// SPDX-License-Identifier: MIT OR Apache-2.0
//! Models with random parameters, shared by the tests.

use crate::backend::*;
use crate::base::Rng;
use crate::base::spec::{Extent, LatentSpec, ModelSpec, NetworkSpec, Precision, SourceSpec};

/// A group with grids, networks and a target.
#[derive(Clone)]
pub struct Case {
    pub shape: Shape,
    pub step: TrainStep,
    pub grids: Vec<f32>,
    pub network: Vec<f32>,
    pub target: Vec<f32>,
}

/// Which sources a case has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// One canonical source through one motion source, and residual.
    One,
    /// Canonical sources through two motion sources and through none, residuals of several node
    /// steps.
    Several,
    /// Three anchors, which share a motion and have one each, and blend grids.
    Anchors,
    /// Two anchors at one place, which time alone blends.
    Still,
    /// As many levels of every kind as encoders take.
    Most,
}

fn spec(sources: Sources, width: u32, margin: u32) -> ModelSpec {
    let sources = match sources {
        Sources::One => vec![
            SourceSpec::canonical(&[1, 2, 4, 16], 2, margin, &[0]),
            SourceSpec::motion(&[4, 8], 1),
            SourceSpec::residual(&[4, 16], 2),
        ],
        Sources::Several => vec![
            SourceSpec::canonical(&[2, 16], 2, margin, &[1]),
            SourceSpec::canonical(&[4], 4, 0, &[]),
            SourceSpec::canonical(&[1, 8], 0, 0, &[0]),
            SourceSpec::motion(&[8], 2),
            SourceSpec::motion(&[4, 8], 1),
            SourceSpec::residual(&[4], 1),
            SourceSpec::residual(&[2, 16], 4),
        ],
        Sources::Anchors => vec![
            SourceSpec::canonical(&[1, 2, 4, 16], 2, margin, &[0, 1]).anchored(2, &[0, 2]),
            SourceSpec::motion(&[16], 1),
            SourceSpec::motion(&[4, 8], 2),
            SourceSpec::motion(&[8], 2),
            SourceSpec::residual(&[4, 16], 2),
            SourceSpec::blend(&[4, 8], 1),
            SourceSpec::blend(&[8], 4),
        ],
        Sources::Still => vec![
            SourceSpec::canonical(&[2, 8], 2, margin, &[]).anchored(5, &[]),
            SourceSpec::residual(&[4], 1),
        ],
        Sources::Most => vec![
            SourceSpec::canonical(&[1, 2, 4, 8, 16, 16, 32, 32, 64, 64], 2, margin, &[0, 1, 3])
                .anchored(3, &[0, 2, 3]),
            SourceSpec::motion(&[32], 1),
            SourceSpec::motion(&[8, 16], 2),
            SourceSpec::motion(&[8, 16], 2),
            SourceSpec::motion(&[16], 4),
            SourceSpec::residual(&[4, 8, 16, 32], 1),
            SourceSpec::residual(&[4, 8, 16, 64], 2),
            SourceSpec::blend(&[4, 8, 16], 1),
            SourceSpec::blend(&[8, 32], 4),
        ],
    };
    ModelSpec {
        sources,
        latent: LatentSpec { dim: 3, node_step: 2 },
        network: NetworkSpec::of_grids(width, 2),
        precision: Precision::Steps,
    }
}

/// A shape of six frames with cubic and linear canonical levels, motion and residual.
pub fn shape(sources: Sources, size: (u32, u32), n_out: u32, width: u32, margin: u32) -> Shape {
    let extent = Extent { width: size.0, height: size.1, n_frames: 6, n_out };
    Shape::new(&spec(sources, width, margin), &extent).unwrap()
}

impl Case {
    /// Random parameters for the points of a lattice at time `tau`.
    pub fn new(shape: Shape, tau: f32, step: usize, phase: (usize, usize)) -> Self {
        let mut rng = Rng::new(11);
        let mut normal =
            |n: usize, gain: f32| -> Vec<f32> { (0..n).map(|_| gain * rng.normal()).collect() };
        let grids = normal(shape.n_grid(), 1.5);
        let mut network = normal(shape.network.len(), 0.4);
        for v in &mut network[shape.network.scales()] {
            *v = *v * 0.3 - 0.5;
        }
        let lattice = shape.centres(step, phase);
        let target = normal(shape.n_out * lattice.len(), 0.5);
        let form = [[1.3, 0.2, -0.1], [0.2, 0.9, 0.15], [-0.1, 0.15, 1.1]];
        let samples = vec![shape.sample(tau)];
        let step = TrainStep { samples, lattice, form, weight: 0.7 };
        Self { shape, step, grids, network, target }
    }

    /// The same at one more time.
    fn and_at(mut self, tau: f32) -> Self {
        self.step.samples.push(self.shape.sample(tau));
        let other: Vec<f32> = self.target.iter().rev().copied().collect();
        self.target.extend(other);
        self
    }

    /// The same without some of the pixels, in any component.
    fn with_gaps(mut self) -> Self {
        let n = self.step.lattice.len();
        let missing = self.target.iter_mut().enumerate().filter(|(i, _)| i % n % 13 == 5);
        missing.for_each(|(_, t)| *t = f32::NAN);
        self
    }

    /// All the cases that parity is checked on: odd sizes, one component, subsets of points, several
    /// sources of a kind, several times.
    pub fn all() -> Vec<Self> {
        use Sources::{Anchors, Most, One, Several, Still};
        vec![
            Self::new(shape(One, (37, 21), 3, 16, 0), 2.0, 1, (0, 0)),
            Self::new(shape(One, (37, 21), 3, 6, 5), 2.5, 1, (0, 0)),
            Self::new(shape(One, (70, 9), 1, 3, 0), 4.25, 2, (1, 0)).with_gaps(),
            Self::new(shape(One, (1, 1), 3, 16, 0), 5.0, 1, (0, 0)),
            Self::new(shape(One, (2, 130), 3, 5, 3), 0.0, 2, (0, 1)),
            Self::new(shape(Several, (41, 23), 3, 16, 3), 2.75, 1, (0, 0)).with_gaps(),
            Self::new(shape(Several, (66, 10), 1, 7, 0), 1.0, 2, (0, 1)),
            Self::new(shape(One, (20, 13), 3, 8, 0), 1.0, 1, (0, 0)).and_at(3.5),
            Self::new(shape(Anchors, (37, 21), 3, 16, 0), 1.0, 1, (0, 0)).with_gaps(),
            Self::new(shape(Anchors, (70, 9), 1, 24, 5), 2.5, 2, (1, 0)).and_at(5.0),
            Self::new(shape(Still, (41, 23), 3, 8, 0), 3.0, 1, (0, 0)),
            Self::new(shape(Most, (20, 13), 3, 32, 2), 3.75, 1, (0, 0)),
            Self::new(shape(Most, (9, 14), 3, 12, 0), 4.0, 1, (0, 0)),
        ]
    }
}

/// A step over all points of a frame.
pub fn whole_frame(shape: &Shape) -> TrainStep {
    let lattice = shape.centres(1, (0, 0));
    let form = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    TrainStep { samples: vec![shape.sample(1.0)], lattice, form, weight: 0.1 }
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

/// A training step. Gradients start from `poison`, which must not matter: they are added to.
pub fn train<B: Backend>(backend: &B, case: &Case, poison: f32) -> Trained {
    let Case { shape, step, grids, network, target } = case;
    let purpose = Purpose::Train { n_points: step.lattice.len() };
    let mut workspace = backend.workspace(shape, purpose).unwrap();
    let (n_grids, n_network) = (grids.len(), network.len());
    let [grids, network, target] = [grids, network, target].map(|v| upload(backend, v));
    let [mut d_grids, mut d_network] =
        [n_grids, n_network].map(|n| upload(backend, &vec![poison; n]));
    let params = Params { grids: &grids, network: &network };
    let mut grads = Grads { grids: &mut d_grids, network: &mut d_network };
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
    let (_, canonical) = shape.canonical().next().unwrap();
    let first = |level: usize| (canonical.plane(0, level, 0).start, canonical.levels[level].grid);
    for level in 0..canonical.levels.len() {
        let (offset, grid) = first(level);
        let extra = (level + 1 < canonical.levels.len()).then(|| {
            let (offset, coarser) = first(level + 1);
            Extra { offset, grid: coarser, ratio: (coarser.stride / grid.stride) as usize }
        });
        planes.push(RatePlane { offset, grid, before: None, extra, biases: 0 });
    }
    let last_motion = shape.motion().last();
    for level in 0..last_motion.map_or(0, |(_, motion)| motion.levels.len()) {
        let (_, motion) = last_motion.unwrap();
        let (grid, node) = (motion.levels[level].grid, motion.nodes.n - 1);
        let offset = motion.plane(node, level, 0).start;
        planes.push(RatePlane {
            offset: motion.plane(node, level, 1).start,
            grid,
            before: Some(motion.plane(node - 1, level, 1).start),
            extra: Some(Extra { offset, grid, ratio: 1 }),
            biases: level + 1,
        });
    }
    let mut rng = Rng::new(4);
    let model = (0..entropy.len()).map(|_| rng.normal() * 0.15).collect();
    (entropy, planes, model)
}

/// All planes of the last node of a source, each predicted from itself and the node before.
pub fn every_plane(source: &Grids) -> (Entropy, Vec<RatePlane>) {
    let (n, node) = (source.n_components, source.nodes.n - 1);
    let before = !matches!(source.role, Role::Canonical { .. }) || node > 0;
    let plane = |i: usize| RatePlane {
        offset: source.plane(node, i / n, i % n).start,
        grid: source.levels[i / n].grid,
        before: (node > 0).then(|| source.plane(node - 1, i / n, i % n).start),
        extra: None,
        biases: i,
    };
    let n_biases = source.levels.len() * n;
    (Entropy { before, extra: true, n_biases }, (0..n_biases).map(plane).collect())
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
    let mut workspace = backend.workspace(shape, Purpose::Train { n_points: 1 }).unwrap();
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
