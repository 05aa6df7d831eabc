// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is searched: the rows of a folder's index whose files are as they were, and what other files say
//! themselves.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use lnr::align::Space;
use rayon::prelude::*;

use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::index_dir::{
    self, Entry, Found, SpaceRows, Stored, key_of, may_hold_lnr, rows_of, walk,
};

/// Stands for files that are not searched.
pub const NO_FILE: u32 = u32::MAX;

/// A file that is searched.
pub struct SearchedFile {
    /// As the user would name it.
    pub path: PathBuf,
    /// Keys of the spaces that it has vectors of.
    spaces: Vec<String>,
}

/// All that is searched.
pub struct Corpus {
    pub files: Vec<SearchedFile>,
    /// The index, and the number in `files` of each of its files.
    pub stored: Option<(Stored, Vec<u32>)>,
    /// Rows of files that no index knows; their files are numbers in `files`.
    pub read: Vec<SpaceRows>,
    /// Files that are newer than the index, or not in it.
    pub n_newer: usize,
}

/// Where the index of a place is: the folder that has it, or would have it, and the path from there to the
/// place.
fn locate(place: &Path) -> Outcome<(PathBuf, String)> {
    let fail = |e| Failure::input(place, e);
    let whole = place.canonicalize().map_err(fail)?;
    let folder = if whole.is_dir() { whole.as_path() } else { whole.parent().unwrap_or(&whole) };
    let indexed = folder.ancestors().find(|f| f.join(index_dir::NAME).is_file());
    let root = indexed.unwrap_or(folder);
    let rest = whole.strip_prefix(root).unwrap_or(Path::new(""));
    let rest = rest.to_str().ok_or_else(|| Failure::input(place, "its name is not Unicode"))?;
    Ok((root.to_owned(), rest.replace(std::path::MAIN_SEPARATOR, "/")))
}

/// Whether a file lies at or below a place; both are paths from one folder on.
fn lies_in(path: &str, place: &str) -> bool {
    let rest = path.strip_prefix(place);
    place.is_empty() || rest.is_some_and(|r| r.is_empty() || r.starts_with('/'))
}

/// How the user would name a file of the folder, who named `place`, which lies at `start` in the folder.
fn named(place: &Path, start: &str, path: &str) -> PathBuf {
    let rest = path.strip_prefix(start).unwrap_or(path).trim_start_matches('/');
    match rest {
        "" => place.to_owned(),
        _ if place == Path::new(".") => rest.into(),
        _ => place.join(rest),
    }
}

impl Corpus {
    /// Looks for what there is at a place.
    ///
    /// # Errors
    /// When the place is not there or the user asked to stop.
    pub fn open(place: &Path, console: &Console) -> Outcome<Self> {
        let (root, start) = locate(place)?;
        let (stored, found) = rayon::join(|| Stored::open(&root), || walk(&root, &start, console));
        let found = found?;
        let stored = stored.unwrap_or_else(|cause| {
            let path = root.join(index_dir::NAME);
            let cure = "files are read instead; lnr index makes it anew";
            console.warn(&format!("{}: {cause}; {cure}", path.display()));
            None
        });
        let mut corpus = Self { files: Vec::new(), stored: None, read: Vec::new(), n_newer: 0 };
        let name = |path: &str| named(place, &start, path);
        let mut known = HashSet::new();
        if let Some(stored) = stored {
            let stamps: HashMap<&str, &Found> = found.iter().map(|f| (&f.path[..], f)).collect();
            let is_current = |e: &Entry| {
                lies_in(&e.path, &start)
                    && stamps.get(&e.path[..]).is_some_and(|f| f.stamp == e.stamp)
            };
            let mut numbers = vec![NO_FILE; stored.entries.len()];
            for (number, entry) in numbers.iter_mut().zip(&stored.entries) {
                if is_current(entry) {
                    *number = corpus.files.len() as u32;
                    let (path, spaces) = (name(&entry.path), entry.spaces.clone());
                    corpus.files.push(SearchedFile { path, spaces });
                    known.insert(entry.path.clone());
                }
            }
            corpus.stored = Some((stored, numbers));
        }
        let new: Vec<&Found> = found
            .iter()
            // Who names a file knows what it is, whatever it is called.
            .filter(|f| may_hold_lnr(&f.path) || f.path == start)
            .filter(|f| !known.contains(&f.path))
            .collect();
        if corpus.stored.is_some() && !new.is_empty() {
            corpus.n_newer = new.len();
            let (n, root) = (text_of(new.len()), root.display());
            console.tell(&format!("{n} newer than the index of {root}, and read themselves"));
        }
        corpus.read(&root, &new, &name, console)?;
        Ok(corpus)
    }

    fn read(
        &mut self,
        root: &Path,
        files: &[&Found],
        name: &(dyn Fn(&str) -> PathBuf + Sync),
        console: &Console,
    ) -> Outcome<()> {
        let read = |f: &&Found| index_dir::read_file(root, f, None, console);
        let results: Vec<_> = files.par_iter().map(read).collect();
        for (found, result) in files.iter().zip(results) {
            let read = match result {
                // One file costs nothing but itself.
                Err(f) if !matches!(f.code, Code::Interrupted | Code::Output) => {
                    console.warn(&f.message);
                    continue;
                }
                result => result?,
            };
            let path = name(&found.path);
            if let Some(cause) = &read.entry.damage {
                console.warn(&format!("{}: {cause}", path.display()));
            }
            let number = self.files.len() as u32;
            self.files.push(SearchedFile { path, spaces: read.entry.spaces });
            for rows in &read.rows {
                rows_of(&mut self.read, &rows.space).append(rows, 0..rows.n(), number);
            }
        }
        Ok(())
    }

    /// The spaces that there are vectors of, that of most files first.
    pub fn spaces(&self) -> Vec<&Space> {
        let stored = self.stored.iter().flat_map(|(s, _)| s.sections.iter().map(|s| &s.space));
        let mut spaces: Vec<&Space> = Vec::new();
        for space in stored.chain(self.read.iter().map(|r| &r.space)) {
            if !spaces.iter().any(|s| key_of(s) == key_of(space)) && self.n_files(space) > 0 {
                spaces.push(space);
            }
        }
        spaces.sort_by_key(|s| std::cmp::Reverse(self.n_files(s)));
        spaces
    }

    /// Files that have vectors of a space.
    pub fn n_files(&self, space: &Space) -> usize {
        let key = key_of(space);
        self.files.iter().filter(|f| f.spaces.contains(&key)).count()
    }

    /// Files that have vectors, but none of this space.
    pub fn n_others(&self, space: &Space) -> usize {
        let key = key_of(space);
        let is_other = |f: &&SearchedFile| !f.spaces.is_empty() && !f.spaces.contains(&key);
        self.files.iter().filter(is_other).count()
    }
}

fn text_of(n: usize) -> String {
    match n {
        1 => "1 file is".into(),
        _ => format!("{n} files are"),
    }
}

/// The vector that an index has of a moment of a file, where it knows the file as it is, and its space.
///
/// # Errors
/// When the file is not there, or its index cannot be read.
pub fn indexed(file: &Path, time: f64, console: &Console) -> Outcome<Option<(Vec<f32>, Space)>> {
    let (root, path) = locate(file)?;
    let damaged = |cause: String| Failure::damaged(&root.join(index_dir::NAME), cause);
    let Some(stored) = Stored::open(&root).map_err(damaged)? else { return Ok(None) };
    let found = walk(&root, &path, console)?;
    let is_it = |e: &Entry| found.iter().any(|f| f.path == e.path && f.stamp == e.stamp);
    let Some(number) = stored.entries.iter().position(is_it) else { return Ok(None) };
    for section in &stored.sections {
        let mut rows = stored.places(section).map_err(damaged)?;
        let span = rows.of_files().find(|(file, _)| *file as usize == number);
        let Some((_, span)) = span else { continue };
        let is_later = |row: &usize| rows.times[*row][0] > time;
        let row = span.clone().find(is_later).unwrap_or(span.end).max(span.start + 1) - 1;
        rows.vectors = vec![0; rows.dim()];
        stored.vectors(section, row, &mut rows.vectors).map_err(damaged)?;
        rows.scales = vec![rows.scales[row]];
        return Ok(Some((rows.vector(0), section.space.clone())));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_the_user_does() {
        for (place, start, path, expected) in [
            (".", "", "a/b.lnr", "a/b.lnr"),
            ("videos", "", "b.lnr", "videos/b.lnr"),
            ("../x/sub", "sub", "sub/b.lnr", "../x/sub/b.lnr"),
            ("sub/b.lnr", "sub/b.lnr", "sub/b.lnr", "sub/b.lnr"),
        ] {
            assert_eq!(named(Path::new(place), start, path), Path::new(expected));
            assert!(lies_in(path, start));
        }
        assert!(!lies_in("subway/b.lnr", "sub") && !lies_in("a/sub/b.lnr", "sub"));
    }
}
