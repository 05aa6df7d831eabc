// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hypernetworks over a batch of latents: their last layer is long, so that all latents go
//! through a piece of it while it is in the cache.

use rayon::prelude::*;

use super::super::super::{Dense, Hyper};
use super::super::simd::{Isa, Simd, Task};

/// Outputs of a piece: with the paper's 128 inputs their weights are 256 KiB, which stay in the second
/// cache for all latents.
const PIECE: usize = 512;

/// sum a b
#[inline(always)]
pub fn dot<S: Simd>(s: S, a: &[f32], b: &[f32]) -> f32 {
    let n = a.len() / S::LANES * S::LANES;
    let mut sum = s.splat(0.0);
    for i in (0..n).step_by(S::LANES) {
        sum = s.mul_add(s.load(&a[i..]), s.load(&b[i..]), sum);
    }
    s.sum(sum) + a[n..].iter().zip(&b[n..]).map(|(a, b)| a * b).sum::<f32>()
}

/// y += a x
#[inline(always)]
pub fn axpy<S: Simd>(s: S, a: f32, x: &[f32], y: &mut [f32]) {
    let n = x.len() / S::LANES * S::LANES;
    let gain = s.splat(a);
    for i in (0..n).step_by(S::LANES) {
        let v = s.mul_add(gain, s.load(&x[i..]), s.load(&y[i..]));
        s.store(&mut y[i..], v);
    }
    y[n..].iter_mut().zip(&x[n..]).for_each(|(y, x)| *y += a * x);
}

/// A layer's outputs from `first` on for every row of a batch: [rows, outputs of the piece].
struct Forward<'a> {
    layer: &'a Dense,
    params: &'a [f32],
    x: &'a [f32],
    outputs: std::ops::Range<usize>,
}

impl Task for Forward<'_> {
    type Out = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let n_in = self.layer.n_in;
        let n_rows = self.x.len() / n_in;
        let n = self.outputs.len();
        let mut y = vec![0.0; n_rows * n];
        let (w, b) = (&self.params[self.layer.weights()], &self.params[self.layer.bias()]);
        for (i, o) in self.outputs.enumerate() {
            let w = &w[o * n_in..][..n_in];
            for (row, x) in self.x.chunks_exact(n_in).enumerate() {
                y[row * n + i] = b[o] + dot(s, w, x);
            }
        }
        y
    }
}

/// [rows, n_in] to [rows, n_out].
fn forward(isa: Isa, layer: &Dense, params: &[f32], x: &[f32]) -> Vec<f32> {
    let pieces: Vec<usize> = (0..layer.n_out).step_by(PIECE).collect();
    let outputs = |first: usize| first..(first + PIECE).min(layer.n_out);
    let run = |&first: &usize| isa.run(Forward { layer, params, x, outputs: outputs(first) });
    let all: Vec<Vec<f32>> = pieces.par_iter().map(run).collect();
    let mut y = vec![0.0; x.len() / layer.n_in * layer.n_out];
    for (piece, &first) in all.iter().zip(&pieces) {
        let n = outputs(first).len();
        for (row, from) in piece.chunks_exact(n).enumerate() {
            y[row * layer.n_out + first..][..n].copy_from_slice(from);
        }
    }
    y
}

/// Gradients of a piece's weights, biases and, summed over its outputs, of the inputs.
struct Backward<'a> {
    layer: &'a Dense,
    params: &'a [f32],
    x: &'a [f32],
    d_y: &'a [f32],
    first: usize,
    d_w: &'a mut [f32],
    d_b: &'a mut [f32],
}

impl Task for Backward<'_> {
    type Out = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let Dense { n_in, n_out, .. } = *self.layer;
        let w = &self.params[self.layer.weights()];
        let mut d_x = vec![0.0; self.x.len()];
        for (i, d_w) in self.d_w.chunks_exact_mut(n_in).enumerate() {
            let o = self.first + i;
            for (row, x) in self.x.chunks_exact(n_in).enumerate() {
                let d = self.d_y[row * n_out + o];
                axpy(s, d, x, d_w);
                axpy(s, d, &w[o * n_in..][..n_in], &mut d_x[row * n_in..][..n_in]);
                self.d_b[i] += d;
            }
        }
        d_x
    }
}

/// Gradients of the inputs [rows, n_in]; adds to those of the parameters.
fn backward(
    isa: Isa,
    layer: &Dense,
    params: &[f32],
    x: &[f32],
    d_y: &[f32],
    grads: &mut [f32],
) -> Vec<f32> {
    let (d_w, d_b) = grads[layer.range()].split_at_mut(layer.n_in * layer.n_out);
    let pieces = d_w.par_chunks_mut(PIECE * layer.n_in).zip(d_b.par_chunks_mut(PIECE)).enumerate();
    let run = |(i, (d_w, d_b)): (usize, (&mut [f32], &mut [f32]))| {
        isa.run(Backward { layer, params, x, d_y, first: i * PIECE, d_w, d_b })
    };
    let all: Vec<Vec<f32>> = pieces.map(run).collect();
    let mut d_x = vec![0.0; x.len()];
    for piece in all {
        d_x.iter_mut().zip(piece).for_each(|(d, p)| *d += p);
    }
    d_x
}

/// Inputs of every layer of a hypernetwork, and its outputs, for a batch of latents: each [rows,
/// values].
pub fn hyper(isa: Isa, hyper: &Hyper, params: &[f32], latents: &[f32]) -> Vec<Vec<f32>> {
    let mut all = vec![latents.to_vec()];
    for (i, layer) in hyper.layers.iter().enumerate() {
        let mut y = forward(isa, layer, params, &all[i]);
        if i + 1 < hyper.layers.len() {
            y.iter_mut().for_each(|v| *v = v.tanh());
        }
        all.push(y);
    }
    all
}

/// Gradients of the latents given those of the outputs; adds to those of the parameters.
pub fn hyper_bwd(
    isa: Isa,
    hyper: &Hyper,
    params: &[f32],
    all: &[Vec<f32>],
    d_out: Vec<f32>,
    grads: &mut [f32],
) -> Vec<f32> {
    let mut d = d_out;
    for (i, layer) in hyper.layers.iter().enumerate().rev() {
        d = backward(isa, layer, params, &all[i], &d, grads);
        if i > 0 {
            d.iter_mut().zip(&all[i]).for_each(|(d, t)| *d *= 1.0 - t * t);
        }
    }
    d
}
