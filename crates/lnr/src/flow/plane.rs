// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::base::{Chroma, Picture};

/// A plane of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Samples of a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// [height, width]
    pub samples: Vec<f32>,
}

/// Four samples around a place, and how far it lies from the first of them.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    corners: [usize; 4],
    x: f32,
    y: f32,
}

/// The two of `n` samples in a row around `at`, and how far it lies from the first to the second; what is
/// outside moves to the edge.
#[inline]
pub fn around(at: f32, n: usize) -> (usize, usize, f32) {
    let at = at.clamp(0.0, (n - 1) as f32);
    let first = at as usize;
    (first, (first + 1).min(n - 1), at - first as f32)
}

impl Spot {
    /// Where (x, y) lies in planes of this size; what is outside moves to the edge.
    #[inline]
    pub fn new((width, height): (usize, usize), x: f32, y: f32) -> Self {
        let ((x0, x1, x), (y0, y1, y)) = (around(x, width), around(y, height));
        let row = (y0 * width, y1 * width);
        Self { corners: [row.0 + x0, row.0 + x1, row.1 + x0, row.1 + x1], x, y }
    }

    /// The value there.
    #[inline]
    pub fn read(&self, samples: &[f32]) -> f32 {
        let [a, b, c, d] = self.corners.map(|i| samples[i]);
        let (above, below) = (a + (b - a) * self.x, c + (d - c) * self.x);
        above + (below - above) * self.y
    }
}

impl Plane {
    /// Zeros.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, samples: vec![0.0; width * height] }
    }

    /// The mean of all samples.
    pub fn mean(&self) -> f64 {
        let sum: f64 = self.samples.iter().map(|&v| f64::from(v)).sum();
        sum / self.samples.len().max(1) as f64
    }

    /// Every second sample both ways, each the mean of two by two.
    pub(super) fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut samples = Vec::with_capacity(width * height);
        for y in 0..height {
            let row = |y: usize| &self.samples[y.min(self.height - 1) * self.width..][..self.width];
            let (above, below) = (row(2 * y), row(2 * y + 1));
            samples.extend((0..width).map(|x| {
                let (x0, x1) = (2 * x, (2 * x + 1).min(self.width - 1));
                0.25 * (above[x0] + above[x1] + below[x0] + below[x1])
            }));
        }
        Self { width, height, samples }
    }

    /// The same laid over another number of samples.
    pub(super) fn resized(&self, width: usize, height: usize) -> Self {
        let size = (self.width, self.height);
        let (dx, dy) = (size.0 as f32 / width as f32, size.1 as f32 / height as f32);
        let place = |i: usize, d: f32| (i as f32 + 0.5) * d - 0.5;
        let line = |y: usize| {
            let read = move |x: usize| Spot::new(size, place(x, dx), place(y, dy));
            (0..width).map(move |x| read(x).read(&self.samples))
        };
        Self { width, height, samples: (0..height).flat_map(line).collect() }
    }

    /// The same with its last column and line repeated up to this size at least.
    pub(super) fn at_least(self, side: usize) -> Self {
        if self.width >= side && self.height >= side {
            return self;
        }
        let (width, height) = (self.width.max(side), self.height.max(side));
        let line = |y: usize| {
            let row = &self.samples[y.min(self.height - 1) * self.width..][..self.width];
            (0..width).map(move |x| row[x.min(row.len() - 1)])
        };
        Self { width, height, samples: (0..height).flat_map(line).collect() }
    }
}

/// The luma of a picture on the scale of 8-bit code values, a sample for each block of `reduction`
/// pixels both ways.
pub(super) fn luma(picture: &Picture, reduction: usize) -> Plane {
    let format = picture.format();
    if format.chroma != Chroma::Rgb {
        return means(picture, 0, reduction);
    }
    let (red, blue) = format.color.matrix.luma_weights(format.height);
    let mut luma = means(picture, 0, reduction);
    let (green, third) = (means(picture, 1, reduction), means(picture, 2, reduction));
    for ((l, g), b) in luma.samples.iter_mut().zip(&green.samples).zip(&third.samples) {
        *l = red * *l + (1.0 - red - blue) * g + blue * b;
    }
    luma
}

/// What the luma of a picture, reduced by a power of two, loses when it is halved once more: mean squared
/// error of luma scaled to 0..=1.
pub fn halving_loss(picture: &Picture, reduction: usize) -> f64 {
    let sharp = luma(picture, reduction);
    let soft = sharp.halved().resized(sharp.width, sharp.height);
    let square = |(a, b): (&f32, &f32)| f64::from((a - b) / 255.0).powi(2);
    let sum: f64 = sharp.samples.iter().zip(&soft.samples).map(square).sum();
    sum / sharp.samples.len() as f64
}

/// The means of blocks of a plane; those at the edges are of what there is.
fn means(picture: &Picture, index: usize, block: usize) -> Plane {
    let format = picture.format();
    let (n_x, n_y) = format.plane_size(index);
    let (width, height) = (n_x.div_ceil(block), n_y.div_ceil(block));
    let scale = 255.0 / f32::from(format.max_value());
    let mut samples = Vec::with_capacity(width * height);
    for y in (0..n_y).step_by(block) {
        let rows = y..(y + block).min(n_y);
        let mut sums = vec![0u32; width];
        for row in rows.clone().map(|y| picture.row(index, y)) {
            match format.sample_bytes() {
                1 => add(&mut sums, row.chunks(block), |row| {
                    row.iter().copied().map(u32::from).sum()
                }),
                _ => add(&mut sums, row.chunks(2 * block), |row| {
                    row.chunks_exact(2).map(|b| u32::from(u16::from_le_bytes([b[0], b[1]]))).sum()
                }),
            }
        }
        let n = |x: usize| (block.min(n_x - x * block) * rows.len()) as f32;
        samples.extend(sums.iter().enumerate().map(|(x, &sum)| sum as f32 * scale / n(x)));
    }
    Plane { width, height, samples }
}

fn add<'a>(sums: &mut [u32], blocks: impl Iterator<Item = &'a [u8]>, sum: impl Fn(&[u8]) -> u32) {
    sums.iter_mut().zip(blocks).for_each(|(s, block)| *s += sum(block));
}
