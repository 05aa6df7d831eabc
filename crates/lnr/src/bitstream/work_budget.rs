// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much work a stream may ask for before pictures come of it (FORMAT section 9). A symbol may cost
//! a thousandth of a bit, so that a few bytes could keep a reader busy for minutes.

use super::RangeDecoder;
use crate::base::{Error, Result};

/// Units of work that one reader of a stream may spend. It begins with what any group of usual size
/// takes, and earns more by the bytes of the groups that it reads; it starts afresh once pixels were
/// rendered, which is work that the user wants.
///
/// For every group [`WorkBudget::enter`], then [`WorkBudget::settle`]. Sections may be read side by
/// side: give each [`WorkBudget::decoder`]'s allowance, and spend the sum of their
/// [`RangeDecoder::work`] afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkBudget {
    left: u64,
    /// What each byte of a group earns while anything is left.
    per_byte: u64,
}

impl Default for WorkBudget {
    fn default() -> Self {
        Self::new()
    }
}

impl WorkBudget {
    /// What a reader begins with, and the most that it keeps: 1.5 seconds.
    pub const START: u64 = 1_500_000_000;
    /// What each byte earns in the end, unless pixels come of it: 0.7 seconds for a million of them.
    pub const PER_BYTE: u64 = 700;
    /// What each byte of a group lends to a decoder: good streams at low rates spend up to 2000, of
    /// which a third and more is done side by side.
    pub const PER_BYTE_DECODING: u64 = 2500;

    /// The budget of a new reader that wants no pictures.
    pub const fn new() -> Self {
        Self { left: Self::START, per_byte: Self::PER_BYTE }
    }

    /// The budget of a new decoder.
    pub const fn decoding() -> Self {
        Self { left: Self::START, per_byte: Self::PER_BYTE_DECODING }
    }

    /// One that is never used up: for bytes that the caller wrote.
    #[cfg(any(test, feature = "internals"))]
    pub const fn unlimited() -> Self {
        Self { left: u64::MAX, per_byte: 0 }
    }

    /// The budget for a group of so many bytes. Who has used up everything is lent nothing beyond
    /// what the bytes earn.
    pub fn enter(&self, n_bytes: usize) -> Self {
        let per_byte =
            if self.left > 0 { self.per_byte } else { self.per_byte.min(Self::PER_BYTE) };
        let more = (n_bytes as u64).saturating_mul(per_byte);
        Self { left: self.left.saturating_add(more), per_byte }
    }

    /// Takes off what a group of so many bytes left of the budget that it entered with. One that was
    /// good for nothing pays back what it was lent.
    pub fn settle(&mut self, group: &Self, n_bytes: usize, was_good: bool) {
        if self.left == u64::MAX {
            return;
        }
        let lent = group.per_byte.saturating_sub(Self::PER_BYTE);
        let back = if was_good { 0 } else { (n_bytes as u64).saturating_mul(lent) };
        self.left = group.left.saturating_sub(back).min(Self::START);
    }

    /// What is left, in units of work.
    #[cfg(test)]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// A decoder that may spend what is left now, but for what bytes lend that it has not read yet:
    /// bytes that nobody reads buy nothing.
    pub fn decoder<'a>(&self, bytes: &'a [u8]) -> RangeDecoder<'a> {
        RangeDecoder::with_allowance(bytes, self.left, self.per_byte)
    }

    /// Takes off what was spent.
    ///
    /// # Errors
    /// [`Error::Limit`] when it was more than there was; then nothing is left.
    pub fn spend(&mut self, work: u64) -> Result<()> {
        if self.left == u64::MAX {
            return Ok(());
        }
        let is_enough = work <= self.left;
        self.left = self.left.saturating_sub(work);
        match is_enough {
            true => Ok(()),
            false => Err(Error::limit("the stream asks for more work than its bytes may")),
        }
    }

    /// Starts afresh: pixels were rendered.
    pub fn reset(&mut self) {
        self.left = self.left.max(Self::START);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitstream::work::DECISION;
    use crate::bitstream::{
        Plane, PlaneKind, RangeEncoder, Series, decode_series, decode_symbols, decode_tensor,
        encode_series, encode_symbols, encode_tensor,
    };

    fn is_used_up(result: Result<()>) -> bool {
        matches!(result, Err(Error::Limit(text)) if text.contains("more work"))
    }

    #[test]
    fn a_budget_earns_spends_and_starts_afresh() {
        let mut budget = WorkBudget::new();
        let mut group = budget.enter(1000);
        assert_eq!(group.left(), WorkBudget::START + 1000 * WorkBudget::PER_BYTE);
        group.spend(group.left() - 5).unwrap();
        assert!(is_used_up(group.spend(6)));
        budget.settle(&group, 1000, true);
        assert_eq!(budget.left(), 0);
        assert_eq!(budget.enter(10).left(), 10 * WorkBudget::PER_BYTE);
        budget.reset();
        assert_eq!(budget.left(), WorkBudget::START);
        // What was not needed is not kept.
        let group = budget.enter(1 << 20);
        budget.settle(&group, 1 << 20, true);
        assert_eq!(budget.left(), WorkBudget::START);
        let mut any = WorkBudget::unlimited();
        any.spend(u64::MAX).unwrap();
        assert_eq!(any.enter(usize::MAX).left(), u64::MAX);
    }

    #[test]
    fn what_a_decoder_is_lent_comes_back_from_groups_that_are_good_for_nothing() {
        const N: usize = 1 << 20;
        let lent = N as u64 * WorkBudget::PER_BYTE_DECODING;
        let run = |was_good: bool| {
            let mut budget = WorkBudget::decoding();
            let mut total = 0;
            for _ in 0..40 {
                let mut group = budget.enter(N);
                let work = group.left().min(lent);
                total += work;
                group.spend(work).unwrap();
                budget.settle(&group, N, was_good);
            }
            total
        };
        assert_eq!(run(true), 40 * lent);
        let most = WorkBudget::START + 40 * N as u64 * WorkBudget::PER_BYTE + lent;
        assert!(run(false) <= most, "{} of {most}", run(false));
    }

    /// A plane of `n` x `n` symbols, all zeros but the last.
    fn almost_zero(n: usize) -> Vec<Series> {
        let mut values = vec![0; n * n];
        values[n * n - 1] = 1;
        let planes = vec![Plane::from_values(n, n, &values)];
        vec![Series {
            kind: PlaneKind::Residual(0),
            planes,
            parent: None,
            sibling: None,
            model: None,
        }]
    }

    #[test]
    fn every_reader_keeps_to_its_allowance() {
        let n = 256u64;
        let series = almost_zero(n as usize);
        let mut out = RangeEncoder::new();
        encode_series(&series, &[], &mut out);
        let bytes = out.finish();
        assert!(bytes.len() < 40, "{} bytes", bytes.len());
        let read = |allowance: u64| {
            let mut read = series.clone();
            read[0].planes[0] = Plane::new(n as usize, n as usize);
            let mut from = RangeDecoder::with_allowance(&bytes, allowance, 0);
            decode_series(&mut read, &[], &mut from).map(|()| from.work())
        };
        let work = read(u64::MAX).unwrap();
        assert!((n * n * DECISION..n * n * DECISION + 500).contains(&work), "{work}");
        assert_eq!(read(work).unwrap(), work);
        assert!(is_used_up(read(work / 2).map(drop)));

        let mut out = RangeEncoder::new();
        encode_tensor(&[0; 5000], &mut out);
        let bytes = out.finish();
        let mut from = RangeDecoder::with_allowance(&bytes, 90_000, 0);
        assert!(is_used_up(decode_tensor(&mut [0; 5000], &mut from)));
        // Bytes that it does not read lend nothing.
        let padded = [bytes, vec![0xFF; 1000]].concat();
        for (per_byte, is_refused) in [(0, false), (2500, true)] {
            let mut from = RangeDecoder::with_allowance(&padded, 2_500_000, per_byte);
            assert_eq!(is_used_up(decode_tensor(&mut [0; 5000], &mut from)), is_refused);
        }

        let mut out = RangeEncoder::new();
        encode_symbols(&[0; 20_000], 8, &mut out);
        let bytes = out.finish();
        let mut from = RangeDecoder::with_allowance(&bytes, 90_000, 0);
        assert!(is_used_up(decode_symbols(&mut [0; 20_000], 8, &mut from)));
    }
}
