// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must not be overwritten: inputs never, other files of a user who sits at a terminal only with
//! his consent.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::png::existing_pictures;
use crate::exit::{Failure, Outcome};

/// Refuses to write to a file that is read, by whatever name; and, unless with `force`, to overwrite
/// one when standard input is a terminal. `-` is standard input or output.
///
/// # Errors
/// The first of these.
pub fn check_outputs(reads: &[&Path], writes: &[PathBuf], force: bool) -> Outcome<()> {
    let inputs: Vec<_> = reads.iter().filter_map(|path| identity(path, "/dev/stdin")).collect();
    for path in writes {
        let refuse = |cause: &str| Err(Failure::usage(format!("{}: {cause}", path.display())));
        if identity(path, "/dev/stdout").is_some_and(|id| inputs.contains(&id)) {
            return refuse("input and output are the same file");
        }
        if path.is_file() && !force && !super::is_direct(path) && std::io::stdin().is_terminal() {
            return refuse("it exists already; --force (-y) overwrites it");
        }
    }
    Ok(())
}

/// The files that writing pictures to `path` may overwrite.
pub fn picture_files(path: &Path) -> Vec<PathBuf> {
    match super::is_png(path) {
        true => existing_pictures(path),
        false => vec![path.to_owned()],
    }
}

/// What tells two files apart; none for what is not there and for devices, which may well be both.
#[cfg(unix)]
fn identity(path: &Path, standard: &str) -> Option<(u64, u64)> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let path = if path == Path::new("-") { Path::new(standard) } else { path };
    let metadata = std::fs::metadata(path).ok()?;
    let is_device = metadata.file_type().is_char_device();
    (!is_device).then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path, _: &str) -> Option<PathBuf> {
    path.canonicalize().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_known_by_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("sub")).unwrap();
        for name in ["a", "b"] {
            std::fs::write(path(name), name).unwrap();
        }
        let mut names = vec![path("a"), path("sub/../a")];
        #[cfg(unix)]
        {
            std::fs::hard_link(path("a"), path("hard")).unwrap();
            std::os::unix::fs::symlink("a", path("soft")).unwrap();
            names.extend([path("hard"), path("soft")]);
        }
        for name in names {
            let outputs = [path("b"), name];
            let failure = check_outputs(&[&path("b2"), &path("a")], &outputs, true).unwrap_err();
            assert!(failure.message.contains("same file"), "{}", failure.message);
        }
        let outputs = [path("b"), path("none"), path("sub")];
        check_outputs(&[&path("a")], &outputs, true).unwrap();
        #[cfg(unix)]
        check_outputs(&[Path::new("/dev/null")], &["/dev/null".into()], false).unwrap();
    }
}
