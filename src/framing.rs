// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding access units in a stream of bytes, also in a damaged one.

use lnr::Error;
use lnr::stream::{Scan, Scanner};

/// Smallest access unit: sync word, type, group, tau, checksum.
pub(super) const MIN_UNIT: usize = 7;
/// Most bytes to skip at once; the base classes give up beyond 2 MiB.
pub(super) const MAX_SKIP: usize = 1 << 20;

/// What is wrong with [`Found::Garbage`].
pub(super) fn garbage() -> Error {
    Error::damaged("bytes that are no access unit")
}

/// What is wrong with bytes behind which more are needed, and nothing follows.
pub(super) fn cut_off() -> Error {
    Error::damaged("the stream ends within an access unit")
}

/// What stands at the start of some bytes.
pub(super) enum Found {
    /// An access unit of so many bytes; they need not all be there yet.
    Unit(usize),
    /// An index of so many bytes; they need not all be there yet.
    Index(usize),
    /// So many bytes are needed to tell.
    More(usize),
    /// So many bytes belong to no access unit.
    Garbage(usize),
}

/// Looks at the start of `data`, which is where `scanner` stands; all garbage before the next candidate
/// is taken together.
pub(super) fn find(scanner: &mut Scanner, data: &[u8]) -> Found {
    let mut skip = 0;
    while skip < data.len().min(MAX_SKIP) {
        match scanner.scan_at(&data[skip..], skip) {
            Scan::Garbage(n) => skip += n,
            _ if skip > 0 => break,
            Scan::More(n) => return Found::More(n),
            Scan::Unit { len, .. } => return Found::Unit(len),
            Scan::Index(len) => return Found::Index(len),
        }
    }
    match skip {
        0 => Found::More(MIN_UNIT),
        _ => Found::Garbage(skip.min(data.len())),
    }
}
