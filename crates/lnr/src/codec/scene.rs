// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::Picture;

/// Columns and rows of the thumbnail that pictures are compared by.
const SIZE: (usize, usize) = (32, 18);
/// Samples averaged per cell and axis, at most.
const SAMPLES: usize = 4;
/// A cut differs by so much more than the frames before it...
const RATIO: f32 = 3.0;
/// ...and by at least so much of the full scale.
const LEAST: f32 = 0.045;

/// Finds scene changes: a frame that differs from the one before far more than its predecessors did.
#[derive(Default)]
pub struct SceneDetector {
    last: Vec<f32>,
    /// Running mean of the differences inside the scene.
    usual: f32,
}

impl SceneDetector {
    /// Whether `picture` begins a new scene.
    pub fn push(&mut self, picture: &Picture) -> bool {
        let cells = thumbnail(picture);
        let last = std::mem::replace(&mut self.last, cells);
        if last.len() != self.last.len() {
            self.usual = 0.0;
            return false;
        }
        let difference = mean_difference(&last, &self.last);
        let is_cut = difference > LEAST && difference > RATIO * self.usual;
        self.usual = if is_cut { 0.0 } else { self.usual + 0.3 * (difference - self.usual) };
        is_cut
    }
}

fn mean_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

/// Coarse means of all components, scaled to 0..=1.
fn thumbnail(picture: &Picture) -> Vec<f32> {
    let format = picture.format();
    let gain = 1.0 / f32::from(format.max_value());
    let mut cells = Vec::new();
    for plane in 0..format.chroma.n_planes() {
        let (w, h) = format.plane_size(plane);
        let (nx, ny) = (SIZE.0.min(w), SIZE.1.min(h));
        for (i, j) in (0..ny).flat_map(|i| (0..nx).map(move |j| (i, j))) {
            let span = |k: usize, n: usize, len: usize| (k * len / n, (k + 1) * len / n);
            let ((y0, y1), (x0, x1)) = (span(i, ny, h), span(j, nx, w));
            let (sy, sx) = ((y1 - y0).div_ceil(SAMPLES), (x1 - x0).div_ceil(SAMPLES));
            let (mut sum, mut n) = (0.0, 0.0);
            for y in (y0..y1).step_by(sy) {
                for x in (x0..x1).step_by(sx) {
                    sum += f32::from(picture.sample(plane, x, y));
                    n += 1.0;
                }
            }
            cells.push(sum / n * gain);
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Chroma, PictureFormat};

    fn scene(kind: usize, shift: usize) -> Picture {
        let mut p = Picture::new(PictureFormat::new(64, 48, Chroma::Yuv420, 8)).unwrap();
        for (x, y) in (0..48).flat_map(|y| (0..64).map(move |x| (x, y))) {
            let v = if kind == 0 { 2 * (x + shift) + y } else { 250 - 4 * y + (x ^ y) % 7 };
            p.set_sample(0, x, y, v as u16);
        }
        p
    }

    #[test]
    fn motion_is_no_cut_and_a_cut_is_one() {
        let mut detector = SceneDetector::default();
        for i in 0..6 {
            assert!(!detector.push(&scene(0, 2 * i)), "frame {i}");
        }
        assert!(detector.push(&scene(1, 0)));
        assert!(!detector.push(&scene(1, 0)));
        assert!(detector.push(&scene(0, 0)));
    }
}
