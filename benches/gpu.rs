// SPDX-License-Identifier: MIT OR Apache-2.0
//! The CUDA backend at 1920x1080: frames per second in training and decoding, and what every kernel
//! reaches of the machine's own limits, measured in the same run. Needs a GPU and nothing else:
//! `tests/gpu.sh` runs it where it was not built.

mod common;

use common::time;
use lnr::internals::backend::cuda::{Cuda, KernelTime, Peaks};
use lnr::internals::backend::{Backend, Params, Purpose, Shape};
use lnr::internals::base::Rng;
use lnr::internals::model::{grid_parameters, network_parameters};
use lnr::internals::train::{Recipe, train};
use lnr::stream::spec::Precision;
use lnr::{Chroma, Picture, PictureFormat, Result};

const SIZE: (u32, u32) = (1920, 1080);
const POINTS: f64 = (SIZE.0 * SIZE.1) as f64;
/// Visits of every frame in preset `medium`.
const EPOCHS: f64 = 120.0;
/// Frames of the groups that are trained here.
const N_FRAMES: usize = 9;

/// What a kernel has to do, in one step or frame.
struct Work {
    kernel: &'static str,
    /// To and from memory.
    bytes: f64,
    /// Of f32.
    float: f64,
    /// Of f16 on tensor cores.
    tensor: f64,
}

impl Work {
    fn bytes(kernel: &'static str, bytes: f64) -> Self {
        Self { kernel, bytes, float: 0.0, tensor: 0.0 }
    }

    /// Part of what the machine could do, by whichever limit is the nearest.
    fn fraction(&self, peaks: &Peaks, seconds: f64) -> f64 {
        let least = (self.bytes / peaks.bytes)
            .max(self.float / peaks.float)
            .max(self.tensor / peaks.tensor);
        least / seconds
    }
}

/// The model of profile `warp` at this size and the default quality.
fn warp() -> Shape {
    let strides = [1, 2, 4, 8, 16, 32, 64, 128];
    let model = common::grid_model(&strides, &strides[5..], &strides[3..], 16);
    common::shape(&model, SIZE, N_FRAMES as u32)
}

fn paper() -> Shape {
    common::shape(&common::paper_m(1, 64), SIZE, N_FRAMES as u32)
}

/// Multiplications and additions of the small network for a point.
fn warp_flop(shape: &Shape) -> f64 {
    let n = &shape.network;
    let (c, k, o) = (n.n_features(), n.width(), n.n_out());
    2.0 * (k * (c + k + o) + c * o) as f64
}

/// Of a training step of profile `warp`, which sees a quarter of the pixels.
fn warp_work(shape: &Shape) -> Vec<Work> {
    let (points, canonical) = (POINTS / 4.0, shape.n_canonical() as f64);
    let timed = shape.n_timed() as f64;
    let rows = shape.n_timed_rows() as f64;
    // Bits of the canonical planes are looked at in every fourth step.
    let rated = canonical / 4.0 + timed;
    let inputs = 18.0;
    let entry = 2.0 * (inputs * 16.0 + 32.0 + inputs);
    vec![
        Work {
            kernel: "frame_train_16",
            // Grids are read once at least, sums are read and written.
            bytes: points * 4.0 * (3.0 + rows) + canonical * (4.0 + 16.0),
            float: 3.0 * points * warp_flop(shape),
            tensor: 0.0,
        },
        Work { float: 3.0 * rated * entry, ..Work::bytes("rate_train", rated * 12.0) },
        Work::bytes("quantise", 12.0 * (canonical + timed)),
        Work::bytes("adam", 32.0 * (canonical + timed)),
        Work::bytes("add", 12.0 * canonical),
        Work::bytes("add_fixed_sums", 24.0 * canonical),
        Work::bytes("upsample_bwd", 4.0 * rows * points + 12.0 * timed),
        Work::bytes("target", points * (4.0 * 3.0 + 1.5)),
        Work::bytes("timed_planes", 12.0 * timed),
    ]
}

/// Multiplications and additions of layers for a point.
fn dense_flop(shape: &Shape, layers: std::ops::Range<usize>) -> f64 {
    shape.network.layers[layers].iter().map(|l| 2.0 * (l.n_in * l.n_out) as f64).sum()
}

fn table(title: &str, peaks: &Peaks, times: &[KernelTime], n: f64, work: &[Work]) {
    println!("\n{title}\n{:20} {:>9} {:>9} {:>9}", "kernel", "launches", "us", "of peak");
    for t in times {
        let seconds = t.seconds / n;
        let known = work.iter().find(|w| w.kernel == t.kernel);
        let fraction =
            known.map_or("-".into(), |w| format!("{:.0} %", 100.0 * w.fraction(peaks, seconds)));
        let launches = t.n_launches as f64 / n;
        println!("{:20} {launches:>9.2} {:>9.1} {fraction:>9}", t.kernel, 1e6 * seconds);
    }
}

fn bench_warp_training(cuda: &Cuda, peaks: &Peaks) -> Result<()> {
    let (shape, pictures) = (warp(), common::pictures(SIZE.0, SIZE.1, N_FRAMES));
    let pictures: Vec<&Picture> = pictures.iter().collect();
    let run = |epochs: u32| {
        let recipe = Recipe::grids(4e-3, epochs, 1);
        train(cuda, (&shape, Precision::Steps), &recipe, &pictures, &|_| Ok(0.0), &mut |_| Ok(()))
    };
    let timed = |epochs: u32| time(|| run(epochs).map(drop).expect("training")).as_secs_f64();
    // The difference leaves out what comes before and after the steps.
    let (few, many) = (4, 24);
    timed(few);
    let steps = f64::from(many - few) * N_FRAMES as f64;
    let seconds = (timed(many) - timed(few)) / steps;
    println!("\nwarp, training: {:.0} us a step", 1e6 * seconds);
    println!("warp, training: {:.1} frames/s at {EPOCHS} visits", 1.0 / (seconds * EPOCHS));
    let (_, times) = cuda.profile(|| run(few))?;
    let n = f64::from(few) * N_FRAMES as f64;
    table("a training step of profile warp", peaks, &times, n, &warp_work(&shape));
    Ok(())
}

fn frames_per_second(n: u32, render: &mut dyn FnMut(f32) -> Result<()>) -> Result<f64> {
    render(0.0)?;
    let mut outcome = Ok(());
    let seconds = time(|| {
        for i in 0..n {
            outcome = render(i as f32 % (N_FRAMES - 1) as f32 + 0.5);
        }
    });
    outcome.map(|()| f64::from(n) / seconds.as_secs_f64())
}

/// A model with random parameters on the GPU, and pictures of it.
struct Rendering<'a> {
    cuda: &'a Cuda,
    shape: Shape,
    buffers: [<Cuda as Backend>::Buffer; 2],
    workspace: <Cuda as Backend>::Workspace,
    surface: <Cuda as Backend>::Surface,
    out: Picture,
}

impl<'a> Rendering<'a> {
    fn new(cuda: &'a Cuda, shape: Shape) -> Result<Self> {
        let mut rng = Rng::new(1);
        let mut grids = grid_parameters(&shape, &mut rng);
        if shape.encoding().is_none() {
            grids.iter_mut().for_each(|v| *v = 0.5 * rng.normal());
        }
        let network = network_parameters(&shape, &mut rng);
        let buffers = [cuda.upload(grids)?, cuda.upload(network)?];
        let mut workspace = cuda.workspace(&shape, Purpose::Render { max_prefix: 4 << 30 })?;
        let params = Params { grids: &buffers[0], network: &buffers[1] };
        cuda.load(&mut workspace, &shape, &params)?;
        let format = PictureFormat::new(SIZE.0, SIZE.1, Chroma::Yuv420, 8);
        let (surface, out) = (cuda.surface(format)?, Picture::new(format)?);
        Ok(Self { cuda, shape, buffers, workspace, surface, out })
    }

    fn render(&mut self, tau: f32) -> Result<()> {
        let params = Params { grids: &self.buffers[0], network: &self.buffers[1] };
        let (ws, sample) = (&mut self.workspace, self.shape.sample(tau));
        let surface = &mut self.surface;
        self.cuda.render(ws, &self.shape, &sample, &params, &|| false, surface)?;
        self.cuda.download(surface, &mut self.out)
    }
}

fn bench_warp_decoding(cuda: &Cuda, peaks: &Peaks) -> Result<()> {
    let shape = warp();
    let mut rendering = Rendering::new(cuda, shape.clone())?;
    let mut render = |tau: f32| rendering.render(tau);
    println!("\nwarp, decoding: {:.1} frames/s", frames_per_second(200, &mut render)?);
    let ((), times) = cuda.profile(|| (0..8).try_for_each(|i| render(i as f32)))?;
    let work = [
        Work {
            float: POINTS * warp_flop(&shape),
            ..Work::bytes("frame_render_16", POINTS * 12.0 + 4.0 * shape.n_canonical() as f64)
        },
        Work::bytes("pack", POINTS * 13.5),
    ];
    table("a frame of profile warp", peaks, &times, 8.0, &work);
    Ok(())
}

fn bench_paper(cuda: &Cuda, peaks: &Peaks) -> Result<()> {
    let shape = paper();
    let mut rendering = Rendering::new(cuda, shape.clone())?;
    let mut render = |tau: f32| rendering.render(tau);
    println!("\npaper-m, decoding: {:.1} frames/s", frames_per_second(40, &mut render)?);
    let ((), times) = cuda.profile(|| (0..4).try_for_each(|i| render(i as f32)))?;
    let (first, last) = (shape.n_prefix(), shape.network.layers.len() - 1);
    let dense = |kernel, layers| Work {
        tensor: POINTS * dense_flop(&shape, layers),
        ..Work::bytes(kernel, 0.0)
    };
    let work = [
        dense("dense_128", first..last),
        Work { bytes: POINTS * 2.0 * 512.0, ..dense("dense_32", last..last + 1) },
        Work::bytes("place", POINTS * 24.0),
        Work::bytes("pack", POINTS * 13.5),
    ];
    table("a frame of profile paper-m, prefix kept", peaks, &times, 4.0, &work);

    let pictures = common::pictures(SIZE.0, SIZE.1, N_FRAMES);
    let pictures: Vec<&Picture> = pictures.iter().collect();
    // An epoch is thousands of steps: a few are enough.
    const STEPS: u32 = 64;
    let run = || {
        let mut stop = |report: &lnr::internals::train::Report| match report.step {
            n if n >= STEPS => Err(lnr::Error::Cancelled),
            _ => Ok(()),
        };
        let (recipe, precision) = (Recipe::coordinates(1, 1), common::paper_m(1, 64).precision);
        match train(cuda, (&shape, precision), &recipe, &pictures, &|_| Ok(0.0), &mut stop) {
            Err(lnr::Error::Cancelled) => Ok(()),
            other => other.map(drop),
        }
    };
    run()?;
    let seconds = time(|| run().expect("training")).as_secs_f64() / f64::from(STEPS);
    println!("\npaper-m, training: {:.0} us a step (with preparation)", 1e6 * seconds);
    let ((), times) = cuda.profile(run)?;
    table("a training step of profile paper-m", peaks, &times, f64::from(STEPS), &[]);
    Ok(())
}

fn main() -> Result<()> {
    let cuda = match Cuda::new(0) {
        Ok(cuda) => cuda,
        Err(e) => {
            let required = std::env::var_os("LNR_REQUIRE_CUDA").is_some_and(|v| v == "1");
            println!("not measured: {e}");
            return if required { Err(e) } else { Ok(()) };
        }
    };
    let peaks = cuda.peaks()?;
    println!("{}", cuda.name());
    println!("memory: {:.0} GB/s", peaks.bytes / 1e9);
    println!("f16 matrix products: {:.1} TFLOP/s", peaks.tensor / 1e12);
    println!("f32: {:.1} TFLOP/s", peaks.float / 1e12);
    bench_warp_training(&cuda, &peaks)?;
    bench_warp_decoding(&cuda, &peaks)?;
    bench_paper(&cuda, &peaks)
}
