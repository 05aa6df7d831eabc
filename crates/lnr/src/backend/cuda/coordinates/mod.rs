// SPDX-License-Identifier: MIT OR Apache-2.0
//! Coordinate networks: layers as products of matrices on tensor cores.

mod args;
mod backward;
mod fused;
mod layers;
mod networks;
mod places;
mod render;
mod train;

pub use render::{RenderScratch, render, render_bytes};
pub use train::{TrainScratch, train, train_bytes};

use super::memory::Floats;
use super::sizes;
use crate::backend::{Dense, Params, Shape};

/// Units of a row in memory: a multiple of what a block takes at once.
fn padded(n: usize) -> usize {
    n.next_multiple_of(sizes::DENSE_UNITS)
}

/// Addresses of the parameters.
#[derive(Clone, Copy)]
struct Addresses {
    tables: u64,
    network: u64,
}

impl Addresses {
    fn new<M: super::device::Memory>(params: &Params<Floats<M>>) -> Self {
        Self { tables: params.grids.at(0), network: params.network.at(0) }
    }

    /// Of a layer's weights, biases behind them.
    fn weights(self, layer: &Dense) -> u64 {
        self.network + 4 * layer.offset as u64
    }

    /// Of the latents.
    fn latents(self, shape: &Shape) -> u64 {
        self.network + 4 * shape.network.latents as u64
    }

    /// Of a layer's biases, and how many.
    fn bias(self, layer: &Dense) -> (u64, usize) {
        (self.network + 4 * layer.bias().start as u64, layer.n_out)
    }
}
