// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::{Error, Result};

/// Appends little-endian base-128 varints (FORMAT section 2).
#[derive(Default)]
pub(super) struct Writer(pub Vec<u8>);

impl Writer {
    pub fn u8(&mut self, v: u8) {
        self.0.push(v);
    }

    pub fn varint(&mut self, mut v: u64) {
        while v >= 0x80 {
            self.0.push(v as u8 | 0x80);
            v >>= 7;
        }
        self.0.push(v as u8);
    }

    /// Zigzag: 0, -1, 1, -2 ... become 0, 1, 2, 3 ...
    pub fn signed(&mut self, v: i64) {
        self.varint(((v << 1) ^ (v >> 63)) as u64);
    }
}

/// Reads what [`Writer`] wrote; every read past the end is an error.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// A varint, and as many bytes; `what` names them in the error, `most` bounds them.
    pub fn take(&mut self, what: &str, most: usize) -> Result<&'a [u8]> {
        let n = self.varint()?;
        if n > most as u64 {
            return Err(Error::limit(format!("{what} of {n} bytes ({most} allowed)")));
        }
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        let cut = self.0.split_at_checked(n);
        let (taken, rest) = cut.ok_or_else(|| Error::damaged(format!("{what} is cut off")))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (&taken, rest) = self.0.split_first_chunk().ok_or_else(truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn u8(&mut self) -> Result<u8> {
        let (&v, rest) = self.0.split_first().ok_or_else(truncated)?;
        self.0 = rest;
        Ok(v)
    }

    pub fn varint(&mut self) -> Result<u64> {
        let mut v = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.u8()?;
            if shift == 63 && b > 1 {
                break;
            }
            v |= u64::from(b & 0x7F) << shift;
            if b & 0x80 == 0 {
                return Ok(v);
            }
        }
        Err(Error::damaged("a varint is longer than 64 bits"))
    }

    /// A varint that must lie in `range`; `what` names it in the error.
    pub fn bounded(&mut self, what: &str, range: std::ops::RangeInclusive<u64>) -> Result<u32> {
        let v = self.varint()?;
        if range.contains(&v) {
            Ok(v as u32)
        } else {
            Err(Error::limit(format!(
                "{what} is {v} ({} to {} allowed)",
                range.start(),
                range.end()
            )))
        }
    }

    pub fn signed(&mut self) -> Result<i64> {
        let v = self.varint()?;
        Ok((v >> 1) as i64 ^ -((v & 1) as i64))
    }
}

fn truncated() -> Error {
    Error::damaged("a header ends too early")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_and_reject_overlong() {
        let values = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        let mut w = Writer::default();
        values.iter().for_each(|&v| w.varint(v));
        let signed = [0, -1, 1, i64::MIN, i64::MAX];
        signed.iter().for_each(|&v| w.signed(v));
        let mut r = Reader(&w.0);
        values.iter().for_each(|&v| assert_eq!(r.varint().unwrap(), v));
        signed.iter().for_each(|&v| assert_eq!(r.signed().unwrap(), v));
        assert!(r.u8().is_err());
        assert!(Reader(&[0xFF; 11]).varint().is_err());
    }
}
