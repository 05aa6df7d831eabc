// SPDX-License-Identifier: MIT OR Apache-2.0

use rayon::prelude::*;

use super::load_row;
use crate::base::{Error, Picture, PictureFormat, Result};

/// Brings pictures of one format to another size. Along each axis a plane that shrinks is averaged
/// over the exact area of every new sample, one that grows is interpolated linearly; this is what
/// `scale=flags=area` of FFmpeg does, up to its rounding.
pub struct Scaler {
    from: PictureFormat,
    to: PictureFormat,
    /// Horizontal and vertical filter of each plane; empty when the size stays.
    filters: Vec<[Filter; 2]>,
}

impl Scaler {
    /// From pictures of format `from` to `width` x `height`; the display aspect ratio stays.
    ///
    /// # Errors
    /// Those of [`PictureFormat::validate`] for either size.
    pub fn new(from: &PictureFormat, width: u32, height: u32) -> Result<Self> {
        let mut to = *from;
        if (width, height) != (from.width, from.height) {
            (to.width, to.height) = (width, height);
            to.validate()?;
            to = from.resized(width, height);
        }
        from.validate()?;
        let filter = |i| {
            let ((w0, h0), (w1, h1)) = (from.plane_size(i), to.plane_size(i));
            [Filter::new(w0, w1), Filter::new(h0, h1)]
        };
        let filters = match to == *from {
            true => Vec::new(),
            false => (0..from.chroma.n_planes()).map(filter).collect(),
        };
        let from = *from;
        Ok(Self { from, to, filters })
    }

    /// The format of the pictures it makes.
    pub fn format(&self) -> &PictureFormat {
        &self.to
    }

    /// `picture` at the new size.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] when it has another format than the scaler was made for.
    pub fn run(&self, picture: &Picture) -> Result<Picture> {
        if picture.format() != &self.from {
            return Err(Error::InvalidSetting(format!(
                "a scaler for {:?} was given {:?}",
                self.from,
                picture.format()
            )));
        }
        if self.filters.is_empty() {
            return Ok(picture.clone());
        }
        let mut out = Picture::new(self.to)?;
        for (index, [horizontal, vertical]) in self.filters.iter().enumerate() {
            let rows = scale_rows(picture, index, horizontal);
            self.scale_columns(&rows, vertical, index, &mut out);
        }
        Ok(out)
    }

    fn scale_columns(&self, rows: &[f32], filter: &Filter, index: usize, out: &mut Picture) {
        let (width, _) = self.to.plane_size(index);
        let bytes = self.to.sample_bytes();
        let max = f32::from(self.to.max_value());
        let lines = out.plane_mut(index).par_chunks_mut(width * bytes);
        lines.enumerate().for_each_init(Vec::new, |sum: &mut Vec<f32>, (y, line)| {
            sum.clear();
            sum.resize(width, 0.5); // rounds to nearest below
            let (start, weights) = filter.taps(y);
            for (row, &k) in rows[start * width..].chunks_exact(width).zip(weights) {
                for (s, &v) in sum.iter_mut().zip(row) {
                    *s += k * v;
                }
            }
            for (o, &v) in line.chunks_exact_mut(bytes).zip(sum.iter()) {
                let v = v.min(max) as u16;
                o.copy_from_slice(&v.to_le_bytes()[..bytes]);
            }
        });
    }
}

/// All rows of a plane at the new width. returns: [height of the plane, new width] f32
fn scale_rows(picture: &Picture, index: usize, filter: &Filter) -> Vec<f32> {
    let (w_in, height) = picture.format().plane_size(index);
    let w_out = filter.starts.len();
    let mut rows = vec![0.0; w_out * height];
    let lines = rows.par_chunks_mut(w_out).enumerate();
    lines.for_each_init(
        || vec![0.0; w_in],
        |line, (y, out)| {
            load_row(picture, index, y, line);
            for (x, o) in out.iter_mut().enumerate() {
                let (start, weights) = filter.taps(x);
                *o = line[start..].iter().zip(weights).map(|(v, k)| v * k).sum();
            }
        },
    );
    rows
}

/// One axis: every output sample is a weighted sum of `n_taps` neighbouring input samples.
struct Filter {
    n_taps: usize,
    starts: Vec<usize>,
    /// [n_out, n_taps] f32, each row sums to 1
    weights: Vec<f32>,
}

impl Filter {
    fn new(n_in: usize, n_out: usize) -> Self {
        let ratio = n_in as f64 / n_out as f64;
        let n_taps = if ratio > 1.0 { ratio.ceil() as usize + 1 } else { 2 }.min(n_in);
        let mut filter =
            Self { n_taps, starts: Vec::with_capacity(n_out), weights: vec![0.0; n_out * n_taps] };
        for (i, weights) in filter.weights.chunks_exact_mut(n_taps).enumerate() {
            let first = if ratio > 1.0 {
                i as f64 * ratio
            } else {
                ((i as f64 + 0.5) * ratio - 0.5).max(0.0)
            };
            let start = (first as usize).min(n_in - n_taps);
            filter.starts.push(start);
            for (k, w) in weights.iter_mut().enumerate() {
                let at = (start + k) as f64;
                *w = if ratio > 1.0 {
                    let overlap = (first + ratio).min(at + 1.0) - first.max(at);
                    (overlap / ratio).max(0.0) as f32
                } else {
                    let first = first.min((n_in - 1) as f64);
                    (1.0 - (first - at).abs()).max(0.0) as f32
                };
            }
        }
        filter
    }

    fn taps(&self, i: usize) -> (usize, &[f32]) {
        let weights = &self.weights[i * self.n_taps..][..self.n_taps];
        (self.starts[i], weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Chroma;

    fn gray(width: u32, height: u32, samples: &[u8]) -> Picture {
        let mut p = Picture::new(PictureFormat::new(width, height, Chroma::Gray, 8)).unwrap();
        p.plane_mut(0).copy_from_slice(samples);
        p
    }

    fn scaled(p: &Picture, width: u32, height: u32) -> Vec<u8> {
        let s = Scaler::new(p.format(), width, height).unwrap();
        s.run(p).unwrap().plane(0).to_vec()
    }

    #[test]
    fn shrinking_averages_the_exact_area() {
        let p = gray(4, 2, &[0, 10, 20, 30, 100, 110, 120, 130]);
        assert_eq!(scaled(&p, 2, 1), [55, 75]);
        // 3 -> 2: (10 + 0.5 * 40) / 1.5 and (0.5 * 40 + 100) / 1.5
        assert_eq!(scaled(&gray(3, 1, &[10, 40, 100]), 2, 1), [20, 80]);
    }

    #[test]
    fn growing_is_linear_and_holds_the_edges() {
        assert_eq!(scaled(&gray(2, 1, &[0, 100]), 4, 1), [0, 25, 75, 100]);
        assert_eq!(scaled(&gray(1, 1, &[7]), 3, 3), [7; 9]);
    }

    #[test]
    fn weights_sum_to_one_at_odd_sizes() {
        for (n_in, n_out) in [(7, 3), (3, 7), (1280, 320), (1, 5), (5, 1), (641, 640)] {
            let f = Filter::new(n_in, n_out);
            for i in 0..n_out {
                let sum: f32 = f.taps(i).1.iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{n_in} -> {n_out} at {i}: {sum}");
            }
        }
    }

    #[test]
    fn deep_samples_keep_their_depth_and_aspect() {
        let mut p = Picture::new(PictureFormat::new(4, 4, Chroma::Yuv420, 10)).unwrap();
        (0..3).for_each(|i| p.set_sample(i, 1, 1, 1000));
        let s = Scaler::new(p.format(), 2, 4).unwrap();
        let out = s.run(&p).unwrap();
        assert_eq!(out.sample(0, 0, 1), 500);
        assert_eq!(out.sample(1, 0, 1), 500);
        assert_eq!(out.format().par, (2, 1));
        assert!(s.run(&out).is_err());
        assert!(Scaler::new(p.format(), 0, 4).is_err());
    }
}
