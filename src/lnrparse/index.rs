// SPDX-License-Identifier: MIT OR Apache-2.0

use std::time::{Duration, Instant};

use lnr::stream::{Scan, Scanner, parse_group_header};

/// Bytes to read at once: all small access units between two groups, and the next header.
const CHUNK: u32 = 16 << 10;
/// Longest time to spend on the index; seeking in what is left out falls back on estimates.
const MAX_TIME: Duration = Duration::from_secs(2);

/// Where each group of a file begins, and when it is shown.
#[derive(Default)]
pub(super) struct Index {
    /// (byte offset, presentation time in ns), ascending.
    groups: Vec<(u64, u64)>,
    end: Option<u64>,
    is_built: bool,
}

impl Index {
    /// Reads the group headers from `offset` on with `pull(offset, size)`, hopping over payloads.
    pub fn scan(
        mut offset: u64,
        pull: impl Fn(u64, u32) -> Result<gst::Buffer, gst::FlowError>,
    ) -> Self {
        let start = Instant::now();
        let mut groups = Vec::new();
        let mut scanner = Scanner::new();
        let mut end = 0;
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
                        if let (true, Ok(header)) = (is_group, parse_group_header(&data[at..])) {
                            groups.push((offset + at as u64, header.pts));
                            end = end.max(header.pts + header.duration());
                        }
                        at += len;
                    }
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
        Self { end: is_complete.then_some(end).filter(|&end| end > 0), groups, is_built: true }
    }

    pub fn is_built(&self) -> bool {
        self.is_built
    }

    pub fn groups(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.groups.iter().copied()
    }

    /// When the last group ends in ns; `None` when the scan did not get that far.
    pub fn end(&self) -> Option<u64> {
        self.end
    }

    /// The offset of the group shown at `time` ns.
    pub fn offset_at(&self, time: u64) -> Option<u64> {
        let n = self.groups.partition_point(|&(_, pts)| pts <= time);
        Some(self.groups.get(n.saturating_sub(1))?.0)
    }

    /// The time in ns at which the group at byte `offset` begins.
    pub fn time_at(&self, offset: u64) -> Option<u64> {
        let n = self.groups.partition_point(|&(start, _)| start <= offset);
        Some(self.groups.get(n.saturating_sub(1))?.1)
    }
}
