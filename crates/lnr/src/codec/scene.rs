// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::{Chroma, Picture};

/// Columns and rows of the thumbnail that pictures are compared by.
const SIZE: (usize, usize) = (32, 18);
/// Samples averaged per cell and axis, at most.
const SAMPLES: usize = 4;
/// A cut differs by so much more than the frames before it (those of a clip of bicycle races by 2.9 and
/// more, the fastest motion in it by 2.1)...
const RATIO: f32 = 2.5;
/// ...and by at least so much of the distance from black to white (there 0.17, and 0.08).
const LEAST: f32 = 0.09;
/// Most cuts in a row: a flash begins and ends, but what goes on differing is motion too fast to be told
/// from cuts by one frame before it.
const MOST_IN_A_ROW: u32 = 2;

/// Finds scene changes: a frame that differs from the one before far more than its predecessors did.
#[derive(Default)]
pub struct SceneDetector {
    last: Vec<f32>,
    /// Running mean of the differences inside the scene.
    usual: f32,
    /// Cuts right before.
    n_in_a_row: u32,
}

impl SceneDetector {
    /// Whether `picture` begins a new scene.
    pub fn push(&mut self, picture: &Picture) -> bool {
        let cells = thumbnail(picture);
        let last = std::mem::replace(&mut self.last, cells);
        if last.len() != self.last.len() {
            (self.usual, self.n_in_a_row) = (0.0, 0);
            return false;
        }
        let difference = mean_difference(&last, &self.last);
        let may_be_cut = self.n_in_a_row < MOST_IN_A_ROW;
        let is_cut = may_be_cut && difference > LEAST && difference > RATIO * self.usual;
        self.usual = match (is_cut, may_be_cut) {
            (true, _) => 0.0,
            (false, true) => self.usual + 0.3 * (difference - self.usual),
            (false, false) => difference,
        };
        self.n_in_a_row = if is_cut { self.n_in_a_row + 1 } else { 0 };
        is_cut
    }
}

fn mean_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

/// Coarse means of luma, as multiples of the distance from black to white: the same whatever the chroma,
/// range and depth.
fn thumbnail(picture: &Picture) -> Vec<f32> {
    let format = picture.format();
    let unit = f32::from(1u16 << (format.depth - 8));
    let white = match format.color.full_range {
        true => f32::from(format.max_value()),
        false => 219.0 * unit,
    };
    if format.chroma != Chroma::Rgb {
        return means(picture, 0, 1.0 / white);
    }
    // An unknown matrix is that of the size.
    let (kr, kb) = crate::base::Matrix::Unknown.luma_weights(format.height);
    let weights = [kr, 1.0 - kr - kb, kb];
    let [mut sum, green, blue] = [0, 1, 2].map(|i| means(picture, i, weights[i] / white));
    sum.iter_mut().zip(green).zip(blue).for_each(|((sum, g), b)| *sum += g + b);
    sum
}

/// Coarse means of a component, times `gain`.
fn means(picture: &Picture, plane: usize, gain: f32) -> Vec<f32> {
    let (w, h) = picture.format().plane_size(plane);
    let (nx, ny) = (SIZE.0.min(w), SIZE.1.min(h));
    let span = |k: usize, n: usize, len: usize| (k * len / n, (k + 1) * len / n);
    let mut cells = Vec::with_capacity(nx * ny);
    for (i, j) in (0..ny).flat_map(|i| (0..nx).map(move |j| (i, j))) {
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
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PictureFormat;

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

    #[test]
    fn fast_motion_is_not_cut_into_frames() {
        let mut detector = SceneDetector::default();
        let stripes = |shift: usize| {
            let mut p = Picture::new(PictureFormat::new(64, 48, Chroma::Gray, 8)).unwrap();
            for (x, y) in (0..48).flat_map(|y| (0..64).map(move |x| (x, y))) {
                p.set_sample(0, x, y, if (x + shift) & 8 == 0 { 40 } else { 200 });
            }
            p
        };
        let cuts: Vec<usize> = (0..20).filter(|&i| detector.push(&stripes(3 * i))).collect();
        assert_eq!(cuts, [1, 2]);
    }

    /// R'G'B' at a pixel of a clip with three scenes, slow motion in each, and a flash.
    fn clip(frame: usize, x: usize, y: usize) -> [f32; 3] {
        let x = x + frame;
        let wave = |k: usize| ((x * k + 3 * y) % 64) as f32 / 64.0;
        match frame {
            14 => [1.0; 3],
            0..=6 => [0.2 + 0.6 * wave(1), 0.3, 0.7 * wave(2)],
            7..=19 => [0.1, 0.8 - 0.5 * wave(2), 0.3 + 0.3 * wave(1)],
            _ => [0.9 * wave(3), 0.2, 0.6],
        }
    }

    /// The frames of the clip that begin a scene, seen in this format.
    fn cuts(chroma: Chroma, depth: u8, full_range: bool) -> Vec<usize> {
        let mut format = PictureFormat::new(64, 48, chroma, depth);
        format.color.full_range = full_range;
        let scale = f32::from(1u16 << (depth - 8));
        let (black, luma, chroma_gain) = match full_range {
            true => (0.0, f32::from(format.max_value()), f32::from(format.max_value())),
            false => (16.0 * scale, 219.0 * scale, 224.0 * scale),
        };
        let mut detector = SceneDetector::default();
        let begins_scene = |frame: &usize| {
            let mut picture = Picture::new(format).unwrap();
            for plane in 0..chroma.n_planes() {
                let (w, h) = format.plane_size(plane);
                let shifts = if plane == 0 { (0, 0) } else { chroma.shifts() };
                for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                    let [r, g, b] = clip(*frame, x << shifts.0, y << shifts.1);
                    let grey = 0.299 * r + 0.587 * g + 0.114 * b;
                    let value = match (chroma, plane) {
                        (Chroma::Rgb, _) => black + luma * [r, g, b][plane],
                        (_, 0) => black + luma * grey,
                        (_, 1) => 128.0 * scale + chroma_gain * (b - grey) / 1.772,
                        _ => 128.0 * scale + chroma_gain * (r - grey) / 1.402,
                    };
                    let value = value.round().clamp(0.0, f32::from(format.max_value()));
                    picture.set_sample(plane, x, y, value as u16);
                }
            }
            detector.push(&picture)
        };
        (0..24).filter(begins_scene).collect()
    }

    #[test]
    fn the_same_cuts_whatever_the_format() {
        for chroma in [Chroma::Rgb, Chroma::Gray, Chroma::Yuv420, Chroma::Yuv422, Chroma::Yuv444] {
            for (depth, full_range) in [(8, false), (8, true), (10, false), (16, true)] {
                // Scenes, and the flash with what follows it.
                let found = cuts(chroma, depth, full_range);
                assert_eq!(found, [7, 14, 15, 20], "{chroma:?} {depth} {full_range}");
            }
        }
    }
}
