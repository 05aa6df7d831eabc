// SPDX-License-Identifier: MIT OR Apache-2.0
//! Coordinate networks on SIMD and all cores: wide layers over tiles of points.

mod batch;
mod encoding;
mod frame;
mod memory;
mod modulation;
mod network;
mod prefix;
mod render;
mod step;
mod train;

use super::super::Lattice;
use super::dense::{Lane, TILE};

pub use memory::{rendering_bytes, training_bytes};
pub use render::{RenderScratch, render};
pub use train::{TrainScratch, train};

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
