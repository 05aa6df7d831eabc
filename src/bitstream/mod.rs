// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes: access units, headers, the range coder and what it codes. Integers only, no unsafe.
#![forbid(unsafe_code)]

mod bytes;
mod header;
mod unit;

pub use header::{GroupHeader, LatentHeader, ModelHeader, NetworkHeader, SourceHeader};
pub use unit::{MAGIC, Scan, Unit, parse, parse_group_header, scan, write_frame, write_group};
