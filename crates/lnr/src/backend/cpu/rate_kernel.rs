// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy model over some rows, a tile of entries at a time.

use super::super::Entropy;
use super::dense::{Finish, Lane, TILE, blocks, lanes, multiply};
use super::network::LayerGrad;
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
/// In which order gradients go to the inputs: a sum must not wait for one at nearly the same place, so
/// that neighbours in a row are far apart.
const ORDER: [usize; MAX_INPUTS - 1] = [0, 2, 7, 12, 1, 3, 8, 15, 4, 9, 16, 5, 10, 13, 6, 11, 14];

/// Sums of one task. Gradients of the model are kept per lane.
#[derive(Default)]
pub struct RowSums {
    pub bits: f64,
    /// [rows + 2 PAD, pitch]
    pub d_here: Vec<f32>,
    pub d_before: Vec<f32>,
    /// First layer [n_inputs, HIDDEN]
    first: LayerGrad,
    /// Output layer [2, HIDDEN], skip [n_inputs], biases [HIDDEN + 2]; each LANES wide
    rest: Vec<f32>,
    lanes: usize,
    n_inputs: usize,
}

/// Values of [`RowSums::rest`].
fn rest_len(n_inputs: usize) -> usize {
    (2 * HIDDEN + n_inputs + HIDDEN + 2) * LANES
}

impl RowSums {
    /// Values of the gradient of a model of so many inputs.
    pub fn model_len(n_inputs: usize) -> usize {
        LayerGrad::len(n_inputs, HIDDEN) + rest_len(n_inputs)
    }

    /// Values that it has room for.
    #[cfg(test)]
    pub fn capacity(&self) -> usize {
        let rest: usize =
            [&self.d_here, &self.d_before, &self.rest].map(Vec::capacity).iter().sum();
        rest + self.first.held()
    }

    pub fn clear(&mut self, call: &RateCall, len: usize) {
        self.bits = 0.0;
        if call.with_grads {
            let n = call.entropy.n_inputs();
            self.n_inputs = n;
            self.first.clear_as(n, HIDDEN);
            for (v, len) in
                [(&mut self.d_here, len), (&mut self.d_before, len), (&mut self.rest, rest_len(n))]
            {
                v.clear();
                v.reserve_exact(len);
                v.resize(len, 0.0);
            }
        }
    }

    /// Adds the model's gradient to `d_model`.
    pub fn add_model(&self, entropy: &Entropy, biases: usize, d_model: &mut [f32]) {
        self.first.reduce(self.lanes, &mut d_model[entropy.w1()], &mut []);
        let rest = entropy.w2().start..entropy.skip().end;
        for (i, v) in rest.chain(entropy.biases(biases)).zip(self.rest.chunks_exact(LANES)) {
            d_model[i] += v[..self.lanes].iter().sum::<f32>();
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

/// Values of a tile of entries, which are vectors of one row or of several.
struct Tile {
    /// Where each vector begins in the plane.
    at: [usize; TILE],
    /// 1 for every entry, 0 for what is beyond a row.
    mask: Lane,
    inputs: Vec<Lane>,
    hidden: Vec<Lane>,
    d_hidden: Vec<Lane>,
    d_inputs: Vec<Lane>,
    /// Of the mean and of the log of the scale; first they are themselves here.
    d_out: [Lane; 2],
}

impl Tile {
    fn new(n_inputs: usize) -> Self {
        let [inputs, d_inputs] = [(); 2].map(|()| lanes(n_inputs));
        let [hidden, d_hidden] = [(); 2].map(|()| lanes(HIDDEN));
        let (at, mask) = ([0; TILE], Lane::ZERO);
        Self { at, mask, inputs, hidden, d_hidden, d_inputs, d_out: [Lane::ZERO; 2] }
    }

    /// Goes to the vectors from number `first` on of some rows. Behind the last one there are more,
    /// of which no entry counts.
    #[inline(always)]
    fn seek<S: Simd>(&mut self, plane: &Bordered, rows: &std::ops::Range<usize>, first: usize) {
        let per_row = plane.width.div_ceil(S::LANES);
        let (mut y, mut x) = (rows.start + first / per_row, first % per_row * S::LANES);
        for (mask, at) in self.mask.chunks_exact_mut(S::LANES).zip(&mut self.at) {
            let n = if y < rows.end { plane.width - x } else { 0 };
            *at = plane.index(x, y.min(rows.end - 1));
            for (i, m) in mask.iter_mut().enumerate() {
                *m = if i < n { 1.0 } else { 0.0 };
            }
            x += S::LANES;
            if x >= plane.width {
                (x, y) = (0, y + 1);
            }
        }
    }

    #[inline(always)]
    fn load<S: Simd>(&mut self, s: S, input: usize, from: &[f32], offset: isize) {
        for (p, at) in (0..TILE).step_by(S::LANES).zip(&self.at) {
            let v = s.load(&from[at.wrapping_add_signed(offset)..]);
            s.store(&mut self.inputs[input][p..], v);
        }
    }
}

impl Task for Rows<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { call, plane, rows, biases, sums } = self;
        sums.lanes = S::LANES;
        let e = call.entropy;
        let n_in = e.n_inputs();
        let (w2, skip) = (&call.model[e.w2()], &call.model[e.skip()]);
        let (w_mean, w_scale) = w2.split_at(HIDDEN);
        let (b1, b2) = biases.split_at(HIDDEN);
        let b1 = blocks(b1);
        let (here, before, n_before) = offsets(plane.pitch, e.before);
        let mut bits = s.splat(0.0);
        let tile = &mut Tile::new(n_in);
        let n_vectors = rows.len() * plane.width.div_ceil(S::LANES);
        for first in (0..n_vectors).step_by(TILE / S::LANES) {
            tile.seek::<S>(plane, &rows, first);
            for (i, o) in here.iter().enumerate() {
                tile.load(s, i, &plane.here, *o);
            }
            for (i, o) in before.iter().take(n_before).enumerate() {
                tile.load(s, 12 + i, &plane.before, *o);
            }
            if e.extra {
                tile.load(s, n_in - 1, &plane.extra, 0);
            }
            let Tile { at, mask, inputs, hidden, d_hidden, d_inputs, d_out } = &mut *tile;
            let product = [(&call.first.backward, &inputs[..])];
            multiply(s, Some(&b1), product, Finish::Relu, hidden);
            weigh(s, b2[0], [(w_mean, hidden), (skip, inputs)], &mut d_out[0]);
            weigh(s, b2[1], [(w_scale, hidden), (&[], inputs)], &mut d_out[1]);
            for (p, at) in (0..TILE).step_by(S::LANES).zip(at.iter()) {
                let value = s.load(&plane.here[*at..]);
                let (mean, log_scale) = (s.load(&d_out[0][p..]), s.load(&d_out[1][p..]));
                let (b, d_mean, d_log) = laplace(s, s.sub(value, mean), log_scale);
                let mask = s.load(&mask[p..]);
                bits = s.mul_add(b, mask, bits);
                let (scale, limit) = (s.mul(mask, s.splat(call.weight)), s.splat(MAX_GRAD));
                let minus = s.splat(-MAX_GRAD);
                for (d, to) in [d_mean, d_log].into_iter().zip(d_out.iter_mut()) {
                    s.store(&mut to[p..], s.mul(s.max(minus, s.min(limit, d)), scale));
                }
            }
            if !call.with_grads {
                continue;
            }
            backward_hidden(s, d_out, w2, hidden, d_hidden);
            sums.add_products(s, inputs, hidden, d_out, d_hidden);
            let [d_mean, _] = &*d_out;
            let d_mean = std::slice::from_ref(d_mean);
            let products = [(&call.first.forward, &d_hidden[..]), (&call.skip.forward, d_mean)];
            multiply(s, None, products, Finish::Keep, d_inputs);
            let start = rows.start * plane.pitch;
            let (d_here, d_before) = (&mut sums.d_here, &mut sums.d_before);
            add_to(s, d_here, at, (start, 0), &d_mean[0], -1.0);
            for i in ORDER {
                match here.get(i) {
                    Some(o) => add_to(s, d_here, at, (start, *o), &d_inputs[i], 1.0),
                    None if i < 12 + n_before => {
                        add_to(s, d_before, at, (start, before[i - 12]), &d_inputs[i], 1.0);
                    }
                    None => {}
                }
            }
        }
        sums.bits = f64::from(s.sum(bits));
    }
}

/// out = bias + sum of the products
#[inline(always)]
fn weigh<S: Simd>(s: S, bias: f32, products: [(&[f32], &[Lane]); 2], out: &mut Lane) {
    // Vectors at a time: what one sum waits for, others use.
    const V: usize = 4;
    for p in (0..TILE).step_by(V * S::LANES) {
        let mut sums = [s.splat(bias); V];
        for (weights, x) in products {
            for (w, x) in weights.iter().zip(x) {
                let w = s.splat(*w);
                for k in 0..V {
                    sums[k] = s.mul_add(w, s.load(&x[p + k * S::LANES..]), sums[k]);
                }
            }
        }
        for k in 0..V {
            s.store(&mut out[p + k * S::LANES..], sums[k]);
        }
    }
}

/// The gradients of the hidden values before their ReLU.
#[inline(always)]
fn backward_hidden<S: Simd>(
    s: S,
    [d_mean, d_log]: &[Lane; 2],
    w2: &[f32],
    hidden: &[Lane],
    d_hidden: &mut [Lane],
) {
    let zero = s.splat(0.0);
    for (j, (h, to)) in hidden.iter().zip(d_hidden).enumerate() {
        let (w_mean, w_scale) = (s.splat(w2[j]), s.splat(w2[HIDDEN + j]));
        for p in (0..TILE).step_by(S::LANES) {
            let d = s.mul(s.load(&d_log[p..]), w_scale);
            let d = s.mul_add(s.load(&d_mean[p..]), w_mean, d);
            s.store(&mut to[p..], s.select(s.gt(s.load(&h[p..]), zero), d, zero));
        }
    }
}

impl RowSums {
    /// Adds a tile's gradients of the model.
    #[inline(always)]
    fn add_products<S: Simd>(
        &mut self,
        s: S,
        inputs: &[Lane],
        hidden: &[Lane],
        [d_mean, d_log]: &[Lane; 2],
        d_hidden: &[Lane],
    ) {
        self.first.add_products(s, inputs, d_hidden);
        let inputs = &inputs[..self.n_inputs];
        let mut rest = self.rest.as_chunks_mut::<LANES>().0.iter_mut();
        for (d, x) in [(d_mean, hidden), (d_log, hidden), (d_mean, inputs)] {
            for (x, to) in x.iter().zip(&mut rest) {
                let mut sum = s.load(to);
                for p in (0..TILE).step_by(S::LANES) {
                    sum = s.mul_add(s.load(&d[p..]), s.load(&x[p..]), sum);
                }
                s.store(to, sum);
            }
        }
        for (d, to) in d_hidden.iter().chain([d_mean, d_log]).zip(rest) {
            let mut sum = s.load(to);
            for p in (0..TILE).step_by(S::LANES) {
                sum = s.add(sum, s.load(&d[p..]));
            }
            s.store(to, sum);
        }
    }
}

/// Adds `sign` times the vectors of a tile to where they belong, counted from `start`, `offset` further.
#[inline(always)]
fn add_to<S: Simd>(
    s: S,
    to: &mut [f32],
    at: &[usize; TILE],
    (start, offset): (usize, isize),
    d: &Lane,
    sign: f32,
) {
    for (p, at) in (0..TILE).step_by(S::LANES).zip(at) {
        let to = &mut to[(at - start).wrapping_add_signed(offset)..];
        let sum = s.mul_add(s.load(&d[p..]), s.splat(sign), s.load(to));
        s.store(to, sum);
    }
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
