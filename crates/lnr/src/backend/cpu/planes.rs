// SPDX-License-Identifier: MIT OR Apache-2.0
//! Planes with a border, so that four taps in a row are always inside.

/// Size of a plane with its border: one entry before, two after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Padded {
    pub width: usize,
    pub height: usize,
    /// Where it begins in its buffer.
    pub offset: usize,
}

impl Padded {
    const BEFORE: usize = 1;
    const AFTER: usize = 2;

    pub fn pitch(&self) -> usize {
        self.width + Self::BEFORE + Self::AFTER
    }

    pub fn len(&self) -> usize {
        self.pitch() * (self.height + Self::BEFORE + Self::AFTER)
    }

    /// Where entry (x, y) lies, relative to `offset`.
    pub fn index(&self, x: usize, y: usize) -> usize {
        (y + Self::BEFORE) * self.pitch() + x + Self::BEFORE
    }

    /// Fills the plane with `scale * source` and the border with the nearest entries.
    pub fn fill(&self, source: &[f32], scale: f32, buffer: &mut [f32]) {
        let (w, h, pitch) = (self.width, self.height, self.pitch());
        for (y, row) in buffer[self.offset..][..self.len()].chunks_exact_mut(pitch).enumerate() {
            let y = y.saturating_sub(Self::BEFORE).min(h - 1);
            let source = &source[y * w..][..w];
            let (inner, after) = row[Self::BEFORE..].split_at_mut(w);
            inner.iter_mut().zip(source).for_each(|(o, &v)| *o = scale * v);
            after.fill(scale * source[w - 1]);
            row[..Self::BEFORE].fill(scale * source[0]);
        }
    }

    /// Moves gradients of the border to the entries it was filled from. `rows` is what may hold
    /// anything but zero, counted with the border.
    pub fn fold(&self, d: &mut [f32], rows: &std::ops::Range<usize>) {
        let (w, h, pitch) = (self.width, self.height, self.pitch());
        let d = &mut d[self.offset..][..self.len()];
        for row in d.chunks_exact_mut(pitch).take(rows.end).skip(rows.start) {
            row[Self::BEFORE] += row[..Self::BEFORE].iter().sum::<f32>();
            row[Self::BEFORE + w - 1] += row[Self::BEFORE + w..].iter().sum::<f32>();
        }
        for (from, to) in [(0, 1), (h + 1, h), (h + 2, h)] {
            if rows.contains(&from) {
                let (a, b) = (from * pitch, to * pitch);
                for x in 0..pitch {
                    d[b + x] += d[a + x];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    /// Filling is linear, so folding must be its transpose: <fill(a), b> = <a, fold(b)>.
    #[test]
    fn fold_is_the_transpose_of_fill() {
        for (width, height) in [(1, 1), (1, 5), (4, 1), (2, 2), (7, 3)] {
            let plane = Padded { width, height, offset: 3 };
            let mut rng = Rng::new(5);
            let a: Vec<f32> = (0..width * height).map(|_| rng.normal()).collect();
            let mut filled = vec![f32::NAN; plane.len() + 5];
            plane.fill(&a, 2.0, &mut filled);
            let mut b: Vec<f32> = (0..filled.len()).map(|_| rng.normal()).collect();
            let inner = 3..3 + plane.len();
            let left: f32 = inner.clone().map(|i| filled[i] * b[i]).sum();
            plane.fold(&mut b, &(0..height + 3));
            let right: f32 = (0..height)
                .flat_map(|y| (0..width).map(move |x| (x, y)))
                .map(|(x, y)| 2.0 * a[y * width + x] * b[3 + plane.index(x, y)])
                .sum();
            assert!((left - right).abs() < 1e-4, "{width}x{height}: {left} {right}");
            assert!(filled[..3].iter().chain(&filled[inner.end..]).all(|v| v.is_nan()));
        }
    }
}
