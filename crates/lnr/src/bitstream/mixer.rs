// SPDX-License-Identifier: MIT OR Apache-2.0
//! Adaptive probabilities and their logistic mixing (FORMAT-entropy section 3).

use super::range_coder::BitCoder;
use super::tables::{MAX_COUNT, MAX_STRETCH, TABLES};
use super::work::MIXED;

/// An adaptive probability: 22 bits of it above a count of at most 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u32);

/// Part of the format, as all numbers here: updates after which a probability of the mixer stays at its slowest pace.
const MIX_COUNT: u32 = 250;
/// Updates after which a probability outside the mixer stays at its slowest pace.
const LONE_COUNT: u32 = 30;
/// Learning rate of the weights.
const RATE: i32 = 6;

impl Slot {
    /// The probability `p` / 4096, updated `n` times before.
    pub const fn new(p: u32, n: u32) -> Self {
        Self(p << 20 | 1 << 19 | n)
    }

    /// The probability p / 65536 = 0x6000.
    pub const UNLIKELY: Self = Self(0x6000_0000);
    /// Even chances.
    pub const EVEN: Self = Self(0x8000_0000);

    /// The probability in 1 / 4096, rounded down.
    #[inline]
    pub fn p12(self) -> u32 {
        self.0 >> 20
    }

    /// Updates so far, up to the limit that [`Slot::update`] was given.
    #[cfg(any(test, feature = "internals"))]
    pub fn count(self) -> u32 {
        self.0 & MAX_COUNT
    }

    /// Moves the probability towards `bit` by 1 / (n + 1.6) of the way.
    #[inline(always)]
    fn update(&mut self, bit: bool, max_count: u32) {
        let (n, p) = (self.0 & MAX_COUNT, i64::from(self.0 >> 10));
        let target = if bit { (1 << 22) - 1 } else { 0 };
        let p = p + (((target - p) * i64::from(TABLES.rate[n as usize])) >> 16);
        self.0 = (p as u32) << 10 | (n + u32::from(n < max_count));
    }

    /// Codes a decision by this probability alone.
    #[inline]
    pub fn code<C: BitCoder>(&mut self, coder: &mut C, bit: bool) -> bool {
        let bit = coder.bit(bit, self.p16());
        self.update(bit, LONE_COUNT);
        bit
    }

    /// As [`Slot::code`], with the long memory of the mixer's slots.
    #[inline(always)]
    pub fn code_slowly<C: BitCoder>(&mut self, coder: &mut C, bit: bool) -> bool {
        let bit = coder.bit(bit, self.p16());
        self.update(bit, MIX_COUNT);
        bit
    }

    /// The probability in 1 / 65536, away from 0 and 1.
    #[inline]
    pub fn p16(self) -> u32 {
        (self.0 >> 16).clamp(32, 65_504)
    }
}

/// Weights of up to eight opinions; 1.0 is 65536.
pub(super) type Weights = [i32; 8];

/// Codes one decision. Slots `at` hold opinions on it; two sets of weights each mix them in the
/// logistic domain, and the mean of the two is the probability. Then the sets learn, each from its
/// own error, and so do the slots.
#[inline(always)]
pub(super) fn code_mixed<C: BitCoder, const N: usize, const S: usize>(
    coder: &mut C,
    slots: &mut [Slot; S],
    at: [usize; N],
    sets: [&mut Weights; 2],
    bit: bool,
) -> bool {
    coder.work(MIXED);
    let mut opinions = [0i16; 8];
    for (opinion, &i) in opinions.iter_mut().zip(&at) {
        *opinion = TABLES.stretch[slots[i].p12() as usize];
    }
    let mixed = [dot(sets[0], &opinions), dot(sets[1], &opinions)];
    let bit = coder.bit(bit, TABLES.probability((mixed[0] + mixed[1]) >> 1));
    let target = i32::from(bit) << 16;
    // |error| < 2^16, so that a step fits 16 bits.
    let steps = mixed.map(|x| (((target - TABLES.probability(x) as i32) * RATE) >> 4) as i16);
    learn(sets, &opinions, steps);
    for i in at {
        slots[i].update(bit, MIX_COUNT);
    }
    bit
}

#[inline(always)]
fn dot(weights: &Weights, opinions: &[i16; 8]) -> i32 {
    let products = weights.iter().zip(opinions).map(|(&w, &o)| i64::from(w) * i64::from(o));
    (products.sum::<i64>() >> 16).clamp((-MAX_STRETCH).into(), MAX_STRETCH.into()) as i32
}

/// Not inlined: so the compiler sees products of 16-bit numbers, the only ones of which baseline
/// x86-64 has vectors.
#[inline(never)]
fn learn(sets: [&mut Weights; 2], opinions: &[i16; 8], steps: [i16; 2]) {
    for (weights, step) in sets.into_iter().zip(steps) {
        for (w, &o) in weights.iter_mut().zip(opinions) {
            *w = w.wrapping_add((i32::from(o) * i32::from(step) + (1 << 13)) >> 14);
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_arithmetic)]
mod tests {
    use super::*;
    use crate::base::Rng;
    use crate::bitstream::RangeEncoder;
    use crate::bitstream::tables::COST;

    #[test]
    fn slots_approach_frequencies() {
        let mut slot = Slot::EVEN;
        let mut rng = Rng::new(3);
        for _ in 0..4000 {
            slot.update(rng.below(10) < 2, MIX_COUNT);
        }
        assert!((600..1050).contains(&slot.p12()), "{}", slot.p12());
        for bit in [true, false] {
            (0..5000).for_each(|_| slot.update(bit, MIX_COUNT));
            assert_eq!(slot.p12(), if bit { 4095 } else { 0 });
        }
        assert_eq!(Slot::new(77, 9).p12(), 77);
    }

    /// Adds up what decisions cost.
    struct Meter(u64);
    impl BitCoder for Meter {
        fn bit(&mut self, bit: bool, p1: u32) -> bool {
            self.0 += u64::from(COST[(if bit { p1 } else { 65_536 - p1 }) as usize >> 4]);
            bit
        }
    }

    #[test]
    fn mixing_finds_the_opinion_that_knows() {
        let mut rng = Rng::new(5);
        let mut slots = [Slot::EVEN; 8];
        let (mut a, mut b) = ([16_384; 8], [16_384; 8]);
        let mut meter = Meter(0);
        for i in 0..4000 {
            // Slots 2 and 3 see the state that decides; the others see noise.
            let state = rng.below(2);
            let at = [rng.below(2), 2 + state, 4 + rng.below(2)];
            let bit = (rng.below(20) == 0) ^ (state == 1);
            if i == 2000 {
                meter.0 = 0;
            }
            code_mixed(&mut meter, &mut slots, at, [&mut a, &mut b], bit);
        }
        let bits = meter.0 as f64 / 2048.0 / 2000.0;
        assert!(bits < 0.33, "{bits} bits a decision; entropy 0.286");
        // Extreme weights and opinions stay within bounds.
        let mut slots = [Slot::new(4095, 0); 8];
        let (mut a, mut b) = ([i32::MAX; 8], [i32::MIN; 8]);
        let mut coder = RangeEncoder::new();
        for i in 0..1000 {
            let sets = [&mut a, &mut b];
            code_mixed(&mut coder, &mut slots, [0, 1, 2, 3, 4, 5, 6, 7], sets, i % 9 == 0);
        }
    }
}
