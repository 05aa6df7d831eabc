// SPDX-License-Identifier: MIT OR Apache-2.0
//! A group that fails among others.

use super::*;
use crate::base::{Chroma, Picture, PictureFormat};

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
