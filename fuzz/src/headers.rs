// SPDX-License-Identifier: MIT OR Apache-2.0
//! Headers of groups whose checksums are right.

use lnr::Tau;
use lnr::limits::{MAX_GROUP_FRAMES, MAX_PIXELS, MAX_SIDE};
use lnr::stream::{GroupHeader, parse_group_header, write_group};

use super::repair;

/// `data` is a group unit.
pub fn target(data: &[u8]) {
    let Some(unit) = repair::group(data) else { return };
    let Ok(header) = parse_group_header(&unit) else { return };
    within_limits(&header);
    times_ascend(&header);
    let written = write_group(&header, Tau::default(), &[]);
    assert_eq!(parse_group_header(&written).expect("it was written"), header);
}

fn within_limits(header: &GroupHeader) {
    let format = &header.format;
    assert!((1..=MAX_SIDE).contains(&format.width) && (1..=MAX_SIDE).contains(&format.height));
    assert!(format.n_pixels() as u64 <= MAX_PIXELS);
    assert!((1..=MAX_GROUP_FRAMES).contains(&header.n_frames()));
    header.model.price(&header.extent()).expect("a header that is taken has a price");
}

fn times_ascend(header: &GroupHeader) {
    let end = header.pts.checked_add(header.duration()).expect("it ends within 64 bits");
    assert!(end < 1 << 63);
    let mut before = 0;
    for units in (0..=header.n_frames() * Tau::UNIT).step_by(Tau::UNIT as usize / 2) {
        let time = header.time_of(Tau::from_units(units));
        assert!(time >= before && time <= end, "{time} ns at {units}");
        before = time;
    }
}
