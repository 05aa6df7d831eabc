// SPDX-License-Identifier: MIT OR Apache-2.0
//! SIMD on all cores: AVX-512, AVX2 or plain Rust, chosen at run time.

mod bands;
mod cell;
mod coordinates;
mod dense;
mod elementwise;
mod frame;
mod memory;
mod mix;
mod network;
mod pack;
mod planes;
mod pool;
mod rate;
mod rate_kernel;
mod rate_planes;
mod reduce;
mod render;
mod scatter;
pub mod simd;
mod taps;
mod upsample;
mod warp;
mod workspace;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    Adam, Backend, Entropy, Grads, Params, Pixels, Purpose, RatePlane, Rounding, Sample, Shape,
    Stop, Sum, TrainStep, pixels,
};
use crate::base::{Error, Picture, PictureFormat, Result};
use pool::Pool;

pub use simd::Isa;

/// The CPU backend: an instruction set and a pool of threads.
pub struct Cpu {
    isa: Isa,
    pool: Pool,
}

impl Cpu {
    /// The fastest instruction set, see [`Isa::chosen`], on `n_threads` threads; 0 = one per core.
    ///
    /// # Errors
    /// [`Error::Backend`] when the threads cannot be started; those of [`Isa::chosen`].
    pub fn new(n_threads: usize) -> Result<Self> {
        Self::with_isa(Isa::chosen()?, n_threads)
    }

    /// As [`Cpu::new`], with a chosen instruction set.
    ///
    /// # Errors
    /// [`Error::Backend`] when the threads cannot be started.
    pub fn with_isa(isa: Isa, n_threads: usize) -> Result<Self> {
        Ok(Self { isa, pool: Pool::new(usize::MAX, n_threads)? })
    }

    /// One of the same kind that begins with `first` threads and may get as many as this one has.
    ///
    /// # Errors
    /// As [`Cpu::new`].
    pub fn beside(&self, first: usize) -> Result<Self> {
        Ok(Self { isa: self.isa, pool: Pool::new(first, self.n_threads())? })
    }

    /// Threads that it has or may get.
    pub fn n_threads(&self) -> usize {
        self.pool.n_threads()
    }

    /// Gets `n` more threads, of those that it may get.
    pub fn add_threads(&self, n: usize) {
        self.pool.grow(n);
    }

    /// Its instruction set and threads, such as "AVX-512, 2 threads".
    pub fn name(&self) -> String {
        let threads = match self.n_threads() {
            1 => "1 thread".into(),
            n => format!("{n} threads"),
        };
        format!("{}, {threads}", self.isa.name())
    }
}

/// Scratch memory for groups of one shape.
pub struct Workspace(Kind);

enum Kind {
    Grids(Box<workspace::GridScratch>),
    Training(coordinates::TrainScratch),
    Rendering(coordinates::RenderScratch),
}

/// A wish to stop that, once heard, is not withdrawn: half a picture must not pass for a whole one.
struct Latch<'a> {
    stop: &'a Stop<'a>,
    heard: AtomicBool,
}

impl Latch<'_> {
    fn is_set(&self) -> bool {
        let heard = self.heard.load(Ordering::Relaxed) || (self.stop)();
        if heard {
            self.heard.store(true, Ordering::Relaxed);
        }
        heard
    }
}

fn wrong_workspace() -> Error {
    Error::Backend("CPU: a workspace for another purpose".into())
}

impl Backend for Cpu {
    type Buffer = Vec<f32>;
    type Workspace = Workspace;
    type Pictures<'a> = Vec<&'a Picture>;
    type Surface = Picture;

    fn supports(&self, _: &Shape) -> Result<()> {
        Ok(())
    }

    fn bytes(&self, shape: &Shape, purpose: Purpose) -> u64 {
        memory::bytes(shape, purpose, self.n_threads())
    }

    fn picture_bytes(&self, _: &PictureFormat) -> u64 {
        // It reads the caller's.
        0
    }

    fn scope<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        self.pool.install(f)
    }

    fn alloc(&self, len: usize) -> Result<Vec<f32>> {
        let mut v = Vec::new();
        v.try_reserve_exact(len)
            .map_err(|_| Error::Backend(format!("no memory for {len} values")))?;
        v.resize(len, 0.0);
        Ok(v)
    }

    fn upload(&self, values: Vec<f32>) -> Result<Vec<f32>> {
        Ok(values)
    }

    fn write(&self, buffer: &mut Vec<f32>, at: usize, values: &[f32]) -> Result<()> {
        buffer[at..at + values.len()].copy_from_slice(values);
        Ok(())
    }

    fn read(&self, buffer: &Vec<f32>, at: usize, values: &mut [f32]) -> Result<()> {
        values.copy_from_slice(&buffer[at..at + values.len()]);
        Ok(())
    }

    fn workspace(&self, shape: &Shape, purpose: Purpose) -> Result<Workspace> {
        let n_bands = bands::count(shape, purpose, self.n_threads());
        Ok(Workspace(match (shape.encoding(), purpose) {
            (None, _) => Kind::Grids(Box::new(workspace::GridScratch::new(shape, n_bands))),
            (Some(_), Purpose::Train { .. }) => {
                Kind::Training(coordinates::TrainScratch::new(n_bands))
            }
            (Some(_), Purpose::Render { max_prefix }) => {
                Kind::Rendering(coordinates::RenderScratch::new(max_prefix))
            }
        }))
    }

    fn pictures<'a>(&self, pictures: &[&'a Picture]) -> Result<Vec<&'a Picture>> {
        Ok(pictures.to_vec())
    }

    fn target(
        &self,
        pictures: &Vec<&Picture>,
        shape: &Shape,
        wanted: &Pixels,
        target: &mut Vec<f32>,
    ) -> Result<()> {
        pixels::target(pictures, shape, wanted, target);
        Ok(())
    }

    fn clear(&self, buffer: &mut Vec<f32>, range: Range<usize>) -> Result<()> {
        buffer[range].fill(0.0);
        Ok(())
    }

    fn add(&self, from: &Vec<f32>, to: &mut Vec<f32>, range: Range<usize>) -> Result<()> {
        to[range.clone()].iter_mut().zip(&from[range]).for_each(|(t, f)| *t += f);
        Ok(())
    }

    fn quantise(
        &self,
        rounding: Rounding,
        seed: u64,
        range: Range<usize>,
        values: &Vec<f32>,
        symbols: &mut Vec<f32>,
        slopes: &mut Vec<f32>,
    ) -> Result<()> {
        let first = range.start;
        let (x, y, d) = (&values[range.clone()], &mut symbols[range.clone()], &mut slopes[range]);
        self.pool.install(|| {
            elementwise::quantise(self.isa, rounding, seed, first, x, y, d);
        });
        Ok(())
    }

    fn train(
        &self,
        workspace: &mut Workspace,
        shape: &Shape,
        step: &TrainStep,
        target: &Vec<f32>,
        params: &Params<Vec<f32>>,
        grads: Option<&mut Grads<Vec<f32>>>,
        mut error: Sum<Vec<f32>>,
    ) -> Result<()> {
        let isa = self.isa;
        error.set(match &mut workspace.0 {
            Kind::Grids(ws) => {
                self.pool.install(|| frame::train(isa, ws, shape, step, target, params, grads))
            }
            Kind::Training(ws) => self
                .pool
                .install(|| coordinates::train(isa, ws, shape, step, target, params, grads)),
            Kind::Rendering(_) => return Err(wrong_workspace()),
        });
        Ok(())
    }

    fn rate(
        &self,
        workspace: &mut Workspace,
        entropy: &Entropy,
        planes: &[RatePlane],
        symbols: &Vec<f32>,
        model: &Vec<f32>,
        weight: f32,
        grads: Option<(&mut Vec<f32>, &mut Vec<f32>)>,
        mut bits: Sum<Vec<f32>>,
    ) -> Result<()> {
        let Kind::Grids(workspace) = &mut workspace.0 else { return Err(wrong_workspace()) };
        let scratch = &mut workspace.rate;
        let run = || rate::rate(self.isa, scratch, entropy, planes, symbols, model, weight, grads);
        bits.set(self.pool.install(run));
        Ok(())
    }

    fn adam(
        &self,
        adam: &Adam,
        range: Range<usize>,
        values: &mut Vec<f32>,
        grads: &mut Vec<f32>,
        slopes: Option<&Vec<f32>>,
        (m, v): (&mut Vec<f32>, &mut Vec<f32>),
    ) -> Result<()> {
        let slopes = slopes.map(|s| &s[range.clone()]);
        let moments = (&mut m[range.clone()], &mut v[range.clone()]);
        let (values, grads) = (&mut values[range.clone()], &mut grads[range]);
        self.pool.install(|| {
            elementwise::adam(self.isa, adam, values, grads, slopes, moments);
        });
        Ok(())
    }

    fn load(&self, workspace: &mut Workspace, _: &Shape, _: &Params<Vec<f32>>) -> Result<()> {
        match &mut workspace.0 {
            Kind::Grids(ws) => ws.forget(),
            Kind::Rendering(ws) => ws.forget(),
            Kind::Training(_) => {}
        }
        Ok(())
    }

    fn surface(&self, format: PictureFormat) -> Result<Picture> {
        Picture::new(format)
    }

    fn render(
        &self,
        workspace: &mut Workspace,
        shape: &Shape,
        sample: &Sample,
        params: &Params<Vec<f32>>,
        stop: &Stop,
        surface: &mut Picture,
    ) -> Result<()> {
        let latch = Latch { stop, heard: AtomicBool::new(false) };
        let (isa, stop) = (self.isa, &|| latch.is_set());
        self.pool.install(|| match &mut workspace.0 {
            Kind::Grids(ws) => render::render(isa, ws, shape, sample, params, stop, surface),
            Kind::Rendering(ws) => {
                coordinates::render(isa, ws, shape, sample, params, stop, surface)
            }
            Kind::Training(_) => Err(wrong_workspace()),
        })
    }

    fn download(&self, surface: &mut Picture, out: &mut Picture) -> Result<()> {
        std::mem::swap(surface, out);
        Ok(())
    }
}
