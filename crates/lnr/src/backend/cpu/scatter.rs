// SPDX-License-Identifier: MIT OR Apache-2.0
//! The gradient of samples of a canonical plane, added to that of the plane. Points side by side
//! mostly share columns of entries: their shares are summed in vectors before they go to memory.

use super::super::{Kernel, Level};
use super::cell::{Cell, GROUP, locate_group, spline};
use super::dense::{Lane, TILE};
use super::planes::Padded;
use super::simd::Simd;

/// Columns of entries whose sums [`Columns`] holds.
const HELD: usize = 4;
/// Far from every place.
const NOWHERE: i32 = i32::MIN / 2;

/// Given the gradient `d` of the samples at `at`, adds to the gradient of the plane. `rows` grows by
/// the padded rows that were touched.
#[inline(always)]
pub fn scatter<S: Simd>(
    s: S,
    level: &Level,
    plane: &Padded,
    at: &[Lane; 2],
    d: &Lane,
    d_buffer: &mut [f32],
    rows: &mut std::ops::Range<usize>,
) {
    let d_data = &mut d_buffer[plane.offset..][..plane.len()];
    let pitch = plane.pitch();
    let (mut top, mut bottom) = (s.splat(plane.height as f32), s.splat(0.0));
    let mut columns = Columns::<S>::new(s);
    for first in (0..TILE).step_by(GROUP * S::LANES) {
        let cells = locate_group(s, level, plane, at, first);
        for k in 0..GROUP {
            let cell = &cells[k];
            (top, bottom) = (s.min(top, cell.row), s.max(bottom, cell.row));
            let g = s.load(&d[first + k * S::LANES..]);
            match level.kernel {
                Kernel::Linear => columns.add(s, cell, g, d_data, pitch),
                Kernel::Cubic => cubic(s, cell, g, d_data, pitch),
            }
        }
    }
    columns.flush(s, d_data, pitch);
    let mut lanes = [0.0; 16];
    s.store(&mut lanes, top);
    lanes[..S::LANES].iter().for_each(|&y| rows.start = rows.start.min(y as usize));
    s.store(&mut lanes, bottom);
    lanes[..S::LANES].iter().for_each(|&y| rows.end = rows.end.max(y as usize + 4));
}

/// Sums for the entries of two rows, in columns from `start` on, while one vector of points after the
/// other lies between them.
struct Columns<S: Simd> {
    /// Offset of tap (-1, -1) of the cell left of the columns.
    start: i32,
    sums: [S::F; 2 * HELD],
}

impl<S: Simd> Columns<S> {
    #[inline(always)]
    fn new(s: S) -> Self {
        Self { start: NOWHERE, sums: [s.splat(0.0); 2 * HELD] }
    }

    /// Adds what the points share out to the entries around them.
    #[inline(always)]
    fn add(&mut self, s: S, cell: &Cell<S>, g: S::F, d_data: &mut [f32], pitch: usize) {
        // Several columns cost more than one lane's four entries.
        if S::LANES < HELD {
            return each_lane(s, cell, g, d_data, pitch);
        }
        // Points in a column's cell reach the next column as well.
        const LAST: i32 = HELD as i32 - 2;
        let lower = s.mul(g, cell.fy);
        let upper = s.sub(g, lower);
        let mut held = s.within(cell.first, self.start, LAST);
        if held.is_none() {
            self.flush(s, d_data, pitch);
            self.start = s.first(cell.first);
            held = s.within(cell.first, self.start, LAST);
        }
        if let Some(index) = held {
            let x = s.add(s.to_f(index), cell.fx);
            for c in 0..HELD {
                let w = hat(s, x, c);
                self.sums[c] = s.mul_add(upper, w, self.sums[c]);
                self.sums[HELD + c] = s.mul_add(lower, w, self.sums[HELD + c]);
            }
            return;
        }
        self.start = NOWHERE;
        each_lane(s, cell, g, d_data, pitch);
    }

    /// Brings the sums to memory and begins anew.
    #[inline(always)]
    fn flush(&mut self, s: S, d_data: &mut [f32], pitch: usize) {
        if self.start < 0 {
            return;
        }
        let at = self.start as usize + pitch + 1;
        let sums = s.sums8(self.sums);
        let (upper, lower) = (sums.first_chunk::<HELD>(), sums.last_chunk::<HELD>());
        if let (Some(upper), Some(lower)) = (upper, lower) {
            add(&mut d_data[at..], upper);
            add(&mut d_data[at + pitch..], lower);
        }
        *self = Self::new(s);
    }
}

/// Share of column `c` in a point at `x`, of linear interpolation. NaN stays.
#[inline(always)]
fn hat<S: Simd>(s: S, x: S::F, c: usize) -> S::F {
    let away = s.abs(s.sub(x, s.splat(c as f32)));
    s.max(s.splat(0.0), s.sub(s.splat(1.0), away))
}

/// to += v
#[inline(always)]
fn add<const N: usize>(to: &mut [f32], v: &[f32; N]) {
    // The border of a plane is wide enough.
    let Some(to) = to.first_chunk_mut::<N>() else { return };
    for (t, v) in to.iter_mut().zip(v) {
        *t += v;
    }
}

/// Points that lie anywhere, with linear interpolation.
#[inline(always)]
fn each_lane<S: Simd>(s: S, cell: &Cell<S>, g: S::F, d_data: &mut [f32], pitch: usize) {
    let mut first = [0i32; 16];
    s.store_i(&mut first, cell.first);
    let one = s.splat(1.0);
    let (gx, gy) = (s.sub(one, cell.fx), s.sub(one, cell.fy));
    let (upper, lower) = (s.mul(g, gy), s.mul(g, cell.fy));
    let mut weights = [[0.0f32; 16]; 4];
    s.store(&mut weights[0], s.mul(upper, gx));
    s.store(&mut weights[1], s.mul(upper, cell.fx));
    s.store(&mut weights[2], s.mul(lower, gx));
    s.store(&mut weights[3], s.mul(lower, cell.fx));
    // Neighbouring points often share a cell: their sums go to memory once.
    let mut k = 0;
    while k < S::LANES {
        let cell = first[k];
        let mut sums = [0.0; 4];
        while k < S::LANES && first[k] == cell {
            for (sum, w) in sums.iter_mut().zip(&weights) {
                *sum += w[k];
            }
            k += 1;
        }
        let i = cell as usize + pitch + 1;
        let Some(t) = d_data.get_mut(i..i + pitch + 2) else { continue };
        t[0] += sums[0];
        t[1] += sums[1];
        t[pitch] += sums[2];
        t[pitch + 1] += sums[3];
    }
}

#[inline(always)]
fn cubic<S: Simd>(s: S, cell: &Cell<S>, g: S::F, d_data: &mut [f32], pitch: usize) {
    let (wx, wy) = (spline(s, cell.fx), spline(s, cell.fy));
    let start = s.first(cell.first);
    // Vectors of eight gain nothing by it.
    if S::LANES == 16
        && let Some(index) = s.within(cell.first, start, S::LANES as i32 - 1)
        && s.counts(index)
        && d_data.len() >= start as usize + 3 * pitch + 2 * S::LANES
    {
        return in_step(s, (wx, wy), g, &mut d_data[start as usize..], pitch);
    }
    let mut first = [0i32; 16];
    s.store_i(&mut first, cell.first);
    // Weights as [lane][tap] for the columns and [tap][lane] for the rows.
    let mut columns = [[0.0f32; 4]; 16];
    let mut weights = [[0.0f32; 16]; 4];
    for k in 0..4 {
        s.store(&mut weights[k], s.mul(g, wy[k]));
    }
    for (j, w) in wx.into_iter().enumerate() {
        let mut lanes = [0.0; 16];
        s.store(&mut lanes, w);
        for (c, l) in columns.iter_mut().zip(lanes) {
            c[j] = l;
        }
    }
    // Points side by side overlap, and a sum must not wait for the one before to reach the cache.
    let stride = S::LANES.min(4);
    for start in 0..stride {
        for k in (start..S::LANES).step_by(stride) {
            let i = first[k] as usize;
            let Some(t) = d_data.get_mut(i..i + 3 * pitch + 4) else { continue };
            for (r, w) in weights.iter().enumerate() {
                let Some(t) = t[r * pitch..].first_chunk_mut::<4>() else { continue };
                for (t, c) in t.iter_mut().zip(columns[k]) {
                    *t += w[k] * c;
                }
            }
        }
    }
}

/// Points of which every one lies in the cell behind that of the one before, with cubic interpolation.
#[inline(always)]
fn in_step<S: Simd>(
    s: S,
    (wx, wy): ([S::F; 4], [S::F; 4]),
    g: S::F,
    d_data: &mut [f32],
    pitch: usize,
) {
    let zero = s.splat(0.0);
    for (k, wy) in wy.into_iter().enumerate() {
        let w = s.mul(g, wy);
        let mut near = s.mul(w, wx[0]);
        let mut far = zero;
        for (j, wx) in wx.into_iter().enumerate().skip(1) {
            let v = s.mul(w, wx);
            // Tap j of lane i lies i + j entries on.
            let [stays, leaves] = s.shift(v, j);
            near = s.add(near, stays);
            far = s.add(far, leaves);
        }
        let row = &mut d_data[k * pitch..][..2 * S::LANES];
        let (first, second) = row.split_at_mut(S::LANES);
        s.store(first, s.add(s.load(first), near));
        s.store(second, s.add(s.load(second), far));
    }
}
