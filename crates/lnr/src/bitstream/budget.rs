// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much work a stream may ask for before pictures come of it (FORMAT section 9). A symbol may cost
//! a thousandth of a bit, so that a few bytes could keep a reader busy for minutes.

use super::RangeDecoder;
use crate::base::{Error, Result};

/// Units of work that one reader of a stream may spend. It begins with what any group of usual size
/// takes, earns more by the bytes that are read, and starts afresh once pixels were rendered, which is
/// work that the user wants.
///
/// Sections may be read side by side: give each [`Budget::decoder`]'s allowance, and spend the sum of
/// their [`RangeDecoder::work`] afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    left: u64,
    per_byte: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

impl Budget {
    /// What a reader begins with: 1.5 seconds.
    pub const START: u64 = 1_500_000_000;
    /// What each byte earns a reader that wants no pictures, and reads of symbols what it can get: 0.7
    /// seconds for a million of them.
    pub const PER_BYTE: u64 = 700;
    /// What each byte earns a decoder: good streams at low rates spend up to 2000, of which a third
    /// and more is done side by side.
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
    pub const fn unlimited() -> Self {
        Self { left: u64::MAX, per_byte: 0 }
    }

    /// Adds what so many bytes of the stream earn.
    pub fn earn(&mut self, n_bytes: usize) {
        self.left = self.left.saturating_add((n_bytes as u64).saturating_mul(self.per_byte));
    }

    /// What is left, in units of work.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// A decoder that may spend what is left now.
    pub fn decoder<'a>(&self, bytes: &'a [u8]) -> RangeDecoder<'a> {
        RangeDecoder::with_allowance(bytes, self.left)
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
        let mut budget = Budget::new();
        budget.earn(1000);
        assert_eq!(budget.left(), Budget::START + 1000 * Budget::PER_BYTE);
        budget.spend(budget.left() - 5).unwrap();
        assert!(is_used_up(budget.spend(6)));
        assert_eq!(budget.left(), 0);
        budget.reset();
        assert_eq!(budget.left(), Budget::START);
        let mut any = Budget::unlimited();
        any.earn(usize::MAX);
        any.spend(u64::MAX).unwrap();
        assert_eq!(any.left(), u64::MAX);
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
            let mut from = RangeDecoder::with_allowance(&bytes, allowance);
            decode_series(&mut read, &[], &mut from).map(|()| from.work())
        };
        let work = read(u64::MAX).unwrap();
        assert!((n * n * DECISION..n * n * DECISION + 500).contains(&work), "{work}");
        assert_eq!(read(work).unwrap(), work);
        assert!(is_used_up(read(work / 2).map(drop)));

        let mut out = RangeEncoder::new();
        encode_tensor(&[0; 5000], &mut out);
        let bytes = out.finish();
        let mut from = RangeDecoder::with_allowance(&bytes, 90_000);
        assert!(is_used_up(decode_tensor(&mut [0; 5000], &mut from)));

        let mut out = RangeEncoder::new();
        encode_symbols(&[0; 20_000], 8, &mut out);
        let bytes = out.finish();
        let mut from = RangeDecoder::with_allowance(&bytes, 90_000);
        assert!(is_used_up(decode_symbols(&mut [0; 20_000], 8, &mut from)));
    }
}
