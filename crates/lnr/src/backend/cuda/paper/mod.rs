// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paper's profiles: layers as products of matrices on tensor cores.

mod args;
mod backward;
mod fused;
mod layers;
mod networks;
mod render;
mod train;

use super::Cuda;
use super::device::Device;
use super::memory::Floats;
use crate::backend::Sum;
use crate::backend::paper::{PaperBackend, PaperPurpose, PaperShape, PaperStep};
use crate::base::{Picture, Result};

/// Scratch memory for groups of one shape.
pub struct PaperWorkspace<D: Device> {
    train: Option<train::Scratch<D>>,
    render: Option<render::Scratch<D>>,
}

impl<D: Device> PaperBackend for Cuda<D> {
    type PaperWorkspace = PaperWorkspace<D>;

    fn paper_workspace(
        &self,
        shape: &PaperShape,
        purpose: PaperPurpose,
    ) -> Result<PaperWorkspace<D>> {
        Ok(match purpose {
            PaperPurpose::Train { n_points } => PaperWorkspace {
                train: Some(train::Scratch::new(&self.device, shape, n_points)?),
                render: None,
            },
            PaperPurpose::Render { max_prefix } => PaperWorkspace {
                train: None,
                render: Some(render::Scratch::new(&self.device, shape, max_prefix)?),
            },
        })
    }

    fn paper_train(
        &self,
        workspace: &mut PaperWorkspace<D>,
        shape: &PaperShape,
        step: &PaperStep,
        target: &Floats<D::Memory>,
        params: &Floats<D::Memory>,
        grads: Option<&mut Floats<D::Memory>>,
        error: Sum<Floats<D::Memory>>,
    ) -> Result<()> {
        match &workspace.train {
            Some(scratch) => {
                train::train(&self.device, scratch, shape, step, target, params, grads, error)
            }
            None => Err(super::unsupported("training in a workspace for rendering")),
        }
    }

    fn paper_render(
        &self,
        workspace: &mut PaperWorkspace<D>,
        shape: &PaperShape,
        tau: f32,
        params: &Floats<D::Memory>,
        out: &mut Picture,
    ) -> Result<()> {
        match &mut workspace.render {
            Some(scratch) => render::render(&self.device, scratch, shape, tau, params, out),
            None => Err(super::unsupported("rendering in a workspace for training")),
        }
    }
}

/// Units of a row in memory: a multiple of what a block takes at once.
fn padded(n: usize) -> usize {
    n.next_multiple_of(32)
}

/// Hands out places in memory that is allocated when all are known.
#[derive(Default)]
struct Arena {
    len: usize,
}

impl Arena {
    /// Where so many bytes begin, aligned for every kernel.
    fn take(&mut self, bytes: usize) -> u64 {
        let at = self.len;
        self.len = (at + bytes).next_multiple_of(256);
        at as u64
    }

    /// So many values of f32.
    fn floats(&mut self, n: usize) -> u64 {
        self.take(4 * n)
    }

    /// So many values of f16.
    fn halves(&mut self, n: usize) -> u64 {
        self.take(2 * n)
    }
}
