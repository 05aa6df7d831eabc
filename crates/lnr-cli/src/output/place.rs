// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where files are written: beside their place, which they take when they are worth keeping. What
//! stood there before stays until then, and for good when nothing comes of it.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::exit::{Failure, Outcome};
use crate::{scratch, standard};

/// Characters of a file's name that its draft's name repeats: names are limited to 255 bytes.
const MAX_NAME: usize = 60;
/// Symbolic links that are followed, as Linux does.
const MAX_LINKS: usize = 40;

/// Whether `path` names something that is written to directly: a pipe, a device, or what is open
/// already. A directory is none.
pub fn is_direct(path: &Path) -> bool {
    let is_special = |m: std::fs::Metadata| !m.is_file() && !m.is_dir();
    is_open_already(path) || std::fs::metadata(path).is_ok_and(is_special)
}

/// Names of standard output and other open files, also when a regular file is open there.
fn is_open_already(path: &Path) -> bool {
    let parents = ["/dev/fd", "/proc/self/fd"].map(Path::new);
    let is_number = path.parent().is_some_and(|p| parents.contains(&p));
    is_number || path == Path::new("-") || path == Path::new("/dev/stdout")
}

/// The place of one file.
pub struct Place {
    /// As the user says it.
    name: PathBuf,
    /// Where the file is written, and where it will stand; none when it stands there or is written to
    /// directly.
    draft: Option<(TempPath, PathBuf)>,
    is_direct: bool,
}

impl Place {
    /// A file for `name` (`-`: standard output) and the place that it can take. What is there already
    /// is not touched, and lends the file its permissions.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn open(name: &Path) -> Outcome<(Self, File)> {
        let opened = match is_direct(name) {
            true => open_direct(name).map(|file| (file, None)),
            false => open_draft(name).map(|(file, path, target)| (file, Some((path, target)))),
        };
        let (file, draft) = opened.map_err(|e| Failure::written(name, e))?;
        let is_direct = draft.is_none();
        Ok((Self { name: name.to_owned(), draft, is_direct }, file))
    }

    /// Writes a whole file for `name`.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub fn write(name: &Path, bytes: &[u8]) -> Outcome<()> {
        let (mut place, mut file) = Self::open(name)?;
        file.write_all(bytes).map_err(|e| Failure::written(name, e))?;
        place.keep()
    }

    /// The place of a file that stands in it already.
    pub fn taken(name: &Path) -> Self {
        Self { name: name.to_owned(), draft: None, is_direct: is_direct(name) }
    }

    /// Where the file is for now.
    #[cfg(any(test, feature = "gstreamer"))]
    pub fn path(&self) -> &Path {
        self.draft.as_ref().map_or(&self.name, |(path, _)| path)
    }

    /// Whether it is a file of its own, which nobody else writes to.
    pub fn is_own(&self) -> bool {
        !self.is_direct
    }

    /// Puts the file in its place, if it is not there.
    ///
    /// # Errors
    /// When it cannot stand there; then it stays under the name that the message says.
    pub fn keep(&mut self) -> Outcome<()> {
        let Some((path, target)) = self.draft.take() else {
            return Ok(());
        };
        scratch::forget(&path);
        // After a power failure the old file or the new one must be there, not an empty one. What cannot
        // be synchronised, such as some network disks, is renamed all the same.
        let _ = File::open(&path).and_then(|file| file.sync_all());
        path.persist(&target).map_err(|e| {
            let cause = e.error;
            match e.path.keep() {
                Ok(path) => {
                    let path = path.display();
                    Failure::output(&self.name, format!("{cause}; what was written is {path}"))
                }
                Err(_) => Failure::output(&self.name, cause),
            }
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((path, _)) = self.draft.take() {
            scratch::forget(&path);
            // Dropping the path removes the file.
        }
    }
}

fn open_direct(name: &Path) -> io::Result<File> {
    if name == Path::new("-") || name == Path::new("/dev/stdout") {
        let file = standard::output()?;
        return match file.is_terminal() {
            true => Err(io::Error::other("a terminal; redirect it to a file or a pipe")),
            false => Ok(file),
        };
    }
    // What a shell has opened for appending is not cut.
    OpenOptions::new().append(true).open(name)
}

/// A new file, its path, and where it belongs.
fn open_draft(name: &Path) -> io::Result<(File, TempPath, PathBuf)> {
    let target = followed(name)?;
    if target.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let old = match OpenOptions::new().write(true).open(&target) {
        Ok(file) => Some(file.metadata()?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        // What may not be written to may not be replaced either.
        Err(e) => return Err(e),
    };
    let file_name = target.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let short: String = file_name.to_string_lossy().chars().take(MAX_NAME).collect();
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let cause = format!("there is no folder {}; make it first", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, cause));
    }
    let mut builder = tempfile::Builder::new();
    let prefix = format!(".{short}.");
    builder.prefix(&prefix).suffix(".part").rand_bytes(6);
    let (file, path) = create(&mut builder, folder)?.into_parts();
    scratch::remember(&path);
    if let Some(old) = old {
        take_over(&file, &old);
    }
    Ok((file, path, target))
}

/// With the permissions of any new file.
#[cfg(unix)]
fn create(builder: &mut tempfile::Builder, folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn create(builder: &mut tempfile::Builder, folder: &Path) -> io::Result<NamedTempFile> {
    builder.tempfile_in(folder)
}

/// Owner and permissions of what is replaced, as far as this user may give them.
#[cfg(unix)]
fn take_over(file: &File, old: &std::fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    if file.metadata().is_ok_and(|m| (m.uid(), m.gid()) != (old.uid(), old.gid())) {
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    let _ = file.set_permissions(old.permissions());
}

#[cfg(not(unix))]
fn take_over(_: &File, _: &std::fs::Metadata) {}

/// Where a chain of symbolic links ends, which need not be there.
fn followed(name: &Path) -> io::Result<PathBuf> {
    let mut path = name.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_takes_its_place_when_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lnr");
        std::fs::write(&path, "old").unwrap();
        let (place, mut file) = Place::open(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        drop(place);
        assert_eq!(names(folder.path()), ["a.lnr"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let (mut place, mut file) = Place::open(&path).unwrap();
        file.write_all(b"new").unwrap();
        place.keep().unwrap();
        file.write_all(b", and more").unwrap();
        place.keep().unwrap();
        drop(place);
        assert_eq!(names(folder.path()), ["a.lnr"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"new, and more");
        let long = folder.path().join(format!("{}.y4m", "ä".repeat(120)));
        assert!(Place::open(&long).is_ok());
        assert!(Place::open(&folder.path().join("none.lnr/")).is_err());
        let failure = Place::open(&folder.path().join("none/a.lnr")).err().unwrap();
        assert!(failure.message.contains("there is no folder"), "{}", failure.message);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [file, link, loose] = ["file", "link", "loose"].map(|n| folder.path().join(n));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        symlink("later", &loose).unwrap();
        for name in [&link, &loose] {
            let (mut place, mut out) = Place::open(name).unwrap();
            out.write_all(b"new").unwrap();
            place.keep().unwrap();
            assert!(std::fs::symlink_metadata(name).unwrap().is_symlink());
        }
        assert_eq!(names(folder.path()), ["file", "later", "link", "loose"]);
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        let circle = folder.path().join("circle");
        symlink("circle", &circle).unwrap();
        assert!(Place::open(&circle).is_err() && Place::open(folder.path()).is_err());
    }

    #[test]
    fn what_cannot_take_its_place_stays_where_the_message_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.y4m");
        let (mut place, _file) = Place::open(&path).unwrap();
        let draft = place.path().to_owned();
        std::fs::create_dir(&path).unwrap();
        let failure = place.keep().unwrap_err();
        assert!(failure.message.contains(draft.to_str().unwrap()), "{}", failure.message);
        assert!(draft.is_file());
    }
}
