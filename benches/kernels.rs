// SPDX-License-Identifier: MIT OR Apache-2.0
//! The operations of a visit of a grid model and rendering, each alone: milliseconds of CPU on one thread,
//! on every instruction set of this machine, the least of some runs. Arguments keep
//! the instruction sets of that name and the operations whose line holds them.

mod common;

use lnr::internals::backend::cpu::{Cpu, Isa};
use lnr::internals::backend::{
    Adam, Backend, Grads, Params, Purpose, Rounding, Shape, Sum, TrainStep,
};
use lnr::internals::base::Rng;
use lnr::internals::model;
use lnr::{Chroma, Picture, PictureFormat};

/// Size, finest and coarsest strides of canonical, motion and residual, width of the network: what
/// is usual at that size.
type Model = ((u32, u32), [(u32, u32); 3], u32);
const MODELS: [Model; 3] = [
    ((320, 180), [(1, 32), (8, 32), (4, 32)], 16),
    ((1280, 720), [(2, 256), (64, 256), (8, 256)], 16),
    ((1280, 720), [(2, 256), (64, 256), (8, 256)], 32),
];
const RUNS: usize = 25;
/// Symbols of motion and of the rest: most are zeros and ones.
const SYMBOLS: f32 = 0.7;

struct Bench {
    cpu: Cpu,
    shape: Shape,
    buffers: [Vec<f32>; 4],
    network: [Vec<f32>; 2],
}

impl Bench {
    fn new(isa: Isa, &(size, strides, width): &Model) -> Self {
        let cpu = Cpu::with_isa(isa, 1).expect("a thread");
        let [canonical, motion, residual] = strides.map(|(first, last)| {
            std::iter::successors(Some(first), |s| Some(2 * s).filter(|s| *s <= last))
                .collect::<Vec<_>>()
        });
        let shape =
            common::shape(&common::grid_model(&canonical, &motion, &residual, width), size, 2);
        let mut rng = Rng::new(1);
        let network = model::network_parameters(&shape, &mut rng);
        let grids = (0..shape.n_grid()).map(|_| SYMBOLS * rng.normal()).collect::<Vec<f32>>();
        let zeros = || vec![0.0; shape.n_grid()];
        let buffers = [grids, zeros(), zeros(), zeros()];
        let d_network = vec![0.0; network.len()];
        Self { cpu, shape, buffers, network: [network, d_network] }
    }

    fn render(&mut self) -> f64 {
        let (cpu, shape) = (&self.cpu, &self.shape);
        let params = Params { grids: &self.buffers[0], network: &self.network[0] };
        let mut ws = cpu.workspace(shape, Purpose::Render { max_prefix: 0 }).expect("memory");
        let (width, height) = (shape.width as u32, shape.height as u32);
        let format = PictureFormat::new(width, height, Chroma::Yuv420, 8);
        let mut surface: Picture = cpu.surface(format).expect("a legal format");
        let sample = shape.sample(1.0);
        cpu.load(&mut ws, shape, &params).expect("memory");
        best(&self.cpu, &mut || {
            cpu.render(&mut ws, shape, &sample, &params, &|| false, &mut surface)
                .expect("rendering succeeds");
        })
    }

    /// A visit of every second point both ways, with gradients or without.
    fn train(&mut self, with_grads: bool) -> f64 {
        let (cpu, shape) = (&self.cpu, &self.shape);
        let step = TrainStep {
            samples: shape.step_samples(1),
            lattice: shape.centres(2, (0, 1)),
            form: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            weight: 1.0,
        };
        let n_points = step.lattice.len();
        let target = vec![0.5; 3 * n_points];
        let mut sums = vec![0.0; 2];
        let mut ws = cpu.workspace(shape, Purpose::Train { n_points }).expect("memory");
        let ([grids, d_grids, ..], [network, d_network]) = (&mut self.buffers, &mut self.network);
        let params = Params { grids, network };
        best(&self.cpu, &mut || {
            let mut grads = Grads { grids: d_grids, network: d_network };
            let error = Sum { buffer: &mut sums, index: 0 };
            let grads = with_grads.then_some(&mut grads);
            cpu.train(&mut ws, shape, &step, &target, &params, grads, error)
                .expect("training succeeds");
        })
    }

    /// The rate of the canonical planes, or of a node of everything else.
    fn rate(&mut self, canonical: bool) -> f64 {
        let (cpu, shape) = (&self.cpu, &self.shape);
        let mut ws = cpu.workspace(shape, Purpose::Train { n_points: 1 }).expect("memory");
        let [symbols, d_symbols, ..] = &mut self.buffers;
        let mut sums = vec![0.0; 2];
        let mut rng = Rng::new(2);
        let jobs: Vec<_> = shape
            .grids()
            .filter(|(i, _)| (*i == 0) == canonical)
            .map(|(_, source)| {
                let entropy = model::entropy(source);
                let parameters = model::entropy_parameters(&entropy, &mut rng);
                (entropy, model::rate_planes(source, usize::from(!canonical)), parameters)
            })
            .collect();
        let mut d_models: Vec<_> = jobs.iter().map(|(.., p)| vec![0.0; p.len()]).collect();
        best(&self.cpu, &mut || {
            for ((entropy, planes, model), d_model) in jobs.iter().zip(&mut d_models) {
                let (grads, bits) =
                    (Some((&mut *d_symbols, d_model)), Sum { buffer: &mut sums, index: 0 });
                cpu.rate(&mut ws, entropy, planes, symbols, model, 1e-6, grads, bits)
                    .expect("the rate is known");
            }
        })
    }

    fn quantise(&mut self) -> f64 {
        let rounding = Rounding { temperature: 0.4, noise: 0.8 };
        let [values, _, symbols, slopes] = &mut self.buffers;
        let range = 0..values.len();
        best(&self.cpu, &mut || {
            self.cpu
                .quantise(rounding, 3, range.clone(), values, symbols, slopes)
                .expect("quantising succeeds");
        })
    }

    fn adam(&mut self) -> f64 {
        let adam = Adam { rate: 1e-9, beta1: 0.9, beta2: 0.99, step: 3 };
        let [values, grads, m, v] = &mut self.buffers;
        let (range, slopes) = (0..values.len(), vec![1.0; values.len()]);
        v.fill(1.0);
        best(&self.cpu, &mut || {
            self.cpu
                .adam(&adam, range.clone(), values, grads, Some(&slopes), (m, v))
                .expect("Adam succeeds");
        })
    }
}

/// The least that a run takes, in milliseconds of CPU where they are known.
fn best(cpu: &Cpu, run: &mut (dyn FnMut() + Send)) -> f64 {
    let one = |run: &mut dyn FnMut()| {
        let before = common::cpu_seconds();
        let clock = common::time(&mut *run).as_secs_f64();
        common::cpu_seconds().zip(before).map_or(clock, |(after, before)| after - before)
    };
    cpu.scope(|| (0..RUNS).map(|_| 1e3 * one(run)).fold(f64::MAX, f64::min))
}

fn main() {
    let filter: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let all = Isa::available();
    let (isas, filter): (Vec<_>, Vec<_>) =
        filter.into_iter().partition(|f| all.iter().any(|isa| isa.name() == f));
    let wanted = |isa: &Isa| match isas.is_empty() {
        true => isa.lanes() > 1,
        false => isas.iter().any(|name| isa.name() == name),
    };
    let isas: Vec<_> = all.iter().filter(|isa| wanted(isa)).collect();
    println!(
        "{:<45} {}",
        "ms",
        isas.iter().map(|i| format!("{:>9}", i.name())).collect::<String>()
    );
    type Operation = (&'static str, fn(&mut Bench) -> f64);
    let operations: [Operation; 7] = [
        ("render", Bench::render),
        ("train", |b| b.train(true)),
        ("train without gradients", |b| b.train(false)),
        ("rate of canonical", |b| b.rate(true)),
        ("rate of a node", |b| b.rate(false)),
        ("quantise everything", Bench::quantise),
        ("Adam of everything", Bench::adam),
    ];
    for model in &MODELS {
        for (name, run) in operations {
            let ((width, height), _, hidden) = model;
            let name = format!("{width}x{height}, width {hidden}: {name}");
            if !filter.iter().all(|f| name.contains(f)) {
                continue;
            }
            let times = isas.iter().map(|isa| run(&mut Bench::new(**isa, model)));
            println!("{name:<45} {}", times.map(|t| format!("{t:9.3}")).collect::<String>());
        }
    }
}
