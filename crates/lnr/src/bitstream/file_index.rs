// SPDX-License-Identifier: MIT OR Apache-2.0
//! The index of a finished file (FORMAT section 2.1).

use super::bytes::{Reader, Writer};
use super::index_unit::{self, INDEX_MAGIC, MAX_BODY};
use super::timeline::{Place, Timeline};
use super::unit::parse_group_header;
use crate::base::{Error, Result, limits};

/// One group of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Bytes from its first access unit to that of the next group, or to the end.
    pub bytes: u64,
    /// When it is shown ([`super::Timeline`]).
    pub place: Place,
    /// Its access units.
    pub n_units: u32,
}

/// Where the groups of a file stand, and when they are shown. It stands before the first group; offsets
/// count from its own end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileIndex {
    /// In the order of the file.
    pub groups: Vec<IndexEntry>,
}

impl FileIndex {
    /// Bytes of all groups: a file that is whole ends there.
    pub fn n_bytes(&self) -> u64 {
        self.groups.iter().map(|g| g.bytes).sum()
    }

    /// Access units of all groups.
    pub fn n_units(&self) -> u64 {
        self.groups.iter().map(|g| u64::from(g.n_units)).sum()
    }

    /// The groups, each with its offset from the end of the index.
    pub fn offsets(&self) -> impl Iterator<Item = (u64, &IndexEntry)> {
        self.groups.iter().scan(0, |next, group| {
            let offset = *next;
            *next += group.bytes;
            Some((offset, group))
        })
    }

    /// The unit that carries it; none for more groups than an index may have.
    pub fn to_unit(&self) -> Option<Vec<u8>> {
        let mut body = Writer::default();
        body.varint(self.groups.len() as u64);
        let mut end = 0;
        for group in &self.groups {
            let Place { begin, end: next, is_restart } = group.place;
            body.varint(group.bytes);
            body.varint(u64::from(group.n_units) << 1 | u64::from(is_restart));
            body.signed(begin.wrapping_sub(end) as i64);
            body.varint(next - begin);
            end = next;
        }
        if body.0.len() > MAX_BODY {
            return None;
        }
        let mut unit = INDEX_MAGIC.to_vec();
        unit.extend((body.0.len() as u32).to_le_bytes());
        unit.extend(crc32c::crc32c(&unit).to_le_bytes());
        unit.extend(&body.0);
        unit.extend(crc32c::crc32c(&body.0).to_le_bytes());
        Some(unit)
    }

    /// Reads a whole index unit.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is none, or not whole; [`Error::Limit`] when its numbers are beyond
    /// those of the format.
    pub fn parse(unit: &[u8]) -> Result<Self> {
        let short = || Error::damaged("an index that ends too early");
        let len = index_unit::len(unit)?.ok_or_else(short)?;
        let (body, stored) =
            unit.get(index_unit::HEAD..len).and_then(|b| b.split_last_chunk()).ok_or_else(short)?;
        if crc32c::crc32c(body).to_le_bytes() != *stored {
            return Err(Error::damaged("the checksum of an index does not match"));
        }
        let mut r = Reader(body);
        let n = r.varint()?;
        let mut groups = Vec::new();
        let (mut end, mut total) = (0u64, 0u64);
        for _ in 0..n {
            let bytes = r.varint()?;
            let units = r.varint()?;
            let begin = end.checked_add_signed(r.signed()?);
            let next = begin.zip(Some(r.varint()?)).and_then(|(b, d)| b.checked_add(d));
            let (Some(begin), Some(next)) = (begin, next.filter(|&t| t <= i64::MAX as u64)) else {
                return Err(Error::damaged("an index of times that do not exist"));
            };
            total = total.checked_add(bytes).filter(|&t| t <= i64::MAX as u64).ok_or_else(short)?;
            // A group may be shown at 256 times between two frames.
            let most = u64::from(limits::MAX_GROUP_FRAMES) << 8;
            if units >> 1 > most {
                return Err(Error::limit(format!("a group of {} access units", units >> 1)));
            }
            let place = Place { begin, end: next, is_restart: units & 1 == 1 };
            groups.push(IndexEntry { bytes, place, n_units: (units >> 1) as u32 });
            end = next;
        }
        Ok(Self { groups })
    }
}

/// Makes the index of access units as they are written one after another.
#[derive(Clone, Debug, Default)]
pub struct IndexBuilder {
    index: FileIndex,
    timeline: Timeline,
}

impl IndexBuilder {
    /// Takes the next access unit.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it belongs to no group, or ends after the end of time.
    pub fn push(&mut self, unit: &[u8]) -> Result<()> {
        let bytes = unit.len() as u64;
        if let Ok(header) = parse_group_header(unit) {
            let place = self.timeline.enter(&header)?;
            self.index.groups.push(IndexEntry { bytes, place, n_units: 1 });
            return Ok(());
        }
        let group = self.index.groups.last_mut();
        let group =
            group.ok_or_else(|| Error::damaged("a frame without the start of its group"))?;
        group.bytes += bytes;
        group.n_units += 1;
        Ok(())
    }

    /// What was taken so far.
    pub fn index(&self) -> &FileIndex {
        &self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Tau;
    use crate::bitstream::tests::group_header;
    use crate::bitstream::{write_frame, write_group};

    fn index() -> FileIndex {
        let entry = |bytes, begin, end, n_units, is_restart| IndexEntry {
            bytes,
            place: Place { begin, end, is_restart },
            n_units,
        };
        FileIndex {
            groups: vec![
                entry(7000, 0, 1_000_000_000, 25, false),
                // A rounded overlap, and a restart behind a hole.
                entry(12, 999_999_999, 1_040_000_000, 1, false),
                entry(300, 5_000_000_000, 6_000_000_000, 512, true),
            ],
        }
    }

    #[test]
    fn an_index_round_trips() {
        let unit = index().to_unit().unwrap();
        assert_eq!(FileIndex::parse(&unit).unwrap(), index());
        assert_eq!((index().n_bytes(), index().n_units()), (7312, 538));
        let offsets: Vec<_> = index().offsets().map(|(offset, _)| offset).collect();
        assert_eq!(offsets, [0, 7000, 7012]);
        let empty = FileIndex::default();
        assert_eq!(FileIndex::parse(&empty.to_unit().unwrap()).unwrap(), empty);
    }

    #[test]
    fn units_make_an_index() {
        let frame = write_frame(0, Tau::frame(1));
        let group = write_group(&group_header(0), Tau::frame(0), &[5; 60]);
        let mut builder = IndexBuilder::default();
        assert!(builder.push(&frame).is_err());
        for unit in [&group, &frame, &group] {
            builder.push(unit).unwrap();
        }
        let place = |begin: u64, is_restart| {
            let (begin, end) = (begin * 1_000_000, (begin + 80) * 1_000_000);
            Place { begin, end, is_restart }
        };
        let bytes = group.len() as u64;
        let first =
            IndexEntry { bytes: bytes + frame.len() as u64, place: place(0, false), n_units: 2 };
        let second = IndexEntry { bytes, place: place(80, true), n_units: 1 };
        assert_eq!(builder.index().groups, [first, second]);
    }

    #[test]
    fn damage_is_told() {
        let unit = index().to_unit().unwrap();
        for n in 0..unit.len() {
            assert!(FileIndex::parse(&unit[..n]).is_err(), "{n} bytes");
        }
        for bit in 0..8 * unit.len() {
            let mut bad = unit.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(FileIndex::parse(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn too_many_groups_have_no_index() {
        let groups = vec![index().groups[0]; MAX_BODY / 8];
        assert!(FileIndex { groups }.to_unit().is_none());
    }
}
