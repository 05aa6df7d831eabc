// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes the index of a folder: the list of its files, JSON line by line, and one safetensors file, which
//! names the list and so makes both current at once.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::rows::{FolderIndex, SpaceRows, key_of};
use crate::exit::{Failure, Outcome};
use crate::output::Place;
use crate::tensors::{TensorInfo, header};

/// The file that makes a folder one that has an index.
pub const NAME: &str = ".lnr-index.safetensors";
/// What the file says of itself, so that it is known from others.
pub const FORMAT: &str = "lnr folder index";
/// Rises with every change that older versions cannot read.
pub const VERSION: &str = "1";

/// Name of a list of files with this checksum.
pub fn list_name(sum: u32) -> String {
    format!(".lnr-index-{sum:08x}.jsonl")
}

/// One tensor of the file.
struct Tensor<'a> {
    name: String,
    kind: &'static str,
    shape: Vec<usize>,
    bytes: std::borrow::Cow<'a, [u8]>,
}

impl Tensor<'_> {
    fn info(&self) -> TensorInfo<'_> {
        let Self { name, kind, shape, bytes } = self;
        TensorInfo { name, kind, shape: shape.clone(), n_bytes: bytes.len() }
    }
}

/// Writes `index` in the place of what the folder has. Nothing is lost when it ends half way.
///
/// # Errors
/// When the folder cannot be written to.
pub fn save(folder: &Path, index: &FolderIndex) -> Outcome<()> {
    let mut list = Vec::new();
    for entry in &index.entries {
        list.extend(entry.to_json().to_string().into_bytes());
        list.push(b'\n');
    }
    let list_name = list_name(crc32c::crc32c(&list));
    write(&folder.join(&list_name), |out| out.write_all(&list))?;

    let tensors = tensors(&index.spaces);
    let mut notes = Map::new();
    let sum = tensors.iter().fold(0, |sum, t| crc32c::crc32c_append(sum, &t.bytes));
    for (name, value) in [
        ("format", FORMAT.to_owned()),
        ("version", VERSION.to_owned()),
        ("files", list_name.clone()),
        ("sum", format!("{sum:08x}")),
    ] {
        notes.insert(name.to_owned(), json!(value));
    }
    for rows in &index.spaces {
        notes.insert(format!("space:{}", key_of(&rows.space)), json!(rows.space.name));
    }
    let infos = tensors.iter().map(Tensor::info);
    let header = header(infos, Value::Object(notes));
    write(&folder.join(NAME), |out| {
        out.write_all(&header)?;
        tensors.iter().try_for_each(|t| out.write_all(&t.bytes))
    })?;
    sweep(folder, &list_name);
    Ok(())
}

fn write(path: &Path, content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Outcome<()> {
    let (mut place, file) = Place::open(path)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let written = content(&mut out).and_then(|()| out.flush());
    written.map_err(|e| Failure::output(path, e))?;
    place.keep()
}

/// Wider numbers first, so that each tensor's lie at a multiple of their size.
fn tensors(spaces: &[SpaceRows]) -> Vec<Tensor<'_>> {
    let mut all = Vec::new();
    let mut add = |rows: &SpaceRows, name, kind, more: &[usize], bytes| {
        let shape = [&[rows.n()], more].concat();
        all.push(Tensor { name: format!("{}/{name}", key_of(&rows.space)), kind, shape, bytes });
    };
    for rows in spaces {
        let bytes = rows.times.iter().flatten().flat_map(|t| t.to_le_bytes()).collect::<Vec<u8>>();
        add(rows, "times", "F64", &[3], bytes.into());
    }
    for rows in spaces {
        let bytes = rows.scales.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>();
        add(rows, "scales", "F32", &[], bytes.into());
        let bytes = rows.files.iter().flat_map(|f| f.to_le_bytes()).collect::<Vec<u8>>();
        add(rows, "files", "U32", &[], bytes.into());
    }
    for rows in spaces {
        add(rows, "vectors", "I8", &[rows.dim()], rows.vectors.as_slice().into());
    }
    all
}

/// Removes lists that nothing names any more, and what killed runs left. Only one process writes here.
fn sweep(folder: &Path, list_name: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_old = name.starts_with(".lnr-index-") && name.ends_with(".jsonl");
        let is_draft = name.starts_with("..lnr-index") && name.ends_with(".part");
        if (is_old && name != list_name) || is_draft {
            // What stays takes some room, no more.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
