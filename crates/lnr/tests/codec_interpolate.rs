// SPDX-License-Identifier: MIT OR Apache-2.0
//! Access units between access units.
#[path = "../../../tests/handmade/mod.rs"]
mod handmade;

use lnr::stream::write_frame;
use lnr::{Error, Interpolator, Tau};

const N_FRAMES: u32 = 64;
const DURATION: u64 = 40_000_000;

/// An access unit, when it is shown, and for how long.
type Shown = (Vec<u8>, u64, u64);

fn group() -> Vec<Shown> {
    let data = |i: u32| match i {
        0 => handmade::long_group(3, 0),
        i => write_frame(3, Tau::frame(i)),
    };
    (0..N_FRAMES).map(|i| (data(i), u64::from(i) * DURATION, DURATION)).collect()
}

fn interpolated(units: &[Shown], factor: u32) -> Vec<Shown> {
    let mut interpolator = Interpolator::new(factor).unwrap();
    let push = |(data, pts, duration): &Shown| interpolator.push(data, *pts, *duration).unwrap();
    units.iter().flat_map(push).map(|u| (u.data, u.pts, u.duration)).collect()
}

#[test]
fn interpolating_again_is_interpolating_by_more() {
    let group = group();
    let by_eight = interpolated(&group, 8);
    assert_eq!(by_eight.len(), 8 * group.len());
    for [a, b] in [[2, 4], [4, 2]] {
        assert!(interpolated(&interpolated(&group, a), b) == by_eight, "{a}, {b}");
    }
    assert!(interpolated(&interpolated(&interpolated(&group, 2), 2), 2) == by_eight);
}

/// Containers with a time scale of 1/1000 or 1/90000 round.
#[test]
fn rounded_durations_are_those_of_the_stream() {
    let half = interpolated(&group(), 2);
    for off in [-1_000_000, 1_000_000] {
        let mut rounded = half.clone();
        rounded.iter_mut().for_each(|(.., d)| *d = d.saturating_add_signed(off));
        for (a, b) in interpolated(&rounded, 2).iter().zip(interpolated(&half, 2)) {
            assert_eq!(a.0, b.0, "{off}");
        }
    }
}

#[test]
fn times_beyond_the_last_are_an_error() {
    let first = &group()[0].0;
    let mut interpolator = Interpolator::new(8).unwrap();
    let outcome = interpolator.push(first, 1, u64::MAX);
    assert!(matches!(outcome, Err(Error::Limit(_))), "{:?}", outcome.err());
    assert_eq!(interpolator.push(first, 1, u64::MAX - 1).unwrap().len(), 8);
}
