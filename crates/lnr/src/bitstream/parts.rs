// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several byte strings in one: the sizes of all but the last, then the strings (FORMAT section 5.6).

use super::bytes::{Reader, Writer};
use crate::base::{Error, Result};

/// Joins byte strings.
pub fn join_parts(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut w = Writer::default();
    parts.iter().rev().skip(1).rev().for_each(|p| w.varint(p.len() as u64));
    parts.iter().for_each(|p| w.0.extend(p));
    w.0
}

/// Takes apart what [`join_parts`] made of `n` strings.
///
/// # Errors
/// [`Error::Damaged`] when the sizes exceed the bytes.
pub fn split_parts(bytes: &[u8], n: usize) -> Result<Vec<&[u8]>> {
    // Each but the last has at least one byte for its size.
    if n > bytes.len() + 1 {
        return Err(Error::damaged("a part of a group is cut off"));
    }
    let mut parts = vec![&[][..]; n];
    let mut r = Reader(bytes);
    let mut sizes = vec![0; n];
    for size in sizes.iter_mut().rev().skip(1).rev() {
        *size = usize::try_from(r.varint()?).unwrap_or(usize::MAX);
    }
    let mut rest = r.0;
    for (k, (part, size)) in parts.iter_mut().zip(sizes).enumerate() {
        let size = if k + 1 == n { rest.len() } else { size };
        let cut = rest.split_at_checked(size);
        (*part, rest) = cut.ok_or_else(|| Error::damaged("a part of a group is cut off"))?;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_round_trip_and_too_large_sizes_are_errors() {
        let parts = [vec![1; 200], vec![], vec![3, 4]];
        let bytes = join_parts(&parts);
        assert_eq!(bytes.len(), 3 + 202);
        assert_eq!(split_parts(&bytes, 3).unwrap(), parts.each_ref().map(|p| &p[..]));
        for n in [0, 1, 2, 3, 202] {
            assert!(split_parts(&bytes[..n], 3).is_err(), "{n} bytes");
        }
        assert!(split_parts(&bytes[..203], 3).unwrap()[2].is_empty());
        assert!(split_parts(&[0xFF; 12], 2).is_err());
        assert!(split_parts(&bytes, 1 << 40).is_err());
    }
}
