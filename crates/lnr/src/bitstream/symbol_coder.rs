// SPDX-License-Identifier: MIT OR Apache-2.0
//! Codes symbols of a fixed number of bits (FORMAT-entropy section 10).

use super::mixer::Slot;
use super::range_coder::{BitCoder, RangeDecoder, RangeEncoder};
use crate::base::Result;

/// Bits of a symbol that adapt, from the highest on; what is below them is coded as it is.
const MODELLED: u32 = 10;

/// Writes symbols below 2^n_bits, `n_bits` 1 to 16: a binary tree of adaptive bits.
pub fn encode_symbols(symbols: &[u16], n_bits: u32, out: &mut RangeEncoder) {
    let mut tree = Tree::new(n_bits);
    for &v in symbols {
        tree.code(out, v);
    }
}

/// Reads `symbols.len()` symbols.
///
/// # Errors
/// When the bytes end too early; the symbols are then garbage.
pub fn decode_symbols(symbols: &mut [u16], n_bits: u32, from: &mut RangeDecoder) -> Result<()> {
    let mut tree = Tree::new(n_bits);
    for symbols in symbols.chunks_mut(1024) {
        for v in symbols {
            *v = tree.code(from, 0);
        }
        from.check()?;
    }
    Ok(())
}

struct Tree {
    n_bits: u32,
    /// Slots of the adaptive bits, by the bits above them with a leading 1.
    slots: Vec<Slot>,
}

impl Tree {
    fn new(n_bits: u32) -> Self {
        Self { n_bits, slots: vec![Slot::EVEN; 1 << n_bits.min(MODELLED)] }
    }

    #[inline]
    fn code<C: BitCoder>(&mut self, coder: &mut C, v: u16) -> u16 {
        let n_raw = self.n_bits.saturating_sub(MODELLED);
        let mut node = 1usize;
        for shift in (n_raw..self.n_bits).rev() {
            let bit = self.slots[node].code_slowly(coder, v >> shift & 1 != 0);
            node = node << 1 | usize::from(bit);
        }
        let high = (node - (1 << (self.n_bits - n_raw))) as u32;
        let low = match n_raw {
            0 => 0,
            n => coder.raw(u32::from(v) & ((1 << n) - 1), n),
        };
        (high << n_raw | low) as u16
    }
}

/// Bits that a Huffman code of the symbols' own frequencies takes (paper section 3.4), its table of
/// code lengths, 8 bits per symbol up to the largest, included.
pub fn huffman_bits(symbols: &[u16]) -> u64 {
    let Some(&largest) = symbols.iter().max() else { return 0 };
    let mut counts = vec![0u64; usize::from(largest) + 1];
    symbols.iter().for_each(|&v| counts[usize::from(v)] += 1);
    let table = 8 * counts.len() as u64;
    let mut heap: std::collections::BinaryHeap<_> =
        counts.into_iter().filter(|&c| c > 0).map(std::cmp::Reverse).collect();
    if heap.len() == 1 {
        return table + symbols.len() as u64;
    }
    // Every merge adds one bit to all symbols below it.
    let mut bits = table;
    while let (Some(a), Some(b)) = (heap.pop(), heap.pop()) {
        let sum = a.0 + b.0;
        bits += sum;
        if heap.is_empty() {
            break;
        }
        heap.push(std::cmp::Reverse(sum));
    }
    bits
}

#[cfg(test)]
#[allow(clippy::float_arithmetic)]
mod tests {
    use super::*;
    use crate::base::Rng;

    #[test]
    fn symbols_round_trip_near_their_entropy() {
        let mut rng = Rng::new(21);
        for n_bits in [1, 3, 8, 10, 12, 16] {
            let (middle, spread) = (f32::from(1u16 << (n_bits - 1)), 2f32.powi(n_bits as i32 - 4));
            let last = (1u32 << n_bits) as f32 - 1.0;
            let symbols: Vec<u16> = (0..20_000)
                .map(|_| (middle + spread * rng.normal()).clamp(0.0, last) as u16)
                .collect();
            let mut out = RangeEncoder::new();
            encode_symbols(&symbols, n_bits, &mut out);
            let bytes = out.finish();
            let mut read = vec![7; symbols.len()];
            decode_symbols(&mut read, n_bits, &mut RangeDecoder::new(&bytes)).unwrap();
            assert_eq!(read, symbols);
            let mut counts = vec![0f64; 1 << n_bits];
            symbols.iter().for_each(|&v| counts[usize::from(v)] += 1.0);
            let n = symbols.len() as f64;
            let entropy: f64 =
                counts.iter().filter(|&&c| c > 0.0).map(|c| c * (n / c).log2()).sum();
            let huffman = huffman_bits(&symbols) as f64;
            assert!(huffman >= entropy, "{n_bits}: {huffman} {entropy}");
            if n_bits <= 10 {
                let bits = 8.0 * bytes.len() as f64;
                assert!(bits < 1.03 * entropy + 12.0 * counts.len() as f64, "{bits} {entropy}");
                assert!(huffman < entropy + n + 8.0 * counts.len() as f64 + 1.0);
            }
            for n in [0, 1, bytes.len() / 2] {
                assert!(
                    decode_symbols(&mut read, n_bits, &mut RangeDecoder::new(&bytes[..n])).is_err()
                );
            }
        }
    }

    #[test]
    fn huffman_codes_of_known_length() {
        assert_eq!(huffman_bits(&[]), 0);
        assert_eq!(huffman_bits(&[0; 9]), 8 + 9);
        // Frequencies 4, 2, 1, 1: lengths 1, 2, 3, 3.
        assert_eq!(huffman_bits(&[0, 0, 0, 0, 1, 1, 2, 3]), 32 + 4 + 4 + 3 + 3);
    }
}
