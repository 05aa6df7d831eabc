// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy model over some rows, a vector of entries at a time.

use super::super::Entropy;
use super::rate_planes::{Bordered, RateCall, offsets};
use super::simd::{Simd, Task, exp, log2};

pub const HIDDEN: usize = Entropy::HIDDEN;
/// 12 of the plane, 5 of the node before, 1 extra.
pub const MAX_INPUTS: usize = 18;
/// Lanes of the widest vector.
const LANES: usize = 16;
/// Gradients of one symbol's bits are kept below this: at the least scale, e^-5, they would be up to 214,
/// and one surprise would outweigh all else in its step.
const MAX_GRAD: f32 = 30.0;

/// Sums of one task. Gradients of the model are kept per lane.
#[derive(Default)]
pub struct RowSums {
    pub bits: f64,
    /// [rows + 2 PAD, pitch]
    pub d_here: Vec<f32>,
    pub d_before: Vec<f32>,
    /// First layer [n_inputs, HIDDEN], output layer [2, HIDDEN], skip [n_inputs], biases
    /// [HIDDEN + 2]; each LANES wide
    model: Vec<f32>,
    lanes: usize,
}

impl RowSums {
    /// Values of the gradient of a model of so many inputs.
    pub fn model_len(n_inputs: usize) -> usize {
        (n_inputs * HIDDEN + 2 * HIDDEN + n_inputs + HIDDEN + 2) * LANES
    }

    /// Values that it has room for.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        [&self.d_here, &self.d_before, &self.model].map(Vec::capacity).iter().sum()
    }

    pub fn clear(&mut self, call: &RateCall, len: usize) {
        self.bits = 0.0;
        if call.with_grads {
            let n = call.entropy.skip().end + HIDDEN + 2;
            for (v, len) in
                [(&mut self.d_here, len), (&mut self.d_before, len), (&mut self.model, n * LANES)]
            {
                v.clear();
                v.reserve_exact(len);
                v.resize(len, 0.0);
            }
        }
    }

    /// Adds the model's gradient to `d_model`.
    pub fn add_model(&self, entropy: &Entropy, biases: usize, d_model: &mut [f32]) {
        let shared = entropy.skip().end;
        let to = (0..shared).chain(entropy.biases(biases));
        for (i, v) in to.zip(self.model.chunks_exact(self.lanes)) {
            d_model[i] += v.iter().sum::<f32>();
        }
    }
}

/// Rows of a plane as a vector task.
pub struct Rows<'a> {
    pub call: &'a RateCall<'a>,
    pub plane: &'a Bordered,
    pub rows: std::ops::Range<usize>,
    pub biases: &'a [f32],
    pub sums: &'a mut RowSums,
}

impl Task for Rows<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.sums.lanes = S::LANES;
        let e = self.call.entropy;
        let n_in = e.n_inputs();
        let model = self.call.model;
        let (w1, w2, skip) = (&model[e.w1()], &model[e.w2()], &model[e.skip()]);
        let (b1, b2) = self.biases.split_at(HIDDEN);
        let (here, before, n_before) = offsets(self.plane.pitch, e.before);
        let zero = s.splat(0.0);
        let mut bits = zero;
        let mut iota = [0.0; LANES];
        for (i, v) in iota.iter_mut().enumerate() {
            *v = i as f32;
        }
        let iota = s.load(&iota);
        for y in self.rows.clone() {
            for x in (0..self.plane.width).step_by(S::LANES) {
                let at = self.plane.index(x, y);
                let left = s.splat((self.plane.width - x) as f32);
                let mask = s.select(s.gt(left, iota), s.splat(1.0), zero);
                let mut inputs = [zero; MAX_INPUTS];
                for (i, o) in here.iter().enumerate() {
                    inputs[i] = s.load(&self.plane.here[at.wrapping_add_signed(*o)..]);
                }
                for (i, o) in before.iter().take(n_before).enumerate() {
                    inputs[12 + i] = s.load(&self.plane.before[at.wrapping_add_signed(*o)..]);
                }
                if e.extra {
                    inputs[n_in - 1] = s.load(&self.plane.extra[at..]);
                }
                let inputs = &inputs[..n_in];
                let mut h = [zero; HIDDEN];
                for (h, b) in h.iter_mut().zip(b1) {
                    *h = s.splat(*b);
                }
                let (mut mean, mut log_scale) = (s.splat(b2[0]), s.splat(b2[1]));
                for ((v, w), k) in inputs.iter().zip(w1.chunks_exact(HIDDEN)).zip(skip) {
                    for (h, w) in h.iter_mut().zip(w) {
                        *h = s.mul_add(*v, s.splat(*w), *h);
                    }
                    mean = s.mul_add(*v, s.splat(*k), mean);
                }
                for j in 0..HIDDEN {
                    h[j] = s.max(zero, h[j]);
                    mean = s.mul_add(h[j], s.splat(w2[j]), mean);
                    log_scale = s.mul_add(h[j], s.splat(w2[HIDDEN + j]), log_scale);
                }
                let value = s.load(&self.plane.here[at..]);
                let (b, d_mean, d_log) = laplace(s, s.sub(value, mean), log_scale);
                bits = s.mul_add(b, mask, bits);
                if !self.call.with_grads {
                    continue;
                }
                let limit = s.splat(MAX_GRAD);
                let scale = s.mul(mask, s.splat(self.call.weight));
                let minus = s.sub(zero, limit);
                let d_mean = s.mul(s.max(minus, s.min(limit, d_mean)), scale);
                let d_log = s.mul(s.max(minus, s.min(limit, d_log)), scale);
                let local = at - (self.rows.start * self.plane.pitch);
                let sums = &mut *self.sums;
                add_to(s, &mut sums.d_here[local..], s.sub(zero, d_mean));
                let mut d_h = [zero; HIDDEN];
                let (g1, rest) = sums.model.split_at_mut(n_in * HIDDEN * S::LANES);
                let (g2, rest) = rest.split_at_mut(2 * HIDDEN * S::LANES);
                let (g_skip, g_bias) = rest.split_at_mut(n_in * S::LANES);
                for j in 0..HIDDEN {
                    add_to(s, &mut g2[j * S::LANES..], s.mul(d_mean, h[j]));
                    add_to(s, &mut g2[(HIDDEN + j) * S::LANES..], s.mul(d_log, h[j]));
                    let d =
                        s.mul_add(d_mean, s.splat(w2[j]), s.mul(d_log, s.splat(w2[HIDDEN + j])));
                    d_h[j] = s.select(s.gt(h[j], zero), d, zero);
                    add_to(s, &mut g_bias[j * S::LANES..], d_h[j]);
                }
                add_to(s, &mut g_bias[HIDDEN * S::LANES..], d_mean);
                add_to(s, &mut g_bias[(HIDDEN + 1) * S::LANES..], d_log);
                for i in 0..n_in {
                    add_to(s, &mut g_skip[i * S::LANES..], s.mul(d_mean, inputs[i]));
                    let mut d = s.mul(d_mean, s.splat(skip[i]));
                    let w = &w1[i * HIDDEN..][..HIDDEN];
                    let g = &mut g1[i * HIDDEN * S::LANES..][..HIDDEN * S::LANES];
                    for j in 0..HIDDEN {
                        d = s.mul_add(d_h[j], s.splat(w[j]), d);
                        let g = &mut g[j * S::LANES..];
                        s.store(g, s.mul_add(inputs[i], d_h[j], s.load(g)));
                    }
                    if let Some(o) = here.get(i) {
                        add_to(s, &mut sums.d_here[local.wrapping_add_signed(*o)..], d);
                    } else if i < 12 + n_before {
                        let o = before[i - 12];
                        add_to(s, &mut sums.d_before[local.wrapping_add_signed(o)..], d);
                    }
                }
            }
        }
        self.sums.bits = f64::from(s.sum(bits));
    }
}

#[inline(always)]
fn add_to<S: Simd>(s: S, p: &mut [f32], v: S::F) {
    let sum = s.add(s.load(p), v);
    s.store(p, sum);
}

/// Bits of a symbol at distance `d` from the mean of a Laplace distribution, and their derivatives
/// with respect to the mean and to the log of the scale.
#[inline(always)]
fn laplace<S: Simd>(s: S, d: S::F, log_scale: S::F) -> (S::F, S::F, S::F) {
    let (zero, half, one) = (s.splat(0.0), s.splat(0.5), s.splat(1.0));
    let clamped = s.min(s.splat(8.0), s.max(s.splat(-5.0), log_scale));
    let inv = exp(s, s.sub(zero, clamped));
    let a = s.abs(d);
    let (far, near) = (s.add(a, half), s.sub(a, half));
    let e2 = exp(s, s.sub(zero, s.mul(far, inv)));
    let e1 = exp(s, s.sub(zero, s.mul(s.abs(near), inv)));
    // The symbol's interval holds the mean (inside) or lies beside it (outside).
    let outside = s.gt(a, half);
    let diff = s.sub(e1, e2);
    let p_out = s.mul(half, diff);
    let p_in = s.sub(one, s.mul(half, s.add(e1, e2)));
    let p = s.mul_add(s.select(outside, p_out, p_in), s.splat(0.9999), s.splat(1e-6));
    let bits = s.sub(zero, log2(s, p));
    let slope = s.mul(s.mul(half, inv), diff);
    let dp_da = s.sub(zero, slope);
    let dp_dinv = s.mul(half, s.sub(s.mul(far, e2), s.mul(near, e1)));
    let c = s.div(s.splat(-std::f32::consts::LOG2_E * 0.9999), p);
    // d bits / d mean = -d bits / d value
    let d_value = s.mul(c, dp_da);
    let d_mean = s.select(s.gt(d, zero), s.sub(zero, d_value), d_value);
    let d_log = s.mul(c, s.mul(dp_dinv, s.sub(zero, inv)));
    let d_log = s.select(s.gt(s.splat(8.0), log_scale), d_log, zero);
    let d_log = s.select(s.gt(log_scale, s.splat(-5.0)), d_log, zero);
    (bits, d_mean, d_log)
}
