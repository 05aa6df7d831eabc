// SPDX-License-Identifier: MIT OR Apache-2.0
//! Integers with a step (FORMAT section 5.6).

use super::EXPONENT_BITS;
use crate::base::Result;
use crate::base::spec::Precision;
use crate::bitstream::{RangeDecoder, RangeEncoder, decode_tensor, encode_tensor};
use crate::train::Quantised;

/// Whether one bit says that a tensor is all zeros.
fn marks_zeros(precision: Precision) -> bool {
    precision == Precision::StepsByPart
}

/// Whether that bit is all that is written of a tensor.
pub fn is_marked(tensor: &Quantised, precision: Precision) -> bool {
    marks_zeros(precision) && tensor.values.iter().all(|v| *v == 0)
}

pub fn write(tensor: &Quantised, precision: Precision, out: &mut RangeEncoder) {
    let is_marked = is_marked(tensor, precision);
    if marks_zeros(precision) {
        out.raw(is_marked.into(), 1);
    }
    if is_marked {
        return;
    }
    out.raw(tensor.exponent, EXPONENT_BITS);
    encode_tensor(&tensor.values, out);
}

/// Reads a tensor of so many values.
///
/// # Errors
/// Those of [`decode_tensor`].
pub fn read(len: usize, precision: Precision, from: &mut RangeDecoder) -> Result<Quantised> {
    let mut values = vec![0; len];
    if marks_zeros(precision) && from.raw(1) == 1 {
        return Ok(Quantised { values, exponent: 0 });
    }
    let exponent = from.raw(EXPONENT_BITS);
    decode_tensor(&mut values, from)?;
    Ok(Quantised { values, exponent })
}
