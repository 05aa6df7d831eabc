// SPDX-License-Identifier: MIT OR Apache-2.0

use super::GroupHeader;
use super::bytes::{Reader, Writer};
use super::index_unit::{self, INDEX_MAGIC};
use super::tau_coding::{read_tau, write_tau};
use crate::base::{Error, Result, Tau, limits};

/// The first eight bytes of every group access unit (FORMAT section 2).
pub const MAGIC: [u8; 8] = [SYNC[0], SYNC[1], GROUP, b'L', b'N', b'R', b'\r', b'\n'];

const SYNC: [u8; 2] = [0x9C, 0x4C];
/// Version 2 in the high half, type in the low half.
const GROUP: u8 = 0x21;
const FRAME: u8 = 0x22;
const INDEX: u8 = INDEX_MAGIC[2];
/// Magic, group id, tau, header size, payload size at their longest.
const GROUP_FIXED: usize = 8 + 1 + 5 + 2 + 4;

/// What stands at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// No access unit begins within the first `usize` bytes.
    Garbage(usize),
    /// An access unit may begin here; at least so many bytes are needed to tell.
    More(usize),
    /// A whole header with a good checksum.
    Unit {
        /// Bytes of the access unit; they need not all be there yet.
        len: usize,
        /// Whether it begins a group.
        is_group: bool,
    },
    /// An index of so many bytes ([`super::FileIndex`]), which is no access unit; they need not all be
    /// there yet.
    Index(usize),
}

/// A parsed access unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit<'a> {
    /// The first of a group: it carries the networks.
    Group {
        /// Sequence, times, model.
        header: Box<GroupHeader>,
        /// Which time it shows.
        shows: Tau,
        /// Entropy-coded tensors.
        payload: &'a [u8],
    },
    /// Another frame of the current group.
    Frame {
        /// [`GroupHeader::id`] of its group.
        group: u8,
        /// Which time it shows.
        shows: Tau,
    },
}

struct Prefix {
    group: u8,
    shows: Tau,
    /// Bytes before the variable header.
    len: usize,
    header_len: usize,
    payload_len: usize,
}

/// An access unit that shows time `tau` of the group with this id.
pub fn write_frame(group: u8, tau: Tau) -> Vec<u8> {
    let mut w = Writer(vec![SYNC[0], SYNC[1], FRAME, group]);
    write_tau(&mut w, tau);
    let crc = crc32c::crc32c(&w.0) as u16;
    w.0.extend(crc.to_le_bytes());
    w.0
}

/// The access unit that begins a group and shows time `tau` of it.
pub fn write_group(header: &GroupHeader, tau: Tau, payload: &[u8]) -> Vec<u8> {
    let mut body = Writer::default();
    header.write(&mut body);
    let mut w = Writer(MAGIC.to_vec());
    w.u8(header.id);
    write_tau(&mut w, tau);
    w.0.extend((body.0.len() as u16).to_le_bytes());
    w.0.extend((payload.len() as u32).to_le_bytes());
    w.0.extend(body.0);
    w.0.extend(crc32c::crc32c(&w.0).to_le_bytes());
    w.0.extend(payload);
    w.0.extend(crc32c::crc32c(payload).to_le_bytes());
    w.0
}

/// Looks for an access unit at the start of `data`; reads headers only, never the payload. Whoever
/// searches damaged bytes must use a [`super::Scanner`], which bounds what that may cost.
pub fn scan(data: &[u8]) -> Scan {
    if data.get(2) == Some(&INDEX) {
        return match index_unit::len(data) {
            Ok(Some(len)) => Scan::Index(len),
            Ok(None) => Scan::More(index_unit::HEAD),
            Err(_) => garbage(data),
        };
    }
    match check_header(data) {
        Ok(Ok((p, is_group))) => {
            let len = match is_group {
                true => p.len + p.header_len + 4 + p.payload_len + 4,
                false => p.len + 2,
            };
            Scan::Unit { len, is_group }
        }
        Ok(Err(needed)) => Scan::More(needed),
        Err(_) => garbage(data),
    }
}

/// No access unit begins at the start of `data`: one may begin where the next byte of a sync stands.
pub(super) fn garbage(data: &[u8]) -> Scan {
    let next = data.iter().skip(1).position(|&b| b == SYNC[0]);
    Scan::Garbage(next.map_or(data.len().max(1), |n| n + 1))
}

/// Bytes whose checksum [`scan`] computes: none unless all of a header seems to be there.
pub(super) fn header_bytes(data: &[u8]) -> usize {
    match read_fixed(data) {
        Ok(Ok((p, is_group))) if data.len() >= p.len + p.header_len + crc_len(is_group) => {
            p.len + p.header_len
        }
        _ => 0,
    }
}

/// Bytes of the checksum of a header.
fn crc_len(is_group: bool) -> usize {
    if is_group { 4 } else { 2 }
}

/// The fixed part of a header whose checksum is good, or how many bytes are needed to know.
fn check_header(data: &[u8]) -> Result<std::result::Result<(Prefix, bool), usize>> {
    let (p, is_group) = match read_fixed(data)? {
        Ok(fixed) => fixed,
        Err(needed) => return Ok(Err(needed)),
    };
    let end = p.len + p.header_len;
    let crc_len = crc_len(is_group);
    let Some(stored) = data.get(end..end + crc_len) else {
        return Ok(Err(end + crc_len));
    };
    let crc = crc32c::crc32c(&data[..end]).to_le_bytes();
    if stored != &crc[..crc_len] {
        return Err(Error::damaged("the checksum of a header does not match"));
    }
    Ok(Ok((p, is_group)))
}

/// The fixed part of a header, or how many bytes are needed to know; and whether it is a group's.
fn read_fixed(data: &[u8]) -> Result<std::result::Result<(Prefix, bool), usize>> {
    let not_here = || Error::damaged("no access unit begins here");
    if data.iter().zip(&SYNC).any(|(a, b)| a != b) {
        return Err(not_here());
    }
    let Some(&kind) = data.get(2) else {
        return Ok(Err(3));
    };
    let (min, longest) = match kind {
        GROUP => (GROUP_FIXED - 4, GROUP_FIXED),
        FRAME => (7, 9),
        _ if kind & 0xF0 != GROUP & 0xF0 => {
            return Err(Error::damaged(format!("stream version {} (2 is known)", kind >> 4)));
        }
        _ => return Err(not_here()),
    };
    if kind == GROUP && data.iter().zip(&MAGIC).any(|(a, b)| a != b) {
        return Err(not_here());
    }
    if data.len() < min {
        return Ok(Err(min));
    }
    match read_prefix(data, kind == GROUP) {
        Ok(p) => Ok(Ok((p, kind == GROUP))),
        Err(_) if data.len() < longest => Ok(Err(data.len() + 1)),
        Err(e) => Err(e),
    }
}

fn read_prefix(data: &[u8], is_group: bool) -> Result<Prefix> {
    let mut r = Reader(&data[if is_group { 8 } else { 3 }..]);
    let group = r.u8()?;
    let shows = read_tau(&mut r)?;
    let (mut header_len, mut payload_len) = (0, 0);
    if is_group {
        header_len = usize::from(u16::from_le_bytes([r.u8()?, r.u8()?]));
        let n = u32::from_le_bytes([r.u8()?, r.u8()?, r.u8()?, r.u8()?]);
        if header_len > limits::MAX_HEADER || n > limits::MAX_PAYLOAD {
            return Err(Error::limit(format!("header of {header_len}, payload of {n} bytes")));
        }
        payload_len = n as usize;
    }
    Ok(Prefix { group, shows, len: data.len() - r.0.len(), header_len, payload_len })
}

/// Parses one whole access unit and checks its checksums.
///
/// # Errors
/// [`Error::Damaged`], [`Error::Limit`] or [`Error::Unsupported`] saying what is wrong with it.
pub fn parse(data: &[u8]) -> Result<Unit<'_>> {
    let short = || Error::damaged("the access unit ends too early");
    let (p, is_group) = check_header(data)?.map_err(|_| short())?;
    if !is_group {
        return Ok(Unit::Frame { group: p.group, shows: p.shows });
    }
    let start = p.len + p.header_len + 4;
    let payload = data.get(start..start + p.payload_len).ok_or_else(short)?;
    let stored = data.get(start + p.payload_len..start + p.payload_len + 4).ok_or_else(short)?;
    if stored != crc32c::crc32c(payload).to_le_bytes() {
        return Err(Error::damaged("the checksum of a payload does not match"));
    }
    let header = parse_group_header(data)?;
    if p.shows >= Tau::frame(header.n_frames()) {
        return Err(Error::damaged("a time beyond the end of its group"));
    }
    Ok(Unit::Group { header: Box::new(header), shows: p.shows, payload })
}

/// The header of a group access unit; the payload need not be there.
///
/// # Errors
/// [`Error::Damaged`] when this is no group access unit or its header is not whole; [`Error::Limit`] or
/// [`Error::Unsupported`] when it asks for more than it may, or for what this version does not know.
pub fn parse_group_header(data: &[u8]) -> Result<GroupHeader> {
    match check_header(data)? {
        Ok((p, true)) => {
            GroupHeader::read(p.group, &mut Reader(&data[p.len..p.len + p.header_len]))
        }
        _ => Err(Error::damaged("not the first access unit of a group")),
    }
}
