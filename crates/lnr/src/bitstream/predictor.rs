// SPDX-License-Identifier: MIT OR Apache-2.0
//! Linear predictors of a symbol and of its magnitude that learn from every symbol
//! (FORMAT-entropy section 5).

use super::neighbours::{N_INPUTS, Neighbours};

/// Largest magnitude of a prediction; 1.0 is 256.
const MAX_PREDICTION: i32 = 8000;
/// 4.0
const MAX_WEIGHT: i32 = 1 << 18;

/// Weights of one predictor; 1.0 is 65536.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Predictor {
    /// Of the symbol, from the clipped neighbours.
    pub mean: [i32; N_INPUTS],
    /// Of its magnitude, from the magnitudes of the neighbours.
    pub spread: [i32; N_INPUTS],
}

/// How fast a predictor learns: factors of the normalised error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub mean: i32,
    pub spread: i32,
}

/// The slow and the fast predictor.
pub(super) const PACES: [Pace; 2] =
    [Pace { mean: 256, spread: 64 }, Pace { mean: 2048, spread: 1024 }];

/// What a predictor says, in 1 / 256.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prediction {
    /// -8000..=8000
    pub mean: i32,
    /// 0..=8000
    pub spread: i32,
}

impl Predictor {
    /// Plausible weights to start from when nothing was learnt.
    pub fn new() -> Self {
        let mut spread = [0; N_INPUTS];
        for (i, w) in
            [(0, 13_000), (1, 3000), (2, 13_000), (3, 6000), (4, 6000), (7, 3000), (12, 9000)]
        {
            spread[i] = w;
        }
        spread[22] = 4000;
        Self { mean: [0; N_INPUTS], spread }
    }

    /// Brings the weights back to within [-4.0, 4.0): done once a row, because they hardly ever
    /// leave it.
    pub fn confine(&mut self) {
        for w in self.mean.iter_mut().chain(&mut self.spread) {
            *w = (*w).clamp(-MAX_WEIGHT, MAX_WEIGHT - 1);
        }
    }

    /// Predicts from the neighbours.
    #[inline(always)]
    pub fn predict(&self, n: &Neighbours) -> Prediction {
        let (mean, spread) = (dot(&self.mean, &n.clipped), dot(&self.spread, &n.magnitudes));
        Prediction {
            mean: (mean >> 5).clamp(-MAX_PREDICTION, MAX_PREDICTION),
            spread: (spread >> 5).clamp(0, MAX_PREDICTION),
        }
    }

    /// Moves the weights so that `said` would have been nearer to `symbol`, which is clipped as the
    /// neighbours are. `share` is [`Neighbours::share`].
    #[inline(always)]
    pub fn learn(&mut self, n: &Neighbours, said: Prediction, symbol: i32, share: u32, pace: Pace) {
        let mean = step((symbol << 8) - said.mean, pace.mean, share);
        let spread = step((symbol.abs() << 8) - said.spread, pace.spread, share);
        move_weights(&mut self.mean, &n.clipped, mean);
        move_weights(&mut self.spread, &n.magnitudes, spread);
    }
}

/// A weight in 16 bits, 1.0 being 8192; beyond ±4.0 it wraps.
#[inline(always)]
fn short(weight: i32) -> i16 {
    (weight >> 3) as i16
}

/// Products of 16-bit numbers: baseline x86-64 has no 32-bit vector product. Not inlined: among other code
/// the compiler makes no vectors of it, and reading takes a sixth more instructions. Builds with checks are
/// faster the other way.
#[cfg_attr(debug_assertions, inline(always))]
#[cfg_attr(not(debug_assertions), inline(never))]
fn dot(weights: &[i32; N_INPUTS], inputs: &[i16; N_INPUTS]) -> i32 {
    let mut sum = 0i32;
    for (&w, &v) in weights.iter().zip(inputs) {
        // Checks for overflow would keep it from being vectors in builds that have them.
        sum = sum.wrapping_add(i32::from(short(w)) * i32::from(v));
    }
    sum
}

/// The error times the pace over the energy of the neighbours, within 16 bits.
#[inline(always)]
fn step(error: i32, pace: i32, share: u32) -> i16 {
    let product = i64::from(error * pace) * i64::from(share);
    ((product + (1 << 26)) >> 27).clamp(-32_767, 32_767) as i16
}

/// Not inlined: so the compiler sees that `step` has 16 bits, as for [`dot`].
#[inline(never)]
fn move_weights(weights: &mut [i32; N_INPUTS], inputs: &[i16; N_INPUTS], step: i16) {
    for (w, &v) in weights.iter_mut().zip(inputs) {
        *w = w.wrapping_add((i32::from(v) * i32::from(step) + 4) >> 3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    #[test]
    fn learns_a_linear_rule() {
        let mut rng = Rng::new(2);
        let mut predictors = [Predictor::new(), Predictor::new()];
        let mut worst = [0; 2];
        for i in 0..4000 {
            let mut raw = [0; N_INPUTS];
            (0..4).for_each(|k| raw[k] = rng.below(7) as i16 - 3);
            let n = Neighbours::new(raw);
            let symbol = i32::from(raw[0] + raw[2] - raw[3]);
            for (k, p) in predictors.iter_mut().enumerate() {
                let said = p.predict(&n);
                if i >= 3900 {
                    worst[k] = worst[k].max((said.mean - (symbol << 8)).abs());
                }
                p.learn(&n, said, symbol, n.share(), PACES[k]);
            }
        }
        assert!(worst[0] < 64 && worst[1] < 20, "{worst:?}");
    }

    #[test]
    fn extremes_stay_within_bounds() {
        for sign in [1i16, -1] {
            let n = Neighbours::new([sign * 16_383; N_INPUTS]);
            let mut p = Predictor::new();
            for i in 0..5000 {
                let said = p.predict(&n);
                assert!(said.mean.abs() <= 8000 && (0..=8000).contains(&said.spread));
                p.learn(&n, said, if i % 3 == 0 { 15 } else { -15 }, n.share(), PACES[1]);
            }
        }
    }
}
