// SPDX-License-Identifier: MIT OR Apache-2.0
//! Codes the integers of a network tensor (FORMAT-entropy section 9).

use super::mixer::{Slot, Weights, code_mixed};
use super::range_coder::{BitCoder, RangeDecoder, RangeEncoder};
use super::tables::COST;
use crate::base::Result;

/// Longest code: a magnitude below 2^32 - 1.
const MAX_LENGTH: usize = 31;
/// Slots: two that hold what the means say, then one for each step of the length.
const N_SLOTS: usize = 2 + MAX_LENGTH;
/// Slots of the bit after the leading one, by length.
const N_SECOND: usize = MAX_LENGTH + 1;

/// Share of the last magnitude in the recent mean: 2^-2.
const RECENT: u32 = 2;
/// The mean before the first value: 6, in 1 / 256.
const FIRST_MEAN: u32 = 1536;
/// First weights of what the recent mean, the mean of all, and the adaptive length say.
const WEIGHTS: Weights = [25_000, 15_000, 25_000, 0, 0, 0, 0, 0];

/// Writes a tensor: magnitudes as Exp-Golomb codes whose lengths adapt, signs as they are. Values
/// are independent of other tensors.
pub fn encode_tensor(values: &[i32], out: &mut RangeEncoder) {
    let mut coder = TensorCoder::new(out);
    for &v in values {
        coder.value(v);
    }
}

/// Reads a tensor of `values.len()` values.
///
/// # Errors
/// When the bytes end too early or a value does not fit 32 bits; the values are then garbage.
pub fn decode_tensor(values: &mut [i32], from: &mut RangeDecoder) -> Result<()> {
    let mut coder = TensorCoder::new(from);
    for value in values {
        *value = coder.value(0);
        coder.coder.check()?;
    }
    Ok(())
}

/// What [`encode_tensor`] would write, in bits, rounded up: an estimate without writing.
pub fn tensor_bits(values: &[i32]) -> u32 {
    let mut meter = Meter(0);
    let mut coder = TensorCoder::new(&mut meter);
    for &v in values {
        coder.value(v);
    }
    u32::try_from(meter.0.div_ceil(2048)).unwrap_or(u32::MAX)
}

/// Adds up costs in 1 / 2048 bits.
struct Meter(u64);

impl BitCoder for Meter {
    #[inline]
    fn bit(&mut self, bit: bool, p1: u32) -> bool {
        self.0 += u64::from(COST[(if bit { p1 } else { (1 << 16) - p1 }) as usize >> 4]);
        bit
    }

    fn raw(&mut self, value: u32, n_bits: u32) -> u32 {
        self.0 += u64::from(n_bits) << 11;
        value
    }
}

struct TensorCoder<'a, C> {
    coder: &'a mut C,
    slots: [Slot; N_SLOTS],
    second: [Slot; N_SECOND],
    weights: [Weights; 2],
    /// Mean magnitude lately, in 1 / 256.
    recent: u32,
    /// Sum of all magnitudes, in 1 / 256, and their number, each begun with a guess.
    sum: u64,
    n: u64,
}

impl<'a, C: BitCoder> TensorCoder<'a, C> {
    fn new(coder: &'a mut C) -> Self {
        Self {
            coder,
            slots: [Slot::EVEN; N_SLOTS],
            second: [Slot::EVEN; N_SECOND],
            weights: [WEIGHTS; 2],
            recent: FIRST_MEAN,
            sum: FIRST_MEAN.into(),
            n: 1,
        }
    }

    fn value(&mut self, v: i32) -> i32 {
        let code = v.unsigned_abs() + 1;
        // Magnitudes of mean m are taken as geometric: the ratio from one to the next.
        let ratio = |mean: u64| ((mean << 16) / (mean + 256)) as u32;
        let mut ratios = [ratio(self.recent.into()), ratio(self.sum / self.n)];
        let mut length = 0;
        while length < MAX_LENGTH {
            for (slot, ratio) in self.slots.iter_mut().zip(ratios) {
                *slot = Slot::new((ratio >> 4).clamp(1, 4094), 0);
            }
            ratios = ratios.map(|r| (r * r.min(65_535)) >> 16);
            let at = [0, 1, 2 + length];
            let [a, b] = &mut self.weights;
            let longer = code >> length > 1;
            if !code_mixed(self.coder, &mut self.slots, at, [a, b], longer) {
                break;
            }
            length += 1;
        }
        let mut read = 1;
        if length > 0 {
            let n_raw = length - 1;
            let second = &mut self.second[length];
            read = 2 | u32::from(second.code(self.coder, code >> n_raw & 1 != 0));
            let raw = code & ((1 << n_raw) - 1);
            read = read << n_raw | self.coder.raw(raw, n_raw as u32);
        }
        let magnitude = read - 1;
        let scaled = magnitude.min(1 << 20) << 8;
        self.recent = self.recent - (self.recent >> RECENT) + (scaled >> RECENT);
        self.sum += u64::from(scaled);
        self.n += 1;
        if magnitude == 0 {
            return 0;
        }
        let negative = self.coder.raw(u32::from(v < 0), 1) != 0;
        if magnitude > i32::MAX as u32 + u32::from(negative) {
            self.coder.reject();
        }
        if negative { (magnitude as i32).wrapping_neg() } else { magnitude as i32 }
    }
}
