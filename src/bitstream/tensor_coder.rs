// SPDX-License-Identifier: MIT OR Apache-2.0
use super::{RangeDecoder, RangeEncoder};
use crate::base::{Error, Result};
/// tmp
pub fn encode_tensor(values: &[i32], out: &mut RangeEncoder) {
    for &v in values {
        let a = v.unsigned_abs() + 1;
        let n = a.ilog2();
        for _ in 0..n {
            out.bit(true, 40000);
        }
        out.bit(false, 40000);
        out.raw(a & ((1 << n) - 1), n);
        if v != 0 {
            out.raw(u32::from(v < 0), 1);
        }
    }
}
/// tmp
pub fn decode_tensor(values: &mut [i32], from: &mut RangeDecoder) -> Result<()> {
    for v in values {
        let mut n = 0;
        while from.bit(40000) {
            n += 1;
            if n > 20 {
                return Err(Error::damaged("x"));
            }
        }
        let a = ((1 << n) | from.raw(n)) - 1;
        *v = a as i32;
        if a != 0 && from.raw(1) == 1 {
            *v = -*v;
        }
    }
    Ok(())
}
