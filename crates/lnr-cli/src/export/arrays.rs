// SPDX-License-Identifier: MIT OR Apache-2.0
//! Binary forms.

use std::io::{self, Write};

use serde_json::json;

use super::Rows;

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
    let (features, times, spans) = (4 * n * dim, 4 * n, 8 * n);
    let at = [0, features, features + times, features + times + spans];
    let header = json!({
        "__metadata__": {
            "space": rows.space.name,
            "fingerprint": rows.space.fingerprint_text(),
            "files": json!(names).to_string(),
        },
        "features": { "dtype": "F32", "shape": [n, dim], "data_offsets": [at[0], at[1]] },
        "times": { "dtype": "F32", "shape": [n], "data_offsets": [at[1], at[2]] },
        "spans": { "dtype": "F32", "shape": [n, 2], "data_offsets": [at[2], at[3]] },
        "files": { "dtype": "U32", "shape": [n], "data_offsets": [at[3], at[3] + 4 * n] },
    });
    let mut header = header.to_string();
    // Values begin at a multiple of 8 bytes.
    header += &" ".repeat(header.len().next_multiple_of(8) - header.len());
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
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
