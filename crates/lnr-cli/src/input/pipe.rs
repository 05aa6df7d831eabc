// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inputs whose bytes come once: standard input, named pipes, `/dev/fd/63`, devices. Each is opened
//! once in the life of the process, and what was read of it is kept: its first bytes, or a copy in a
//! temporary file for those who read it more than once.

use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempPath;

use super::reader::Reader;
use crate::exit::{Failure, Outcome};
use crate::{scratch, standard};

/// Bytes that are looked at to tell what it is.
pub const START: usize = 12;

static PIPES: Mutex<Vec<(PathBuf, State)>> = Mutex::new(Vec::new());

enum State {
    /// The first bytes were read.
    Opened {
        start: Vec<u8>,
        rest: Reader,
    },
    /// A reader has it, which counts the bytes.
    Taken(Arc<AtomicU64>),
    Copied(TempPath),
}

/// Reads a pipe from its first byte on.
pub struct Pipe {
    start: Cursor<Vec<u8>>,
    rest: Reader,
    n_read: Arc<AtomicU64>,
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = match self.start.read(out)? {
            0 => self.rest.read(out)?,
            n => n,
        };
        self.n_read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// Whether the bytes of `path` come once.
pub fn is_pipe(path: &Path) -> bool {
    let is_special = |m: std::fs::Metadata| !m.is_file() && !m.is_dir();
    path == Path::new("-") || std::fs::metadata(path).is_ok_and(is_special)
}

/// The first [`START`] bytes, fewer where there are no more.
///
/// # Errors
/// When it cannot be read, or has been taken.
pub fn start(path: &Path) -> Outcome<Vec<u8>> {
    let mut pipes = pipes();
    match opened(&mut pipes, path)? {
        State::Opened { start, .. } => Ok(start.clone()),
        State::Taken(_) => Err(taken(path)),
        State::Copied(copy) => {
            let mut start = Vec::new();
            let read = File::open(copy).and_then(|f| f.take(START as u64).read_to_end(&mut start));
            read.map(|_| start).map_err(|e| Failure::input(path, e))
        }
    }
}

/// All its bytes, for a single reader.
///
/// # Errors
/// When it cannot be read, or has been taken.
pub fn take(path: &Path) -> Outcome<Pipe> {
    let mut pipes = pipes();
    let state = opened(&mut pipes, path)?;
    let n_read = Arc::new(AtomicU64::new(0));
    match std::mem::replace(state, State::Taken(n_read.clone())) {
        State::Opened { start, rest } => Ok(Pipe { start: Cursor::new(start), rest, n_read }),
        State::Taken(old) => {
            *state = State::Taken(old);
            Err(taken(path))
        }
        State::Copied(copy) => {
            let rest = Reader::open(&copy);
            *state = State::Copied(copy);
            Ok(Pipe { start: Cursor::default(), rest, n_read })
        }
    }
}

/// A file with its bytes: reads it to its end at the first call.
///
/// # Errors
/// When it cannot be read, has been taken, or finds no room.
pub fn copied(path: &Path) -> Outcome<PathBuf> {
    if let Some((_, State::Copied(copy))) = pipes().iter().find(|(p, _)| p == path) {
        return Ok(copy.to_path_buf());
    }
    let mut pipe = take(path)?;
    let folder = std::env::temp_dir();
    let no_room = |e: io::Error| {
        let folder = folder.display();
        let cause = format!("no copy of it can be made in {folder}: {e}; save it to a file first");
        Failure::input(path, cause)
    };
    let file = tempfile::Builder::new().prefix(".lnr-").tempfile_in(&folder).map_err(no_room)?;
    let (mut file, copy) = file.into_parts();
    scratch::remember(&copy);
    io::copy(&mut pipe, &mut file).map_err(no_room)?;
    let place = copy.to_path_buf();
    pipes().retain(|(p, _)| p != path);
    pipes().push((path.to_owned(), State::Copied(copy)));
    Ok(place)
}

/// Whether there is a copy already.
#[cfg(feature = "gstreamer")]
pub fn is_copied(path: &Path) -> bool {
    pipes().iter().any(|(p, state)| p == path && matches!(state, State::Copied(_)))
}

/// Bytes of it: those that were read where there is no copy.
///
/// # Errors
/// When the copy is lost.
pub fn n_bytes(path: &Path) -> Outcome<u64> {
    match pipes().iter().find(|(p, _)| p == path) {
        Some((_, State::Taken(n))) => Ok(n.load(Ordering::Relaxed)),
        Some((_, State::Copied(copy))) => match std::fs::metadata(copy) {
            Ok(metadata) => Ok(metadata.len()),
            Err(e) => Err(Failure::input(path, e)),
        },
        _ => Ok(0),
    }
}

/// Removes all copies.
pub fn forget_all() {
    for (_, state) in pipes().drain(..) {
        if let State::Copied(copy) = state {
            scratch::forget(&copy);
            // Dropping the path removes the file.
        }
    }
}

fn pipes() -> MutexGuard<'static, Vec<(PathBuf, State)>> {
    PIPES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn opened<'a>(pipes: &'a mut Vec<(PathBuf, State)>, path: &Path) -> Outcome<&'a mut State> {
    let known = pipes.iter().position(|(p, _)| p == path);
    let at = match known {
        Some(at) => at,
        None => {
            pipes.push((path.to_owned(), open(path)?));
            pipes.len() - 1
        }
    };
    Ok(&mut pipes[at].1)
}

fn open(path: &Path) -> Outcome<State> {
    let name = path.to_owned();
    let mut rest = Reader::start(move || {
        let file = match name == Path::new("-") {
            true => standard::input(),
            false => File::open(name),
        }?;
        match file.is_terminal() {
            true => Err(io::Error::other("a terminal, not a video; name a file or use a pipe")),
            false => Ok(file),
        }
    });
    let mut start = Vec::new();
    let read = (&mut rest).take(START as u64).read_to_end(&mut start);
    read.map_err(|e| Failure::input(path, e))?;
    Ok(State::Opened { start, rest })
}

fn taken(path: &Path) -> Failure {
    Failure::input(path, "it can be read once, and is named twice; save it to a file first")
}
