// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bilinear interpolation of coarse planes along the rows of a lattice, and its transpose. A plane's
//! row is stretched once and then serves every lattice row that lies between it and the next.

use super::super::{Grid, Lattice};
use super::simd::Simd;

/// For each lattice column: the entry to its left and the weight of the one to its right.
pub struct Taps {
    index: Vec<i32>,
    frac: Vec<f32>,
}

impl Taps {
    /// Values that it holds.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.index.len() + self.frac.len()
    }

    /// `len` is the lattice width rounded up to whole tiles; the surplus repeats the last column.
    pub fn new(grid: &Grid, lattice: &Lattice, len: usize) -> Self {
        let at = |j: usize| {
            let j = j.min(lattice.nx - 1);
            tap(grid.coordinate(lattice.x0 + j as f32 * lattice.dx), grid.width)
        };
        let (index, frac) = (0..len).map(at).map(|(i, f)| (i as i32, f)).unzip();
        Self { index, frac }
    }
}

/// The entry at or before `position` and the weight of the next one.
pub fn tap(position: f32, n: usize) -> (usize, f32) {
    let p = position.clamp(0.0, (n - 1) as f32);
    let i = (p as usize).min(n.saturating_sub(2));
    (i, if n > 1 { p - i as f32 } else { 0.0 })
}

/// Stretches one plane (or transposes that) while the lattice rows go down.
pub struct Stretch {
    grid: Grid,
    /// Stretched rows `row` and `row + 1`; gradients of the same in the transpose. [2][len]
    rows: [Vec<f32>; 2],
    row: usize,
    valid: bool,
}

impl Stretch {
    /// Values that it holds.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    pub fn new(grid: Grid, len: usize) -> Self {
        Self { grid, rows: [vec![0.0; len], vec![0.0; len]], row: 0, valid: false }
    }

    /// Forgets the rows of the last plane.
    pub fn restart(&mut self) {
        self.valid = false;
    }

    /// The weight of the lower row at ordinate `y`, after both rows were made ready.
    #[inline(always)]
    fn seek<S: Simd>(&mut self, s: S, taps: &Taps, plane: &[f32], y: f32) -> f32 {
        let (row, frac) = tap(self.grid.coordinate(y), self.grid.height);
        if !self.valid || row != self.row {
            let (w, h) = (self.grid.width, self.grid.height);
            let [a, b] = &mut self.rows;
            if self.valid && row == self.row + 1 {
                std::mem::swap(a, b);
            } else {
                stretch(s, taps, &plane[row * w..][..w], a);
            }
            let next = (row + 1).min(h - 1);
            stretch(s, taps, &plane[next * w..][..w], b);
            (self.row, self.valid) = (row, true);
        }
        frac
    }

    /// out = the plane along ordinate `y`, or out += that if it holds the sum of others (`is_begun`).
    #[inline(always)]
    pub fn add_row<S: Simd>(
        &mut self,
        s: S,
        (taps, plane): (&Taps, &[f32]),
        y: f32,
        out: &mut [f32],
        is_begun: bool,
    ) {
        let frac = s.splat(self.seek(s, taps, plane, y));
        let [a, b] = self.rows.each_ref().map(|row| row.chunks_exact(S::LANES));
        for ((out, a), b) in out.chunks_exact_mut(S::LANES).zip(a).zip(b) {
            let (a, b) = (s.load(a), s.load(b));
            let v = s.mul_add(s.sub(b, a), frac, a);
            let v = if is_begun { s.add(s.load(out), v) } else { v };
            s.store(out, v);
        }
    }

    /// Takes the gradient of a row at ordinate `y`; `d_plane` is complete after [`Stretch::flush`].
    #[inline(always)]
    pub fn add_row_bwd<S: Simd>(
        &mut self,
        s: S,
        taps: &Taps,
        d_plane: &mut [f32],
        y: f32,
        d: &[f32],
    ) {
        let (row, frac) = tap(self.grid.coordinate(y), self.grid.height);
        if !self.valid || row != self.row {
            self.flush(taps, d_plane);
            (self.row, self.valid) = (row, true);
        }
        let (frac, rest) = (s.splat(frac), s.splat(1.0 - frac));
        let [a, b] = &mut self.rows;
        for p in (0..d.len()).step_by(S::LANES) {
            let v = s.load(&d[p..]);
            let (u, l) = (s.load(&a[p..]), s.load(&b[p..]));
            s.store(&mut a[p..], s.mul_add(v, rest, u));
            s.store(&mut b[p..], s.mul_add(v, frac, l));
        }
    }

    /// Adds what the rows hold to `d_plane` and clears them.
    pub fn flush(&mut self, taps: &Taps, d_plane: &mut [f32]) {
        if !self.valid {
            return;
        }
        let (w, h) = (self.grid.width, self.grid.height);
        for (k, d) in self.rows.iter_mut().enumerate() {
            let row = &mut d_plane[(self.row + k).min(h - 1) * w..][..w];
            // Neighbouring columns often share their entries: sums go to memory once.
            let (mut at, mut left, mut right) = (0, 0.0, 0.0);
            for ((&i, &f), d) in taps.index.iter().zip(&taps.frac).zip(d) {
                if i as usize != at {
                    row[at] += left;
                    row[(at + 1).min(w - 1)] += right;
                    (at, left, right) = (i as usize, 0.0, 0.0);
                }
                let share = *d * f;
                left += *d - share;
                right += share;
                *d = 0.0;
            }
            row[at] += left;
            row[(at + 1).min(w - 1)] += right;
        }
        self.valid = false;
    }
}

/// out = the row of entries at every lattice column.
#[inline(always)]
fn stretch<S: Simd>(s: S, taps: &Taps, row: &[f32], out: &mut [f32]) {
    for p in (0..out.len()).step_by(S::LANES) {
        let i = s.load_i(&taps.index[p..]);
        // An index beyond the end reads the last entry.
        let (l, r) = (s.gather(row, i), s.gather(row, s.add_i(i, s.splat_i(1))));
        s.store(&mut out[p..], s.mul_add(s.sub(r, l), s.load(&taps.frac[p..]), l));
    }
}
