// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy model over a plane, entry by entry.

use super::super::{Causal, Entropy, RatePlane};
use super::network::relu;

const H: usize = Entropy::HIDDEN;

/// Where each input of entry (x, y) lies in the grid buffer; `None` reads zero. The extra input
/// comes last.
fn inputs(entropy: &Entropy, plane: &RatePlane, x: usize, y: usize) -> Vec<Option<usize>> {
    let (w, h) = (plane.grid.width, plane.grid.height);
    let at = |offset: usize, (dy, dx): (isize, isize)| {
        let (y, x) = (y.checked_add_signed(dy)?, x.checked_add_signed(dx)?);
        (y < h && x < w).then(|| offset + y * w + x)
    };
    let mut all: Vec<_> = Causal::HERE.iter().map(|&o| at(plane.offset, o)).collect();
    if entropy.before {
        all.extend(Causal::BEFORE.map(|o| plane.before.and_then(|offset| at(offset, o))));
    }
    if entropy.extra {
        all.push(plane.extra.map(|extra| extra.index(x, y)));
    }
    all
}

/// Probability of the unit interval around distance `d` from the mean of a Laplace distribution of
/// scale 1 / `inv`, kept off zero.
fn probability(d: f64, inv: f64) -> f64 {
    let a = d.abs();
    let upper = (-(a + 0.5) * inv).exp();
    let lower = (-(a - 0.5).abs() * inv).exp();
    let p = if a > 0.5 { 0.5 * (lower - upper) } else { 1.0 - 0.5 * (lower + upper) };
    p * 0.9999 + 1e-6
}

/// Bits, and their derivatives with respect to the mean and to the log of the scale.
fn laplace(d: f64, log_scale: f64) -> (f64, f64, f64) {
    let bits = |d: f64, l: f64| -probability(d, (-l.clamp(-5.0, 8.0)).exp()).log2();
    // Central differences in f64 serve as the oracle of the closed forms.
    let e = 1e-6;
    let by_d = (bits(d + e, log_scale) - bits(d - e, log_scale)) / (2.0 * e);
    let by_l = (bits(d, log_scale + e) - bits(d, log_scale - e)) / (2.0 * e);
    (bits(d, log_scale), (-by_d).clamp(-30.0, 30.0), by_l.clamp(-30.0, 30.0))
}

/// See [`super::super::Backend::rate`].
pub fn plane(
    entropy: &Entropy,
    plane: &RatePlane,
    symbols: &[f32],
    model: &[f32],
    weight: f32,
    mut grads: Option<(&mut [f32], &mut [f32])>,
) -> f64 {
    let (w1, w2, skip) = (entropy.w1().start, entropy.w2().start, entropy.skip().start);
    let bias = entropy.biases(plane.biases).start;
    let mut total = 0.0;
    for y in 0..plane.grid.height {
        for x in 0..plane.grid.width {
            let sources = inputs(entropy, plane, x, y);
            let v: Vec<f32> = sources.iter().map(|i| i.map_or(0.0, |i| symbols[i])).collect();
            let mut h = [0.0f32; H];
            for (j, h) in h.iter_mut().enumerate() {
                let dot: f32 = v.iter().enumerate().map(|(i, v)| v * model[w1 + i * H + j]).sum();
                *h = relu(dot + model[bias + j]);
            }
            let linear: f32 = v.iter().zip(&model[skip..]).map(|(v, s)| v * s).sum();
            let out = |k: usize| -> f32 {
                h.iter().zip(&model[w2 + k * H..]).map(|(h, w)| h * w).sum::<f32>()
                    + model[bias + H + k]
            };
            let (mean, log_scale) = (out(0) + linear, out(1));
            let here = plane.offset + y * plane.grid.width + x;
            let d = f64::from(symbols[here]) - f64::from(mean);
            let (bits, d_mean, d_log) = laplace(d, f64::from(log_scale));
            total += bits;
            let Some((d_symbols, d_model)) = grads.as_mut() else {
                continue;
            };
            let (d_mean, d_log) = (d_mean as f32 * weight, d_log as f32 * weight);
            d_symbols[here] -= d_mean;
            d_model[bias + H] += d_mean;
            d_model[bias + H + 1] += d_log;
            let mut d_v: Vec<f32> = (0..v.len()).map(|i| d_mean * model[skip + i]).collect();
            for j in 0..H {
                d_model[w2 + j] += d_mean * h[j];
                d_model[w2 + H + j] += d_log * h[j];
                let d_h = d_mean * model[w2 + j] + d_log * model[w2 + H + j];
                if h[j] > 0.0 {
                    d_model[bias + j] += d_h;
                    for i in 0..v.len() {
                        d_model[w1 + i * H + j] += d_h * v[i];
                        d_v[i] += d_h * model[w1 + i * H + j];
                    }
                }
            }
            let n_graded = v.len() - usize::from(entropy.extra);
            for (i, d) in d_v.iter().enumerate() {
                d_model[skip + i] += d_mean * v[i];
                if let (true, Some(source)) = (i < n_graded, sources[i]) {
                    d_symbols[source] += d;
                }
            }
        }
    }
    total
}
