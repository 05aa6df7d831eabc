// SPDX-License-Identifier: MIT OR Apache-2.0
//! Searching and parsing access units in any bytes, in pieces of any size.

use lnr::stream::{FileIndex, Scan, Scanner, Unit, parse, write_frame, write_group};

use super::repair;

/// The first byte says whether checksums are repaired, and how large the pieces are.
pub fn target(data: &[u8]) {
    let Some((&how, data)) = data.split_first() else { return };
    let data = if how & 1 == 1 { repair::stream(data) } else { data.to_vec() };
    let piece = 1 + usize::from(how >> 1);
    let found = search(&data, piece);
    assert!(found == search(&data, data.len()), "pieces of {piece} bytes give other units");
    for (at, len) in found {
        written_again_it_is_the_same(&data[at..at + len]);
    }
}

/// Where good units begin, and their sizes.
fn search(data: &[u8], piece: usize) -> Vec<(usize, usize)> {
    let mut scanner = Scanner::new();
    let (mut found, mut at, mut end) = (Vec::new(), 0, piece.min(data.len()));
    while at < data.len() {
        let n = match scanner.scan(&data[at..end]) {
            Scan::Unit { len, .. } if at + len <= end => match parse(&data[at..at + len]) {
                Ok(_) => {
                    found.push((at, len));
                    len
                }
                Err(_) => 1,
            },
            Scan::Index(len) if at + len <= end => match FileIndex::parse(&data[at..at + len]) {
                Ok(index) => {
                    assert!(
                        index
                            .to_unit()
                            .is_none_or(|unit| FileIndex::parse(&unit).ok() == Some(index))
                    );
                    len
                }
                Err(_) => 1,
            },
            Scan::Garbage(n) => n.min(end - at),
            Scan::Unit { .. } | Scan::Index(_) | Scan::More(_) if end == data.len() => 1,
            Scan::Unit { .. } | Scan::Index(_) | Scan::More(_) => 0,
        };
        if n == 0 {
            end = data.len().min(end + piece);
        }
        scanner.consume(n);
        at += n;
    }
    found
}

fn written_again_it_is_the_same(unit: &[u8]) {
    let parsed = parse(unit).expect("it was parsed before");
    let written = match &parsed {
        Unit::Frame { group, shows } => write_frame(*group, *shows),
        Unit::Group { header, shows, payload } => write_group(header, *shows, payload),
    };
    assert_eq!(parse(&written).expect("it was written"), parsed);
}
