// SPDX-License-Identifier: MIT OR Apache-2.0

use super::*;
use crate::base::{Error, limits::MAX_SYMBOL};

fn assert_within_limits(series: &[Series]) {
    for plane in series.iter().flat_map(|s| &s.planes) {
        for y in 0..plane.height() {
            assert!(plane.row(y).iter().all(|v| i32::from(*v).abs() <= MAX_SYMBOL));
        }
    }
}

#[test]
fn truncated_streams_are_errors() {
    let mut rng = Rng::new(31);
    let models = models(&mut rng);
    let series = group(&mut rng, 60, 40, 3);
    let bytes = encode(&series, &models);
    for n in (0..bytes.len() - 16).step_by(37) {
        let mut read = blank(&series);
        let result = decode_series(&mut read, &models, &mut RangeDecoder::new(&bytes[..n]));
        assert!(matches!(result, Err(Error::Damaged(_) | Error::Limit(_))), "cut at {n}");
        assert_within_limits(&read);
    }
}

#[test]
fn random_and_flipped_bytes_give_errors_or_symbols_within_limits() {
    let mut rng = Rng::new(32);
    let models = models(&mut rng);
    let series = group(&mut rng, 48, 30, 3);
    let good = encode(&series, &models);
    for i in 0..120 {
        let mut bytes = good.clone();
        match i % 4 {
            0 => bytes.fill_with(|| rng.next_u64() as u8),
            1 => bytes.fill(if i % 8 == 1 { 0 } else { 0xFF }),
            _ => {
                let at = rng.below(bytes.len());
                bytes[at] ^= 1 << rng.below(8);
            }
        }
        let mut read = blank(&series);
        let _ = decode_series(&mut read, &models, &mut RangeDecoder::new(&bytes));
        assert_within_limits(&read);
    }
}

#[test]
fn wild_models_do_no_harm() {
    let mut rng = Rng::new(33);
    let series = group(&mut rng, 30, 30, 2);
    let mut models = models(&mut rng);
    for m in &mut models {
        m.shift = 1 + rng.below(14) as u32;
        m.weights.iter_mut().for_each(|w| *w = rng.next_u64() as i32);
    }
    round_trip(&series, &models);
}

#[test]
fn series_that_do_not_fit_each_other_are_errors() {
    let mut rng = Rng::new(34);
    let models = models(&mut rng);
    let good = group(&mut rng, 40, 40, 3);
    let decode = |change: &dyn Fn(&mut Vec<Series>)| {
        let mut series = blank(&good);
        change(&mut series);
        decode_series(&mut series, &models, &mut RangeDecoder::new(&[0x55; 9000]))
    };
    let last = good.len() - 1;
    let parent = |series, ratio| Some(Parent { series, ratio });
    type Change<'a> = &'a dyn Fn(&mut Vec<Series>);
    let changes: [Change; 10] = [
        &|s| s[0].parent = parent(0, 2),
        &|s| s[0].parent = parent(99, 2),
        &|s| s[last].parent = parent(0, 2),
        &|s| s[1].parent = parent(0, 0),
        &|s| s[last].sibling = Some(last),
        &|s| s[last].sibling = Some(last - 2),
        &|s| s[0].model = Some((3, 0)),
        &|s| s[0].model = Some((0, 5)),
        &|s| s[last].planes[1] = Plane::new(1, 1),
        &|s| s[0].planes[0] = Plane::new(0, 0),
    ];
    for (i, change) in changes.iter().enumerate() {
        assert!(matches!(decode(change), Err(Error::Damaged(_))), "change {i}");
    }
}
