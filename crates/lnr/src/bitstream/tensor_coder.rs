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
            ratios = ratios.map(|r| (r * r) >> 16);
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

#[cfg(test)]
#[allow(clippy::float_arithmetic)]
mod tests {
    use super::*;
    use crate::base::Rng;

    fn round_trip(values: &[i32]) -> usize {
        let mut e = RangeEncoder::new();
        encode_tensor(values, &mut e);
        let bytes = e.finish();
        let mut read = vec![7; values.len()];
        decode_tensor(&mut read, &mut RangeDecoder::new(&bytes)).unwrap();
        assert_eq!(read, values);
        8 * bytes.len()
    }

    fn normal(rng: &mut Rng, n: usize, scale: f32) -> Vec<i32> {
        (0..n).map(|_| (rng.normal() * scale).round() as i32).collect()
    }

    #[test]
    fn tensors_round_trip() {
        let mut rng = Rng::new(11);
        round_trip(&[]);
        round_trip(&[0]);
        round_trip(&[i32::MIN, i32::MAX, 0, -1, 1, i32::MIN + 1, i32::MAX]);
        round_trip(&(0..31).flat_map(|k| [1 << k, -(1 << k), (1 << k) - 1]).collect::<Vec<_>>());
        round_trip(&[i32::MIN; 300]);
        for scale in [0.1, 1.0, 30.0, 1e4, 1e9] {
            round_trip(&normal(&mut rng, 500, scale));
        }
    }

    #[test]
    fn costs_are_near_the_entropy_and_the_estimate() {
        let mut rng = Rng::new(12);
        for (scale, n) in [(1.0f32, 3000), (8.0, 3000), (200.0, 3000), (8.0, 64)] {
            let values = normal(&mut rng, n, scale);
            let (bits, estimate) = (round_trip(&values), tensor_bits(&values) as usize);
            assert!(bits.abs_diff(estimate) < 12 + estimate / 500, "{bits} {estimate}");
            // Rounding adds 1/12 to the variance.
            let deviation = f64::from(scale * scale + 1.0 / 12.0).sqrt();
            let entropy = n as f64 * (deviation * 4.1327).log2();
            assert!((bits as f64) < 1.03 * entropy + 24.0, "{scale} {n}: {bits} for {entropy}");
        }
        assert!(round_trip(&[0; 1000]) <= 96);
        assert_eq!(tensor_bits(&[]), 0);
    }

    #[test]
    fn damaged_tensors_give_errors_or_garbage() {
        let mut rng = Rng::new(13);
        let mut e = RangeEncoder::new();
        encode_tensor(&normal(&mut rng, 400, 30.0), &mut e);
        let bytes = e.finish();
        let mut read = vec![0; 400];
        for n in 0..bytes.len() - 8 {
            assert!(decode_tensor(&mut read, &mut RangeDecoder::new(&bytes[..n])).is_err());
        }
        for _ in 0..200 {
            let bytes: Vec<_> = (0..600).map(|_| rng.next_u64() as u8).collect();
            let _ = decode_tensor(&mut read, &mut RangeDecoder::new(&bytes));
        }
        let ones = vec![0; 600];
        assert!(decode_tensor(&mut read, &mut RangeDecoder::new(&ones)).is_err());
    }
}
