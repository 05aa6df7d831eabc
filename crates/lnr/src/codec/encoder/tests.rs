// SPDX-License-Identifier: MIT OR Apache-2.0
//! A group that fails among others, and where groups end.

use super::*;
use crate::base::{Chroma, Picture, PictureFormat};
use crate::codec::borders::samples::{cross_fade, flash, mixed, wipe};

/// Pushes three groups of which the second diverges. Returns what came out before the error, the error,
/// what came out after it, and the encoder.
fn fail_in_the_middle(jobs: usize) -> (Vec<AccessUnit>, Error, Vec<AccessUnit>, Encoder) {
    let format = PictureFormat::new(16, 16, Chroma::Gray, 8);
    let settings = EncoderSettings::new(format).epochs(4).key_int_max(2).scene_cut(false);
    let mut encoder = Encoder::new(settings.jobs(jobs).threads(jobs)).unwrap();
    let mut control = Control::default();
    let mut units = Vec::new();
    for t in 0..6 {
        // No caller can ask for it.
        let quality = if matches!(t, 2 | 3) { f32::NAN } else { 50.0 };
        encoder.settings.rate_control = RateControl::Quality(quality);
        let frame = InputFrame::new(Picture::new(format).unwrap(), t * 40, 40);
        match encoder.push(frame, &mut control) {
            Ok(more) => units.extend(more),
            Err(e) => return (units, e, encoder.take_finished(), encoder),
        }
    }
    match encoder.finish(&mut control) {
        Ok(_) => panic!("the second group was written"),
        Err(e) => (units, e, encoder.take_finished(), encoder),
    }
}

#[test]
fn an_error_comes_where_its_group_would() {
    let mut before = Vec::new();
    for jobs in [1, 2, 3] {
        let (mut units, error, rest, encoder) = fail_in_the_middle(jobs);
        assert!(matches!(error, Error::Diverged(_)), "{error}");
        units.extend(rest);
        assert_eq!((units.len(), encoder.stats().groups), (2, 1), "{jobs} jobs");
        assert_eq!(encoder.n_pending(), 0);
        if jobs == 1 {
            before = units;
        } else {
            assert!(units == before);
        }
    }
}

fn inputs(pictures: Vec<Picture>) -> Vec<InputFrame> {
    let input = |(t, picture): (u64, Picture)| InputFrame::new(picture, 40 * t, 40);
    (0..).zip(pictures).map(input).collect()
}

/// Groups of these frames, and the encoder behind them.
fn encode(mut encoder: Encoder, frames: &[InputFrame]) -> (Vec<Vec<AccessUnit>>, Encoder) {
    let mut control = Control::default();
    let mut units = Vec::new();
    for frame in frames {
        units.extend(encoder.push(frame.clone(), &mut control).unwrap());
    }
    units.extend(encoder.finish(&mut control).unwrap());
    (units.chunk_by(|_, b| !b.is_key).map(<[_]>::to_vec).collect(), encoder)
}

fn settings() -> EncoderSettings {
    EncoderSettings::new(*mixed(0, 0.0).format()).epochs(2).threads(1).jobs(1)
}

/// Lengths of groups, and how many were split.
fn lengths(settings: EncoderSettings, pictures: Vec<Picture>) -> (Vec<usize>, u64) {
    let (groups, encoder) = encode(Encoder::new(settings).unwrap(), &inputs(pictures));
    (groups.iter().map(Vec::len).collect(), encoder.stats().groups_split)
}

#[test]
fn groups_end_with_their_scenes() {
    let still = || (0..70).map(|_| mixed(0, 0.0)).collect();
    assert_eq!(lengths(settings(), still()), (vec![66, 4], 0));
    assert_eq!(lengths(settings().key_int_max(30), still()), (vec![30, 30, 10], 0));
    assert_eq!(lengths(settings(), flash(40)), (vec![40], 0));
    let cut = |t: usize| mixed(t, if (12..14).contains(&t) || t > 30 { 1.0 } else { 0.0 });
    let cuts = || (0..50).map(cut).collect();
    // Two frames of another scene are no group.
    assert_eq!(lengths(settings(), cuts()), (vec![31, 19], 0));
    assert_eq!(lengths(settings().scene_cut(false).key_int_max(8), cuts()).0[..3], [8, 8, 8]);
    let (groups, n_split) = lengths(settings(), cross_fade(50, 24));
    assert_eq!(lengths(settings().scene_cut(false), cross_fade(50, 24)).0, [50]);
    assert!(groups.len() == 2 && groups[0].abs_diff(24) < 5 && n_split == 1, "{groups:?}");
    let (groups, _) = lengths(settings(), wipe(50, 24));
    assert!(groups.len() == 2 && groups[0].abs_diff(24) < 5, "{groups:?}");
}

#[test]
fn a_split_is_the_same_for_all_jobs_and_when_it_goes_on_later() {
    let mut pictures = cross_fade(44, 20);
    pictures.extend(flash(30));
    let frames = inputs(pictures);
    for settings in [settings().key_int_max(40), settings().key_int_max(40).bitrate(60)] {
        let (whole, encoder) = encode(Encoder::new(settings.clone()).unwrap(), &frames);
        assert!(whole.len() > 2 && encoder.stats().groups_split > 0, "{:?}", encoder.stats());
        let jobs = Encoder::new(settings.clone().jobs(3).threads(3)).unwrap();
        assert!(encode(jobs, &frames).0 == whole);
        let mut at = 0;
        for n_kept in 1..whole.len() {
            at += whole[n_kept - 1].len();
            let mut encoder = Encoder::new(settings.clone()).unwrap();
            let mut from = 0;
            for group in &whole[..n_kept] {
                let bytes: Vec<Vec<u8>> = group.iter().map(|unit| unit.data.clone()).collect();
                let of = &frames[from..from + group.len()];
                encoder.adopt(&bytes, of, &Control::default()).unwrap();
                from += group.len();
            }
            assert!(encode(encoder, &frames[at..]).0 == whole[n_kept..], "{n_kept} kept");
        }
    }
}
