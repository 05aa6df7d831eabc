// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr export`: what frames mean, for other programs.

mod arrays;
mod records;
mod rows;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;

use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::numbers::parse_every;
use crate::output::{self, Place};
pub use rows::{Places, Row, Rows};

#[derive(clap::Args)]
pub struct ExportArgs {
    /// .lnr files that were encoded with --clip-model or --features, or .mp4 or .mov that hold such video.
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// A .npy array [n, dimensions], a .safetensors file, a flat FAISS index (.faiss or .index), or .jsonl
    /// records (`-`: to standard output).
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// A vector every so many seconds, instead of where the files store one.
    #[arg(long, value_parser = parse_every, conflicts_with = "frames")]
    pub every: Option<f64>,
    /// A vector for each frame.
    #[arg(long)]
    pub frames: bool,
    /// Which database .jsonl records are for.
    #[arg(long = "for", value_enum, default_value_t = Database::Plain, value_name = "DATABASE")]
    pub database: Database,
    /// Overwrite files that exist, also when standard input is a terminal.
    #[arg(long, short = 'y')]
    pub force: bool,
    /// Print the results as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Whose records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Database {
    /// id, file, start, time, end, space, vector.
    Plain,
    /// Points: id, vector, payload.
    Qdrant,
    /// The bodies of bulk requests: an action, then a document.
    Opensearch,
    /// Rows: id, vector, and further fields.
    Milvus,
    /// Tab-separated lines for COPY: id, file, start, time, end, vector.
    Pgvector,
}

/// Which form a file has, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Npy,
    Safetensors,
    Faiss,
    Records,
}

impl Form {
    fn of(path: &Path) -> Outcome<Self> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("npy") => Ok(Self::Npy),
            Some("safetensors") => Ok(Self::Safetensors),
            Some("faiss" | "index") => Ok(Self::Faiss),
            Some("jsonl" | "ndjson" | "tsv") => Ok(Self::Records),
            _ if path == Path::new("-") => Ok(Self::Records),
            _ => Err(Failure::output(
                path,
                "its ending says no form: choose .npy, .safetensors, .faiss, .jsonl or .tsv",
            )),
        }
    }
}

pub fn run(args: &ExportArgs, console: &Console) -> Outcome<()> {
    let form = Form::of(&args.output)?;
    let reads: Vec<&Path> = args.inputs.iter().map(PathBuf::as_path).collect();
    output::check_outputs(&reads, std::slice::from_ref(&args.output), args.force)?;
    let places = match (args.frames, args.every) {
        (true, _) => Places::Frames,
        (false, None) => Places::Nodes,
        (false, Some(every)) => Places::Every(every),
    };
    let rows = Rows::read(&reads, places, console)?;
    let (mut place, file) = Place::open(&args.output)?;
    let written = write(args, form, &rows, &file);
    written.map_err(|e| Failure::written(&args.output, e))?;
    place.keep()?;
    let (n, dim) = (rows.all.len(), rows.space.dim);
    let line = match args.json {
        true => json!({
            "vectors": n,
            "dimensions": dim,
            "space": rows.space.name,
            "fingerprint": rows.space.fingerprint_text(),
        })
        .to_string(),
        false => {
            let name = crate::exit::output_name(&args.output);
            format!("{name}: {n} vectors of {}", rows.space)
        }
    };
    console.report(&args.output, &line)
}

fn write(args: &ExportArgs, form: Form, rows: &Rows, file: &File) -> std::io::Result<()> {
    let mut out = BufWriter::new(file);
    match form {
        Form::Npy => lnr::align::write_npy(&mut out, rows.space.dim as usize, &rows.values())?,
        Form::Safetensors => arrays::write_safetensors(&mut out, rows)?,
        Form::Faiss => arrays::write_faiss(&mut out, rows)?,
        Form::Records => records::write(&mut out, rows, args.database)?,
    }
    out.flush()
}
