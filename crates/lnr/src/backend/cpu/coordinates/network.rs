// SPDX-License-Identifier: MIT OR Apache-2.0
//! Layers of the base network over chunks of tiles.

use super::super::super::{Dense, Network};
use super::super::dense::{BLOCK, Finish, Lane, Layer, blocks, multiply, outer};
use super::super::simd::Simd;

/// Tiles that go through a layer's gradients together, so that each sum is loaded once for 512 points.
pub const CHUNK: usize = 8;

/// A layer's weights at one time, ready for both directions.
pub struct LayerWeights {
    layer: Layer,
    bias: Vec<[f32; BLOCK]>,
    is_last: bool,
}

impl LayerWeights {
    /// Of base layer `index`, its weights times `mask`, if there is one.
    pub fn new(net: &Network, index: usize, params: &[f32], mask: Option<&[f32]>) -> Self {
        let dense = &net.layers[index];
        let w = &params[dense.weights()];
        let product = |mask: &[f32]| w.iter().zip(mask).map(|(w, m)| w * m).collect::<Vec<_>>();
        let modulated = mask.map(product);
        Self {
            layer: Layer::new(modulated.as_deref().unwrap_or(w), dense.n_out, dense.n_in),
            bias: blocks(&params[dense.bias()]),
            is_last: index + 1 == net.layers.len(),
        }
    }

    /// The layers of a model that are the same at all times; `None` where a layer is modulated.
    pub fn shared(net: &Network, params: &[f32]) -> Vec<Option<Self>> {
        let new = |l: usize| Self::new(net, l, params, None);
        let layer = |l: usize| net.hyper_of(l).is_none().then(|| new(l));
        (0..net.layers.len()).map(layer).collect()
    }

    /// A tile through the layer.
    #[inline(always)]
    pub fn forward<S: Simd>(&self, s: S, x: &[Lane], y: &mut [Lane]) {
        let finish = if self.is_last { Finish::Keep } else { Finish::Relu };
        multiply(s, Some(&self.bias), [(&self.layer.forward, x)], finish, y);
    }

    /// Gradients of a tile's inputs; `mask` is the inputs where they come out of a ReLU.
    #[inline(always)]
    pub fn backward<S: Simd>(&self, s: S, d: &[Lane], mask: Option<&[Lane]>, d_x: &mut [Lane]) {
        let finish = mask.map_or(Finish::Keep, Finish::Mask);
        multiply(s, None, [(&self.layer.backward, d)], finish, d_x);
    }
}

/// Adds d x^T over the tiles of a chunk to `d_w` [n_out, n_in], and the sums of d to `d_b`. `d` and
/// `x` hold whole blocks of lanes per tile.
#[inline(always)]
pub fn add_outer<S: Simd>(
    s: S,
    layer: &Dense,
    d: &[Lane],
    x: &[Lane],
    d_w: &mut [f32],
    d_b: &mut [f32],
) {
    let (n_rows, n_columns) = (padded(layer.n_out), padded(layer.n_in));
    for row in (0..n_rows).step_by(BLOCK) {
        for column in (0..n_columns).step_by(BLOCK) {
            let mut sums = [[s.splat(0.0); BLOCK]; BLOCK];
            for (d, x) in d.chunks_exact(n_rows).zip(x.chunks_exact(n_columns)) {
                let (d, x) = (d.as_chunks::<BLOCK>().0, x.as_chunks::<BLOCK>().0);
                sums = outer(s, &d[row / BLOCK], &x[column / BLOCK], sums);
            }
            for i in 0..BLOCK.min(layer.n_out.saturating_sub(row)) {
                for j in 0..BLOCK.min(layer.n_in.saturating_sub(column)) {
                    d_w[(row + i) * layer.n_in + column + j] += s.sum(sums[i][j]);
                }
            }
        }
    }
    for d in d.chunks_exact(n_rows) {
        for (d, d_b) in d.iter().zip(d_b.iter_mut()) {
            *d_b += d.iter().sum::<f32>();
        }
    }
}

/// Lanes that hold `n` values per point.
pub fn padded(n: usize) -> usize {
    n.next_multiple_of(BLOCK)
}

/// Lanes of a tile before each of `layers`, and after the last.
pub fn lanes(layers: &[Dense]) -> impl Iterator<Item = usize> {
    let inputs = layers.iter().map(|l| padded(l.n_in));
    inputs.chain(layers.last().map(|l| padded(l.n_out)))
}
