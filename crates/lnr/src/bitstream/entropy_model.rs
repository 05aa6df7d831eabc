// SPDX-License-Identifier: MIT OR Apache-2.0
//! The transmitted entropy models, evaluated in integers (FORMAT-entropy section 7).

use super::neighbours::{BEFORE, HERE, N_INPUTS};
use crate::base::{Error, Result};

/// Hidden units.
const HIDDEN: usize = 16;
/// Causal neighbours in the plane itself, and inputs from the node before.
const N_HERE: usize = 12;
const N_BEFORE: usize = 5;
/// Inputs are clipped to this magnitude.
const MAX_INPUT: i16 = 255;
/// Fractional bits of the hidden units.
const HIDDEN_BITS: u32 = 7;
/// Bins of the log scale: about 14 to a factor of e^2.8.
const N_SCALE_BINS: i32 = 32;

/// A transmitted entropy model: inputs -> 16 ReLU -> mean and log scale of a symbol, plus a linear
/// path to the mean. Its opinion is one of several that are mixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntropyModel {
    /// Whether five symbols of the node before are inputs, after the twelve of the plane itself.
    pub before: bool,
    /// Whether the last input is the parent's symbol at the same place (canonical and residual
    /// planes) or the sibling's (motion).
    pub extra: bool,
    /// A weight w means w * 2^-shift; at most [`Self::MAX_SHIFT`].
    pub shift: u32,
    /// First layer `[n_inputs, 16]`, output layer `[2, 16]` (mean, log scale), linear path `[n_inputs]`,
    /// then for each set of biases 16 + 2. All but the biases count as at most ±32767.
    pub weights: Vec<i32>,
}

impl EntropyModel {
    /// Largest [`Self::shift`].
    pub const MAX_SHIFT: u32 = 14;

    /// Inputs.
    pub fn n_inputs(&self) -> usize {
        N_HERE + if self.before { N_BEFORE } else { 0 } + usize::from(self.extra)
    }

    /// Weights of a model with these inputs and so many sets of biases.
    pub fn n_weights(before: bool, extra: bool, n_bias_sets: usize) -> usize {
        let n = N_HERE + if before { N_BEFORE } else { 0 } + usize::from(extra);
        n * (HIDDEN + 1) + 2 * HIDDEN + n_bias_sets * (HIDDEN + 2)
    }

    /// Whether bias set `set` of it can be used.
    pub(crate) fn check(&self, set: usize) -> Result<()> {
        if self.shift > Self::MAX_SHIFT {
            return Err(Error::damaged(format!("entropy model of precision {}", self.shift)));
        }
        let n = set.checked_add(1).map(|n| n.saturating_mul(HIDDEN + 2)).unwrap_or(usize::MAX);
        if self.weights.len().saturating_sub(Self::n_weights(self.before, self.extra, 0)) < n {
            return Err(Error::damaged(format!("an entropy model has no bias set {set}")));
        }
        Ok(())
    }
}

/// What a model says about a symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Opinion {
    /// In 1 / 256, -16000..=16000
    pub mean: i32,
    /// 0..32
    pub scale_bin: usize,
}

/// One bias set of a model, laid out for evaluation by products of 16-bit numbers. Inputs are the
/// first neighbours; the extra one stands in the place of one that is no input.
pub(super) struct Evaluator {
    /// [unit, input]; zeros for neighbours that are no inputs
    first: [[i16; WIDTH]; HIDDEN],
    /// Whether only the first half of the inputs is used.
    narrow: bool,
    /// Which neighbour is the extra input.
    extra: usize,
    bias: [i32; HIDDEN],
    output: [[i16; HIDDEN]; 2],
    skip: [i16; WIDTH],
    output_bias: [i32; 2],
    shift: u32,
}

/// Inputs that are evaluated: with and without the node before.
const WIDTH: usize = N_INPUTS;
const NARROW: usize = 16;

impl Evaluator {
    /// Bias set `set` of `model`, for planes whose extra input is neighbour `extra`.
    pub fn new(model: &EntropyModel, set: usize, extra: usize) -> Result<Self> {
        model.check(set)?;
        let short = |w: i32| w.clamp(-32_767, 32_767) as i16;
        let n = model.n_inputs();
        let (first, rest) = model.weights.split_at(n * HIDDEN);
        let (output, rest) = rest.split_at(2 * HIDDEN);
        let (skip, rest) = rest.split_at(n);
        let biases = &rest[set * (HIDDEN + 2)..][..HIDDEN + 2];
        let mut e = Self {
            first: [[0; WIDTH]; HIDDEN],
            narrow: !model.before,
            extra,
            bias: [0; HIDDEN],
            output: [[0; HIDDEN]; 2],
            skip: [0; WIDTH],
            output_bias: [biases[HIDDEN], biases[HIDDEN + 1]],
            shift: model.shift,
        };
        for (i, weights) in first.chunks_exact(HIDDEN).enumerate() {
            for (unit, &w) in e.first.iter_mut().zip(weights) {
                unit[i] = short(w);
            }
            e.skip[i] = short(skip[i]);
        }
        for (row, weights) in e.output.iter_mut().zip(output.chunks_exact(HIDDEN)) {
            row.iter_mut().zip(weights).for_each(|(o, &w)| *o = short(w));
        }
        e.bias.copy_from_slice(&biases[..HIDDEN]);
        Ok(e)
    }

    /// The opinion given these neighbours, as coded.
    pub fn opinion(&self, raw: &[i16; N_INPUTS]) -> Opinion {
        const { assert!(HERE == 0 && BEFORE == N_HERE) };
        let mut inputs = *raw;
        let extra = if self.narrow { N_HERE } else { N_HERE + N_BEFORE };
        inputs[extra] = raw[self.extra & (N_INPUTS - 1)];
        inputs.iter_mut().for_each(|v| *v = (*v).clamp(-MAX_INPUT, MAX_INPUT));

        let (sums, linear) = match self.narrow {
            true => self.first_layer::<NARROW>(&inputs),
            false => self.first_layer::<WIDTH>(&inputs),
        };
        let hidden = self.hidden(sums);
        let linear = i64::from(self.output_bias[0]) + i64::from(linear);
        let mut out = [linear, i64::from(self.output_bias[1])].map(|v| v << HIDDEN_BITS);
        for (out, weights) in out.iter_mut().zip(&self.output) {
            *out += Self::output(&hidden, weights);
        }
        // From 7 + shift fractional bits to 8.
        let [mean, log_scale] = out.map(|v| (v << 1 >> self.shift).clamp(-16_000, 16_000) as i32);
        let scale_bin = ((log_scale.max(-820) + 820) / 52).min(N_SCALE_BINS - 1) as usize;
        Opinion { mean, scale_bin }
    }

    /// What the first `N` inputs add up to in each unit, and in the linear path.
    #[inline(always)]
    fn first_layer<const N: usize>(&self, inputs: &[i16; WIDTH]) -> ([i32; HIDDEN], i32) {
        let mut sums = self.bias;
        for (sum, weights) in sums.iter_mut().zip(&self.first) {
            *sum = sum.wrapping_add(dot::<N>(inputs, weights));
        }
        (sums, dot::<N>(inputs, &self.skip))
    }

    /// The output of one row of weights. Only pairs of products fit 32 bits.
    #[inline(always)]
    fn output(hidden: &[i16; HIDDEN], weights: &[i16; HIDDEN]) -> i64 {
        let mut pairs = [0; HIDDEN / 2];
        for (j, pair) in pairs.iter_mut().enumerate() {
            let product = |j: usize| i32::from(hidden[j]) * i32::from(weights[j]);
            *pair = product(2 * j) + product(2 * j + 1);
        }
        let high: i32 = pairs.iter().map(|p| p >> 16).sum();
        let low: i32 = pairs.iter().map(|p| p & 0xFFFF).sum();
        (i64::from(high) << 16) + i64::from(low)
    }

    /// ReLU, with 7 fractional bits, cut below 256.
    #[inline(always)]
    fn hidden(&self, sums: [i32; HIDDEN]) -> [i16; HIDDEN] {
        let lift = HIDDEN_BITS.saturating_sub(self.shift);
        let drop = self.shift.saturating_sub(HIDDEN_BITS);
        let half = (1 << drop) >> 1;
        let max = 32_767 >> lift;
        let mut hidden = [0; HIDDEN];
        for (h, &sum) in hidden.iter_mut().zip(&sums) {
            // Capped first, so that adding one half cannot overflow.
            let sum = sum.clamp(0, 1 << 30);
            *h = ((((sum + half) >> drop).min(max)) << lift) as i16;
        }
        hidden
    }
}

/// Not inlined: where the compiler sees several of these it gathers the weights of several units
/// into vectors, which takes three times as long.
#[inline(never)]
fn dot<const N: usize>(inputs: &[i16; WIDTH], weights: &[i16; WIDTH]) -> i32 {
    let terms = inputs[..N].iter().zip(&weights[..N]);
    terms.map(|(&v, &w)| i32::from(v) * i32::from(w)).sum()
}

#[cfg(test)]
#[allow(clippy::float_arithmetic)]
mod tests {
    use super::*;
    use crate::base::Rng;
    use crate::bitstream::neighbours::{PARENT, SIBLING};

    fn random_model(
        rng: &mut Rng,
        before: bool,
        extra: bool,
        shift: u32,
        max: i32,
    ) -> EntropyModel {
        let n = EntropyModel::n_weights(before, extra, 3);
        let mut w = || (rng.below(2 * max as usize + 1) as i64 - i64::from(max)) as i32;
        EntropyModel { before, extra, shift, weights: (0..n).map(|_| w()).collect() }
    }

    /// The model in floating point: mean and log scale.
    fn in_floats(m: &EntropyModel, set: usize, inputs: &[f64]) -> (f64, f64) {
        let n = m.n_inputs();
        let w: Vec<f64> =
            m.weights.iter().map(|&w| f64::from(w) * 0.5f64.powi(m.shift as i32)).collect();
        let b = &w[n * 17 + 32 + set * 18..];
        let (mut mean, mut scale) = (b[16], b[17]);
        for j in 0..16 {
            let h: f64 = (0..n).map(|i| inputs[i] * w[i * 16 + j]).sum::<f64>() + b[j];
            mean += h.max(0.0) * w[n * 16 + j];
            scale += h.max(0.0) * w[n * 16 + 16 + j];
        }
        (mean + (0..n).map(|i| inputs[i] * w[n * 16 + 32 + i]).sum::<f64>(), scale)
    }

    #[test]
    fn integers_follow_the_model_in_floats() {
        let mut rng = Rng::new(8);
        for (before, extra, shift) in [
            (false, false, 3),
            (false, true, 6),
            (true, false, 7),
            (true, true, 6),
            (true, true, 10),
            (false, true, 1),
            (false, true, 0),
        ] {
            let m = random_model(&mut rng, before, extra, shift, (1 << shift >> 2).max(1));
            for k in 0..200 {
                let set = k % 3;
                let e = Evaluator::new(&m, set, SIBLING).unwrap();
                let mut raw = [0i16; N_INPUTS];
                if k > 2 {
                    raw.fill_with(|| rng.below(9) as i16 - 4);
                }
                let mut v = raw[..12].to_vec();
                if before {
                    v.extend(&raw[12..17]);
                }
                if extra {
                    v.push(raw[SIBLING]);
                }
                let v: Vec<_> = v.into_iter().map(f64::from).collect();
                let (mean, scale) = in_floats(&m, set, &v);
                let o = e.opinion(&raw);
                let mean = (256.0 * mean).clamp(-16_000.0, 16_000.0);
                assert!((mean - f64::from(o.mean)).abs() < 8.0, "{mean} {o:?}");
                let bin = ((256.0 * scale + 820.0) / 52.0).clamp(0.0, 31.0);
                assert!((bin - o.scale_bin as f64 - 0.5).abs() < 0.8, "{bin} {o:?}");
            }
        }
    }

    #[test]
    fn extreme_models_and_inputs_stay_within_bounds() {
        let mut rng = Rng::new(9);
        for shift in [0, 1, 6, 7, 14] {
            for max in [32_767, i32::MAX] {
                let m = random_model(&mut rng, true, true, shift, max);
                let e = Evaluator::new(&m, 0, PARENT).unwrap();
                for v in [16_383, -16_383, 1] {
                    let o = e.opinion(&[v; N_INPUTS]);
                    assert!(o.mean.abs() <= 16_000 && o.scale_bin < 32);
                }
            }
        }
    }

    #[test]
    fn unusable_models_are_errors() {
        let mut rng = Rng::new(9);
        let m = random_model(&mut rng, true, false, 6, 50);
        assert!(m.check(2).is_ok());
        for set in [3, usize::MAX] {
            assert!(m.check(set).is_err());
        }
        for shift in [15, u32::MAX] {
            assert!(EntropyModel { shift, ..m.clone() }.check(0).is_err());
        }
        assert!(EntropyModel { weights: vec![], ..m }.check(0).is_err());
    }
}
