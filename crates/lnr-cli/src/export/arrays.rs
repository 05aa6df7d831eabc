// SPDX-License-Identifier: MIT OR Apache-2.0
//! Binary forms.

use std::io::{self, Write};

use serde_json::json;

use super::Rows;
use crate::tensors::{TensorInfo, header};

/// Tensors `features` [n, dim] f32 and `times` [n] f32 in seconds, as `--features` reads them, `spans` [n, 2]
/// f32 in seconds and `files` [n] u32; the names of the files stand in the file's own metadata.
pub fn write_safetensors(out: &mut dyn Write, rows: &Rows) -> io::Result<()> {
    let (n, dim) = (rows.all.len(), rows.space.dim as usize);
    let mut names: Vec<&str> = Vec::new();
    let mut files = Vec::new();
    for row in &rows.all {
        let known = names.iter().position(|name| *name == row.file);
        let number = known.unwrap_or_else(|| {
            names.push(&row.file);
            names.len() - 1
        });
        files.push(number as u32);
    }
    let info = |name, kind, shape: Vec<usize>| {
        // Every number has 32 bits.
        let n_bytes = 4 * shape.iter().product::<usize>();
        TensorInfo { name, kind, shape, n_bytes }
    };
    let tensors = [
        info("features", "F32", vec![n, dim]),
        info("times", "F32", vec![n]),
        info("spans", "F32", vec![n, 2]),
        info("files", "U32", vec![n]),
    ];
    let notes = json!({
        "space": rows.space.name,
        "fingerprint": rows.space.fingerprint_text(),
        "files": json!(names).to_string(),
    });
    out.write_all(&header(tensors, notes))?;
    write_floats(out, rows.all.iter().flat_map(|r| r.vector.iter().copied()))?;
    write_floats(out, rows.all.iter().map(|r| r.time as f32))?;
    write_floats(out, rows.all.iter().flat_map(|r| [r.start as f32, r.end as f32]))?;
    files.iter().try_for_each(|file| out.write_all(&file.to_le_bytes()))
}

/// A flat index for inner products (`IndexFlatIP`): a header of 45 bytes, then the vectors, f32.
pub fn write_faiss(out: &mut dyn Write, rows: &Rows) -> io::Result<()> {
    /// A field that FAISS writes twice and reads past.
    const UNUSED: i64 = 1 << 20;
    let (n, dim) = (rows.all.len() as i64, rows.space.dim as i32);
    out.write_all(b"IxFI")?;
    out.write_all(&dim.to_le_bytes())?;
    out.write_all(&n.to_le_bytes())?;
    out.write_all(&UNUSED.to_le_bytes())?;
    out.write_all(&UNUSED.to_le_bytes())?;
    // Trained, as every flat index is; metric 0, the inner product.
    out.write_all(&[1])?;
    out.write_all(&0i32.to_le_bytes())?;
    out.write_all(&(n as u64 * dim as u64).to_le_bytes())?;
    write_floats(out, rows.all.iter().flat_map(|r| r.vector.iter().copied()))
}

fn write_floats(out: &mut dyn Write, mut values: impl Iterator<Item = f32>) -> io::Result<()> {
    values.try_for_each(|v| out.write_all(&v.to_le_bytes()))
}
