// SPDX-License-Identifier: MIT OR Apache-2.0
//! Joining streams, and the index of what was joined.

use lnr::stream::{FileIndex, IndexBuilder};
use lnr::{AccessUnit, Joiner};

use super::repair;
use super::split::units;

/// `data` is a stream, perhaps of parts.
pub fn target(data: &[u8]) {
    let stream = repair::stream(data);
    let joined = join(&units(&stream));
    times_go_on(&joined);
    let bytes: Vec<&[u8]> = joined.iter().map(|u| &u.data[..]).collect();
    assert!(join(&bytes) == joined, "what was joined is joined, and becomes something else");
    let mut builder = IndexBuilder::default();
    for unit in &bytes {
        builder.push(unit).expect("a unit of a joined stream");
    }
    let index = builder.index();
    assert_eq!(index.n_bytes() as usize, bytes.concat().len());
    assert_eq!(index.n_units() as usize, bytes.len());
    for pair in index.groups.windows(2) {
        // Where frames last no time, the next group begins when the last one did: that moves nothing.
        assert!(!pair[1].place.is_restart || pair[1].place.begin == pair[0].place.end);
    }
    let unit = index.to_unit().expect("a small index");
    assert_eq!(FileIndex::parse(&unit).expect("it was written"), *index);
}

fn join(units: &[&[u8]]) -> Vec<AccessUnit> {
    let mut joiner = Joiner::default();
    let mut joined: Vec<_> =
        units.iter().flat_map(|u| joiner.push(u).unwrap_or_default()).collect();
    joined.extend(joiner.finish());
    joined
}

/// Inside a group without holes; groups begin one after another, though a last frame, and what was put
/// behind it, may overlap the next one.
fn times_go_on(units: &[AccessUnit]) {
    let mut group = 0;
    for pair in units.windows(2) {
        let end = pair[0].pts.checked_add(pair[0].duration).expect("times have an end");
        match pair[1].is_key {
            true => assert!(pair[1].pts >= std::mem::replace(&mut group, pair[1].pts)),
            false => assert_eq!(end, pair[1].pts),
        }
    }
}
