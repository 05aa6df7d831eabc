// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;

use lnr::stream::{
    FileIndex, GroupHeader, Metadata, PartReader, PartSize, Place, Timeline, Unit, metadata, parse,
};
use lnr::{EmbeddingReader, EmbeddingTrack, Tau};

use super::units::open_units;
use super::{Damage, Item};
use crate::console::Console;
use crate::exit::{Failure, Outcome};

/// One group of a file.
pub struct IndexedGroup {
    pub header: GroupHeader,
    /// When it is shown.
    pub place: Place,
    /// Bytes of the access unit that begins the group.
    pub first_bytes: u64,
    /// Bytes of its entropy-coded tensors.
    pub payload_bytes: u64,
    /// Bytes of all its access units.
    pub bytes: u64,
    /// Access units.
    pub n_units: u64,
    /// What it says of the whole stream.
    pub metadata: Metadata,
    /// What the parts of its payload take, where that was asked for and the payload is whole.
    pub parts: Vec<PartSize>,
    /// What its frames mean, likewise, where it says so.
    pub embedding: Option<EmbeddingTrack>,
}

/// What is in a file.
#[derive(Default)]
pub struct Index {
    pub groups: Vec<IndexedGroup>,
    /// Damaged places, groups that cannot be read, and access units whose group is not there.
    pub damage: Damage,
    /// What it says of itself; none in files that were not finished.
    pub own: Option<FileIndex>,
}

impl Index {
    /// Access units of all groups.
    pub fn n_units(&self) -> u64 {
        self.groups.iter().map(|g| g.n_units).sum()
    }

    /// Duration of all groups in ns.
    pub fn duration(&self) -> u64 {
        self.groups.iter().map(|g| g.header.duration()).sum()
    }
}

/// Reads the whole file once, but no payload.
///
/// # Errors
/// When it cannot be read or holds no group at all.
pub fn index(path: &Path, console: &Console) -> Outcome<Index> {
    index_with(path, console, &mut |_, _| Ok((Vec::new(), None)))
}

/// As [`index`], with what the parts of every payload take: each payload is decoded for it.
///
/// # Errors
/// As [`index`].
pub fn index_parts(path: &Path, console: &Console) -> Outcome<Index> {
    let (mut reader, mut meaning) = (PartReader::default(), EmbeddingReader::default());
    index_with(path, console, &mut |header, payload| {
        let track = meaning.read(payload).ok().flatten();
        Ok((reader.read(header, payload)?, track))
    })
}

/// What the parts of a payload take, and what the frames mean.
type Parts = (Vec<PartSize>, Option<EmbeddingTrack>);

/// Reads that of a group's header and payload.
type ReadParts<'a> = dyn FnMut(&GroupHeader, &[u8]) -> lnr::Result<Parts> + 'a;

fn index_with(path: &Path, console: &Console, parts: &mut ReadParts) -> Outcome<Index> {
    let mut units = open_units(path, console)?;
    let mut index = Index::default();
    let (mut timeline, mut last) = (Timeline::default(), Tau::default());
    while let Some(item) = units.next()? {
        console.check()?;
        let data = match item {
            Item::Unit(data) => data,
            Item::Index(own) => {
                index.own.get_or_insert(own);
                continue;
            }
            Item::Damage { cause, .. } => {
                index.damage.found(cause);
                continue;
            }
        };
        let bytes = data.len() as u64;
        match parse(&data) {
            Ok(Unit::Group { header, payload, shows }) => {
                last = shows;
                let place = match timeline.enter(&header) {
                    Ok(place) => place,
                    Err(e) => {
                        index.damage.found(e.to_string());
                        continue;
                    }
                };
                let (parts, embedding) = match parts(&header, payload) {
                    Ok(read) => {
                        index.damage.good_group();
                        read
                    }
                    Err(e) => {
                        index.damage.found(format!("group {}: {e}", index.groups.len() + 1));
                        (Vec::new(), None)
                    }
                };
                index.groups.push(IndexedGroup {
                    parts,
                    embedding,
                    metadata: metadata(payload).unwrap_or_default(),
                    header: *header,
                    place,
                    first_bytes: bytes,
                    payload_bytes: payload.len() as u64,
                    bytes,
                    n_units: 1,
                });
            }
            Ok(Unit::Frame { group, shows }) => match index.groups.last_mut() {
                Some(of) if of.header.has_frame(group, shows, last) => {
                    of.bytes += bytes;
                    of.n_units += 1;
                    last = shows;
                }
                _ => index.damage.found("a frame of a group whose start is missing".into()),
            },
            Err(e) => index.damage.found(e.to_string()),
        }
    }
    if let Some(of) = index.groups.last()
        && let Some(cause) = missing_frames(&of.header, last)
    {
        index.damage.found(cause);
    }
    if index.groups.is_empty() {
        let cause = index.damage.first_cause.unwrap_or_else(|| "no access units".into());
        return Err(Failure::damaged(path, format!("no LNR group in it: {cause}")));
    }
    Ok(index)
}

/// What to say of a file whose last group `shows` something at last, if that is not its last frame.
pub fn missing_frames(header: &GroupHeader, shows: Tau) -> Option<String> {
    let (n, of) = (shows.floor() + 1, header.n_frames());
    (n < of).then(|| format!("the file is cut short: its last group has {n} of {of} frames"))
}
