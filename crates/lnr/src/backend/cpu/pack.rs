// SPDX-License-Identifier: MIT OR Apache-2.0
//! Components as f32 to samples: averaging, chroma subsampling, rounding.

use crate::base::{Chroma, ChromaSite, Picture, PictureFormat};

/// The samples of some rows of a picture, plane by plane.
pub struct RowBands<'a> {
    pub n_rows: usize,
    planes: Vec<&'a mut [u8]>,
}

impl<'a> RowBands<'a> {
    /// Cuts a picture into at most `n` bands of rows, between chroma rows, each with the number of
    /// its first row.
    pub fn split(out: &'a mut Picture, n: usize) -> Vec<(usize, Self)> {
        let format = *out.format();
        let height = format.height as usize;
        let rows = height.div_ceil(n.max(1)).next_multiple_of(2);
        let mut planes: Vec<_> = out.planes_mut().collect();
        let mut bands = Vec::with_capacity(n);
        for first in (0..height).step_by(rows) {
            let n_rows = rows.min(height - first);
            let cut = |(i, plane): (usize, &mut &'a mut [u8])| {
                let shift = if i == 0 { 0 } else { format.chroma.shifts().1 };
                let n =
                    n_rows.div_ceil(1 << shift) * format.plane_size(i).0 * format.sample_bytes();
                plane.split_off_mut(..n).unwrap_or_default()
            };
            let planes = planes.iter_mut().enumerate().map(cut).collect();
            bands.push((first, Self { n_rows, planes }));
        }
        bands
    }
}

/// Packs rows one after the other. It keeps out of closures and is inlined, so that it is compiled for the
/// instructions of its caller.
pub struct Packer<'a> {
    format: PictureFormat,
    out: RowBands<'a>,
    /// Mean of the points of the row so far, per component.
    sums: Vec<Vec<f32>>,
    /// Chroma rows that wait for the second luma row.
    chroma: Vec<Vec<f32>>,
    n_lines: usize,
    row: usize,
}

impl<'a> Packer<'a> {
    pub fn new(format: &PictureFormat, out: RowBands<'a>) -> Self {
        let n = format.chroma.n_planes();
        let width = format.width as usize;
        Self {
            format: *format,
            out,
            sums: vec![vec![0.0; width]; n],
            chroma: vec![vec![0.0; width]; n - 1],
            n_lines: 0,
            row: 0,
        }
    }

    #[inline(always)]
    pub fn begin_row(&mut self) {
        self.sums.iter_mut().for_each(|s| s.fill(0.0));
        self.n_lines = 0;
    }

    /// Adds a line of `points` points per pixel.
    #[inline(always)]
    pub fn add(&mut self, lines: &[Vec<f32>], points: usize) {
        for (sum, line) in self.sums.iter_mut().zip(lines) {
            if points == 1 {
                for (s, v) in sum.iter_mut().zip(line) {
                    *s += v;
                }
            } else {
                for (s, v) in sum.iter_mut().zip(line.chunks_exact(points)) {
                    *s += v.iter().sum::<f32>();
                }
            }
        }
        self.n_lines += points;
    }

    #[inline(always)]
    pub fn end_row(&mut self) {
        let gain = 1.0 / self.n_lines.max(1) as f32;
        let max = f32::from(self.format.max_value());
        let bytes = self.format.sample_bytes();
        let (sx, sy) = self.format.chroma.shifts();
        let width = self.format.width as usize;
        write(
            &self.sums[0],
            gain * max,
            max,
            bytes,
            &mut self.out.planes[0][self.row * width * bytes..],
        );
        let last_of_chroma = sy == 0 || self.row % 2 == 1 || self.row + 1 == self.out.n_rows;
        let n_chroma_rows = if sy == 1 && self.row % 2 == 1 { 2.0 } else { 1.0 };
        for (i, (chroma, sum)) in self.chroma.iter_mut().zip(&self.sums[1..]).enumerate() {
            if sy == 0 || self.row.is_multiple_of(2) {
                chroma.copy_from_slice(sum);
            } else {
                for (c, s) in chroma.iter_mut().zip(sum) {
                    *c += s;
                }
            }
            if last_of_chroma {
                let n = self.format.plane_size(i + 1).0;
                if sx == 1 {
                    halve(chroma, self.format.color.site);
                }
                let out = &mut self.out.planes[i + 1][(self.row >> sy) * n * bytes..];
                write(&chroma[..n], gain * max / n_chroma_rows, max, bytes, out);
            }
        }
        debug_assert!(self.format.chroma != Chroma::Gray || self.chroma.is_empty());
        self.row += 1;
    }
}

/// Halves a row in place: samples between pixel pairs, or on every second pixel.
#[inline(always)]
fn halve(row: &mut [f32], site: ChromaSite) {
    let n = row.len();
    let mut before = row[0];
    for j in 0..n.div_ceil(2) {
        let here = row[2 * j];
        let next = row[(2 * j + 1).min(n - 1)];
        row[j] = match site.is_between_columns() {
            true => 0.5 * (here + next),
            false => 0.25 * (before + 2.0 * here + next),
        };
        before = next;
    }
}

#[inline(always)]
fn write(values: &[f32], gain: f32, max: f32, bytes: usize, out: &mut [u8]) {
    if bytes == 1 {
        for (o, &v) in out.iter_mut().zip(values) {
            *o = sample(v, gain, max) as u8;
        }
    } else {
        for (o, &v) in out.chunks_exact_mut(2).zip(values) {
            o.copy_from_slice(&(sample(v, gain, max) as u16).to_le_bytes());
        }
    }
}

#[inline(always)]
fn sample(v: f32, gain: f32, max: f32) -> f32 {
    (v * gain + 0.5).clamp(0.0, max)
}
