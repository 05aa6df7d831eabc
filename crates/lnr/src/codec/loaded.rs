// SPDX-License-Identifier: MIT OR Apache-2.0
//! A group in the memory of its backend.

use super::payload::Parameters;
#[cfg(feature = "cuda")]
use crate::backend::cuda::Cuda;
use crate::backend::{Backend, Params, Purpose, Shape, Stop, cpu::Cpu, reference::Reference};
use crate::base::{Picture, PictureFormat, Result};

/// Most bytes that a group's values may take together with what rendering keeps because it does not
/// depend on time (the prefix): reading takes no more of any stream, but for grids and pictures of its
/// size. A layer of the paper's width 512 at 320 x 180 takes 113 MiB.
const VALUES_AND_PREFIX: usize = 256 << 20;

/// Bytes of a group's values.
fn value_bytes(shape: &Shape) -> usize {
    4 * (shape.n_grid() + shape.network.len())
}

fn render_purpose(shape: &Shape) -> Purpose {
    Purpose::Render { max_prefix: VALUES_AND_PREFIX.saturating_sub(value_bytes(shape)) }
}

/// A group loaded by one of the backends.
pub enum Group {
    #[cfg(feature = "cuda")]
    Cuda(Box<Loaded<Cuda>>),
    Cpu(Box<Loaded<Cpu>>),
    Reference(Box<Loaded<Reference>>),
}

impl Group {
    /// Its shape.
    pub fn shape(&self) -> &Shape {
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda(g) => &g.shape,
            Self::Cpu(g) => &g.shape,
            Self::Reference(g) => &g.shape,
        }
    }
}

/// The buffers of a group.
pub struct Loaded<B: Backend> {
    shape: Shape,
    workspace: B::Workspace,
    grids: B::Buffer,
    network: B::Buffer,
    /// The last surface and what it is for.
    surface: Option<(PictureFormat, B::Surface)>,
}

impl<B: Backend> Loaded<B> {
    /// Bytes of the buffers of a group of this shape.
    pub fn bytes(backend: &B, shape: &Shape) -> u64 {
        value_bytes(shape) as u64 + backend.bytes(shape, render_purpose(shape))
    }

    pub fn new(backend: &B, shape: Shape, parameters: Parameters) -> Result<Self> {
        let Parameters { grids, network } = parameters;
        let (grids, network) = (backend.upload(grids)?, backend.upload(network)?);
        let mut workspace = backend.workspace(&shape, render_purpose(&shape))?;
        let params = Params { grids: &grids, network: &network };
        backend.load(&mut workspace, &shape, &params)?;
        Ok(Self { shape, workspace, grids, network, surface: None })
    }

    /// Renders time `tau` in frames; beyond the last frame the last frame is held.
    pub fn render(&mut self, backend: &B, tau: f32, stop: &Stop, out: &mut Picture) -> Result<()> {
        let format = *out.format();
        let mut surface = match self.surface.take() {
            Some((of, surface)) if of == format => surface,
            _ => backend.surface(format)?,
        };
        let sample = self.shape.sample(tau);
        let params = Params { grids: &self.grids, network: &self.network };
        let (shape, ws) = (&self.shape, &mut self.workspace);
        backend.render(ws, shape, &sample, &params, stop, &mut surface)?;
        backend.download(&mut surface, out)?;
        self.surface = Some((format, surface));
        Ok(())
    }
}
