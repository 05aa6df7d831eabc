// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes: access units, headers, the range coder and what it codes. Integers only, no unsafe.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod bytes;
mod contexts;
mod embedding;
mod entropy_model;
mod file_index;
mod header;
mod index_unit;
#[cfg(any(test, feature = "internals"))]
mod learn;
mod metadata_section;
mod mixer;
mod model_spec;
mod neighbours;
mod parts;
mod plane;
mod plane_coder;
mod predictor;
mod range_coder;
mod scanner;
mod sections;
mod series;
mod state;
mod symbol_coder;
mod tables;
mod tau_coding;
mod tensor_coder;
#[cfg(test)]
#[allow(clippy::float_arithmetic)]
mod tests;
mod timeline;
mod unit;
mod work;
mod work_budget;

pub use embedding::{Embedding, EmbeddingHeader, read_embedding, write_embedding};
pub use entropy_model::EntropyModel;
pub use file_index::{FileIndex, IndexBuilder, IndexEntry};
pub use header::GroupHeader;
pub use index_unit::INDEX_MAGIC;
#[cfg(any(test, feature = "internals"))]
pub use learn::learn;
pub use metadata_section::{read_metadata, write_metadata};
pub use parts::{join_parts, split_parts};
pub use plane::Plane;
pub use range_coder::{RangeDecoder, RangeEncoder};
pub use scanner::Scanner;
pub use sections::{SectionWriter, Sections, tags};
pub use series::{Parent, PlaneKind, Series, decode_series, encode_series};
pub use symbol_coder::{decode_symbols, encode_symbols, huffman_bits};
pub use tensor_coder::{decode_tensor, encode_tensor, tensor_bits};
pub use timeline::{Place, Timeline};
pub use unit::{MAGIC, Scan, Unit, parse, parse_group_header, scan, write_frame, write_group};
pub use work_budget::WorkBudget;
