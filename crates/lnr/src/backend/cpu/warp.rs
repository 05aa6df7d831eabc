// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sampling of canonical planes at warped coordinates, and its gradients with respect to the plane
//! and to the coordinates.

use super::super::{Kernel, Level};
use super::dense::{Lane, TILE};
use super::planes::Padded;
use super::simd::Simd;
use super::taps::{Consecutive, OneVector, Rows, Scattered, Taps, TwoVectors};

/// Where a vector of points falls into a grid.
struct Cell<S: Simd> {
    /// Offset of tap (-1, -1) in the padded plane.
    first: S::I,
    /// Row of tap (-1, -1) in the padded plane.
    row: S::F,
    fx: S::F,
    fy: S::F,
    /// 1 / stride where the coordinate is inside the grid, else 0.
    slope_x: S::F,
    slope_y: S::F,
}

#[inline(always)]
fn axis<S: Simd>(s: S, pixel: S::F, level: &Level, n: usize) -> (S::I, S::F, S::F) {
    let g = &level.grid;
    let inv = s.splat(1.0 / g.stride);
    let raw = s.mul_add(pixel, inv, s.splat((0.5 + g.margin) / g.stride - 0.5));
    let zero = s.splat(0.0);
    let last = s.splat((n - 1) as f32);
    let p = s.min(last, s.max(zero, raw));
    let i = s.min_i(s.trunc(p), s.splat_i(n as i32 - 2));
    let i = s.max_i(i, s.splat_i(0));
    let slope = s.select(s.gt(s.splat(0.0), raw), zero, inv);
    let slope = s.select(s.gt(raw, last), zero, slope);
    (i, s.sub(p, s.to_f(i)), slope)
}

#[inline(always)]
fn locate<S: Simd>(s: S, level: &Level, plane: &Padded, x: S::F, y: S::F) -> Cell<S> {
    let (ix, fx, slope_x) = axis(s, x, level, plane.width);
    let (iy, fy, slope_y) = axis(s, y, level, plane.height);
    let first = s.add_i(s.mul_i(iy, s.splat_i(plane.pitch() as i32)), ix);
    Cell { first, row: s.to_f(iy), fx, fy, slope_x, slope_y }
}

// Vector code keeps out of closures: they would not be compiled for the task's instructions.

/// Weights of the four taps of a cubic B-spline at fraction `f`.
#[inline(always)]
fn spline<S: Simd>(s: S, f: S::F) -> [S::F; 4] {
    let sixth = s.splat(1.0 / 6.0);
    let g = s.sub(s.splat(1.0), f);
    let (f2, g2) = (s.mul(f, f), s.mul(g, g));
    let (left, right) = (s.mul(s.mul(g2, g), sixth), s.mul(s.mul(f2, f), sixth));
    [left, spline_inner(s, f, f2), spline_inner(s, g, g2), right]
}

/// (4 - 6 f^2 + 3 f^3) / 6
#[inline(always)]
fn spline_inner<S: Simd>(s: S, f: S::F, f2: S::F) -> S::F {
    let t = s.mul_add(f, s.splat(0.5), s.splat(-1.0));
    s.mul_add(f2, t, s.splat(2.0 / 3.0))
}

/// Derivatives of [`spline`] with respect to `f`.
#[inline(always)]
fn spline_slopes<S: Simd>(s: S, f: S::F) -> [S::F; 4] {
    let half = s.splat(0.5);
    let g = s.sub(s.splat(1.0), f);
    let (a, d) = (s.mul(half, s.mul(g, g)), s.mul(half, s.mul(f, f)));
    let (inner_f, inner_g) = (spline_inner_slope(s, f), spline_inner_slope(s, g));
    let zero = s.splat(0.0);
    [s.sub(zero, a), inner_f, s.sub(zero, inner_g), d]
}

/// Derivative of [`spline_inner`].
#[inline(always)]
fn spline_inner_slope<S: Simd>(s: S, f: S::F) -> S::F {
    s.mul(f, s.mul_add(f, s.splat(1.5), s.splat(-2.0)))
}

/// Slopes of a sample with respect to x and y.
pub type Slopes = [Lane; 2];

/// out = the plane at the coordinates `at` of every point of a tile, and its slopes there.
#[inline(always)]
pub fn sample<S: Simd>(
    s: S,
    level: &Level,
    plane: &Padded,
    buffer: &[f32],
    at: &[Lane; 2],
    out: &mut Lane,
    mut slopes: Option<&mut Slopes>,
) {
    let data = &buffer[plane.offset..][..plane.len()];
    let pitch = plane.pitch();
    for p in (0..TILE).step_by(S::LANES) {
        let cell = locate(s, level, plane, s.load(&at[0][p..]), s.load(&at[1][p..]));
        let (v, slope) = match level.kernel {
            Kernel::Linear => linear(s, data, pitch, &cell, slopes.is_some()),
            Kernel::Cubic => cubic(s, data, pitch, &cell, slopes.is_some()),
        };
        s.store(&mut out[p..], v);
        if let Some([to_x, to_y]) = &mut slopes {
            s.store(&mut to_x[p..], s.mul(slope[0], cell.slope_x));
            s.store(&mut to_y[p..], s.mul(slope[1], cell.slope_y));
        }
    }
}

/// Value and, if asked for, derivatives with respect to the fractions.
#[inline(always)]
fn linear<S: Simd>(
    s: S,
    data: &[f32],
    pitch: usize,
    cell: &Cell<S>,
    with_slopes: bool,
) -> (S::F, [S::F; 2]) {
    let rows = Rows { data: &data[pitch + 1..], pitch };
    match rows.window::<S, 2, 1>(s, 2, cell.first) {
        Some((rows, index)) => bilinear(s, OneVector::<S>(rows, index), cell, with_slopes),
        None => bilinear(s, Scattered::<S>(rows, cell.first), cell, with_slopes),
    }
}

#[inline(always)]
fn bilinear<S: Simd>(
    s: S,
    taps: impl Taps<S, 2>,
    cell: &Cell<S>,
    with_slopes: bool,
) -> (S::F, [S::F; 2]) {
    let ([a, b], [c, d]) = (taps.row(s, 0), taps.row(s, 1));
    let (ab, cd) = (s.sub(b, a), s.sub(d, c));
    let (u, l) = (s.mul_add(ab, cell.fx, a), s.mul_add(cd, cell.fx, c));
    let down = s.sub(l, u);
    let v = s.mul_add(down, cell.fy, u);
    if !with_slopes {
        return (v, [v; 2]);
    }
    (v, [s.mul_add(s.sub(cd, ab), cell.fy, ab), down])
}

/// As [`linear`].
#[inline(always)]
fn cubic<S: Simd>(
    s: S,
    data: &[f32],
    pitch: usize,
    cell: &Cell<S>,
    with_slopes: bool,
) -> (S::F, [S::F; 2]) {
    let rows = Rows { data, pitch };
    if let Some((rows, index)) = rows.window::<S, 4, 2>(s, 4, cell.first) {
        if s.counts(index) {
            return bicubic(s, Consecutive(rows), cell, with_slopes);
        }
        return bicubic(s, TwoVectors::<S>(rows, index), cell, with_slopes);
    }
    bicubic(s, Scattered::<S>(rows, cell.first), cell, with_slopes)
}

#[inline(always)]
fn bicubic<S: Simd>(
    s: S,
    taps: impl Taps<S, 4>,
    cell: &Cell<S>,
    with_slopes: bool,
) -> (S::F, [S::F; 2]) {
    let (wx, wy) = (spline(s, cell.fx), spline(s, cell.fy));
    let zero = s.splat(0.0);
    let (mut dx, mut dy) = ([zero; 4], [zero; 4]);
    if with_slopes {
        (dx, dy) = (spline_slopes(s, cell.fx), spline_slopes(s, cell.fy));
    }
    let (mut v, mut slope_x, mut slope_y) = (zero, zero, zero);
    for k in 0..4 {
        let taps = taps.row(s, k);
        let (mut r, mut q) = (zero, zero);
        for j in 0..4 {
            r = s.mul_add(wx[j], taps[j], r);
            if with_slopes {
                q = s.mul_add(dx[j], taps[j], q);
            }
        }
        v = s.mul_add(wy[k], r, v);
        if with_slopes {
            slope_x = s.mul_add(wy[k], q, slope_x);
            slope_y = s.mul_add(dy[k], r, slope_y);
        }
    }
    (v, [slope_x, slope_y])
}

/// d_at += d * slopes
#[inline(always)]
pub fn add_products<S: Simd>(s: S, d: &Lane, slopes: &Slopes, d_at: &mut [Lane; 2]) {
    for (slope, to) in slopes.iter().zip(d_at) {
        for p in (0..TILE).step_by(S::LANES) {
            let v = s.mul_add(s.load(&d[p..]), s.load(&slope[p..]), s.load(&to[p..]));
            s.store(&mut to[p..], v);
        }
    }
}

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
    for p in (0..TILE).step_by(S::LANES) {
        let cell = locate(s, level, plane, s.load(&at[0][p..]), s.load(&at[1][p..]));
        (top, bottom) = (s.min(top, cell.row), s.max(bottom, cell.row));
        let g = s.load(&d[p..]);
        match level.kernel {
            Kernel::Linear => scatter_linear(s, &cell, g, d_data, pitch),
            Kernel::Cubic => scatter_cubic(s, &cell, g, d_data, pitch),
        }
    }
    let mut lanes = [0.0; 16];
    s.store(&mut lanes, top);
    lanes[..S::LANES].iter().for_each(|&y| rows.start = rows.start.min(y as usize));
    s.store(&mut lanes, bottom);
    lanes[..S::LANES].iter().for_each(|&y| rows.end = rows.end.max(y as usize + 4));
}

#[inline(always)]
fn scatter_linear<S: Simd>(s: S, cell: &Cell<S>, g: S::F, d_data: &mut [f32], pitch: usize) {
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
fn scatter_cubic<S: Simd>(s: S, cell: &Cell<S>, g: S::F, d_data: &mut [f32], pitch: usize) {
    let mut first = [0i32; 16];
    s.store_i(&mut first, cell.first);
    let (wx, wy) = (spline(s, cell.fx), spline(s, cell.fy));
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
