// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which adaptive probabilities and weights a decision uses (FORMAT-entropy section 6).

use super::entropy_model::Opinion;
use super::neighbours::{BEFORE, BEFORE_THAT, HERE, Neighbours, PARENT, SIBLING};
use super::predictor::Prediction;

/// Opinions on "the symbol is not zero", and the contexts that each tells apart.
pub(super) const ZERO_SIZES: [usize; 7] = [384, 324, 432, 480, 192, 384, 768];
/// Opinions on "the symbol is negative".
pub(super) const SIGN_SIZES: [usize; 5] = [384, 81, 81, 384, 1024];
/// Opinions on "the magnitude is larger still".
pub(super) const MAGNITUDE_SIZES: [usize; 6] = [512, 162, 512, 1024, 512, 1024];
/// Numbers of bins.
pub(super) const N_SPREAD_BINS: usize = 32;
pub(super) const N_MEAN_BINS: usize = 12;
pub(super) const N_RECENT_BINS: usize = 12;

/// Lower ends of the bins from 1 on, of the magnitude of a predicted mean.
static MEAN_BINS: [u8; 481] = bins([6, 14, 26, 42, 62, 88, 120, 160, 220, 320, 480]);
/// The same, of a sum of magnitudes.
static SUM_BINS: [u8; 101] = bins([1, 2, 4, 6, 9, 13, 19, 28, 42, 64, 100]);
/// The same, of the magnitude of a model's mean.
static MODEL_BINS: [u8; 1101] = bins([
    4, 12, 24, 36, 52, 68, 84, 100, 116, 132, 150, 170, 195, 225, 256, 300, 350, 410, 480, 560,
    660, 800, 1100,
]);
/// The same, of a predicted mean seen from the side of the symbol's sign.
const AGREEMENT_BINS: [i32; 7] = [-48, 0, 64, 144, 256, 448, 800];

/// The bin of every value up to the last lower end.
const fn bins<const N: usize, const B: usize>(lower_ends: [u16; B]) -> [u8; N] {
    let mut table = [0; N];
    let (mut v, mut bin) = (0, 0);
    while v < N {
        if bin < B && v >= lower_ends[bin] as usize {
            bin += 1;
        }
        table[v] = bin as u8;
        v += 1;
    }
    table
}

fn bin_of(table: &[u8], value: i32) -> usize {
    table[(value as usize).min(table.len() - 1)].into()
}

/// The first index of opinion `k` when all of them lie one after another.
const fn offset(sizes: &[usize], k: usize) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < k {
        sum += sizes[i];
        i += 1;
    }
    sum
}

/// Contexts of all opinions together.
pub(super) const fn total(sizes: &[usize]) -> usize {
    offset(sizes, sizes.len())
}

macro_rules! at {
    ($sizes:ident, [$($context:expr),+ $(,)?]) => {{
        let contexts = [$($context),+];
        let mut at = [0; $sizes.len()];
        let mut first = 0;
        for k in 0..$sizes.len() {
            debug_assert!(contexts[k] < $sizes[k], "opinion {k}: context {}", contexts[k]);
            at[k] = first + contexts[k];
            first += $sizes[k];
        }
        at
    }};
}

/// About three bins an octave, from 1/64 (bin 0) on.
#[inline(always)]
fn spread_bin(spread: i32) -> usize {
    let m = spread.max(4) as u32;
    let octave = m.ilog2();
    let eighths = (m << 3 >> octave) & 7;
    (((octave - 2) * 3 + ((eighths * 3) >> 3)) as usize).min(N_SPREAD_BINS - 1)
}

fn agreement_bin(mean: i32) -> usize {
    AGREEMENT_BINS.iter().map(|&end| usize::from(mean >= end)).sum()
}

/// 0, 1, 2 for zero, negative, positive.
fn sign_of(v: i16) -> usize {
    usize::from(v < 0) + 2 * usize::from(v > 0)
}

/// A distance from the next magnitude, in 1 / 8, in 32 bins.
fn distance_bin(mean: i32, index: i32) -> usize {
    (16 + ((mean - 256 * (index + 1)) >> 5)).clamp(0, 31) as usize
}

/// What is known about a symbol before it is coded.
pub(super) struct Contexts<'a> {
    neighbours: &'a Neighbours,
    /// Means by the slow and the fast predictor, in 1 / 256.
    means: [i32; 2],
    /// Bins of both spreads.
    spread: [usize; 2],
    /// Bins of the magnitudes of both means.
    mean: [usize; 2],
    model: Opinion,
    /// Bin of the magnitude of the model's mean.
    model_mean: usize,
}

impl<'a> Contexts<'a> {
    #[inline(always)]
    pub fn new(neighbours: &'a Neighbours, said: [Prediction; 2], model: Opinion) -> Self {
        Self {
            neighbours,
            means: said.map(|p| p.mean),
            spread: said.map(|p| spread_bin(p.spread)),
            mean: said.map(|p| bin_of(&MEAN_BINS, p.mean.abs())),
            model,
            model_mean: bin_of(&MODEL_BINS, model.mean.abs()),
        }
    }

    /// Bin of the slow predictor's spread: selects weights.
    #[inline(always)]
    pub fn spread_bin(&self) -> usize {
        self.spread[0]
    }

    /// Bin of the magnitude of the slow predictor's mean: selects weights.
    #[inline(always)]
    pub fn mean_bin(&self) -> usize {
        self.mean[0]
    }

    /// Magnitude of neighbour `i`.
    #[inline(always)]
    fn magnitude_of(&self, i: usize) -> usize {
        self.neighbours.magnitudes[i] as usize
    }

    #[inline(always)]
    fn sign(&self, i: usize) -> usize {
        sign_of(self.neighbours.raw[i])
    }

    /// Bin of the magnitudes to the left and above: selects weights.
    #[inline(always)]
    pub fn recent_bin(&self) -> usize {
        let m = |i| i32::from(self.neighbours.magnitudes[i]);
        bin_of(&SUM_BINS, 2 * (m(HERE) + m(HERE + 2)) + m(HERE + 3) + m(HERE + 4))
    }

    #[inline(always)]
    fn before_bin(&self) -> usize {
        let m = |i: usize| i32::from(self.neighbours.magnitudes[BEFORE + i]);
        bin_of(&SUM_BINS, 2 * m(0) + ((m(1) + m(2) + m(3) + m(4) + 1) >> 1))
    }

    /// Contexts of "the symbol is not zero".
    #[inline(always)]
    pub fn zero(&self) -> [usize; 7] {
        let m = |i| self.magnitude_of(i);
        let (one, two) = (|i| m(i).min(1), |i| m(i).min(2));
        let near = ((two(HERE) * 3 + two(HERE + 2)) * 3 + two(HERE + 3)) * 3 + two(HERE + 4);
        let parents = (m(PARENT + 1) + m(PARENT + 2)).min(4);
        at!(
            ZERO_SIZES,
            [
                self.spread[0] * 12 + self.mean[0],
                near * 4 + one(HERE + 1) * 2 + one(HERE + 7),
                (self.before_bin() * 12 + self.recent_bin()) * 3 + two(BEFORE),
                (two(PARENT) * 5 + parents) * 32 + self.spread[0],
                (m(SIBLING).min(3) * 3 + two(BEFORE_THAT)) * 16 + (self.spread[0] >> 1),
                self.spread[1] * 12 + self.mean[1],
                self.model.scale_bin * 24 + self.model_mean,
            ]
        )
    }

    /// Contexts of "the symbol is negative".
    #[inline(always)]
    pub fn sign_contexts(&self) -> [usize; 5] {
        let s = |i| self.sign(i);
        let by = |k: usize| {
            (self.spread[k] >> 1) * 24 + 12 * usize::from(self.means[k] < 0) + self.mean[k]
        };
        let tilt = self.model_mean.div_ceil(2);
        let tilt = if self.model.mean < 0 { 16 - tilt } else { 16 + tilt };
        at!(
            SIGN_SIZES,
            [
                by(0),
                ((s(HERE) * 3 + s(HERE + 2)) * 3 + s(BEFORE)) * 3 + s(PARENT),
                ((s(HERE + 3) * 3 + s(HERE + 4)) * 3 + s(SIBLING)) * 3 + s(HERE + 1),
                by(1),
                self.model.scale_bin * 32 + tilt,
            ]
        )
    }

    /// What the sign adds to the contexts of the magnitude.
    #[inline(always)]
    pub fn with_sign(&self, negative: bool) -> MagnitudeContexts<'_> {
        let seen = |mean: i32| if negative { -mean } else { mean };
        let (means, model) = (self.means.map(seen), seen(self.model.mean));
        let two = |i| self.magnitude_of(i).min(2);
        MagnitudeContexts {
            all: self,
            mean: means[0],
            model_mean: model,
            agreement: [means[0], means[1], model].map(agreement_bin),
            around: two(HERE).max(two(HERE + 2)) * 9 + two(BEFORE) * 3 + two(PARENT),
        }
    }
}

/// [`Contexts`] once the sign is known.
pub(super) struct MagnitudeContexts<'a> {
    all: &'a Contexts<'a>,
    mean: i32,
    model_mean: i32,
    agreement: [usize; 3],
    around: usize,
}

impl MagnitudeContexts<'_> {
    /// Contexts of "the magnitude is larger than `index` + 1".
    #[inline(always)]
    pub fn larger_than(&self, index: usize) -> [usize; 6] {
        let (c, few) = (self.all, index.min(3) * 16);
        let scale = c.model.scale_bin;
        at!(
            MAGNITUDE_SIZES,
            [
                (few + (c.spread[0] >> 1)) * 8 + self.agreement[0],
                index.min(5) * 27 + self.around,
                (few + (c.spread[1] >> 1)) * 8 + self.agreement[1],
                distance_bin(self.mean, index as i32) * 32 + c.spread[0],
                (few + (scale >> 1)) * 8 + self.agreement[2],
                distance_bin(self.model_mean, index as i32) * 32 + scale,
            ]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    #[test]
    fn contexts_stay_inside_their_tables_and_reach_their_ends() {
        let mut rng = Rng::new(4);
        let mut most = [[0; 7], [0; 7], [0; 7]];
        let mut note = |kind: usize, at: &[usize], sizes: &[usize]| {
            for (k, &at) in at.iter().enumerate() {
                let context = at - offset(sizes, k);
                assert!(context < sizes[k]);
                most[kind][k] = most[kind][k].max(context);
            }
        };
        for i in 0..20_000 {
            let big = [1, 3, 40, 16_383][i % 4];
            let mut raw = [0; 32];
            raw[..31].fill_with(|| (rng.below(2 * big + 1) as i32 - big as i32) as i16);
            let n = Neighbours::new(raw);
            let prediction = |rng: &mut Rng| Prediction {
                mean: rng.below(16_001) as i32 - 8000,
                spread: rng.below(8001) as i32,
            };
            let said = [prediction(&mut rng), prediction(&mut rng)];
            let model =
                Opinion { mean: rng.below(32_001) as i32 - 16_000, scale_bin: rng.below(32) };
            let c = Contexts::new(&n, said, model);
            note(0, &c.zero(), &ZERO_SIZES);
            note(1, &c.sign_contexts(), &SIGN_SIZES);
            let m = c.with_sign(i % 2 == 0);
            note(2, &m.larger_than(rng.below(20)), &MAGNITUDE_SIZES);
        }
        assert_eq!(most[0][1..4], [323, 356, 479]);
        assert_eq!(most[2][3], 1023);
    }

    #[test]
    fn bins_begin_at_their_lower_ends() {
        let bin = |v| bin_of(&MEAN_BINS, v);
        assert_eq!([0, 5, 6, 13, 14, 479, 480, 8000].map(bin), [0, 0, 1, 1, 2, 10, 11, 11]);
        assert_eq!([3, 4, 1099, 1100, 16_000].map(|v| bin_of(&MODEL_BINS, v)), [0, 1, 22, 23, 23]);
        assert_eq!([-49, -48, 0, 64, 800].map(agreement_bin), [0, 1, 2, 3, 7]);
        assert_eq!([0, 4, 5, 6, 7, 8, 16, 8000].map(spread_bin), [0, 0, 0, 1, 2, 3, 6, 31]);
    }
}
