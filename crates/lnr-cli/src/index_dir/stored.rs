// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the index of a folder. The files are the truth: an index that cannot be read is none.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use lnr::align::Space;
use serde_json::Value;

use super::entry::Entry;
use super::rows::{FolderIndex, SpaceRows, key_of};
use super::save::{FORMAT, NAME, VERSION, list_name};

/// Longest header in bytes: four tensors for each space, of which folders have one or two.
const MAX_HEADER: u64 = 1 << 20;
/// How often opening begins again when the list of files has gone meanwhile, because another process wrote
/// the index anew.
const TRIES: u32 = 3;

/// Why there is no index.
type Cause = String;

/// The index of a folder, of which the rows are still in the file.
pub struct Stored {
    pub entries: Vec<Entry>,
    pub sections: Vec<Section>,
    file: File,
    /// CRC-32C of all values.
    sum: u32,
    /// Where the values begin, and how many bytes there are.
    start: u64,
    n_bytes: u64,
}

/// The rows of one space: where their parts begin in the file.
#[derive(Clone)]
pub struct Section {
    pub space: Space,
    pub n: usize,
    vectors: u64,
    scales: u64,
    times: u64,
    files: u64,
}

impl Stored {
    /// None where the folder has no index.
    ///
    /// # Errors
    /// Why the index cannot be read.
    pub fn open(folder: &Path) -> Result<Option<Self>, Cause> {
        let mut tries = 1;
        loop {
            match Self::open_once(folder) {
                Err((_, true)) if tries < TRIES => tries += 1,
                result => return result.map_err(|(cause, _)| cause),
            }
        }
    }

    /// Errors say whether it was the list that is missing.
    fn open_once(folder: &Path) -> Result<Option<Self>, (Cause, bool)> {
        let mut file = match File::open(folder.join(NAME)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err((e.to_string(), false)),
        };
        let (header, start, n_bytes) = read_header(&mut file).map_err(|c| (c, false))?;
        let list = list_of(&header).map_err(|c| (c, false))?;
        let text = std::fs::read(folder.join(&list));
        let text =
            text.map_err(|e| (format!("{list}: {e}"), e.kind() == io::ErrorKind::NotFound))?;
        let parse = || {
            if list_name(crc32c::crc32c(&text)) != list {
                return Err(format!("{list} is damaged"));
            }
            let text = String::from_utf8(text).map_err(|e| e.to_string())?;
            let entries = text.lines().map(Entry::from_json).collect::<Option<_>>();
            let entries = entries.ok_or_else(|| format!("{list} is damaged"))?;
            let sections = sections(&header, start, n_bytes)?;
            let sum = header["__metadata__"]["sum"].as_str().unwrap_or("");
            let sum = u32::from_str_radix(sum, 16).map_err(|_| "it has no checksum")?;
            Ok(Some(Self { entries, sections, file, sum, start, n_bytes }))
        };
        parse().map_err(|cause| (cause, false))
    }

    /// Whether the values are those that were written.
    ///
    /// # Errors
    /// Why they are not.
    pub fn check(&self) -> Result<(), Cause> {
        /// Bytes that are read at once.
        const BLOCK: u64 = 1 << 20;
        let (mut at, mut sum) = (0, 0);
        while at < self.n_bytes {
            let mut bytes = vec![0; BLOCK.min(self.n_bytes - at) as usize];
            read_at(&self.file, self.start + at, &mut bytes).map_err(|e| e.to_string())?;
            sum = crc32c::crc32c_append(sum, &bytes);
            at += bytes.len() as u64;
        }
        match sum == self.sum {
            true => Ok(()),
            false => Err("its checksum does not match".into()),
        }
    }

    /// Everything that the index holds, once it was [checked](Stored::check).
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn load(self) -> Result<FolderIndex, Cause> {
        let mut spaces = Vec::new();
        for section in &self.sections {
            let mut rows = self.places(section)?;
            rows.vectors = vec![0; section.n * rows.dim()];
            self.vectors(section, 0, &mut rows.vectors)?;
            spaces.push(rows);
        }
        Ok(FolderIndex { entries: self.entries, spaces })
    }

    /// Rows without their vectors.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub fn places(&self, section: &Section) -> Result<SpaceRows, Cause> {
        let n = section.n;
        let read = |at: u64, size: usize| {
            let mut bytes = vec![0; n * size];
            read_at(&self.file, at, &mut bytes).map(|()| bytes).map_err(|e| e.to_string())
        };
        let times = read(section.times, 24)?;
        let time = |bytes: &[u8; 24]| {
            let all = bytes.as_chunks::<8>().0;
            std::array::from_fn(|i| f64::from_le_bytes(all[i]))
        };
        let times = times.as_chunks().0.iter().map(time).collect();
        let scales = read(section.scales, 4)?;
        let scales = scales.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let files = read(section.files, 4)?;
        let files: Vec<u32> = files.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        if files.iter().any(|f| *f as usize >= self.entries.len()) {
            return Err("it has rows of a file that it does not name".into());
        }
        Ok(SpaceRows { space: section.space.clone(), vectors: Vec::new(), scales, times, files })
    }

    /// The vectors from row `first` on, as many as fit. out: [rows, dim] i8
    ///
    /// # Errors
    /// Why they cannot be read.
    pub fn vectors(&self, section: &Section, first: usize, out: &mut [u8]) -> Result<(), Cause> {
        let at = section.vectors + first as u64 * u64::from(section.space.dim);
        read_at(&self.file, at, out).map_err(|e| e.to_string())
    }
}

/// Reads from a place of a file, whoever else reads from it.
#[cfg(unix)]
fn read_at(file: &File, at: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, at)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, at: u64, out: &mut [u8]) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(out)
}

/// The header, where the values begin, and their bytes.
fn read_header(file: &mut File) -> Result<(Value, u64, u64), Cause> {
    let cut = || "it is cut off, or no safetensors file".to_owned();
    let len = file.metadata().map_err(|e| e.to_string())?.len();
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(|_| cut())?;
    let size = u64::from_le_bytes(size);
    if size > MAX_HEADER.min(len - 8) {
        return Err(cut());
    }
    let mut header = vec![0; size as usize];
    file.read_exact(&mut header).map_err(|_| cut())?;
    let header: Value = serde_json::from_slice(&header).map_err(|_| cut())?;
    Ok((header, 8 + size, len - 8 - size))
}

/// The name of the list of files.
fn list_of(header: &Value) -> Result<String, Cause> {
    let notes = &header["__metadata__"];
    if notes["format"] != FORMAT {
        return Err("it is no index of a folder".into());
    }
    if notes["version"] != VERSION {
        return Err("another version of lnr made it".into());
    }
    let list = notes["files"].as_str().unwrap_or("");
    let sum = list.strip_prefix(".lnr-index-").and_then(|l| l.strip_suffix(".jsonl"));
    let sum = sum.and_then(|s| u32::from_str_radix(s, 16).ok());
    let name = sum.map(list_name).filter(|name| name == list);
    name.ok_or_else(|| "it names no list of files".into())
}

fn sections(header: &Value, start: u64, n_bytes: u64) -> Result<Vec<Section>, Cause> {
    let damaged = || "its header is damaged".to_owned();
    let notes = header["__metadata__"].as_object().ok_or_else(damaged)?;
    // Parts that lay over each other would be read as often as they are named.
    let (mut sections, mut total) = (Vec::new(), 0u64);
    for (note, name) in notes {
        let Some(key) = note.strip_prefix("space:") else { continue };
        let mut part = |name: &str, kind: &str, size: u64, shape: &[u64]| {
            let info = &header[format!("{key}/{name}")];
            let has_shape = info["shape"].as_array().is_some_and(|s| s == shape);
            let offset = |i: usize| info["data_offsets"][i].as_u64();
            let (from, to) = offset(0).zip(offset(1)).ok_or_else(damaged)?;
            let n_bytes = shape.iter().try_fold(size, |n, side| n.checked_mul(*side));
            if info["dtype"] != kind || !has_shape || to.checked_sub(from) != n_bytes {
                return Err(damaged());
            }
            total = total.saturating_add(to - from);
            start.checked_add(from).ok_or_else(damaged)
        };
        let n = header[format!("{key}/scales")]["shape"][0].as_u64().ok_or_else(damaged)?;
        let space = space_of(key, name.as_str().unwrap_or("")).ok_or_else(damaged)?;
        sections.push(Section {
            n: usize::try_from(n).map_err(|_| damaged())?,
            times: part("times", "F64", 8, &[n, 3])?,
            scales: part("scales", "F32", 4, &[n])?,
            files: part("files", "U32", 4, &[n])?,
            vectors: part("vectors", "I8", 1, &[n, u64::from(space.dim)])?,
            space,
        });
    }
    match total == n_bytes {
        true => Ok(sections),
        false => Err(format!("it has {n_bytes} bytes of values, its header promises {total}")),
    }
}

fn space_of(key: &str, name: &str) -> Option<Space> {
    let (digits, dim) = key.split_once('-')?;
    let mut fingerprint = [0; 8];
    for (i, byte) in fingerprint.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    let space = Space::new(name, fingerprint, dim.parse().ok()?).ok()?;
    (key_of(&space) == key).then_some(space)
}
