// SPDX-License-Identifier: MIT OR Apache-2.0
//! Access units between access units.
#[path = "../../../tests/handmade/mod.rs"]
mod handmade;

use lnr::stream::{Unit, write_frame};
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
    let by_256 = interpolated(&interpolated(&by_eight, 4), 8);
    assert!(by_256 == interpolated(&interpolated(&interpolated(&group, 8), 8), 4));
    let times: Vec<_> = by_256.iter().skip(1).map(|(data, ..)| shows(data)).collect();
    assert!(times.iter().copied().eq(1..N_FRAMES * Tau::UNIT));
}

fn shows(unit: &[u8]) -> u32 {
    match lnr::stream::parse(unit) {
        Ok(Unit::Frame { shows, .. }) => shows.units(),
        _ => 0,
    }
}

#[test]
fn a_frame_has_no_more_parts_than_the_format() {
    let all = interpolated(&interpolated(&interpolated(&group(), 8), 8), 4);
    let mut interpolator = Interpolator::new(2).unwrap();
    let (data, pts, duration) = &all[0];
    let error = interpolator.push(data, *pts, *duration).unwrap_err();
    assert!(error.to_string().contains("256 parts of a frame"), "{error}");
}

/// Containers let the last access unit before a gap last until what follows, or say nothing of it.
#[test]
fn the_last_one_before_a_gap_stays_inside_of_its_group() {
    for n in [2, 4, 8, 16] {
        let before = interpolated(&interpolated(&group(), n.min(8)), n / n.min(8));
        for duration in [0, DURATION, 100 * DURATION] {
            let mut stretched = before.clone();
            stretched.last_mut().unwrap().2 = duration;
            let last = interpolated(&stretched, 2).pop().unwrap();
            assert_eq!(
                shows(&last.0),
                N_FRAMES * Tau::UNIT - Tau::UNIT / (2 * n),
                "{n} {duration}"
            );
        }
    }
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
