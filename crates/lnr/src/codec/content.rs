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
