// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use lnr::stream::{FileIndex, Scan, Scanner, parse};

#[cfg(feature = "gstreamer")]
use super::container::ContainerUnits;
use super::{Item, Kind, Units, kind_of, open_file};
use crate::console::Console;
use crate::exit::{Failure, Outcome};

/// The access units of an LNR file, bare or in a container.
pub fn open_units(path: &Path, console: &Console) -> Outcome<Box<dyn Units>> {
    match kind_of(path)? {
        Kind::Lnr => Ok(Box::new(FileUnits::new(path, open_file(path)?))),
        kind => open_container(path, kind, console),
    }
}

#[cfg(feature = "gstreamer")]
fn open_container(path: &Path, kind: Kind, console: &Console) -> Outcome<Box<dyn Units>> {
    match kind {
        Kind::Mp4 => Ok(Box::new(ContainerUnits::open(path, console)?)),
        _ => Err(no_lnr(path)),
    }
}

#[cfg(not(feature = "gstreamer"))]
fn open_container(path: &Path, _: Kind, _: &Console) -> Outcome<Box<dyn Units>> {
    Err(no_lnr(path))
}

fn no_lnr(path: &Path) -> Failure {
    let plugin = match cfg!(feature = "gstreamer") {
        true => "",
        false => " (this build reads bare .lnr files only: it was made without GStreamer)",
    };
    Failure::damaged(path, format!("not an LNR file{plugin}"))
}

/// Access units that stand back to back.
pub struct FileUnits<R = File> {
    path: PathBuf,
    input: R,
    scanner: Scanner,
    /// Bytes read and not yet used.
    buffer: Vec<u8>,
    start: usize,
    at_end: bool,
    /// Bytes passed over since the last good unit, and the first reason.
    damage: Option<(u64, String)>,
    /// Bytes that were passed so far, and where the file's index says that they end.
    n_passed: u64,
    stated_end: u64,
}

/// Bytes that are read at once at least: many small units for a call of the system, and little beside a
/// group.
const BLOCK: usize = 1 << 16;

impl<R: Read> FileUnits<R> {
    pub fn new(path: &Path, input: R) -> Self {
        Self {
            path: path.to_owned(),
            input,
            scanner: Scanner::new(),
            buffer: Vec::new(),
            start: 0,
            at_end: false,
            damage: None,
            n_passed: 0,
            stated_end: 0,
        }
    }

    /// Reads until `n` bytes are there or the file ends; says whether they are.
    fn fill(&mut self, n: usize) -> Outcome<bool> {
        let have = self.buffer.len() - self.start;
        if have >= n || self.at_end {
            return Ok(have >= n);
        }
        // Not each time: where small units stand behind a large one, its bytes would move for each.
        if self.start > have {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let wanted = (n - have).max(BLOCK) as u64;
        let read = (&mut self.input)
            .take(wanted)
            .read_to_end(&mut self.buffer)
            .map_err(|e| Failure::input(&self.path, e))?;
        self.at_end = (read as u64) < wanted;
        Ok(self.buffer.len() - self.start >= n)
    }

    fn skip(&mut self, n: usize, cause: impl FnOnce(&[u8]) -> String) {
        let data = &self.buffer[self.start..];
        let n = n.min(data.len());
        match &mut self.damage {
            Some((total, _)) => *total += n as u64,
            None => self.damage = Some((n as u64, cause(data))),
        }
        self.pass(n);
    }

    fn pass(&mut self, n: usize) {
        self.start += n;
        self.n_passed += n as u64;
        self.scanner.consume(n);
    }

    /// At the end of a file, or of a part of joined ones: whether its index knows of more, which is
    /// told once.
    fn is_cut(&mut self) -> Option<Item> {
        let n = self.stated_end.saturating_sub(self.n_passed);
        self.stated_end = 0;
        let cause = || format!("the file is cut short: {n} bytes that it had are missing");
        (n > 0).then(|| Item::Damage { n_bytes: 0, cause: cause() })
    }

    /// Takes `len` bytes out. What follows a large unit is at most a block: that is copied, not the unit.
    fn take(&mut self, len: usize) -> Vec<u8> {
        let end = self.start + len;
        if len < BLOCK || self.buffer.len() - end > BLOCK {
            let unit = self.buffer[self.start..end].to_vec();
            self.pass(len);
            return unit;
        }
        let following = self.buffer.split_off(end);
        let mut unit = std::mem::replace(&mut self.buffer, following);
        unit.drain(..self.start);
        self.start = 0;
        self.n_passed += len as u64;
        self.scanner.consume(len);
        unit
    }
}

impl<R: Read> Units for FileUnits<R> {
    fn next(&mut self) -> Outcome<Option<Item>> {
        let reason = |data: &[u8]| match parse(data) {
            Err(e) => e.to_string(),
            Ok(_) => "damaged".into(),
        };
        loop {
            let found = match self.scanner.scan(&self.buffer[self.start..]) {
                Scan::More(n) if self.fill(n)? => continue,
                Scan::More(_) if self.buffer.len() == self.start => None,
                Scan::More(_) => {
                    self.skip(1, |_| "the file ends within an access unit".into());
                    continue;
                }
                Scan::Garbage(n) => {
                    self.skip(n, reason);
                    continue;
                }
                Scan::Unit { len, .. } | Scan::Index(len)
                    if self.buffer.len() - self.start < len =>
                {
                    if !self.fill(len)? {
                        self.skip(1, |_| "the file ends within an access unit".into());
                    }
                    continue;
                }
                Scan::Index(len) => {
                    if let Some(cut) = self.is_cut() {
                        return Ok(Some(cut));
                    }
                    let data = &self.buffer[self.start..self.start + len];
                    match FileIndex::parse(data) {
                        Err(e) => self.skip(1, |_| e.to_string()),
                        Ok(index) => {
                            self.pass(len);
                            // What is joined behind has an index of its own, or none.
                            self.stated_end = self.n_passed.saturating_add(index.n_bytes());
                            return Ok(Some(Item::Index(index)));
                        }
                    }
                    continue;
                }
                Scan::Unit { len, .. } => {
                    // A size may promise more than there is and so reach into later groups.
                    let data = &self.buffer[self.start..self.start + len];
                    if let Err(e) = parse(data) {
                        self.skip(1, |_| e.to_string());
                        continue;
                    }
                    Some(len)
                }
            };
            if let Some((n_bytes, cause)) = self.damage.take() {
                return Ok(Some(Item::Damage { n_bytes, cause }));
            }
            return Ok(match found {
                Some(len) => Some(Item::Unit(self.take(len))),
                None => self.is_cut(),
            });
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use lnr::stream::spec::ModelSpec;
    use lnr::stream::{GroupHeader, IndexBuilder, write_frame, write_group};
    use lnr::{Chroma, PictureFormat, Tau};

    /// Writes another size of payload into a group's header, whose checksum it makes good.
    fn set_payload_size(unit: &mut [u8], size: usize) {
        let (at, header) = (12, usize::from(u16::from_le_bytes([unit[10], unit[11]])));
        unit[at..at + 4].copy_from_slice(&(size as u32).to_le_bytes());
        let end = at + 4 + header;
        let crc = crc32c::crc32c(&unit[..end]);
        unit[end..end + 4].copy_from_slice(&crc.to_le_bytes());
    }

    /// Of a small group.
    pub fn header(id: u8) -> GroupHeader {
        GroupHeader {
            id,
            format: PictureFormat::new(16, 16, Chroma::Yuv420, 8),
            frame_rate: (25, 1),
            pts: 0,
            durations: vec![40_000_000; 2],
            continues: false,
            model: ModelSpec::default(),
        }
    }

    fn group(id: u8) -> Vec<u8> {
        write_group(&header(id), Tau::frame(0), &[id; 500])
    }

    fn items(bytes: &[u8]) -> Vec<Result<usize, u64>> {
        let mut units = FileUnits::new(Path::new("t.lnr"), bytes);
        let mut out = Vec::new();
        while let Some(item) = units.next().unwrap() {
            out.push(match item {
                Item::Unit(u) => Ok(u.len()),
                Item::Damage { n_bytes, .. } => Err(n_bytes),
                Item::Index(_) => continue,
            });
        }
        out
    }

    #[test]
    fn damage_is_passed_over() {
        let (a, b) = (group(1), write_frame(1, Tau::frame(1)));
        let (la, lb) = (a.len(), b.len());
        let whole = [&a[..], &b, &a, &b].concat();
        assert_eq!(items(&whole), [Ok(la), Ok(lb), Ok(la), Ok(lb)]);
        assert_eq!(items(&[b"junk", &whole[..]].concat())[..2], [Err(4), Ok(la)]);
        let mut flipped = whole.clone();
        flipped[la - 100] ^= 1;
        assert_eq!(items(&flipped), [Err(la as u64), Ok(lb), Ok(la), Ok(lb)]);
        let cut = [&whole[..la - 50], &whole[la..]].concat();
        assert_eq!(items(&cut), [Err(la as u64 - 50), Ok(lb), Ok(la), Ok(lb)]);
        assert_eq!(items(&whole[..la + 3]), [Ok(la), Err(3)]);
        assert_eq!(items(b""), []);
    }

    #[test]
    fn what_an_index_knows_of_is_missed() {
        let mut index = IndexBuilder::default();
        [group(1), group(2)].iter().for_each(|unit| index.push(unit).unwrap());
        let index = index.index().to_unit().unwrap();
        let (a, b) = (group(1), group(2));
        assert_eq!(items(&[&index[..], &a, &b].concat()), [Ok(a.len()), Ok(b.len())]);
        assert_eq!(items(&[&index[..], &a].concat()), [Ok(a.len()), Err(0)]);
        assert_eq!(items(&index), [Err(0)]);
        let whole = [&index[..], &a, &b].concat();
        let (la, lb) = (a.len(), b.len());
        assert_eq!(items(&[&whole[..], &whole].concat()), [Ok(la), Ok(lb), Ok(la), Ok(lb)]);
        let cut = [&whole[..whole.len() - lb], &whole].concat();
        assert_eq!(items(&cut), [Ok(la), Err(0), Ok(la), Ok(lb)]);
        assert_eq!(items(&index[..index.len() - 1]), [Err(index.len() as u64 - 1)]);
    }

    #[test]
    fn large_units_are_whole_and_leave_what_follows() {
        let large = |id: u8| write_group(&header(id), Tau::frame(0), &vec![id; 300_000]);
        let whole = [large(1), group(2), large(3), write_frame(3, Tau::frame(1))];
        let bytes = [&b"junk"[..], &whole.concat()].concat();
        let mut units = FileUnits::new(Path::new("t.lnr"), &bytes[..]);
        let mut out = Vec::new();
        while let Some(item) = units.next().unwrap() {
            out.extend(match item {
                Item::Unit(unit) => Some(unit),
                Item::Damage { .. } | Item::Index(_) => None,
            });
        }
        assert!(out == whole, "{:?}", out.iter().map(Vec::len).collect::<Vec<_>>());
    }

    #[test]
    fn nested_headers_end_soon() {
        // Each says that its payload reaches to the end: were all summed, it would take a minute.
        let header_len = group(1).len() - 500 - 4;
        let n = 4_000_000 / header_len;
        let mut bytes = Vec::new();
        for i in 0..n {
            let at = bytes.len();
            bytes.extend(write_group(&header(1), Tau::frame(0), &[]));
            set_payload_size(&mut bytes[at..], (n - i - 1) * header_len);
            bytes.truncate(at + header_len);
        }
        bytes.extend([9; 4]);
        let n_bytes = bytes.len() as u64;
        bytes.extend(group(2));
        let start = std::time::Instant::now();
        assert_eq!(items(&bytes), [Err(n_bytes), Ok(group(2).len())]);
        assert!(start.elapsed().as_secs() < 6, "{:?}", start.elapsed());
    }
}
