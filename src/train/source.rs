// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::{Chroma, ChromaSite, Picture};

/// Reads components of pictures at full resolution, scaled to 0..=1; chroma is interpolated.
pub struct PixelSource<'a> {
    picture: &'a Picture,
    gain: f32,
}

impl<'a> PixelSource<'a> {
    /// Reads `picture`.
    pub fn new(picture: &'a Picture) -> Self {
        Self { picture, gain: 1.0 / f32::from(picture.format().max_value()) }
    }

    /// Components of every `step`-th pixel both ways from `phase` (x, y) on: [planes, rows, columns]
    /// into `out`.
    pub fn read(&self, step: usize, phase: (usize, usize), out: &mut [f32]) {
        let format = self.picture.format();
        let (w, h) = (format.width as usize, format.height as usize);
        let (nx, ny) = ((w - phase.0).div_ceil(step), (h - phase.1).div_ceil(step));
        for (plane, out) in out.chunks_exact_mut(nx * ny).enumerate() {
            let half = plane > 0 && format.chroma.shifts() != (0, 0);
            for (i, out) in out.chunks_exact_mut(nx).enumerate() {
                let y = phase.1 + i * step;
                if half {
                    self.chroma_row(plane, y, phase.0, step, out);
                } else {
                    self.row(plane, y, phase.0, step, out);
                }
            }
        }
    }

    fn row(&self, plane: usize, y: usize, x0: usize, step: usize, out: &mut [f32]) {
        let row = self.picture.row(plane, y);
        if self.picture.format().sample_bytes() == 1 {
            for (o, v) in out.iter_mut().zip(row[x0..].iter().step_by(step)) {
                *o = f32::from(*v) * self.gain;
            }
        } else {
            for (j, o) in out.iter_mut().enumerate() {
                *o = f32::from(self.picture.sample(plane, x0 + j * step, y)) * self.gain;
            }
        }
    }

    fn chroma_row(&self, plane: usize, y: usize, x0: usize, step: usize, out: &mut [f32]) {
        let format = self.picture.format();
        let (w, h) = format.plane_size(plane);
        let rows =
            if format.chroma == Chroma::Yuv420 { between(y, h) } else { [(y, 1.0), (y, 0.0)] };
        for (j, o) in out.iter_mut().enumerate() {
            let x = x0 + j * step;
            let columns = match format.color.site {
                ChromaSite::Center => between(x, w),
                _ => [
                    (x / 2, 1.0 - 0.5 * (x % 2) as f32),
                    ((x / 2 + 1).min(w - 1), 0.5 * (x % 2) as f32),
                ],
            };
            let mut sum = 0.0;
            for (row, wy) in rows {
                for (column, wx) in columns {
                    sum += wx * wy * f32::from(self.picture.sample(plane, column, row));
                }
            }
            *o = sum * self.gain;
        }
    }
}

/// The two chroma samples around luma sample `i` where they lie between luma samples.
fn between(i: usize, n: usize) -> [(usize, f32); 2] {
    let near = i / 2;
    let far = if i.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(n - 1) };
    [(near.min(n - 1), 0.75), (far, 0.25)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PictureFormat;

    #[test]
    fn a_ramp_is_reproduced_inside_and_phases_pick_its_pixels() {
        for site in [ChromaSite::Left, ChromaSite::Center] {
            let mut format = PictureFormat::new(16, 8, Chroma::Yuv420, 10);
            format.color.site = site;
            let mut picture = Picture::new(format).unwrap();
            // Chroma of a linear ramp 10 x + 20 y at each sample's own position.
            let offset = if site == ChromaSite::Center { 0.5 } else { 0.0 };
            for (x, y) in (0..4).flat_map(|y| (0..8).map(move |x| (x, y))) {
                let v = 10.0 * (2.0 * x as f32 + offset) + 20.0 * (2.0 * y as f32 + 0.5);
                picture.set_sample(1, x, y, v as u16);
                picture.set_sample(0, 2 * x + 1, 2 * y, (x + 8 * y) as u16);
            }
            let mut out = vec![f32::NAN; 3 * 8 * 4];
            PixelSource::new(&picture).read(2, (1, 0), &mut out);
            for (x, y) in (1..3).flat_map(|y| (1..7).map(move |x| (x, y))) {
                let expected = 10.0 * (2 * x + 1) as f32 + 20.0 * (2 * y) as f32;
                let got = out[32 + y * 8 + x] * 1023.0;
                assert!((got - expected).abs() < 0.51, "{site:?} ({x}, {y}): {got} {expected}");
                assert_eq!((out[y * 8 + x] * 1023.0).round() as usize, x + 8 * y);
            }
        }
    }
}
