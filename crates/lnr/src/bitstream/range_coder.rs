// SPDX-License-Identifier: MIT OR Apache-2.0
//! Binary range coder with carry: 32-bit range, 16-bit probabilities (FORMAT-entropy section 1).

use super::work::DECISION;
use crate::base::{Error, Result, limits};

/// The range never falls below this between two decisions.
const MIN_RANGE: u32 = 1 << 24;
/// Zero bytes that the encoder may leave out at the end, so that the decoder may read past it.
const MAX_DROPPED: usize = 4;

/// What codes binary decisions: an encoder, a decoder, or something that only counts or learns.
/// One description of a symbol serves all of them, so that they cannot disagree.
pub(super) trait BitCoder {
    /// Codes one decision whose probability of being true is `p1` / 65536 (1..=65535). Writers take
    /// `bit` and return it, readers return what they read.
    fn bit(&mut self, bit: bool, p1: u32) -> bool;

    /// Notes that a symbol beyond the limits was read.
    fn reject(&mut self) {}

    /// Notes work besides decisions, in units of [`super::work`].
    fn work(&mut self, _units: u32) {}

    /// Codes `n_bits` equiprobable bits, the highest first.
    fn raw(&mut self, value: u32, n_bits: u32) -> u32 {
        (0..n_bits).rev().fold(0, |v, i| v << 1 | u32::from(self.bit(value >> i & 1 != 0, 1 << 15)))
    }
}

/// Writes binary decisions into bytes.
#[derive(Clone, Debug)]
pub struct RangeEncoder {
    /// Lower end of the interval; bit 32 is a carry that has not reached the bytes yet.
    low: u64,
    range: u32,
    /// The last byte that a carry may still change.
    cache: u8,
    /// Bytes 0xFF behind `cache` that a carry would turn into zeros.
    n_pending: u64,
    /// The first byte is always zero and is not written.
    started: bool,
    bytes: Vec<u8>,
}

impl Default for RangeEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl RangeEncoder {
    /// An encoder that has written nothing.
    pub fn new() -> Self {
        let bytes = Vec::new();
        Self { low: 0, range: u32::MAX, cache: 0, n_pending: 0, started: false, bytes }
    }

    /// Writes one decision whose probability of being true is `p1` / 65536, `p1` in 1..=65535.
    #[inline]
    pub fn bit(&mut self, bit: bool, p1: u32) {
        debug_assert!((1..1 << 16).contains(&p1));
        let bound = (self.range >> 16) * p1;
        if bit {
            self.range = bound;
        } else {
            self.low += u64::from(bound);
            self.range -= bound;
        }
        while self.range < MIN_RANGE {
            self.range <<= 8;
            self.shift();
        }
    }

    /// Writes the low `n_bits` (at most 32) of `value` as equiprobable bits, the highest first.
    pub fn raw(&mut self, value: u32, n_bits: u32) {
        BitCoder::raw(self, value, n_bits);
    }

    /// Bits written so far, within one bit.
    #[cfg(test)]
    pub fn bits_so_far(&self) -> u64 {
        let n = self.bytes.len() as u64 + self.n_pending + u64::from(self.started);
        8 * n + u64::from(self.range.leading_zeros())
    }

    /// Ends the stream: the bytes that were written, less zeros that a decoder assumes.
    pub fn finish(mut self) -> Vec<u8> {
        // Of all numbers inside the interval, one that ends in as many zero bytes as possible.
        let end = self.low + u64::from(self.range);
        let rounded = |n_bits: u32| self.low.next_multiple_of(1 << n_bits);
        self.low = if rounded(32) < end { rounded(32) } else { rounded(24) };
        for _ in 0..=MAX_DROPPED {
            self.shift();
        }
        for _ in 0..MAX_DROPPED {
            if self.bytes.last() == Some(&0) {
                self.bytes.pop();
            }
        }
        self.bytes
    }

    /// Moves the top byte of `low` out, or holds it back while a carry may still come.
    fn shift(&mut self) {
        let carry = (self.low >> 32) as u8;
        if carry != 0 || self.low < 0xFF00_0000 {
            if self.started {
                self.bytes.push(self.cache.wrapping_add(carry));
            }
            self.started = true;
            for _ in 0..self.n_pending {
                self.bytes.push(0xFFu8.wrapping_add(carry));
            }
            self.n_pending = 0;
            self.cache = (self.low >> 24) as u8;
        } else {
            self.n_pending += 1;
        }
        self.low = (self.low & 0x00FF_FFFF) << 8;
    }
}

impl BitCoder for RangeEncoder {
    #[inline]
    fn bit(&mut self, bit: bool, p1: u32) -> bool {
        RangeEncoder::bit(self, bit, p1);
        bit
    }
}

/// Reads binary decisions from bytes; zeros follow the last byte.
#[derive(Clone, Debug)]
pub struct RangeDecoder<'a> {
    bytes: &'a [u8],
    code: u32,
    range: u32,
    /// Bytes read past the end.
    n_past: u32,
    rejected: bool,
    n_bytes: usize,
    /// Work that was done, in units of [`super::work`].
    work: u64,
    allowance: u64,
    /// What each byte lent to the allowance: those that were not read yet are taken off.
    per_byte: u64,
}

impl<'a> RangeDecoder<'a> {
    /// A decoder at the start of what [`RangeEncoder::finish`] returned, which may do any amount of
    /// work.
    #[cfg(any(test, feature = "internals"))]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_allowance(bytes, u64::MAX, 0)
    }

    /// A decoder at the start of what [`RangeEncoder::finish`] returned. [`RangeDecoder::check`] fails
    /// when more than `allowance` was spent, what is left of a [`super::WorkBudget`], or so much that
    /// bytes which were not read yet would pay for it: each lent `per_byte`.
    pub fn with_allowance(bytes: &'a [u8], allowance: u64, per_byte: u64) -> Self {
        let mut d = Self {
            bytes,
            code: 0,
            range: u32::MAX,
            n_past: 0,
            rejected: false,
            n_bytes: bytes.len(),
            work: 0,
            allowance,
            per_byte,
        };
        (0..4).for_each(|_| d.next_byte());
        d
    }

    /// What is to be taken off the budget when no more is read, in units of [`super::WorkBudget`]: the
    /// work that was done, and what bytes lent that were not read.
    pub fn work(&self) -> u64 {
        self.work.saturating_add(self.unread())
    }

    fn unread(&self) -> u64 {
        self.per_byte.saturating_mul(self.bytes.len() as u64)
    }

    /// Reads one decision that was written with the same `p1`.
    #[inline]
    pub fn bit(&mut self, p1: u32) -> bool {
        self.work += DECISION;
        let bound = (self.range >> 16) * p1;
        let bit = self.code < bound;
        if bit {
            self.range = bound;
        } else {
            self.code -= bound;
            self.range -= bound;
        }
        while self.range < MIN_RANGE {
            self.range <<= 8;
            self.next_byte();
        }
        bit
    }

    /// Reads `n_bits` (at most 32) equiprobable bits, the highest first.
    pub fn raw(&mut self, n_bits: u32) -> u32 {
        BitCoder::raw(self, 0, n_bits)
    }

    /// Whether what was read so far can be true.
    ///
    /// # Errors
    /// [`Error::Damaged`] when more was read than was written, or when a symbol or weight is too large;
    /// [`Error::Limit`] when the allowance of work is used up.
    pub fn check(&self) -> Result<()> {
        if self.n_past as usize > MAX_DROPPED {
            return Err(Error::damaged("the coded symbols end too early"));
        }
        if self.rejected {
            let max = limits::MAX_SYMBOL;
            return Err(Error::damaged(format!(
                "a symbol is beyond {max} or a weight beyond 32 bits"
            )));
        }
        if self.work() > self.allowance {
            return Err(Error::limit(format!(
                "{} coded bytes ask for more work than they may",
                self.n_bytes
            )));
        }
        Ok(())
    }

    #[inline]
    fn next_byte(&mut self) {
        let byte = match self.bytes.split_first() {
            Some((&byte, rest)) => {
                self.bytes = rest;
                byte
            }
            None => {
                self.n_past = self.n_past.saturating_add(1);
                0
            }
        };
        self.code = self.code << 8 | u32::from(byte);
    }
}

impl BitCoder for RangeDecoder<'_> {
    #[inline]
    fn bit(&mut self, _bit: bool, p1: u32) -> bool {
        RangeDecoder::bit(self, p1)
    }

    fn reject(&mut self) {
        self.rejected = true;
    }

    #[inline(always)]
    fn work(&mut self, units: u32) {
        self.work += u64::from(units);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    fn round_trip(bits: &[(bool, u32)]) -> Vec<u8> {
        let mut e = RangeEncoder::new();
        bits.iter().for_each(|&(b, p)| e.bit(b, p));
        let bits_so_far = e.bits_so_far();
        let bytes = e.finish();
        assert!(8 * bytes.len() as u64 <= bits_so_far + 16, "{} {bits_so_far}", bytes.len());
        let mut d = RangeDecoder::new(&bytes);
        for (i, &(b, p)) in bits.iter().enumerate() {
            assert_eq!(d.bit(p), b, "decision {i}");
        }
        d.check().unwrap();
        bytes
    }

    #[test]
    fn decisions_round_trip_at_all_probabilities() {
        let mut rng = Rng::new(1);
        for n in (0..40).chain([1000, 20_000]) {
            for skew in [1, 20, 1 << 15, 65_535] {
                let bits: Vec<_> = (0..n)
                    .map(|_| {
                        let p = if skew == 20 { 1 + rng.below(65_535) as u32 } else { skew };
                        ((rng.below(65_536) as u32) < p, p)
                    })
                    .collect();
                round_trip(&bits);
            }
        }
    }

    #[test]
    fn carries_pass_through_runs_of_ones() {
        // Improbable falses push the lower end up against the upper end.
        for n in 1..200 {
            let mut bits = vec![(false, 1); n];
            bits.extend([(true, 1), (false, 65_535), (true, 40_000)]);
            bits.extend(vec![(false, 65_535); n % 7]);
            round_trip(&bits);
        }
    }

    #[test]
    fn an_end_costs_little() {
        assert!(round_trip(&[]).is_empty());
        assert!(round_trip(&[(true, 1 << 15)]).len() <= 1);
        assert!(round_trip(&[(false, 1 << 15); 8]).len() <= 2);
        // A thousand sure decisions are a fraction of a bit.
        assert!(round_trip(&[(true, 65_535); 1000]).len() <= 1);
    }

    #[test]
    fn reading_on_past_the_end_is_an_error() {
        let mut d = RangeDecoder::new(&[0x12, 0x34]);
        d.raw(32);
        d.raw(32);
        assert!(matches!(d.check(), Err(Error::Damaged(_))));
    }

    #[test]
    fn raw_bits_round_trip() {
        let mut e = RangeEncoder::new();
        e.raw(0xDEAD_BEEF, 32);
        e.raw(5, 3);
        e.raw(0, 0);
        let bytes = e.finish();
        let mut d = RangeDecoder::new(&bytes);
        assert_eq!((d.raw(32), d.raw(3), d.raw(0)), (0xDEAD_BEEF, 5, 0));
    }
}
