// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes around an index (FORMAT section 2.1).

use crate::base::{Error, Result};

/// The first eight bytes of an index. An `.lnr` file begins with these or with [`super::MAGIC`].
pub const INDEX_MAGIC: [u8; 8] = *b"\x9C\x4C\x23LNR\r\n";

/// Magic, size of the body, checksum of both.
pub const HEAD: usize = 8 + 4 + 4;
/// Largest body: 100,000 groups, more than a day of video.
pub const MAX_BODY: usize = 1 << 20;

/// Bytes of the index unit whose head stands at the start of `data`; none when more are needed to tell.
///
/// # Errors
/// [`Error::Damaged`] or [`Error::Limit`] when there is none.
pub fn len(data: &[u8]) -> Result<Option<usize>> {
    if data.iter().zip(&INDEX_MAGIC).any(|(a, b)| a != b) {
        return Err(Error::damaged("no index begins here"));
    }
    let Some((head, stored)) = data.get(..HEAD).and_then(|h| h.split_last_chunk::<4>()) else {
        return Ok(None);
    };
    if crc32c::crc32c(head).to_le_bytes() != *stored {
        return Err(Error::damaged("the checksum of an index's head does not match"));
    }
    let size = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
    match size <= MAX_BODY {
        true => Ok(Some(HEAD + size + 4)),
        false => Err(Error::limit(format!("an index of {size} bytes"))),
    }
}
