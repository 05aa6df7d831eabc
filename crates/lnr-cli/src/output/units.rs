// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use lnr::AccessUnit;
use lnr::stream::IndexBuilder;

#[cfg(feature = "gstreamer")]
use super::container::ContainerSink;
use super::{Place, UnitSink, is_direct};
use crate::exit::{Failure, Outcome};
use crate::input::VideoInfo;

/// Opens a .lnr file, `-` for standard output or anything else that is written to directly, or a
/// container of the MP4 family.
pub fn open_units(path: &Path, info: &VideoInfo) -> Outcome<Box<dyn UnitSink>> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match extension.to_ascii_lowercase().as_str() {
        "lnr" => Ok(Box::new(LnrSink::create(path)?)),
        "mp4" | "m4v" | "mov" => open_container(path, info),
        _ if is_direct(path) => Ok(Box::new(LnrSink::create(path)?)),
        _ => Err(Failure::usage(format!(
            "{}: LNR video is written to .lnr, .mp4 or .mov",
            path.display()
        ))),
    }
}

/// Opens the .lnr file at `path` to go on after the groups that `index` names; see
/// [`LnrSink::append`].
pub fn append_units(path: &Path, index: IndexBuilder) -> Outcome<Box<dyn UnitSink>> {
    Ok(Box::new(LnrSink::append(path, index)?))
}

/// Opens a .lnr file that begins with `groups`, which `index` names, and takes its place at once.
pub fn begin_units(
    path: &Path,
    groups: &[Vec<Vec<u8>>],
    index: IndexBuilder,
) -> Outcome<Box<dyn UnitSink>> {
    let mut sink = LnrSink::create(path)?;
    sink.index = index;
    sink.put(&groups.concat().concat())?;
    Ok(Box::new(sink))
}

/// For a file to which nothing will be written, because it is whole.
pub fn finished() -> Box<dyn UnitSink> {
    Box::new(Finished)
}

struct Finished;

impl UnitSink for Finished {
    fn write(&mut self, _: &[AccessUnit]) -> Outcome<()> {
        Ok(())
    }

    fn finish(&mut self) -> Outcome<()> {
        Ok(())
    }
}

/// Whether groups of different formats may follow each other in what `path` names.
pub fn takes_any_format(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    path == Path::new("-") || extension.eq_ignore_ascii_case("lnr")
}

#[cfg(feature = "gstreamer")]
fn open_container(path: &Path, info: &VideoInfo) -> Outcome<Box<dyn UnitSink>> {
    Ok(Box::new(ContainerSink::create(path, info)?))
}

#[cfg(not(feature = "gstreamer"))]
fn open_container(path: &Path, _: &VideoInfo) -> Outcome<Box<dyn UnitSink>> {
    Err(Failure::usage(format!(
        "{}: this build, made without GStreamer (feature `gstreamer`), writes .lnr files",
        path.display()
    )))
}

/// Access units back to back. The file takes its place with the first group, and holds whole groups.
struct LnrSink {
    path: PathBuf,
    place: Place,
    file: File,
    /// Bytes of the whole groups in it.
    n_bytes: u64,
    index: IndexBuilder,
}

impl LnrSink {
    fn create(path: &Path) -> Outcome<Self> {
        let (place, file) = Place::open(path)?;
        Ok(Self { path: path.to_owned(), place, file, n_bytes: 0, index: IndexBuilder::default() })
    }

    /// Opens the file at `path`, which stands in its place, to go on after the groups that `index`
    /// names, which begin with the file; cuts off the rest.
    ///
    /// # Errors
    /// When it is not there, is shorter, or cannot be written.
    fn append(path: &Path, index: IndexBuilder) -> Outcome<Self> {
        let n_bytes = index.index().n_bytes();
        let fail = |e| Failure::written(path, e);
        let file = File::options().read(true).write(true).open(path).map_err(fail)?;
        if file.metadata().map_err(fail)?.len() < n_bytes {
            return Err(Failure::output(path, "it became shorter meanwhile"));
        }
        let place = Place::taken(path);
        let mut sink = Self { path: path.to_owned(), place, file, n_bytes, index };
        sink.cut().map_err(fail)?;
        Ok(sink)
    }

    /// Writes a whole group.
    fn put(&mut self, group: &[u8]) -> Outcome<()> {
        if let Err(e) = self.file.write_all(group) {
            if self.place.is_own() {
                // Where that fails too, readers pass over the part.
                let _ = self.cut();
            }
            return Err(Failure::written(&self.path, e));
        }
        self.n_bytes += group.len() as u64;
        self.place.keep()
    }

    /// Cuts off what follows the whole groups.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.n_bytes)?;
        self.file.seek(SeekFrom::Start(self.n_bytes)).map(drop)
    }
}

impl UnitSink for LnrSink {
    fn write(&mut self, units: &[AccessUnit]) -> Outcome<()> {
        for unit in units {
            self.index.push(&unit.data).map_err(|e| Failure::codec(&self.path, e))?;
        }
        let group: Vec<u8> = units.iter().flat_map(|u| &u.data).copied().collect();
        self.put(&group)
    }

    /// Writes the file anew, behind its index.
    fn add_index(&mut self) -> Outcome<()> {
        let unit = self.index.index().to_unit();
        let Some(unit) = unit.filter(|_| self.place.is_own() && self.n_bytes > 0) else {
            return Ok(());
        };
        let fail = |e| Failure::written(&self.path, e);
        let (mut place, mut file) = Place::open(&self.path)?;
        file.write_all(&unit).map_err(fail)?;
        self.file.rewind().map_err(fail)?;
        let n_copied = std::io::copy(&mut self.file, &mut file).map_err(fail)?;
        if n_copied != self.n_bytes {
            return Err(Failure::output(&self.path, "it was changed meanwhile"));
        }
        place.keep()
    }

    fn finish(&mut self) -> Outcome<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::stream::spec::ModelSpec;
    use lnr::stream::{GroupHeader, write_group};
    use lnr::{Chroma, PictureFormat, Tau};

    fn group(id: u8) -> Vec<u8> {
        let header = GroupHeader {
            id,
            format: PictureFormat::new(16, 16, Chroma::Gray, 8),
            frame_rate: (25, 1),
            pts: u64::from(id) * 40_000_000,
            durations: vec![40_000_000],
            continues: false,
            model: ModelSpec::default(),
        };
        write_group(&header, Tau::frame(0), &[id; 9])
    }

    #[test]
    fn part_of_a_group_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lnr");
        let mut sink = LnrSink::create(&path).unwrap();
        assert!(!path.exists());
        sink.put(b"onetwo").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"onetwo");
        sink.file.write_all(b"thr").unwrap();
        sink.cut().unwrap();
        sink.put(b"four").unwrap();
        sink.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"onetwofour");
    }

    #[test]
    fn a_file_can_be_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.lnr");
        let mut index = IndexBuilder::default();
        index.push(&group(0)).unwrap();
        std::fs::write(&path, &group(0)[1..]).unwrap();
        assert!(LnrSink::append(&path, index.clone()).is_err());
        std::fs::write(&path, [group(0), b"part".to_vec()].concat()).unwrap();
        let mut sink = LnrSink::append(&path, index.clone()).unwrap();
        sink.index.push(&group(1)).unwrap();
        sink.put(&group(1)).unwrap();
        index.push(&group(1)).unwrap();
        let both = [group(0), group(1)].concat();
        assert_eq!(std::fs::read(&path).unwrap(), both);
        sink.add_index().unwrap();
        let index = index.index().to_unit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [index, both].concat());
    }
}
