// SPDX-License-Identifier: MIT OR Apache-2.0
//! What does not depend on time, once for all frames: forward, and back from what all frames say.

use super::super::dense::{Lane, TILE};
use super::super::simd::{Simd, Task};
use super::network::padded;
use super::step::{Chunk, StepInput, inputs};
use super::{encoding, tile_points};

/// Inputs of the layers up to the first modulated one, for one chunk.
pub struct PrefixTask<'a> {
    pub all: &'a StepInput<'a>,
    pub index: usize,
    pub chunk: &'a mut Chunk,
}

impl Task for PrefixTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let shape = self.all.shape;
        let tiles = self.all.tiles(self.index);
        let layers = 0..=shape.n_prefix();
        self.chunk.0 = layers.map(|l| inputs(shape, l, tiles.len())).collect();
        for (i, tile) in tiles.enumerate() {
            let at = tile_points(&self.all.step.lattice, tile);
            let n = padded(shape.network.n_features());
            encoding::encode(shape, self.all.tables, &at, &mut self.chunk.0[0][i * n..][..n]);
            for (l, weights) in self.all.prefix() {
                let (x, y) = self.chunk.0.split_at_mut(l + 1);
                let n = [l, l + 1].map(|l| padded(shape.network.layers[l].n_in));
                weights.forward(s, &x[l][i * n[0]..][..n[0]], &mut y[0][i * n[1]..][..n[1]]);
            }
        }
    }
}

/// The gradients of a chunk's prefix to those of the layers before it and of the tables.
pub struct PrefixBwdTask<'a> {
    pub all: &'a StepInput<'a>,
    pub chunks: &'a [Chunk],
    /// Gradients of the prefix of every chunk, summed over the frames.
    pub d_prefix: &'a [Vec<Lane>],
    pub range: std::ops::Range<usize>,
    pub d_tables: &'a mut [f32],
    pub d_base: &'a mut [f32],
}

impl Task for PrefixBwdTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let shape = self.all.shape;
        for chunk in self.range {
            let x = &self.chunks[chunk].0;
            let mut d = self.d_prefix[chunk].clone();
            for (l, weights) in self.all.prefix().rev() {
                let grads = &mut self.d_base[shape.network.layers[l].range()];
                d = self.all.backward(s, (l, weights), &d, &x[l], grads);
            }
            let n = padded(shape.network.n_features());
            for (i, tile) in self.all.tiles(chunk).enumerate() {
                let lattice = &self.all.step.lattice;
                let at = tile_points(lattice, tile);
                let valid = (lattice.len() - tile * TILE).min(TILE);
                encoding::scatter(shape, &at, valid, &d[i * n..][..n], self.d_tables);
            }
        }
    }
}
