// SPDX-License-Identifier: MIT OR Apache-2.0
//! One frame of a training step: modulation, the layers from the first modulated one on, loss, back.

use super::super::dense::{Lane, TILE};
use super::super::simd::{Simd, Task};
use super::modulation::{Mask, MaskBwd};
use super::network::{LayerWeights, padded};
use super::step::{Chunk, StepInput, ThreadSums, add_lanes, inputs};

/// All points of one frame, forward and backward.
pub struct FrameTask<'a> {
    pub all: &'a StepInput<'a>,
    pub chunks: &'a [Chunk],
    pub frame: usize,
    /// P and Q of this frame per hypernetwork, and their gradients.
    pub pq: Vec<&'a [f32]>,
    pub d_pq: Vec<&'a mut [f32]>,
    pub band: &'a mut ThreadSums,
}

impl Task for FrameTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (shape, network) = (self.all.shape, self.all.network);
        let first = shape.n_prefix();
        let n_layers = shape.network.layers.len();
        let masks: Vec<_> = shape
            .network
            .hyper
            .iter()
            .zip(&self.pq)
            .map(|(h, &pq)| Mask { layer: &shape.network.layers[h.layer], rank: h.rank, pq }.run(s))
            .collect();
        let modulated: Vec<_> = shape
            .network
            .hyper
            .iter()
            .zip(&masks)
            .map(|(h, mask)| LayerWeights::new(&shape.network, h.layer, network, Some(mask)))
            .collect();
        let weights: Vec<&LayerWeights> = (first..n_layers)
            .filter_map(|l| {
                self.all.shared[l].as_ref().or(shape.network.hyper_of(l).map(|h| &modulated[h]))
            })
            .collect();
        // Gradients of the modulated weights of this frame, biases behind them.
        let mut own: Vec<Vec<f32>> = shape
            .network
            .hyper
            .iter()
            .map(|h| vec![0.0; shape.network.layers[h.layer].range().len()])
            .collect();
        let n_values = padded(shape.n_values());
        for (chunk, prefix) in self.chunks.iter().enumerate() {
            let tiles = self.all.tiles(chunk);
            // Inputs of the layers after the first, then the values.
            let mut x: Vec<Vec<Lane>> =
                (first + 1..n_layers).map(|l| inputs(shape, l, tiles.len())).collect();
            x.push(vec![Lane::ZERO; tiles.len() * n_values]);
            for (l, weights) in (first..n_layers).zip(&weights) {
                let n_in = padded(shape.network.layers[l].n_in);
                let n_out = padded(shape.network.layers[l].n_out);
                let (before, after) = x.split_at_mut(l - first);
                let x = before.last().map_or(&prefix.0[first], |x| x);
                for i in 0..tiles.len() {
                    let y = &mut after[0][i * n_out..][..n_out];
                    weights.forward(s, &x[i * n_in..][..n_in], y);
                }
            }
            let mut d = x.pop().unwrap_or_default();
            for (i, tile) in tiles.clone().enumerate() {
                self.loss(s, tile, &mut d[i * n_values..][..n_values]);
            }
            if !self.all.with_grads {
                continue;
            }
            for (l, weights) in (first..n_layers).zip(&weights).rev() {
                let x = if l == first { &prefix.0[first] } else { &x[l - first - 1] };
                let grads = match shape.network.hyper_of(l) {
                    Some(h) => &mut own[h][..],
                    None => &mut self.band.d_base[shape.network.layers[l].range()],
                };
                d = self.all.backward(s, (l, weights), &d, x, grads);
            }
            add_lanes(&mut self.band.d_prefix[chunk], &d);
        }
        if self.all.with_grads {
            self.modulation_bwd(s, &masks, &own);
        }
    }
}

impl FrameTask<'_> {
    /// From the values of a tile to the gradients of the loss, in place.
    #[inline(always)]
    fn loss<S: Simd>(&mut self, s: S, tile: usize, values: &mut [Lane]) {
        let (shape, step) = (self.all.shape, self.all.step);
        let (n_points, n_values) = (step.lattice.len(), shape.n_values());
        let area = shape.patch * shape.patch;
        let first = tile * TILE;
        let valid = (n_points - first).min(TILE);
        let zero = s.splat(0.0);
        let mut sum = zero;
        for pixel in 0..area {
            // Where there is no pixel the target is NaN and the difference 0.
            let mut d = [Lane::ZERO; 3];
            for c in 0..shape.n_out {
                let v = c * area + pixel;
                let from = (self.frame * n_values + v) * n_points + first;
                let target = &self.all.target[from..from + valid];
                for (d, (v, t)) in d[c].iter_mut().zip(values[v].iter().zip(target)) {
                    *d = if t.is_nan() { 0.0 } else { v - t };
                }
            }
            for c in 0..shape.n_out {
                for p in (0..TILE).step_by(S::LANES) {
                    let mut g = zero;
                    for (e, d) in d.iter().enumerate().take(shape.n_out) {
                        g = s.mul_add(s.load(&d[p..]), s.splat(step.form[c][e]), g);
                    }
                    sum = s.mul_add(s.load(&d[c][p..]), g, sum);
                    s.store(
                        &mut values[c * area + pixel][p..],
                        s.mul(g, s.splat(2.0 * step.weight)),
                    );
                }
            }
        }
        values[n_values..].fill(Lane::ZERO);
        self.band.squared_error += f64::from(s.sum(sum));
    }

    #[inline(always)]
    fn modulation_bwd<S: Simd>(&mut self, s: S, masks: &[Vec<f32>], own: &[Vec<f32>]) {
        let shape = self.all.shape;
        for (k, h) in shape.network.hyper.iter().enumerate() {
            let layer = &shape.network.layers[h.layer];
            let (d_w, d_b) = own[k].split_at(layer.n_in * layer.n_out);
            let bias = &mut self.band.d_base[layer.bias()];
            bias.iter_mut().zip(d_b).for_each(|(g, d)| *g += d);
            MaskBwd {
                layer,
                rank: h.rank,
                weights: &self.all.network[layer.weights()],
                mask: &masks[k],
                pq: self.pq[k],
                d_w,
                d_pq: self.d_pq[k],
                d_base: &mut self.band.d_base[layer.weights()],
            }
            .run(s);
        }
    }
}
