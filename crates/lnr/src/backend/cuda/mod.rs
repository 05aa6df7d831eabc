// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels of our own on NVIDIA GPUs, compute capability 8.0 and later. The kernels and how they are
//! compiled: `kernels/`.

mod args;
mod artefact;
mod capture;
mod coordinates;
mod device;
mod elementwise;
mod facts;
mod failure;
mod frame;
mod gpu;
mod memory;
mod modulation;
mod pinned;
mod pixels;
#[cfg(feature = "internals")]
mod profile;
mod rate;
mod render;
#[cfg(test)]
pub mod simt;
mod sizes;
mod sources;
#[cfg(feature = "internals")]
mod spans;
mod supports;
mod surface;
#[cfg(test)]
mod tests;
mod widths;
mod workspace;

use std::ops::Range;

use bytemuck::cast_slice;

use self::device::Device;
use self::failure::{failed, unsupported};
use self::workspace::{Kind, wrong_workspace};
use super::{
    Adam, Backend, Entropy, Grads, Params, Pixels, Purpose, RatePlane, Rounding, Sample, Shape,
    Stop, Sum, TrainStep,
};
use crate::base::{Picture, PictureFormat, Result};

pub use gpu::Gpu;
pub use memory::Floats;
pub use pixels::Pictures;
#[cfg(feature = "internals")]
pub use profile::{KernelTime, Peaks};
pub use surface::Surface;
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

/// Blocks of 256 threads for `n` elements: enough to fill the device twice, no more.
fn blocks(device: &impl Device, n: usize) -> usize {
    n.div_ceil(256).clamp(1, 16 * device.n_processors())
}

impl<D: Device> Backend for Cuda<D> {
    type Buffer = Floats<D::Memory>;
    type Workspace = Workspace<D>;
    type Pictures<'a> = Pictures<D::Memory>;
    type Surface = Surface<D>;

    fn supports(&self, shape: &Shape) -> Result<()> {
        supports::supports(shape)
    }

    fn bytes(&self, shape: &Shape, purpose: Purpose) -> u64 {
        workspace::bytes(&self.device, shape, purpose) as u64
    }

    fn picture_bytes(&self, format: &PictureFormat) -> u64 {
        format.n_bytes() as u64
    }

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

    fn workspace(&self, shape: &Shape, purpose: Purpose) -> Result<Workspace<D>> {
        self.supports(shape)?;
        Workspace::new(&self.device, shape, purpose)
    }

    fn pictures<'a>(&self, pictures: &[&'a Picture]) -> Result<Self::Pictures<'a>> {
        Pictures::new(&self.device, pictures)
    }

    fn target(
        &self,
        pictures: &Self::Pictures<'_>,
        shape: &Shape,
        wanted: &Pixels,
        target: &mut Self::Buffer,
    ) -> Result<()> {
        pixels::target(&self.device, pictures, shape, wanted, target)
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
        let device = &self.device;
        match &workspace.0 {
            Kind::Grids(ws) => frame::train(device, ws, shape, step, target, params, grads, error),
            Kind::Training(ws) => {
                coordinates::train(device, ws, shape, step, target, params, grads, error)
            }
            Kind::Rendering(_) => Err(wrong_workspace()),
        }
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
        let Kind::Grids(scratch) = &workspace.0 else { return Err(wrong_workspace()) };
        if scratch.n_points == 0 {
            return Err(wrong_workspace());
        }
        let query = rate::Query { entropy, planes, weight };
        let partials = scratch.partials.address();
        rate::rate(&self.device, partials, &query, symbols, model, grads, bits)
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

    fn load(
        &self,
        workspace: &mut Workspace<D>,
        _: &Shape,
        _: &Params<Self::Buffer>,
    ) -> Result<()> {
        if let Kind::Rendering(scratch) = &mut workspace.0 {
            scratch.forget();
        }
        Ok(())
    }

    fn surface(&self, format: PictureFormat) -> Result<Surface<D>> {
        Surface::new(&self.device, format)
    }

    fn render(
        &self,
        workspace: &mut Workspace<D>,
        shape: &Shape,
        sample: &Sample,
        params: &Params<Self::Buffer>,
        stop: &Stop,
        surface: &mut Surface<D>,
    ) -> Result<()> {
        let device = &self.device;
        match &mut workspace.0 {
            Kind::Grids(ws) => render::render(device, ws, shape, sample, params, stop, surface),
            Kind::Rendering(ws) => {
                coordinates::render(device, ws, shape, sample, params, stop, surface)
            }
            Kind::Training(_) => Err(wrong_workspace()),
        }
    }

    fn download(&self, surface: &mut Surface<D>, out: &mut Picture) -> Result<()> {
        surface.download(&self.device, out)
    }
}
