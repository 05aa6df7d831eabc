// SPDX-License-Identifier: MIT OR Apache-2.0
//! SIMD on all cores: AVX-512, AVX2 or plain Rust, chosen at run time.

mod dense;
mod elementwise;
mod frame;
mod network;
mod pack;
mod paper;
mod planes;
mod rate;
mod rate_kernel;
mod reduce;
mod render;
pub mod simd;
mod upsample;
mod warp;
mod workspace;

use std::ops::Range;

use super::pixels::PixelSource;
use super::{
    Adam, Backend, Entropy, Grads, Params, Purpose, RatePlane, Rounding, Shape, Sum, TrainStep,
    modulation,
};
use crate::base::{Error, Picture, Result};

pub use paper::PaperWorkspace;
pub use render::points_per_pixel;
pub use simd::Isa;
pub use workspace::Workspace;

/// The CPU backend: an instruction set and a pool of threads.
pub struct Cpu {
    isa: Isa,
    pool: rayon::ThreadPool,
}

impl Cpu {
    /// The fastest instruction set on `n_threads` threads; 0 = one per core.
    ///
    /// # Errors
    /// [`Error::Backend`] when the threads cannot be started.
    pub fn new(n_threads: usize) -> Result<Self> {
        Self::with_isa(Isa::available()[0], n_threads)
    }

    /// As [`Cpu::new`], with a chosen instruction set.
    ///
    /// # Errors
    /// As [`Cpu::new`].
    pub fn with_isa(isa: Isa, n_threads: usize) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .thread_name(|i| format!("lnr-{i}"))
            .build()
            .map_err(|e| Error::Backend(format!("cannot start {n_threads} threads: {e}")))?;
        Ok(Self { isa, pool })
    }

    /// Its instruction set and threads, such as "AVX-512, 2 threads".
    pub fn name(&self) -> String {
        let threads = match self.pool.current_num_threads() {
            1 => "1 thread".into(),
            n => format!("{n} threads"),
        };
        format!("{}, {threads}", self.isa.name())
    }
}

impl Backend for Cpu {
    type Buffer = Vec<f32>;
    type Workspace = Workspace;
    type Pictures<'a> = Vec<&'a Picture>;

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

    fn write(&self, buffer: &mut Vec<f32>, at: usize, values: &[f32]) -> Result<()> {
        buffer[at..at + values.len()].copy_from_slice(values);
        Ok(())
    }

    fn read(&self, buffer: &Vec<f32>, at: usize, values: &mut [f32]) -> Result<()> {
        values.copy_from_slice(&buffer[at..at + values.len()]);
        Ok(())
    }

    fn workspace(&self, shape: &Shape, _: Purpose) -> Result<Workspace> {
        Ok(Workspace::new(shape, self.pool.current_num_threads()))
    }

    fn pictures<'a>(&self, pictures: &[&'a Picture]) -> Result<Vec<&'a Picture>> {
        Ok(pictures.to_vec())
    }

    fn target(
        &self,
        pictures: &Vec<&Picture>,
        frame: usize,
        step: usize,
        phase: (usize, usize),
        target: &mut Vec<f32>,
    ) -> Result<()> {
        PixelSource::new(pictures[frame]).read(step, phase, target);
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

    fn modulate(
        &self,
        shape: &Shape,
        tau: f32,
        network: &Vec<f32>,
        modulated: &mut Vec<f32>,
    ) -> Result<()> {
        modulation::forward(&shape.network, tau, network, modulated);
        Ok(())
    }

    fn modulate_bwd(
        &self,
        shape: &Shape,
        tau: f32,
        network: &Vec<f32>,
        modulated: &Vec<f32>,
        d_modulated: &Vec<f32>,
        d_network: &mut Vec<f32>,
    ) -> Result<()> {
        modulation::backward(&shape.network, tau, network, modulated, d_modulated, d_network);
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
        let run = || frame::train(self.isa, workspace, shape, step, target, params, grads);
        error.set(self.pool.install(run));
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

    fn load(
        &self,
        workspace: &mut Workspace,
        shape: &Shape,
        params: &Params<Vec<f32>>,
    ) -> Result<()> {
        workspace.load_canonical(shape, params.grids, params.network);
        Ok(())
    }

    fn render(
        &self,
        workspace: &mut Workspace,
        shape: &Shape,
        tau: f32,
        params: &Params<Vec<f32>>,
        out: &mut Picture,
    ) -> Result<()> {
        self.pool.install(|| render::render(self.isa, workspace, shape, tau, params, out));
        Ok(())
    }
}
