// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forward pass and training step of small and wide networks on one thread, in FLOP/s of the network
//! alone (sampling is done too, and not counted), beside what this core reaches when it only
//! multiplies and adds.

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lnr::internals::backend::cpu::{Cpu, Isa};
use lnr::internals::backend::{Backend, Grads, Params, Purpose, Shape, Sum, TrainStep};
use lnr::internals::base::Rng;
use lnr::{Chroma, PictureFormat};

const SIZE: (u32, u32) = (320, 180);

fn shape(hidden: u32) -> Shape {
    let strides = [1, 2, 4, 8, 16, 32];
    let model = common::grid_model(&strides, &strides[3..], &strides[2..], hidden);
    common::shape(&model, SIZE, 1)
}

/// Multiplications and additions of the network for one point.
fn flop(shape: &Shape) -> u64 {
    let n = &shape.network;
    let (c, k, o) = (n.n_features(), n.width(), n.n_out());
    2 * (k * (c + k + o) + c * o) as u64
}

struct Bench {
    cpu: Cpu,
    shape: Shape,
    grids: Vec<f32>,
    network: Vec<f32>,
}

impl Bench {
    fn new(hidden: u32) -> Self {
        let (cpu, shape) = (Cpu::new(1).expect("a thread"), shape(hidden));
        let mut rng = Rng::new(1);
        let mut noise = |n: usize| (0..n).map(|_| 0.3 * rng.normal()).collect::<Vec<_>>();
        let (grids, network) = (noise(shape.n_grid()), noise(shape.network.len()));
        Self { cpu, shape, grids, network }
    }

    fn params(&self) -> Params<'_, Vec<f32>> {
        Params { grids: &self.grids, network: &self.network }
    }
}

fn network(c: &mut Criterion) {
    let peak = common::peak(Isa::available()[0]);
    println!("this core's peak: {:.1} GFLOP/s", peak / 1e9);
    let mut group = c.benchmark_group("network");
    let n_points = u64::from(SIZE.0 * SIZE.1);
    for hidden in [16, 64] {
        let bench = Bench::new(hidden);
        let (cpu, shape, params) = (&bench.cpu, &bench.shape, bench.params());
        let mut ws = cpu.workspace(shape, Purpose::Render { max_prefix: 0 }).expect("memory");
        let format = PictureFormat::new(SIZE.0, SIZE.1, Chroma::Yuv444, 8);
        let mut surface = cpu.surface(format).expect("a legal format");
        let sample = shape.sample(0.0);
        cpu.load(&mut ws, shape, &params).expect("memory");
        let work = n_points * flop(shape);
        group.throughput(Throughput::Elements(work));
        let mut forward = || cpu.render(&mut ws, shape, &sample, &params, &|| false, &mut surface);
        let seconds = best(&mut || forward().expect("rendering succeeds"));
        report("forward", hidden, work as f64 / seconds, peak);
        group.bench_function(BenchmarkId::new("forward", hidden), |b| b.iter(&mut forward));

        let step = TrainStep {
            samples: shape.step_samples(0),
            lattice: shape.centres(1, (0, 0)),
            form: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            weight: 1.0,
        };
        let target = vec![0.5; 3 * n_points as usize];
        let mut sums = vec![0.0; 2];
        let [mut d_grids, mut d_network] =
            [&bench.grids, &bench.network].map(|v| vec![0.0; v.len()]);
        let purpose = Purpose::Train { n_points: step.lattice.len() };
        let mut ws = cpu.workspace(shape, purpose).expect("memory");
        let mut train = || {
            let mut grads = Grads { grids: &mut d_grids, network: &mut d_network };
            let error = Sum { buffer: &mut sums, index: 0 };
            cpu.train(&mut ws, shape, &step, &target, &params, Some(&mut grads), error)
        };
        // Backward is two more products of each layer.
        group.throughput(Throughput::Elements(3 * work));
        let seconds = best(&mut || {
            train().expect("training succeeds");
        });
        report("training", hidden, 3.0 * work as f64 / seconds, peak);
        group.bench_function(BenchmarkId::new("training", hidden), |b| b.iter(&mut train));
    }
    group.finish();
}

/// The shortest of some runs, in seconds.
fn best(run: &mut dyn FnMut()) -> f64 {
    (0..20).map(|_| common::time(&mut *run).as_secs_f64()).fold(f64::MAX, f64::min)
}

fn report(what: &str, hidden: u32, rate: f64, peak: f64) {
    let percent = 100.0 * rate / peak;
    println!("{what}, width {hidden}: {:.1} GFLOP/s, {percent:.0} % of the peak", rate / 1e9);
}

criterion_group!(benches, network);
criterion_main!(benches);
