// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the threads of a training step read, and what each adds up.

use super::super::super::{Shape, TrainStep};
use super::super::dense::{Lane, TILE};
use super::super::simd::Simd;
use super::network::{CHUNK, LayerWeights, add_outer, padded};

/// What one thread adds up.
#[derive(Default)]
pub struct ThreadSums {
    /// Gradients of hash tables and base network.
    pub d_tables: Vec<f32>,
    pub d_base: Vec<f32>,
    /// Gradients of each chunk's prefix.
    pub d_prefix: Vec<Vec<Lane>>,
    pub squared_error: f64,
}

/// Inputs of the layers up to the first modulated one, for a chunk of tiles: per layer [tile, lane].
#[derive(Default)]
pub struct Chunk(pub Vec<Vec<Lane>>);

/// Inputs of layer `layer` for `n` tiles.
pub fn inputs(shape: &Shape, layer: usize, n: usize) -> Vec<Lane> {
    vec![Lane::ZERO; n * padded(shape.network.layers[layer].n_in)]
}

/// What every thread reads.
pub struct StepInput<'a> {
    pub shape: &'a Shape,
    pub step: &'a TrainStep,
    pub target: &'a [f32],
    pub tables: &'a [f32],
    pub network: &'a [f32],
    /// Layers that are not modulated.
    pub shared: Vec<Option<LayerWeights>>,
    pub with_grads: bool,
}

impl StepInput<'_> {
    pub fn n_tiles(&self) -> usize {
        self.step.lattice.len().div_ceil(TILE)
    }

    pub fn tiles(&self, chunk: usize) -> std::ops::Range<usize> {
        chunk * CHUNK..((chunk + 1) * CHUNK).min(self.n_tiles())
    }

    /// The layers before the first modulated one.
    pub fn prefix(&self) -> impl DoubleEndedIterator<Item = (usize, &LayerWeights)> {
        (0..self.shape.n_prefix()).filter_map(|l| Some((l, self.shared[l].as_ref()?)))
    }

    /// The gradients of the inputs of layer `layer` over a chunk; adds to those of its weights and
    /// biases, `grads`.
    #[inline(always)]
    pub fn backward<S: Simd>(
        &self,
        s: S,
        (layer, weights): (usize, &LayerWeights),
        d: &[Lane],
        x: &[Lane],
        grads: &mut [f32],
    ) -> Vec<Lane> {
        let dense = &self.shape.network.layers[layer];
        let (d_w, d_b) = grads.split_at_mut(dense.n_in * dense.n_out);
        add_outer(s, dense, d, x, d_w, d_b);
        let (n_in, n_out) = (padded(dense.n_in), padded(dense.n_out));
        let mut d_x = vec![Lane::ZERO; x.len()];
        let tiles = d.chunks_exact(n_out).zip(x.chunks_exact(n_in));
        for ((d, x), d_x) in tiles.zip(d_x.chunks_exact_mut(n_in)) {
            weights.backward(s, d, (layer > 0).then_some(x), d_x);
        }
        d_x
    }
}

impl ThreadSums {
    pub fn clear(&mut self, shape: &Shape, all: &StepInput, n_chunks: usize) {
        for (d, len) in
            [(&mut self.d_tables, shape.n_grid()), (&mut self.d_base, shape.network.base_end())]
        {
            d.clear();
            d.resize(len, 0.0);
        }
        let chunk = |c: usize| inputs(shape, shape.n_prefix(), all.tiles(c).len());
        self.d_prefix = (0..n_chunks).map(chunk).collect();
        self.squared_error = 0.0;
    }
}

/// sums += d
pub fn add_lanes(sums: &mut [Lane], d: &[Lane]) {
    for (s, d) in sums.iter_mut().zip(d) {
        s.iter_mut().zip(d.iter()).for_each(|(s, d)| *s += d);
    }
}
