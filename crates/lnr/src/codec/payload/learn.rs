// SPDX-License-Identifier: MIT OR Apache-2.0

use super::shape;
use super::steps::decode_sources;
use crate::base::spec::Precision;
use crate::base::{Error, Result};
use crate::bitstream::{self, Scan, Sections, Unit, WorkBudget};

/// Learns the initial states of entropy coding from the groups of some streams, one after another:
/// the bytes of `crates/lnr/src/bitstream/plane_state.bin` (FORMAT-entropy section 8).
///
/// # Errors
/// Those of [`bitstream::parse`] and [`Error::Damaged`].
pub fn learn_states<'a>(streams: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>> {
    let mut files = Vec::new();
    for mut stream in streams {
        while let Scan::Unit { len, is_group } = bitstream::scan(stream) {
            let unit = stream.get(..len).ok_or_else(|| Error::damaged("a unit is cut off"))?;
            if is_group
                && let Unit::Group { header, payload, .. } = bitstream::parse(unit)?
                && !matches!(header.model.precision, Precision::Uniform(_))
            {
                let (shape, sections) = (shape(&header)?, Sections::parse(payload)?);
                let sources = decode_sources(
                    &shape,
                    header.model.precision,
                    &sections,
                    &mut WorkBudget::unlimited(),
                )?;
                files.extend(sources.into_iter().map(|s| (s.series, s.models)));
            }
            stream = &stream[len..];
        }
    }
    Ok(bitstream::learn(&files))
}
