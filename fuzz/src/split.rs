// SPDX-License-Identifier: MIT OR Apache-2.0
//! The units of a stream.

use lnr::stream::{Scan, scan};

/// Everything that looks like a unit and is all there, in order.
pub fn units(stream: &[u8]) -> Vec<&[u8]> {
    let (mut at, mut units) = (0, Vec::new());
    while at < stream.len() {
        at += match scan(&stream[at..]) {
            Scan::Unit { len, .. } if at + len <= stream.len() => {
                units.push(&stream[at..at + len]);
                len
            }
            Scan::Garbage(n) => n,
            _ => 1,
        };
    }
    units
}
