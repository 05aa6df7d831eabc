// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paper's profiles on SIMD and all cores: wide layers over tiles of points.

mod batch;
mod encoding;
mod modulation;
mod network;
mod render;
mod train;

use super::super::paper::{PaperBackend, PaperPurpose, PaperShape, PaperStep};
use super::super::{Lattice, Sum};
use super::Cpu;
use super::dense::{Lane, TILE};
use crate::base::{Picture, Result};

/// Scratch memory for groups of one shape.
pub struct PaperWorkspace {
    train: train::Scratch,
    render: render::Scratch,
}

impl PaperBackend for Cpu {
    type PaperWorkspace = PaperWorkspace;

    fn paper_workspace(&self, _: &PaperShape, purpose: PaperPurpose) -> Result<PaperWorkspace> {
        let max_prefix = match purpose {
            PaperPurpose::Train { .. } => 0,
            PaperPurpose::Render { max_prefix } => max_prefix,
        };
        Ok(PaperWorkspace {
            train: train::Scratch::new(self.pool.current_num_threads()),
            render: render::Scratch::new(max_prefix),
        })
    }

    fn paper_train(
        &self,
        workspace: &mut PaperWorkspace,
        shape: &PaperShape,
        step: &PaperStep,
        target: &Vec<f32>,
        params: &Vec<f32>,
        grads: Option<&mut Vec<f32>>,
        mut error: Sum<Vec<f32>>,
    ) -> Result<()> {
        let scratch = &mut workspace.train;
        let grads = grads.map(|g| &mut g[..]);
        let run = || train::train(self.isa, scratch, shape, step, target, params, grads);
        error.set(self.pool.install(run));
        Ok(())
    }

    fn paper_render(
        &self,
        workspace: &mut PaperWorkspace,
        shape: &PaperShape,
        tau: f32,
        params: &Vec<f32>,
        out: &mut Picture,
    ) -> Result<()> {
        let scratch = &mut workspace.render;
        self.pool.install(|| render::render(self.isa, scratch, shape, tau, params, out));
        Ok(())
    }
}

/// The points of tile `tile` of a lattice, row after row; beyond the end the last one.
fn tile_points(lattice: &Lattice, tile: usize) -> [Lane; 2] {
    let mut at = [Lane::ZERO; 2];
    for lane in 0..TILE {
        let i = (tile * TILE + lane).min(lattice.len() - 1);
        at[0][lane] = lattice.x0 + lattice.dx * (i % lattice.nx) as f32;
        at[1][lane] = lattice.y0 + lattice.dy * (i / lattice.nx) as f32;
    }
    at
}
