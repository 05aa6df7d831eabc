// SPDX-License-Identifier: MIT OR Apache-2.0
//! NumPy's file format: a header of text, then the values of one array.

use std::io::{self, Write};

use crate::base::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads a two-dimensional array of floating-point numbers (`<f2`, `<f4`, `<f8`, in C order). returns: its
/// rows and columns, and [rows, columns] f32.
///
/// # Errors
/// [`Error::Model`] saying what it is instead.
pub fn read_npy(bytes: &[u8]) -> Result<((usize, usize), Vec<f32>)> {
    let wrong = |what: &str| Error::Model(format!("no .npy file that can be used: {what}"));
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| wrong("it begins otherwise"))?;
    let cut = || wrong("its header is cut off");
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (n, rest) = if version[0] == 1 {
        let (n, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
        (u16::from_le_bytes(*n) as usize, rest)
    } else {
        let (n, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        (u32::from_le_bytes(*n) as usize, rest)
    };
    let (header, values) = rest.split_at_checked(n).ok_or_else(cut)?;
    let header = String::from_utf8_lossy(header);
    let field = |name: &str| {
        let at = header.find(&format!("'{name}':"))?;
        Some(header[at + name.len() + 3..].trim_start())
    };
    if !field("fortran_order").is_some_and(|v| v.starts_with("False")) {
        return Err(wrong("its values do not stand row by row"));
    }
    let shape = field("shape").and_then(|v| v.strip_prefix('(')?.split_once(')'));
    let shape = shape.map_or("", |(inside, _)| inside);
    let sides: Vec<usize> = shape.split(',').filter_map(|n| n.trim().parse().ok()).collect();
    let &[rows, columns] = &sides[..] else {
        return Err(wrong(&format!("its shape is ({shape}), not (frames, dimensions)")));
    };
    let kind = field("descr").map_or("", |v| v.trim_start_matches(['\'', '"']));
    let n = rows.checked_mul(columns).ok_or_else(|| wrong("its shape is too large"))?;
    let values = match kind.get(..3) {
        Some("<f4") => read_values(values, n, f32::from_le_bytes),
        Some("<f8") => read_values(values, n, |b| f64::from_le_bytes(b) as f32),
        Some("<f2") => read_values(values, n, |b| half_to_f32(u16::from_le_bytes(b))),
        _ => return Err(wrong("its values are no floating-point numbers of 16, 32 or 64 bits")),
    };
    let values = values.ok_or_else(|| wrong("its size is not that of its shape"))?;
    Ok(((rows, columns), values))
}

/// `n` values of `N` bytes each; nothing where there are more or less.
pub(super) fn read_values<const N: usize>(
    bytes: &[u8],
    n: usize,
    value: impl Fn([u8; N]) -> f32,
) -> Option<Vec<f32>> {
    let (values, rest) = bytes.as_chunks::<N>();
    (rest.is_empty() && values.len() == n).then(|| values.iter().map(|b| value(*b)).collect())
}

/// An IEEE number of 16 bits.
pub(super) fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3FF));
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    };
    sign * magnitude
}

/// Writes an array of f32. values: [n / columns, columns]
///
/// # Errors
/// Those of the writer.
pub fn write_npy(out: &mut dyn Write, columns: usize, values: &[f32]) -> io::Result<()> {
    let rows = values.len() / columns.max(1);
    let text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // The values begin at a multiple of 64 bytes.
    let n = (MAGIC.len() + 4 + text.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&(n as u16).to_le_bytes())?;
    writeln!(out, "{text:<width$}", width = n - 1)?;
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    out.write_all(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_round_trip() {
        let values: Vec<f32> = (0..6).map(|i| i as f32 * 0.3 - 1.0).collect();
        let mut bytes = Vec::new();
        write_npy(&mut bytes, 3, &values).unwrap();
        assert_eq!(bytes.len(), 128 + 24);
        assert_eq!(read_npy(&bytes).unwrap(), ((2, 3), values));
        for n in 0..bytes.len() {
            assert!(matches!(read_npy(&bytes[..n]), Err(Error::Model(_))), "{n} bytes");
        }
    }

    #[test]
    fn other_precisions_are_read_and_other_kinds_refused() {
        let file = |descr: &str, shape: &str, order: &str, values: &[u8]| {
            let text =
                format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
            let n = (text.len() as u16).to_le_bytes();
            read_npy(&[MAGIC, &[1, 0], &n, text.as_bytes(), values].concat())
        };
        let (_, halves) =
            file("<f2", "(1, 4)", "False", &[0, 0x3C, 0, 0xC0, 1, 0, 0, 0x7C]).unwrap();
        assert_eq!(halves, [1.0, -2.0, 2f32.powi(-24), f32::INFINITY]);
        let (_, doubles) = file("<f8", "(1, 1)", "False", &0.5f64.to_le_bytes()).unwrap();
        assert_eq!(doubles, [0.5]);
        for (descr, shape, order) in [
            ("<i8", "(1, 1)", "False"),
            ("<f8", "(1,)", "False"),
            ("<f8", "(1, 1, 1)", "False"),
            ("<f8", "(1, 1)", "True"),
            ("<f8", "(2, 1)", "False"),
            ("<f8", "(18446744073709551615, 2)", "False"),
        ] {
            let read = file(descr, shape, order, &[0; 8]);
            assert!(matches!(read, Err(Error::Model(_))), "{descr} {shape} {order}");
        }
    }
}
