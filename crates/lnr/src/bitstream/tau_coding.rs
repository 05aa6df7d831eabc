// SPDX-License-Identifier: MIT OR Apache-2.0

use super::bytes::{Reader, Writer};
use crate::base::{Error, Result, Tau, limits};

/// Frames are `2i`, times between them `2 * units + 1` (FORMAT section 2).
pub(super) fn write_tau(w: &mut Writer, tau: Tau) {
    match tau.is_frame() {
        true => w.varint(2 * u64::from(tau.floor())),
        false => w.varint(2 * u64::from(tau.units()) + 1),
    }
}

/// A time within the longest group.
pub(super) fn read_tau(r: &mut Reader) -> Result<Tau> {
    let end = limits::MAX_GROUP_FRAMES * Tau::UNIT;
    let v = r.varint()?;
    let units = if v & 1 == 0 { (v >> 1).saturating_mul(Tau::UNIT.into()) } else { v >> 1 };
    if units >= u64::from(end) {
        return Err(Error::damaged("a time beyond the longest group"));
    }
    Ok(Tau::from_units(units as u32))
}
