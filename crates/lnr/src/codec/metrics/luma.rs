// SPDX-License-Identifier: MIT OR Apache-2.0

use rayon::prelude::*;

use super::super::convert::{load_row, to_rgb8};
use crate::base::{Chroma, Picture};

/// A plane of luma on the scale of 8-bit code values.
#[derive(Clone, Debug, PartialEq)]
pub struct Luma {
    /// Samples of a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// [height, width] f32, 0..=255
    pub samples: Vec<f32>,
}

/// The luma of `picture`, of video or of full range whichever its own range is, so that pictures of
/// different depth and range can be compared.
pub fn luma(picture: &Picture, full_range: bool) -> Luma {
    let f = picture.format();
    let (width, height) = f.plane_size(0);
    let mut samples = vec![0.0; width * height];
    if f.chroma == Chroma::Rgb {
        let (kr, kb) = f.color.matrix.luma_weights(f.height);
        let rgb = to_rgb8(picture);
        for (o, p) in samples.iter_mut().zip(rgb.chunks_exact(3)) {
            let [r, g, b] = [p[0], p[1], p[2]].map(f32::from);
            *o = kr * r + (1.0 - kr - kb) * g + kb * b;
        }
    } else {
        let scale = 255.0 / f32::from(f.max_value());
        let lines = samples.par_chunks_mut(width).enumerate();
        lines.for_each(|(y, line)| {
            load_row(picture, 0, y, line);
            line.iter_mut().for_each(|v| *v *= scale);
        });
    }
    let is_full = f.color.full_range || f.chroma == Chroma::Rgb;
    let (gain, offset) = match (is_full, full_range) {
        (true, false) => (219.0 / 255.0, 16.0),
        (false, true) => (255.0 / 219.0, -16.0 * 255.0 / 219.0),
        _ => (1.0, 0.0),
    };
    if gain != 1.0 {
        let map = |v: &mut f32| *v = (*v * gain + offset).clamp(0.0, 255.0);
        samples.par_iter_mut().for_each(map);
    }
    Luma { width, height, samples }
}
