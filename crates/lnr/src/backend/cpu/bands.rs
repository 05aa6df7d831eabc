// SPDX-License-Identifier: MIT OR Apache-2.0

use super::super::{Purpose, Shape};

/// Rows of the source for each band of a training step. A step of grids sees half of them; where a band
/// has fewer than about 30, what each band does once costs more than 3 % of the step.
const ROWS: usize = 64;
/// Bands of grids, so that two threads share small pictures, and large ones do not fill the memory.
const OF_GRIDS: std::ops::RangeInclusive<usize> = 2..=16;
/// Bands of the frames of a coordinate network: each holds gradients of all tables.
const OF_FRAMES: usize = 8;

/// Parts into which the work of a step or of a picture is cut. Sums of training are added band by band,
/// so there they follow from the shape: how many threads there are changes no bit.
pub fn count(shape: &Shape, purpose: Purpose, n_threads: usize) -> usize {
    match (purpose, shape.encoding()) {
        (Purpose::Render { .. }, _) => n_threads,
        (Purpose::Train { .. }, Some(_)) => OF_FRAMES,
        (Purpose::Train { .. }, None) => {
            // Powers of two share well among as many threads.
            let n = (shape.height / ROWS).checked_ilog2().map_or(1, |log| 1 << log);
            n.clamp(*OF_GRIDS.start(), *OF_GRIDS.end())
        }
    }
}
