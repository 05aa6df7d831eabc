// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where everything of a training step lies.

use super::super::device::Device;
use super::super::memory::Arena;
use super::layers::{Batch, Rows};
use super::networks::Networks;
use super::{Addresses, args, padded};
use crate::backend::{Sample, Shape};

/// Parts of a sum over all points that makes the gradients of weights: with a block per tile of
/// 128 x 128 of them, enough blocks for a large GPU where layers are narrow.
pub const WEIGHT_PARTS: usize = 8;
/// The same for biases, of which a block takes 32.
pub const BIAS_PARTS: usize = 64;
/// Parts of a sum over the rows of a hypernetwork's layer, of 256 rows or more.
pub const HYPER_PARTS: usize = 16;
/// Blocks of the loss, at most: what one warp then adds up quickly.
pub const LOSS_BLOCKS: usize = 256;

/// Where gradients lie.
pub struct Gradients {
    /// [frames, points, units] f16, of two layers in turn
    pub points: [u64; 2],
    /// [points, units] f16, before the first modulated layer
    pub shared: [u64; 2],
    /// [frames or parts, n_out, n_in] f32 of a layer
    pub weights: u64,
    /// [parts, n_out]
    pub biases: u64,
    /// [frames, n_out, n_in] f32 of P Q
    pub products: u64,
    /// [frames, units] f32 of two layers of a hypernetwork in turn
    pub hyper: [u64; 2],
    /// [parts, frames, units]
    pub hyper_parts: u64,
    /// [frames, d_latent] f32
    pub z: u64,
    /// Sums of the hash tables' gradients, 64 bits each.
    pub tables: u64,
}

impl Gradients {
    pub fn new(arena: &mut Arena, shape: &Shape, n_points: usize) -> Self {
        let n_frames = shape.n_frames;
        let sizes = || shape.network.layers.iter().map(|l| (padded(l.n_in), padded(l.n_out)));
        let widest = sizes().map(|(i, o)| i.max(o)).max().unwrap_or(0);
        let weights = sizes().map(|(i, o)| i * o).max().unwrap_or(0);
        let modulated = shape.network.hyper.iter().map(|h| &shape.network.layers[h.layer]);
        let product = modulated.map(|l| l.n_in * l.n_out).max().unwrap_or(0);
        let hyper = shape.network.hyper.iter().flat_map(|h| &h.layers);
        let hyper = hyper.map(|l| l.n_in.max(l.n_out)).max().unwrap_or(0);
        Self {
            points: [0; 2].map(|_| arena.halves(n_frames * n_points * widest)),
            shared: [0; 2].map(|_| arena.halves(n_points * widest)),
            weights: arena.floats(n_frames.max(WEIGHT_PARTS) * weights),
            biases: arena.floats(BIAS_PARTS * widest),
            products: arena.floats(n_frames * product),
            hyper: [0; 2].map(|_| arena.floats(n_frames * hyper)),
            hyper_parts: arena.floats(HYPER_PARTS * n_frames * hyper),
            z: arena.floats(n_frames * shape.network.d_latent),
            tables: arena.take(8 * shape.n_grid()),
        }
    }

    /// The same with addresses of the device.
    pub fn at(mut self, base: u64) -> Self {
        let pairs = [&mut self.points, &mut self.shared, &mut self.hyper];
        pairs.into_iter().flatten().for_each(|a| *a += base);
        let single = [
            &mut self.weights,
            &mut self.biases,
            &mut self.products,
            &mut self.hyper_parts,
            &mut self.z,
            &mut self.tables,
        ];
        single.into_iter().for_each(|a| *a += base);
        self
    }

    /// Where the loss leaves the gradients of the values.
    pub fn output(&self) -> u64 {
        self.points[0]
    }
}

/// Where everything lies.
pub struct Places {
    pub networks: Networks,
    /// Inputs of each layer up to the first modulated one: [points, n_in]
    pub shared: Vec<u64>,
    /// Inputs of each layer after it: [frames, points, n_in]
    pub own: Vec<u64>,
    /// [frames, points, n_out] f32
    pub values: u64,
    /// Sums of blocks.
    pub errors: u64,
    pub gradients: Gradients,
}

impl Places {
    /// Relative to memory of [`Arena::len`] bytes.
    pub fn new(arena: &mut Arena, shape: &Shape, n_points: usize) -> Self {
        let (n_frames, layers) = (shape.n_frames, &shape.network.layers);
        let networks = Networks::new(arena, shape, n_frames, true);
        let first = shape.n_prefix();
        let inputs = |l: usize| padded(layers[l].n_in);
        let last_shared = first.min(layers.len() - 1);
        let shared = (0..=last_shared).map(|l| arena.halves(n_points * inputs(l))).collect();
        let own = (first + 1..layers.len())
            .map(|l| arena.halves(n_frames * n_points * inputs(l)))
            .collect();
        let values = arena.floats(n_frames * n_points * padded(shape.n_values()));
        let errors = arena.floats(LOSS_BLOCKS);
        let gradients = Gradients::new(arena, shape, n_points);
        Self { networks, shared, own, values, errors, gradients }
    }

    /// The same with addresses of the device.
    pub fn at(self, base: u64) -> Self {
        let absolute = |all: Vec<u64>| all.into_iter().map(|a| a + base).collect();
        Self {
            networks: self.networks.at(base, true),
            shared: absolute(self.shared),
            own: absolute(self.own),
            values: self.values + base,
            errors: self.errors + base,
            gradients: self.gradients.at(base),
        }
    }
}

/// A step under way.
pub struct Step<'a, D: Device> {
    pub device: &'a D,
    pub shape: &'a Shape,
    pub places: &'a Places,
    pub batch: Batch,
    /// Times of the frames.
    pub samples: &'a [Sample],
    pub params: Addresses,
    pub encode: args::Encode,
}

impl<D: Device> Step<'_, D> {
    /// Inputs of a layer.
    pub fn inputs(&self, layer: usize) -> Rows {
        let first = self.shape.n_prefix();
        let pitch = padded(self.shape.network.layers[layer].n_in);
        if layer <= first {
            return Rows { address: self.places.shared[layer], frame: 0, pitch };
        }
        let address = self.places.own[layer - first - 1];
        Rows { address, frame: self.batch.n_points * pitch, pitch }
    }

    /// Points of the layers up to the first modulated one, or of all frames.
    pub fn batch_of(&self, layer: usize) -> Batch {
        let n_frames = if layer < self.shape.n_prefix() { 1 } else { self.batch.n_frames };
        Batch { n_frames, ..self.batch }
    }

    /// What the last layer yields.
    pub fn values(&self) -> Rows {
        let pitch = padded(self.shape.n_values());
        Rows { address: self.places.values, frame: self.batch.n_points * pitch, pitch }
    }
}
