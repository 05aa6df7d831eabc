// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the pictures of a group tell of the model that suits them, without any training.

use crate::base::Picture;
use crate::flow::{Chain, halving_loss};

/// Frames from one that sharpness is judged on to the next.
const JUDGED: usize = 8;
/// Frames over which it is judged how much of the pictures stays.
const SPAN: usize = 16;
/// Places where it is judged.
const PLACES: usize = 4;

/// What pictures lose by halving, after they were reduced to one sample for `reduction` both ways: the mean
/// of [`halving_loss`].
pub fn halving_losses(pictures: &[&Picture], reduction: u32) -> f64 {
    let judged = pictures.iter().step_by(JUDGED);
    let n = judged.len() as f64;
    judged.map(|picture| halving_loss(picture, reduction as usize)).sum::<f64>() / n
}

/// How much of a picture stays for [`SPAN`] frames, 0..=1; of a group that is shorter, how much would.
pub fn kept(chain: &Chain) -> f64 {
    let n = chain.n_pictures();
    let span = SPAN.min(n - 1);
    if span == 0 {
        return 1.0;
    }
    let seen = |k: usize| {
        let first = k * (n - 1 - span) / (PLACES - 1);
        chain.seen(first, first + span)
    };
    let mean = (0..PLACES).map(seen).sum::<f64>() / PLACES as f64;
    mean.powf(SPAN as f64 / span as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::borders::samples::{cross_fade, mixed};

    fn kept_of(pictures: &[Picture]) -> f64 {
        let pictures: Vec<&Picture> = pictures.iter().collect();
        kept(&Chain::new(&pictures, &|| Ok(())).unwrap())
    }

    #[test]
    fn all_stays_of_a_still_picture_and_little_of_a_scene_that_gives_way() {
        let still: Vec<Picture> = (0..24).map(|_| mixed(0, 0.0)).collect();
        for n in [1, 2, 24] {
            assert!(kept_of(&still[..n]) > 0.9, "{n}");
        }
        assert!(kept_of(&cross_fade(24, 12)) < 0.3);
    }
}
