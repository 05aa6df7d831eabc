// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tensors by name in one file, read one at a time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use super::npy::{half_to_f32, read_values};
use crate::base::{Error, Result};

/// Longest header in bytes: models have some thousand tensors, of about a hundred bytes each.
const MAX_HEADER: u64 = 16 << 20;

/// An open file.
pub(super) struct TensorFile {
    path: PathBuf,
    file: File,
    header: Metadata,
    /// Where the values begin.
    start: u64,
}

impl TensorFile {
    /// # Errors
    /// [`Error::Model`] when the file cannot be read or is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let wrong = |what: String| Error::Model(format!("{}: {what}", path.display()));
        let read = |e: std::io::Error| wrong(e.to_string());
        let mut file = File::open(path).map_err(read)?;
        let len = file.metadata().map_err(read)?.len();
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(read)?;
        let size = u64::from_le_bytes(size);
        if size > MAX_HEADER.min(len.saturating_sub(8)) {
            return Err(wrong("no safetensors file, or one that is cut off".into()));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(read)?;
        let header: Metadata = serde_json::from_slice(&header)
            .map_err(|e| wrong(format!("its header cannot be read: {e}")))?;
        let (start, n) = (8 + size, header.data_len() as u64);
        if start.checked_add(n) != Some(len) {
            return Err(wrong(format!(
                "{len} bytes, its header promises {}",
                start.saturating_add(n)
            )));
        }
        Ok(Self { path: path.to_owned(), file, header, start })
    }

    /// The names of its tensors, in the order of their values.
    pub fn names(&self) -> Vec<String> {
        self.header.offset_keys()
    }

    /// What else the file says of itself by this name.
    pub fn note(&self, name: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(name).map(String::as_str)
    }

    /// The shape of a tensor, where there is one of this name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header.info(name).map(|info| &info.shape[..])
    }

    /// The values of a tensor of numbers of 16, 32 or 64 bits.
    ///
    /// # Errors
    /// [`Error::Model`] when there is none of this name, or one of another kind, or it cannot be read.
    pub fn read(&mut self, name: &str) -> Result<Vec<f32>> {
        let missing = || self.wrong(&format!("tensor {name} is missing"));
        let TensorInfo { dtype, shape, data_offsets } =
            self.header.info(name).ok_or_else(missing)?.clone();
        let n = shape.iter().product();
        let (from, to) = data_offsets;
        let bytes = self.bytes(self.start + from as u64, to - from)?;
        let values = match dtype {
            Dtype::F32 => read_values(&bytes, n, f32::from_le_bytes),
            Dtype::F16 => read_values(&bytes, n, |b| half_to_f32(u16::from_le_bytes(b))),
            Dtype::BF16 => {
                read_values(&bytes, n, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))
            }
            Dtype::F64 => read_values(&bytes, n, |b| f64::from_le_bytes(b) as f32),
            Dtype::I64 => read_values(&bytes, n, |b| i64::from_le_bytes(b) as f32),
            _ => None,
        };
        values.ok_or_else(|| {
            self.wrong(&format!(
                "tensor {name} is {dtype:?}: numbers of 16, 32 or 64 bits are read"
            ))
        })
    }

    /// A sum over the header and the beginning of every tensor: any training changes all of them.
    ///
    /// # Errors
    /// [`Error::Model`] when it cannot be read.
    pub fn sum(&mut self) -> Result<u32> {
        /// Bytes of a tensor that count: one page.
        const LOOKED_AT: usize = 4096;
        let mut sum = crc32c::crc32c(&self.bytes(0, self.start as usize)?);
        for name in self.names() {
            let Some(&TensorInfo { data_offsets: (from, to), .. }) = self.header.info(&name) else {
                continue;
            };
            let beginning = self.bytes(self.start + from as u64, (to - from).min(LOOKED_AT))?;
            sum = crc32c::crc32c_append(sum, &beginning);
        }
        Ok(sum)
    }

    /// `n` bytes of the file.
    fn bytes(&mut self, from: u64, n: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; n];
        let read =
            self.file.seek(SeekFrom::Start(from)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map_err(|e| self.wrong(&e.to_string()))?;
        Ok(bytes)
    }

    /// An error that names the file.
    pub fn wrong(&self, what: &str) -> Error {
        Error::Model(format!("{}: {what}", self.path.display()))
    }
}
