// SPDX-License-Identifier: MIT OR Apache-2.0
//! Brings the index of a folder up to date.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde_json::json;

use super::args::IndexArgs;
use super::entry::Entry;
use super::read::{FileRead, Looker, read_file};
use super::rows::{FolderIndex, key_of};
use super::save::{NAME, save};
use super::stored::Stored;
use super::walk::{Found, may_hold_lnr, walk};
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::text;

/// How long work may take, and how many files may be read, before the index is written.
const CHECKPOINT: Duration = Duration::from_secs(10);
const CHECKPOINT_FILES: usize = 2000;
/// So many times as long as writing the index takes is read in between.
const READING_PER_WRITING: u32 = 10;
/// Files that are read side by side before the next ones begin: many for each core, and soon done.
const BATCH: usize = 64;

pub fn run(args: &IndexArgs, console: &Console) -> Outcome<()> {
    let begin = Instant::now();
    let folder = args.dir.as_path();
    if !folder.is_dir() {
        return Err(Failure::input(folder, "not a folder; lnr index takes one"));
    }
    let _lock = lock(folder)?;
    let looker = args.embed.as_deref().map(|m| Looker::open(m, args.every, args.compute));
    let looker = looker.transpose()?;
    let found = walk(folder, "", console)?;
    let mut old = Stored::open(folder);
    if let Ok(Some(stored)) = &old
        && let Err(cause) = stored.check()
    {
        old = Err(cause);
    }
    let mut plan = plan(old.as_ref().ok().and_then(Option::as_ref), &found, looker.as_ref());
    if plan.is_done() && matches!(old, Ok(Some(_))) {
        let Ok(Some(stored)) = &old else { return Ok(()) };
        let spaces = stored.sections.iter().map(|s| (key_of(&s.space), s.n)).collect();
        return report(args, &stored.entries, spaces, (&plan, 0, begin), console);
    }
    let mut index = FolderIndex::default();
    if let Ok(Some(stored)) = old {
        match stored.load() {
            Ok(loaded) => {
                plan.keep(loaded, &mut index);
                old = Ok(None);
            }
            Err(cause) => {
                plan = self::plan(None, &found, looker.as_ref());
                old = Err(cause);
            }
        }
    }
    if let Err(cause) = &old {
        let path = folder.join(NAME);
        console.warn(&format!("{}: {cause}; it is made anew", path.display()));
    }
    let mut work = Work { folder, console, looker: looker.as_ref(), index, n_new: 0, n_done: 0 };
    console.start(Some(plan.to_read.len() as u64));
    let result = work.read(&plan.to_read);
    console.stop();
    // What was read is kept, whatever ended it.
    save(folder, &work.index)?;
    result.map_err(|f| match f.code {
        Code::Interrupted => Failure::interrupted(format!(
            "interrupted; the index holds {} files, and goes on there next time",
            work.index.entries.len()
        )),
        _ => f,
    })?;
    let spaces = work.index.spaces.iter().map(|s| (key_of(&s.space), s.n())).collect();
    report(args, &work.index.entries, spaces, (&plan, work.n_done, begin), console)
}

/// Keeps other processes from writing the index of the same folder, as long as it is held. Where folders
/// cannot be locked, as on some network disks, nothing does.
fn lock(folder: &Path) -> Outcome<Option<File>> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Failure::output(&folder.join(NAME), "another lnr index is at work here"))
        }
        Err(std::fs::TryLockError::Error(_)) => Ok(None),
    }
}

/// What there is to do.
struct Plan<'a> {
    /// Numbers of the entries that stay as they are.
    kept: Vec<usize>,
    to_read: Vec<&'a Found>,
    /// Entries of files that are not there any more.
    n_gone: usize,
}

fn plan<'a>(old: Option<&Stored>, found: &'a [Found], looker: Option<&Looker>) -> Plan<'a> {
    let entries = old.map_or(&[][..], |o| &o.entries);
    let by_path: HashMap<&str, usize> =
        entries.iter().enumerate().map(|(i, e)| (e.path.as_str(), i)).collect();
    let looked = looker.map(Looker::looked);
    let (mut kept, mut to_read, mut n_there) = (Vec::new(), Vec::new(), 0);
    for file in found {
        let number = by_path.get(file.path.as_str()).copied();
        n_there += usize::from(number.is_some());
        let is_as_wanted = |e: &Entry| {
            // Whatever a model saw stays, unless another look is asked for.
            let says_it_itself = e.looked.is_none() && !e.spaces.is_empty();
            looked.is_none() || says_it_itself || e.looked == looked
        };
        match number.filter(|i| entries[*i].stamp == file.stamp && is_as_wanted(&entries[*i])) {
            Some(number) => kept.push(number),
            None if may_hold_lnr(&file.path) || looked.is_some() => to_read.push(file),
            // It was looked at, and has changed: without the model there is nothing to say of it.
            None => n_there -= usize::from(number.is_some()),
        }
    }
    Plan { kept, to_read, n_gone: entries.len() - n_there }
}

impl Plan<'_> {
    fn is_done(&self) -> bool {
        self.to_read.is_empty() && self.n_gone == 0
    }

    /// Puts what stays of `old` into `index`.
    fn keep(&self, old: FolderIndex, index: &mut FolderIndex) {
        let mut rows = vec![Vec::new(); old.entries.len()];
        for space in &old.spaces {
            for (file, range) in space.of_files() {
                rows[file as usize].push((space, range));
            }
        }
        for &number in &self.kept {
            index.add(old.entries[number].clone(), rows[number].drain(..));
        }
    }
}

struct Work<'a> {
    folder: &'a Path,
    console: &'a Console,
    looker: Option<&'a Looker>,
    index: FolderIndex,
    /// Files since the index was written.
    n_new: usize,
    /// Files that were read.
    n_done: usize,
}

impl Work<'_> {
    fn read(&mut self, files: &[&Found]) -> Outcome<()> {
        // A model and the decoder before it use all cores for one video.
        let takes_long = |f: &Found| self.looker.is_some() && !f.path.ends_with(".lnr");
        let batches = files.chunk_by(|a, b| !takes_long(a) && !takes_long(b));
        let batches = batches.flat_map(|b| b.chunks(BATCH)).collect::<Vec<_>>();
        let (mut written, mut pause) = (Instant::now(), CHECKPOINT);
        for batch in batches {
            let (folder, looker, console) = (self.folder, self.looker, self.console);
            let read = |found: &&Found| read_file(folder, found, looker, console);
            let results: Vec<_> = match batch {
                [one] => vec![read(one)],
                many => many.par_iter().map(read).collect(),
            };
            for (found, result) in batch.iter().zip(results) {
                self.take(found, result)?;
            }
            if self.n_new >= CHECKPOINT_FILES || (self.n_new > 0 && written.elapsed() >= pause) {
                let begin = Instant::now();
                save(self.folder, &self.index)?;
                written = Instant::now();
                pause = CHECKPOINT.max((written - begin) * READING_PER_WRITING);
                self.n_new = 0;
                self.console.log(&format!("{} files so far", self.n_done));
            }
        }
        Ok(())
    }

    fn take(&mut self, found: &Found, result: Outcome<FileRead>) -> Outcome<()> {
        self.n_done += 1;
        self.console.advance(self.n_done as f64, found.path.clone());
        match result {
            Ok(read) => {
                self.n_new += 1;
                if let Some(cause) = &read.entry.damage {
                    let path = self.folder.join(&found.path);
                    self.console.warn(&format!("{}: {cause}", path.display()));
                }
                self.index.add(read.entry, read.rows.iter().map(|r| (r, 0..r.n())));
                Ok(())
            }
            Err(failure) if !matches!(failure.code, Code::Interrupted | Code::Output) => {
                // Perhaps it can be read next time.
                self.console.warn(&format!("{}; it is left out", failure.message));
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }
}

fn report(
    args: &IndexArgs,
    entries: &[Entry],
    spaces: Vec<(String, usize)>,
    (plan, n_read, begin): (&Plan, usize, Instant),
    console: &Console,
) -> Outcome<()> {
    let seconds = begin.elapsed().as_secs_f64();
    let n_silent = entries.iter().filter(|e| e.spaces.is_empty()).count();
    let n_damaged = entries.iter().filter(|e| e.damage.is_some()).count();
    let n_rows: usize = spaces.iter().map(|s| s.1).sum();
    let (n, kept, gone) = (entries.len(), plan.kept.len(), plan.n_gone);
    if args.json {
        let rate = n_read as f64 / seconds.max(1e-9);
        let of_space = |(key, rows): &(String, usize)| {
            let files = entries.iter().filter(|e| e.spaces.contains(key)).count();
            json!({ "space": key, "rows": rows, "files": files })
        };
        let object = json!({
            "files": n,
            "read": n_read,
            "kept": kept,
            "gone": gone,
            "silent": n_silent,
            "damaged": n_damaged,
            "rows": n_rows,
            "spaces": spaces.iter().map(of_space).collect::<Vec<_>>(),
            "seconds": text::rounded(seconds, 3),
            "files_s": text::rounded(rate, 1),
        });
        return console.print(&object.to_string());
    }
    let mut line = format!(
        "{}: {n} files, {n_rows} vectors; {n_read} read, {kept} as they were, {gone} gone, {seconds:.1} s",
        args.dir.display()
    );
    if n_silent > 0 {
        line += &format!(
            "\n{n_silent} of them do not say what they mean (--embed MODEL looks at them)"
        );
    }
    if n_damaged > 0 {
        line += &format!("\n{n_damaged} of them are damaged");
    }
    console.print(&line)
}
