// SPDX-License-Identifier: MIT OR Apache-2.0

use super::plane::{Plane, luma};
use crate::base::Picture;

/// Side of a patch in samples.
pub(super) const PATCH: usize = 8;
/// Samples by which a level is repeated beyond each edge: patches may leave the picture by as much.
pub(super) const BORDER: usize = 24;
/// A coarser level follows while its shorter side has so many samples: one patch and a step.
const SHORTEST: usize = 9;
/// Longer side, in samples, that pictures are reduced to: finer ones cost more than they tell.
const LONGEST: usize = 320;

/// Pixels of a picture of this size per sample of its flow, both ways: 2 up to 640 pixels on the longer
/// side, 4 up to 1280, and so on; 1 where there are few pixels.
pub fn reduction(width: usize, height: usize) -> usize {
    let (short, long) = (width.min(height), width.max(height));
    if short < 2 * SHORTEST && long <= LONGEST {
        return 1;
    }
    long.div_ceil(LONGEST).next_power_of_two().max(2)
}

/// A reduced luma with a border, and its slopes.
#[derive(Debug)]
pub(super) struct Level {
    pub width: usize,
    pub height: usize,
    /// Samples of a line, borders too.
    pub pitch: usize,
    /// [height + 2 BORDER, pitch]
    pub samples: Vec<f32>,
    /// Half the difference of the two neighbours, to the right and down. [height, width]
    pub slopes: [Vec<f32>; 2],
}

impl Level {
    fn new(plane: &Plane) -> Self {
        let (width, height) = (plane.width, plane.height);
        let pitch = width + 2 * BORDER;
        let mut samples = Vec::with_capacity(pitch * (height + 2 * BORDER));
        for y in 0..height + 2 * BORDER {
            let y = y.saturating_sub(BORDER).min(height - 1);
            let row = &plane.samples[y * width..][..width];
            samples.extend(std::iter::repeat_n(row[0], BORDER));
            samples.extend_from_slice(row);
            samples.extend(std::iter::repeat_n(row[width - 1], BORDER));
        }
        let mut slopes = [Vec::with_capacity(width * height), Vec::with_capacity(width * height)];
        for y in 0..height {
            let row = |y: usize, x: usize| &samples[y * pitch + x..][..width];
            let halves = |(a, b): (&f32, &f32)| 0.5 * (b - a);
            let (y, x) = (y + BORDER, BORDER);
            slopes[0].extend(row(y, x - 1).iter().zip(row(y, x + 1)).map(halves));
            slopes[1].extend(row(y - 1, x).iter().zip(row(y + 1, x)).map(halves));
        }
        Self { width, height, pitch, samples, slopes }
    }
}

/// The luma of a picture at ever smaller sizes.
#[derive(Debug)]
pub struct Pyramid {
    /// The finest of them, [`reduction`] of the picture's size but at least a patch both ways.
    pub luma: Plane,
    /// Finest first.
    pub(super) levels: Vec<Level>,
}

impl Pyramid {
    /// The pyramid of a picture of 8 to 16 bits.
    pub fn new(picture: &Picture) -> Self {
        let (width, height) = picture.format().plane_size(0);
        let luma = luma(picture, reduction(width, height)).at_least(PATCH);
        let mut levels = vec![Level::new(&luma)];
        let mut next = luma.halved();
        while next.width.min(next.height) >= SHORTEST {
            levels.push(Level::new(&next));
            next = next.halved();
        }
        Self { luma, levels }
    }
}
