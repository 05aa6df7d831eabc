// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::backend::Grid;
use crate::flow::{Plane, around};

/// A bilinear grid laid over the samples of a field.
pub struct LevelFit {
    grid: Grid,
    /// For each column and line of samples, the entries before and after it, and the share of the
    /// second.
    columns: Vec<(usize, usize, f32)>,
    lines: Vec<(usize, usize, f32)>,
}

impl LevelFit {
    /// `plane`: of the size of the fields, `spacing` pixels a sample.
    pub fn new(grid: Grid, plane: &Plane, spacing: f32) -> Self {
        let axis = |n: usize, entries: usize| {
            let pixel = |i: usize| (i as f32 + 0.5) * spacing - 0.5;
            (0..n).map(|i| around(grid.coordinate(pixel(i)), entries)).collect()
        };
        Self {
            grid,
            columns: axis(plane.width, grid.width),
            lines: axis(plane.height, grid.height),
        }
    }

    /// Moves what the grid can hold of the samples that are left to its entries.
    pub fn take(&self, left: &mut Plane, entries: &mut [f32]) {
        /// Each halves what is wrong, and more: the fourth changes less than rounding does.
        const ROUNDS: usize = 4;
        let mut ones = Plane::new(left.width, left.height);
        ones.samples.fill(1.0);
        let totals = self.gather(&ones);
        for _ in 0..ROUNDS {
            let mut change = self.gather(left);
            // Entries that no sample sees stay.
            change.iter_mut().zip(&totals).for_each(|(c, t)| *c /= t.max(1e-3));
            entries.iter_mut().zip(&change).for_each(|(e, c)| *e += c);
            self.subtract(&change, 1.0, left);
        }
    }

    /// For each entry, the sum of the samples that it adds to, by how much.
    fn gather(&self, plane: &Plane) -> Vec<f32> {
        let n = self.grid.width;
        let mut sums = vec![0.0; self.grid.len()];
        for (line, &(y0, y1, fy)) in plane.samples.chunks_exact(plane.width).zip(&self.lines) {
            for (&v, &(x0, x1, fx)) in line.iter().zip(&self.columns) {
                let (above, below) = (v * (1.0 - fy), v * fy);
                sums[y0 * n + x0] += above * (1.0 - fx);
                sums[y0 * n + x1] += above * fx;
                sums[y1 * n + x0] += below * (1.0 - fx);
                sums[y1 * n + x1] += below * fx;
            }
        }
        sums
    }

    /// Takes `share` of what the grid holds from the samples.
    pub fn subtract(&self, entries: &[f32], share: f32, plane: &mut Plane) {
        let n = self.grid.width;
        let width = plane.width;
        for (line, &(y0, y1, fy)) in plane.samples.chunks_exact_mut(width).zip(&self.lines) {
            for (v, &(x0, x1, fx)) in line.iter_mut().zip(&self.columns) {
                let at = |y: usize| entries[y * n + x0] * (1.0 - fx) + entries[y * n + x1] * fx;
                *v -= share * (at(y0) * (1.0 - fy) + at(y1) * fy);
            }
        }
    }
}
