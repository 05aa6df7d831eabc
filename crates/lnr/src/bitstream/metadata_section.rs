// SPDX-License-Identifier: MIT OR Apache-2.0
//! The metadata section: items of an id, a length and bytes (FORMAT section 5.3).

use super::bytes::{Reader, Writer};
use crate::base::{ContentLight, Error, MasteringDisplay, Metadata, Orientation, Result};

const ORIENTATION: u64 = 1;
const MASTERING: u64 = 2;
const LIGHT: u64 = 3;
const ALPHA: u64 = 4;
const SETTINGS: u64 = 5;
const PRICE: u64 = 6;
const SOURCE: u64 = 7;

/// The bytes of the section; empty where nothing is said, and then there is no section.
pub fn write_metadata(metadata: &Metadata) -> Vec<u8> {
    let mut w = Writer::default();
    let mut item = |id: u64, bytes: &[u8]| {
        w.varint(id);
        w.varint(bytes.len() as u64);
        w.0.extend(bytes);
    };
    let m = metadata;
    if m.orientation != Orientation::default() {
        item(ORIENTATION, &[m.orientation.code()]);
    }
    if let Some(display) = &m.mastering {
        let mut bytes = Vec::new();
        for (x, y) in display.primaries.into_iter().chain([display.white]) {
            bytes.extend([x.to_le_bytes(), y.to_le_bytes()].concat());
        }
        bytes.extend(display.max_luminance.to_le_bytes());
        bytes.extend(display.min_luminance.to_le_bytes());
        item(MASTERING, &bytes);
    }
    if let Some(light) = &m.light {
        let both = [light.max_content.to_le_bytes(), light.max_frame_average.to_le_bytes()];
        item(LIGHT, &both.concat());
    }
    if m.alpha {
        item(ALPHA, &[]);
    }
    if !m.settings.is_empty() {
        // What is too long is cut where a character ends.
        let cut = m.settings.floor_char_boundary(Metadata::MAX_SETTINGS);
        item(SETTINGS, &m.settings.as_bytes()[..cut]);
    }
    if let Some(price) = m.price {
        item(PRICE, &price.to_le_bytes());
    }
    if let Some(source) = m.source {
        item(SOURCE, &source.to_le_bytes());
    }
    w.0
}

/// Reads the section. Items that this version does not know are skipped.
///
/// # Errors
/// [`Error::Damaged`] when it is not what [`write_metadata`] writes, [`Error::Limit`] when a text is
/// too long.
pub fn read_metadata(bytes: &[u8]) -> Result<Metadata> {
    let mut r = Reader(bytes);
    let mut metadata = Metadata::default();
    let mut last = 0;
    while !r.0.is_empty() {
        let id = r.varint()?;
        if id <= last {
            return Err(Error::damaged(format!("metadata item {id} after item {last}")));
        }
        last = id;
        let item = r.take("a metadata item", usize::MAX)?;
        match id {
            ORIENTATION => {
                let [code] = *sized(id, item)?;
                metadata.orientation = Orientation::from_code(code)
                    .ok_or_else(|| Error::damaged(format!("unknown orientation {code}")))?;
            }
            MASTERING => metadata.mastering = Some(mastering(sized(id, item)?)),
            LIGHT => {
                let [a, b, c, d] = *sized(id, item)?;
                metadata.light = Some(ContentLight {
                    max_content: u16::from_le_bytes([a, b]),
                    max_frame_average: u16::from_le_bytes([c, d]),
                });
            }
            ALPHA => {
                let [] = *sized(id, item)?;
                metadata.alpha = true;
            }
            SETTINGS => {
                if item.len() > Metadata::MAX_SETTINGS {
                    let (n, most) = (item.len(), Metadata::MAX_SETTINGS);
                    return Err(Error::limit(format!("{n} bytes of settings ({most} allowed)")));
                }
                let text = std::str::from_utf8(item);
                metadata.settings =
                    text.map_err(|_| Error::damaged("settings that are no UTF-8"))?.into();
            }
            PRICE => metadata.price = Some(u32::from_le_bytes(*sized(id, item)?)),
            SOURCE => metadata.source = Some(u32::from_le_bytes(*sized(id, item)?)),
            _ => {}
        }
    }
    Ok(metadata)
}

fn sized<const N: usize>(id: u64, item: &[u8]) -> Result<&[u8; N]> {
    let n = item.len();
    item.try_into().map_err(|_| Error::damaged(format!("metadata item {id} of {n} bytes, not {N}")))
}

fn mastering(bytes: &[u8; 24]) -> MasteringDisplay {
    let u16_at = |i: usize| u16::from_le_bytes([bytes[i], bytes[i + 1]]);
    let u32_at = |i: usize| u32::from(u16_at(i)) | u32::from(u16_at(i + 2)) << 16;
    let point = |i: usize| (u16_at(4 * i), u16_at(4 * i + 2));
    MasteringDisplay {
        primaries: [point(0), point(1), point(2)],
        white: point(3),
        max_luminance: u32_at(16),
        min_luminance: u32_at(20),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Metadata {
        Metadata {
            orientation: Orientation::new(3, true),
            mastering: Some(MasteringDisplay {
                primaries: [(35_400, 14_600), (8500, 39_850), (6550, 2300)],
                white: (15_635, 16_450),
                max_luminance: 10_000_000,
                min_luminance: 50,
            }),
            light: Some(ContentLight { max_content: 1000, max_frame_average: 400 }),
            alpha: true,
            settings: "quality=50 größe".into(),
            price: Some(0x3A83_126F),
            source: Some(0x0102_0304),
        }
    }

    #[test]
    fn metadata_round_trip() {
        let bytes = write_metadata(&all());
        assert_eq!(read_metadata(&bytes).unwrap(), all());
        assert!(write_metadata(&Metadata::default()).is_empty());
        assert_eq!(read_metadata(&[]).unwrap(), Metadata::default());
        assert_eq!(bytes[..5], [1, 1, 7, 2, 24]);
        for skipped in [&[8u8, 2, 1, 2][..], &[0xFF, 0x7F, 0]] {
            assert_eq!(read_metadata(&[&bytes, skipped].concat()).unwrap(), all());
        }
    }

    #[test]
    fn what_cannot_be_true_is_refused() {
        let bytes = write_metadata(&all());
        let whole: Vec<usize> = {
            let mut r = Reader(&bytes);
            let mut ends = vec![0];
            while !r.0.is_empty() {
                r.varint().unwrap();
                r.take("", usize::MAX).unwrap();
                ends.push(bytes.len() - r.0.len());
            }
            ends
        };
        for n in 0..bytes.len() {
            assert_eq!(read_metadata(&bytes[..n]).is_ok(), whole.contains(&n), "{n} bytes");
        }
        let bad: [&[u8]; 7] =
            [&[1, 1, 8], &[1, 0], &[2, 1, 0], &[4, 1, 0], &[5, 1, 0xFF], &[4, 0, 4, 0], &[0, 0]];
        for bytes in bad {
            assert!(matches!(read_metadata(bytes), Err(Error::Damaged(_))), "{bytes:?}");
        }
        let long = Metadata { settings: "ä".repeat(513), ..Metadata::default() };
        let read = read_metadata(&write_metadata(&long)).unwrap();
        assert_eq!(read.settings.len(), 1024);
        let long = [&[5, 0x81, 8][..], &[b'x'; 1025]].concat();
        assert!(matches!(read_metadata(&long), Err(Error::Limit(_))));
    }
}
