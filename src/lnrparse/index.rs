// SPDX-License-Identifier: MIT OR Apache-2.0

use std::time::{Duration, Instant};

use lnr::stream::{FileIndex, Place, Scan, Scanner, Timeline, parse_group_header};

/// Bytes to read at once: all small access units between two groups, and the next header.
const CHUNK: u32 = 16 << 10;
/// Longest time to spend on the index; seeking in what is left out falls back on estimates.
const MAX_TIME: Duration = Duration::from_secs(2);

/// Where each group of a file begins, and when it is shown, as far as that is known.
#[derive(Default)]
pub(super) struct Index {
    /// Byte offset and place of each, in the order of the file.
    groups: Vec<(u64, Place)>,
    is_complete: bool,
    is_built: bool,
}

impl Index {
    /// What a file that begins with this index, `n_bytes` long, says of itself. None when the file is
    /// not `file_bytes` long in all: it was cut, or joined to another one.
    pub fn of_file(index: &FileIndex, n_bytes: usize, file_bytes: Option<u64>) -> Option<Self> {
        let start = n_bytes as u64;
        if file_bytes != start.checked_add(index.n_bytes()) {
            return None;
        }
        let groups = index.offsets().map(|(offset, group)| (start + offset, group.place)).collect();
        Some(Self { groups, is_complete: true, is_built: true })
    }

    /// Reads the group headers from `offset` on with `pull(offset, size)`, hopping over payloads.
    pub fn scan(
        mut offset: u64,
        pull: impl Fn(u64, u32) -> Result<gst::Buffer, gst::FlowError>,
    ) -> Self {
        let start = Instant::now();
        let mut groups = Vec::new();
        let mut scanner = Scanner::new();
        let mut timeline = Timeline::default();
        let mut size = CHUNK;
        let is_complete = loop {
            if start.elapsed() > MAX_TIME {
                break false;
            }
            let Ok(buffer) = pull(offset, size) else {
                break true;
            };
            let Ok(data) = buffer.map_readable() else {
                break false;
            };
            let is_last = data.len() < size as usize;
            let mut at = 0;
            size = CHUNK;
            while at < data.len() {
                match scanner.scan_at(&data[at..], at) {
                    Scan::Unit { len, is_group } => {
                        if is_group
                            && let Ok(header) = parse_group_header(&data[at..])
                            && let Ok(place) = timeline.enter(&header)
                        {
                            groups.push((offset + at as u64, place));
                        }
                        at += len;
                    }
                    Scan::Index(len) => at += len,
                    Scan::Garbage(n) => at += n,
                    Scan::More(n) => {
                        size = CHUNK.max(n as u32);
                        break;
                    }
                }
            }
            offset += at as u64;
            scanner.consume(at);
            if is_last {
                break true;
            }
        };
        Self { groups, is_complete, is_built: true }
    }

    pub fn is_built(&self) -> bool {
        self.is_built
    }

    /// Byte offset and time in ns of each group.
    pub fn groups(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.groups.iter().map(|&(offset, place)| (offset, place.begin))
    }

    /// When the last group ends in ns; `None` when that is not known.
    pub fn end(&self) -> Option<u64> {
        let (_, last) = self.groups.last().filter(|_| self.is_complete)?;
        Some(last.end)
    }

    /// Notes a group that a source which is not read as a file brings; false when it was known.
    pub fn note(&mut self, offset: u64, place: Place) -> bool {
        let is_new = self.groups.last().is_none_or(|&(last, before)| {
            // Behind a jump over groups, times must still ascend.
            last < offset && before.begin < place.begin
        });
        if is_new {
            self.groups.push((offset, place));
        }
        is_new
    }

    /// The offset of the group shown at `time` ns, if that is known.
    pub fn offset_at(&self, time: u64) -> Option<u64> {
        let n = self.groups.partition_point(|(_, place)| place.begin <= time);
        let &(offset, place) = self.groups.get(n.saturating_sub(1))?;
        (self.is_complete || time < place.end).then_some(offset)
    }

    /// The time in ns at which the group at byte `offset` begins, if that is known.
    pub fn time_at(&self, offset: u64) -> Option<u64> {
        let n = self.groups.partition_point(|&(start, _)| start <= offset);
        let &(start, place) = self.groups.get(n.saturating_sub(1))?;
        (self.is_complete || start == offset).then_some(place.begin)
    }

    /// Where the group lies that begins exactly at byte `offset`.
    pub fn place_at(&self, offset: u64) -> Option<Place> {
        let n = self.groups.binary_search_by_key(&offset, |&(start, _)| start).ok()?;
        Some(self.groups[n].1)
    }
}
