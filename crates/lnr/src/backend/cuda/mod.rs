// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels of our own on NVIDIA GPUs, compute capability 8.0 and later. The kernels and how they are
//! compiled: `kernels/`.

mod args;
mod artefact;
mod device;
mod elementwise;
mod frame;
mod gpu;
mod memory;
mod modulation;
mod pack;
mod paper;
mod pixels;
mod profile;
mod rate;
mod render;
#[cfg(test)]
pub mod simt;
mod workspace;

use std::ops::Range;

use bytemuck::cast_slice;

use self::device::{Device, MAX_SHARED};
use super::{Adam, Backend, Entropy, Grads, Params, RatePlane, Rounding, Shape, Sum, TrainStep};
use crate::base::{Error, Picture, Result};

pub use gpu::Gpu;
pub use memory::Floats;
pub use pixels::Pictures;
pub use profile::{KernelTime, Peaks};
pub use workspace::Workspace;

/// The CUDA backend on a device.
pub struct Cuda<D = Gpu> {
    device: D,
}

impl Cuda {
    /// On GPU number `ordinal`.
    ///
    /// # Errors
    /// [`Error::Backend`] that says what is missing.
    pub fn new(ordinal: usize) -> Result<Self> {
        Self::on(Gpu::new(ordinal)?)
    }

    /// The name of its GPU.
    pub fn name(&self) -> &str {
        self.device.name()
    }

    /// Bytes of its GPU's memory that are free, about.
    ///
    /// # Errors
    /// [`Error::Backend`] when the device fails.
    pub fn free_bytes(&self) -> Result<usize> {
        self.device.free_bytes()
    }
}

impl<D: Device> Cuda<D> {
    /// On a device that is open.
    ///
    /// # Errors
    /// [`Error::Backend`] when it does not work as it should.
    pub fn on(device: D) -> Result<Self> {
        let cuda = Self { device };
        cuda.check()?;
        Ok(cuda)
    }

    /// Whether the device does as it is told: memory, a kernel, and a step handed over at once, then
    /// again with other arguments. What fails here would fail in the middle of somebody's work.
    fn check(&self) -> Result<()> {
        let (mut from, mut to) = (self.alloc(4)?, self.alloc(4)?);
        self.write(&mut from, 0, &[1.0, 2.0, 3.0, 4.0])?;
        for range in [0..3, 1..4] {
            self.together(|| self.add(&from, &mut to, range))?;
        }
        let mut got = [0.0; 4];
        self.read(&to, 0, &mut got)?;
        if got == [1.0, 4.0, 6.0, 4.0] {
            return Ok(());
        }
        Err(unsupported(&format!("the device adds up wrong ({got:?}): its driver may be broken")))
    }
}

/// Blocks of 256 threads for `n` elements: enough to fill the device.
fn blocks(device: &impl Device, n: usize) -> usize {
    n.div_ceil(256).clamp(1, 16 * device.n_processors())
}

impl<D: Device> Backend for Cuda<D> {
    type Buffer = Floats<D::Memory>;
    type Workspace = Workspace<D>;
    type Pictures<'a> = Pictures<D::Memory>;

    fn together<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        self.device.together(f)
    }

    fn alloc(&self, len: usize) -> Result<Self::Buffer> {
        Ok(Floats { memory: self.device.alloc(len * 4)?, len })
    }

    fn write(&self, buffer: &mut Self::Buffer, at: usize, values: &[f32]) -> Result<()> {
        self.device.write(&mut buffer.memory, at * 4, cast_slice(values))
    }

    fn read(&self, buffer: &Self::Buffer, at: usize, values: &mut [f32]) -> Result<()> {
        self.device.read(&buffer.memory, at * 4, bytemuck::cast_slice_mut(values))
    }

    fn workspace(&self, shape: &Shape, purpose: super::Purpose) -> Result<Workspace<D>> {
        Workspace::new(&self.device, shape, purpose)
    }

    fn pictures<'a>(&self, pictures: &[&'a Picture]) -> Result<Self::Pictures<'a>> {
        Pictures::new(&self.device, pictures)
    }

    fn target(
        &self,
        pictures: &Self::Pictures<'_>,
        frame: usize,
        step: usize,
        phase: (usize, usize),
        target: &mut Self::Buffer,
    ) -> Result<()> {
        pixels::target(&self.device, pictures, frame, step, phase, target)
    }

    fn clear(&self, buffer: &mut Self::Buffer, range: Range<usize>) -> Result<()> {
        self.device.clear(&mut buffer.memory, memory::bytes_of(&range))
    }

    fn add(&self, from: &Self::Buffer, to: &mut Self::Buffer, range: Range<usize>) -> Result<()> {
        elementwise::add(&self.device, from, to, range)
    }

    fn quantise(
        &self,
        rounding: Rounding,
        seed: u64,
        range: Range<usize>,
        values: &Self::Buffer,
        symbols: &mut Self::Buffer,
        slopes: &mut Self::Buffer,
    ) -> Result<()> {
        elementwise::quantise(&self.device, rounding, seed, range, values, symbols, slopes)
    }

    fn modulate(
        &self,
        shape: &Shape,
        tau: f32,
        network: &Self::Buffer,
        modulated: &mut Self::Buffer,
    ) -> Result<()> {
        modulation::forward(&self.device, &shape.network, tau, network, modulated)
    }

    fn modulate_bwd(
        &self,
        shape: &Shape,
        tau: f32,
        network: &Self::Buffer,
        modulated: &Self::Buffer,
        d_modulated: &Self::Buffer,
        d_network: &mut Self::Buffer,
    ) -> Result<()> {
        let d = (d_modulated, d_network);
        modulation::backward(&self.device, &shape.network, tau, network, modulated, d)
    }

    fn train(
        &self,
        workspace: &mut Workspace<D>,
        shape: &Shape,
        step: &TrainStep,
        target: &Self::Buffer,
        params: &Params<Self::Buffer>,
        grads: Option<&mut Grads<Self::Buffer>>,
        error: Sum<Self::Buffer>,
    ) -> Result<()> {
        frame::train(&self.device, workspace, shape, step, target, params, grads, error)
    }

    fn rate(
        &self,
        workspace: &mut Workspace<D>,
        entropy: &Entropy,
        planes: &[RatePlane],
        symbols: &Self::Buffer,
        model: &Self::Buffer,
        weight: f32,
        grads: Option<(&mut Self::Buffer, &mut Self::Buffer)>,
        bits: Sum<Self::Buffer>,
    ) -> Result<()> {
        let job = rate::Job { entropy, planes, weight };
        rate::rate(&self.device, workspace, &job, symbols, model, grads, bits)
    }

    fn adam(
        &self,
        adam: &Adam,
        range: Range<usize>,
        values: &mut Self::Buffer,
        grads: &mut Self::Buffer,
        slopes: Option<&Self::Buffer>,
        moments: (&mut Self::Buffer, &mut Self::Buffer),
    ) -> Result<()> {
        elementwise::adam(&self.device, adam, range, values, grads, slopes, moments)
    }

    fn load(&self, _: &mut Workspace<D>, _: &Shape, _: &Params<Self::Buffer>) -> Result<()> {
        Ok(())
    }

    fn render(
        &self,
        workspace: &mut Workspace<D>,
        shape: &Shape,
        tau: f32,
        params: &Params<Self::Buffer>,
        out: &mut Picture,
    ) -> Result<()> {
        render::render(&self.device, workspace, shape, tau, params, out)
    }
}

/// Refuses what the kernels were not made for.
fn unsupported(what: &str) -> Error {
    Error::Backend(format!("CUDA: {what}; use backend=cpu"))
}
