// SPDX-License-Identifier: MIT OR Apache-2.0
//! Checksums made right, so that damage reaches what stands behind them (FORMAT section 2).

use lnr::stream::{INDEX_MAGIC, MAGIC};

/// Sync and type of a frame unit.
const FRAME: [u8; 3] = [0x9C, 0x4C, 0x22];
/// Bytes of a checksum, and of the sizes of header and payload.
const CRC: usize = 4;
const SIZES: usize = 6;

/// Bytes of the varint at the start of `data`, which has one of at most three.
fn varint(data: &[u8]) -> Option<usize> {
    data.iter().take(3).position(|byte| byte & 0x80 == 0).map(|n| n + 1)
}

/// Where the header of the group unit `unit` begins, and its stated sizes of header and payload.
fn sizes(unit: &[u8]) -> Option<(usize, usize, usize)> {
    let at = MAGIC.len() + 1;
    let at = at + varint(unit.get(at..)?)?;
    let bytes = unit.get(at..at + SIZES)?;
    let header = u16::from_le_bytes([bytes[0], bytes[1]]);
    let payload = u32::from_le_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]);
    Some((at + SIZES, usize::from(header), payload as usize))
}

fn write_crc(data: &mut [u8], from: usize, to: usize) {
    let crc = crc32c::crc32c(&data[from..to]);
    data[to..to + CRC].copy_from_slice(&crc.to_le_bytes());
}

/// `data` as one group unit: whatever stands behind its header is the payload.
pub fn group(data: &[u8]) -> Option<Vec<u8>> {
    let mut unit = data.to_vec();
    unit.get_mut(..MAGIC.len())?.copy_from_slice(&MAGIC);
    let (begin, header, _) = sizes(&unit)?;
    let end = begin + header;
    let payload = unit.len().checked_sub(end + 2 * CRC)?;
    unit[begin - 4..begin].copy_from_slice(&u32::try_from(payload).ok()?.to_le_bytes());
    write_crc(&mut unit, 0, end);
    write_crc(&mut unit, end + CRC, end + CRC + payload);
    Some(unit)
}

/// All units of a stream, where they seem to be.
pub fn stream(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    let mut at = 0;
    while at < data.len() {
        at += unit(&mut data[at..]).unwrap_or(1);
    }
    data
}

/// Repairs the unit at the start of `data` and returns how many bytes it has.
fn unit(data: &mut [u8]) -> Option<usize> {
    if data.starts_with(&FRAME) {
        let end = FRAME.len() + 1;
        let end = end + varint(data.get(end..)?)?;
        let crc = crc32c::crc32c(&data[..end]) as u16;
        data.get_mut(end..end + 2)?.copy_from_slice(&crc.to_le_bytes());
        return Some(end + 2);
    }
    if data.starts_with(&INDEX_MAGIC) {
        return index(data);
    }
    if !data.starts_with(&MAGIC) {
        return None;
    }
    let (begin, header, payload) = sizes(data)?;
    let end = begin + header;
    if end + CRC > data.len() {
        return None;
    }
    write_crc(data, 0, end);
    let (begin, end) = (end + CRC, end + CRC + payload);
    if end + CRC > data.len() {
        return Some(begin);
    }
    write_crc(data, begin, end);
    Some(end + CRC)
}

/// As [`unit`], for an index.
fn index(data: &mut [u8]) -> Option<usize> {
    let begin = INDEX_MAGIC.len();
    let size = data.get(begin..begin + 4)?.try_into().ok().map(u32::from_le_bytes)?;
    let (body, end) = (begin + 4 + CRC, begin + 4 + CRC + size as usize);
    if body > data.len() {
        return None;
    }
    write_crc(data, 0, begin + 4);
    if end + CRC > data.len() {
        return Some(body);
    }
    write_crc(data, body, end);
    Some(end + CRC)
}
