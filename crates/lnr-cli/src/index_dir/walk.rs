// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::{DirEntry, Metadata};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::entry::Stamp;
use crate::console::Console;
use crate::exit::{Failure, Outcome};

/// Endings of files that LNR video may be in.
const LNR: [&str; 4] = ["lnr", "mp4", "mov", "m4v"];
/// Endings of other files that count as videos.
const VIDEO: [&str; 18] = [
    "mkv", "webm", "avi", "ts", "mts", "m2ts", "mpg", "mpeg", "ogv", "ogg", "flv", "wmv", "3gp",
    "3g2", "mxf", "vob", "y4m", "gif",
];

/// A video in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path from the folder on, with `/`.
    pub path: String,
    pub stamp: Stamp,
}

/// Whether a file of this name may hold LNR video.
pub fn may_hold_lnr(path: &str) -> bool {
    has_ending(path, &LNR)
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    let ending = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or("");
    endings.iter().any(|e| ending.eq_ignore_ascii_case(e))
}

/// The videos in `root` that lie at or below `start`, a path from there on that may be empty; in the order
/// of their paths. Hidden files and folders and links to folders are passed over. What cannot be read is a
/// warning.
///
/// # Errors
/// When `start` is not there, or the user asked to stop.
pub fn walk(root: &Path, start: &str, console: &Console) -> Outcome<Vec<Found>> {
    let first = root.join(start);
    let metadata = std::fs::metadata(&first).map_err(|e| Failure::input(&first, e))?;
    if !metadata.is_dir() {
        return Ok(vec![Found { path: start.to_owned(), stamp: stamp(&metadata) }]);
    }
    let (mut folders, mut found) = (vec![start.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        console.check()?;
        let path = root.join(&folder);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) => {
                console.warn(&format!("{}: {e}; the folder is left out", path.display()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let own = entry.file_name();
            let Some(own) = own.to_str() else {
                let path = entry.path();
                console.warn(&format!("{}: the name is not Unicode; left out", path.display()));
                continue;
            };
            if own.starts_with('.') {
                continue;
            }
            let path = if folder.is_empty() { own.to_owned() } else { format!("{folder}/{own}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(_) if has_ending(&path, &LNR) || has_ending(&path, &VIDEO) => {
                    found.extend(file(&entry).map(|m| Found { path, stamp: stamp(&m) }));
                }
                _ => {}
            }
        }
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// What is known of a regular file, or of one that a link leads to.
fn file(entry: &DirEntry) -> Option<Metadata> {
    let is_link = entry.file_type().ok()?.is_symlink();
    let metadata = if is_link { std::fs::metadata(entry.path()) } else { entry.metadata() };
    metadata.ok().filter(Metadata::is_file)
}

fn stamp(metadata: &Metadata) -> Stamp {
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
    Stamp { size: metadata.len(), modified: nanoseconds(modified) }
}

fn nanoseconds(time: SystemTime) -> i64 {
    let (sign, distance) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (1, after),
        Err(before) => (-1, before.duration()),
    };
    sign * i64::try_from(distance.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn videos_are_found_below_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b", "a/inner", ".hidden"] {
            std::fs::create_dir_all(path(name)).unwrap();
        }
        let names = ["z.LNR", "a/x.mp4", "a/inner/y.mkv", "a/t.txt", ".hidden/q.lnr", "b/.p.lnr"];
        for name in names {
            std::fs::write(path(name), name).unwrap();
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../a", path("b/circle")).unwrap();
            std::os::unix::fs::symlink("nowhere.lnr", path("dangling.lnr")).unwrap();
        }
        let console = Console::new(true, false);
        let names = |start: &str| {
            let found = walk(folder.path(), start, &console).unwrap();
            found.into_iter().map(|f| f.path).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["a/inner/y.mkv", "a/x.mp4", "z.LNR"]);
        assert_eq!(names("a/inner"), ["a/inner/y.mkv"]);
        assert_eq!(names("a/t.txt"), ["a/t.txt"]);
        assert_eq!(names("b"), [""; 0]);
        assert!(walk(folder.path(), "none", &console).is_err());
        let found = walk(folder.path(), "z.LNR", &console).unwrap();
        assert_eq!(found[0].stamp.size, 5);
        assert!(may_hold_lnr("A.MOV") && !may_hold_lnr("a.mkv") && !may_hold_lnr("lnr"));
    }

    #[test]
    fn times_before_1970_are_negative() {
        assert_eq!(nanoseconds(UNIX_EPOCH - Duration::from_nanos(5)), -5);
        assert_eq!(nanoseconds(UNIX_EPOCH + Duration::from_secs(2)), 2_000_000_000);
    }
}
