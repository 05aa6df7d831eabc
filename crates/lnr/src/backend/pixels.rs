// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading the samples of pictures as components of pixels.

use super::{Pixels, Shape};
use crate::base::{Chroma, Picture};

impl Pixels {
    /// For every pixel of a patch, row by row, that is inside the frame somewhere: its number in the
    /// patch, the first such pixel, and how many there are across and down.
    fn of_patch(
        &self,
        shape: &Shape,
    ) -> impl Iterator<Item = (usize, (usize, usize), (usize, usize))> {
        let (p, size, phase) = (shape.patch, (shape.width, shape.height), self.phase);
        let step = self.step * p;
        (0..p * p).filter_map(move |pixel| {
            let first = (phase.0 * p + pixel % p, phase.1 * p + pixel / p);
            // The last column or row of patches may reach beyond the frame.
            let inside = first.0 < size.0 && first.1 < size.1;
            let n = |from: usize, size: usize| (size - from).div_ceil(step);
            inside.then(|| (pixel, first, (n(first.0, size.0), n(first.1, size.1))))
        })
    }

    /// Components of pixels that are inside the frame.
    pub fn n_values(&self, shape: &Shape) -> usize {
        let n: usize = self.of_patch(shape).map(|(_, _, (nx, ny))| nx * ny).sum();
        self.frames.len() * shape.n_out * n
    }
}

/// See [`super::Backend::target`].
pub fn target(pictures: &[&Picture], shape: &Shape, pixels: &Pixels, target: &mut [f32]) {
    let lattice = shape.centres(pixels.step, pixels.phase);
    let (n, area) = (lattice.len(), shape.patch * shape.patch);
    let frame_len = shape.n_values() * n;
    let pictures = &pictures[pixels.frames.clone()];
    let mut read = Vec::new();
    for (picture, frame) in pictures.iter().zip(target.chunks_exact_mut(frame_len)) {
        let source = PixelSource::new(picture);
        if area == 1 {
            source.read(pixels.step, pixels.phase, frame);
            continue;
        }
        frame.fill(f32::NAN);
        for (pixel, first, (nx, ny)) in pixels.of_patch(shape) {
            read.clear();
            read.resize(shape.n_out * nx * ny, 0.0);
            source.read(pixels.step * shape.patch, first, &mut read);
            for (c, plane) in read.chunks_exact(nx * ny).enumerate() {
                let to = &mut frame[(c * area + pixel) * n..][..n];
                for (to, row) in to.chunks_exact_mut(lattice.nx).zip(plane.chunks_exact(nx)) {
                    to[..nx].copy_from_slice(row);
                }
            }
        }
    }
}

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
    /// into the beginning of `out`.
    pub fn read(&self, step: usize, phase: (usize, usize), out: &mut [f32]) {
        let format = self.picture.format();
        let (w, h) = (format.width as usize, format.height as usize);
        let (nx, ny) = ((w - phase.0).div_ceil(step), (h - phase.1).div_ceil(step));
        let n_planes = format.chroma.n_planes();
        let mut line = vec![0.0; 2 * format.plane_size(n_planes - 1).0];
        for (plane, out) in out.chunks_exact_mut(nx * ny).take(n_planes).enumerate() {
            let half = plane > 0 && format.chroma.shifts() != (0, 0);
            for (i, out) in out.chunks_exact_mut(nx).enumerate() {
                let y = phase.1 + i * step;
                if half {
                    self.chroma_row(plane, y, phase.0, step, &mut line, out);
                } else {
                    self.row(plane, y, phase.0, step, out);
                }
            }
        }
    }

    fn row(&self, plane: usize, y: usize, x0: usize, step: usize, out: &mut [f32]) {
        let row = self.picture.row(plane, y);
        if self.picture.format().sample_bytes() == 1 {
            // The same for the steps that occur most, with what the compiler makes vectors of.
            let row = &row[x0..];
            match step {
                1 => out.iter_mut().zip(row).for_each(|(o, v)| *o = f32::from(*v) * self.gain),
                2 => {
                    let pairs = row.as_chunks::<2>().0;
                    out.iter_mut().zip(pairs).for_each(|(o, v)| *o = f32::from(v[0]) * self.gain);
                    if let (Some(o), 1) = (out.get_mut(pairs.len()), row.len() % 2) {
                        *o = f32::from(row[2 * pairs.len()]) * self.gain;
                    }
                }
                _ => {
                    for (o, v) in out.iter_mut().zip(row.iter().step_by(step)) {
                        *o = f32::from(*v) * self.gain;
                    }
                }
            }
        } else {
            let samples = row.as_chunks::<2>().0[x0..].iter().step_by(step);
            for (o, v) in out.iter_mut().zip(samples) {
                *o = f32::from(u16::from_le_bytes(*v)) * self.gain;
            }
        }
    }

    /// A row of halved chroma: blended vertically into `line`, then read at the luma columns.
    fn chroma_row(
        &self,
        plane: usize,
        y: usize,
        x0: usize,
        step: usize,
        line: &mut [f32],
        out: &mut [f32],
    ) {
        let format = self.picture.format();
        let (w, h) = format.plane_size(plane);
        if format.chroma == Chroma::Yuv420 {
            self.row(plane, near(y, h), 0, 1, &mut line[..w]);
            let (blend, far_row) = line.split_at_mut(w);
            self.row(plane, far(y, h), 0, 1, far_row);
            blend.iter_mut().zip(far_row).for_each(|(b, f)| *b = 0.75 * *b + 0.25 * *f);
        } else {
            self.row(plane, y, 0, 1, &mut line[..w]);
        }
        let line = &line[..w];
        let last = w - 1;
        let columns = (x0..).step_by(step);
        match format.color.site.is_between_columns() {
            true => {
                for (o, x) in out.iter_mut().zip(columns) {
                    *o = 0.75 * line[near(x, w)] + 0.25 * line[far(x, w)];
                }
            }
            false => {
                for (o, x) in out.iter_mut().zip(columns) {
                    *o = 0.5 * (line[x / 2] + line[x.div_ceil(2).min(last)]);
                }
            }
        }
    }
}

/// The nearer and the farther of the two of `n` chroma samples around luma sample `i`, where chroma
/// lies between luma samples: their weights are 3/4 and 1/4.
fn near(i: usize, n: usize) -> usize {
    (i / 2).min(n - 1)
}

fn far(i: usize, n: usize) -> usize {
    if i.is_multiple_of(2) { (i / 2).saturating_sub(1) } else { (i / 2 + 1).min(n - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ChromaSite, PictureFormat};

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
