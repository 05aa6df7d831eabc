// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sampling of canonical planes at warped coordinates, and its gradients with respect to the plane
//! and to the coordinates.

use super::super::{Canonical, Kernel};
use super::network::{Lane, TILE};
use super::planes::Padded;
use super::simd::Simd;

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
fn axis<S: Simd>(s: S, pixel: S::F, level: &Canonical, n: usize) -> (S::I, S::F, S::F) {
    let g = &level.grid;
    let inv = s.splat(1.0 / g.stride);
    let raw = s.mul_add(pixel, inv, s.splat((0.5 + g.margin) / g.stride - 0.5));
    let zero = s.splat(0.0);
    let last = s.splat((n - 1) as f32);
    let p = s.min(s.max(raw, zero), last);
    let i = s.min_i(s.trunc(p), s.splat_i(n as i32 - 2));
    let i = s.max_i(i, s.splat_i(0));
    let slope = s.select(s.gt(s.splat(0.0), raw), zero, inv);
    let slope = s.select(s.gt(raw, last), zero, slope);
    (i, s.sub(p, s.to_f(i)), slope)
}

#[inline(always)]
fn locate<S: Simd>(s: S, level: &Canonical, plane: &Padded, x: S::F, y: S::F) -> Cell<S> {
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

/// out = the plane at (x, y) for every point of a tile.
#[inline(always)]
pub fn sample<S: Simd>(
    s: S,
    level: &Canonical,
    plane: &Padded,
    buffer: &[f32],
    (x, y): (&Lane, &Lane),
    out: &mut Lane,
) {
    let data = &buffer[plane.offset..][..plane.len()];
    let pitch = plane.pitch();
    for p in (0..TILE).step_by(S::LANES) {
        let cell = locate(s, level, plane, s.load(&x[p..]), s.load(&y[p..]));
        let v = match level.kernel {
            Kernel::Linear => {
                let [[a, b], [c, d]] = corners(s, data, pitch, &cell);
                let u = s.mul_add(s.sub(b, a), cell.fx, a);
                let l = s.mul_add(s.sub(d, c), cell.fx, c);
                s.mul_add(s.sub(l, u), cell.fy, u)
            }
            Kernel::Cubic => {
                let (wx, wy) = (spline(s, cell.fx), spline(s, cell.fy));
                let mut sum = s.splat(0.0);
                for k in 0..4 {
                    let row = &data[k * pitch..];
                    let mut r = s.mul(wx[0], s.gather(row, cell.first));
                    for j in 1..4 {
                        r = s.mul_add(wx[j], s.gather(&row[j..], cell.first), r);
                    }
                    sum = s.mul_add(wy[k], r, sum);
                }
                sum
            }
        };
        s.store(&mut out[p..], v);
    }
}

#[inline(always)]
fn corners<S: Simd>(s: S, data: &[f32], pitch: usize, cell: &Cell<S>) -> [[S::F; 2]; 2] {
    let (upper, lower) = (&data[pitch + 1..], &data[2 * pitch + 1..]);
    let (a, b) = (s.gather(upper, cell.first), s.gather(&upper[1..], cell.first));
    let (c, d) = (s.gather(lower, cell.first), s.gather(&lower[1..], cell.first));
    [[a, b], [c, d]]
}

/// Given the gradient `d` of the samples, adds to the gradient of the plane and of the coordinates.
/// `rows` grows by the padded rows that were touched.
#[inline(always)]
pub fn sample_bwd<S: Simd>(
    s: S,
    level: &Canonical,
    plane: &Padded,
    buffer: &[f32],
    (x, y): (&Lane, &Lane),
    d: &Lane,
    d_buffer: &mut [f32],
    (d_x, d_y): (&mut Lane, &mut Lane),
    rows: &mut std::ops::Range<usize>,
) {
    let data = &buffer[plane.offset..][..plane.len()];
    let d_data = &mut d_buffer[plane.offset..][..plane.len()];
    let pitch = plane.pitch();
    let (mut top, mut bottom) = (s.splat(plane.height as f32), s.splat(0.0));
    for p in (0..TILE).step_by(S::LANES) {
        let cell = locate(s, level, plane, s.load(&x[p..]), s.load(&y[p..]));
        (top, bottom) = (s.min(top, cell.row), s.max(bottom, cell.row));
        let g = s.load(&d[p..]);
        let (mut sx, mut sy) = (s.splat(0.0), s.splat(0.0));
        let mut first = [0i32; 16];
        s.store_i(&mut first, cell.first);
        let first = &first[..S::LANES];
        // Weights as [lane][tap] for the columns and [tap][lane] for the rows.
        let mut columns = [[0.0f32; 4]; 16];
        let mut weights = [[0.0f32; 16]; 4];
        match level.kernel {
            Kernel::Linear => {
                let [[a, b], [c, e]] = corners(s, data, pitch, &cell);
                let one = s.splat(1.0);
                let (gx, gy) = (s.sub(one, cell.fx), s.sub(one, cell.fy));
                sx = s.mul_add(s.sub(b, a), gy, s.mul(s.sub(e, c), cell.fy));
                sy = s.mul_add(s.sub(c, a), gx, s.mul(s.sub(e, b), cell.fx));
                s.store(&mut weights[0], s.mul(g, s.mul(gx, gy)));
                s.store(&mut weights[1], s.mul(g, s.mul(cell.fx, gy)));
                s.store(&mut weights[2], s.mul(g, s.mul(gx, cell.fy)));
                s.store(&mut weights[3], s.mul(g, s.mul(cell.fx, cell.fy)));
                for (k, &i) in first.iter().enumerate() {
                    let i = i as usize + pitch + 1;
                    let Some(t) = d_data.get_mut(i..i + pitch + 2) else {
                        continue;
                    };
                    t[0] += weights[0][k];
                    t[1] += weights[1][k];
                    t[pitch] += weights[2][k];
                    t[pitch + 1] += weights[3][k];
                }
            }
            Kernel::Cubic => {
                let (wx, wy) = (spline(s, cell.fx), spline(s, cell.fy));
                let (dx, dy) = (spline_slopes(s, cell.fx), spline_slopes(s, cell.fy));
                for k in 0..4 {
                    let row = &data[k * pitch..];
                    let (mut r, mut q) = (s.splat(0.0), s.splat(0.0));
                    for j in 0..4 {
                        let v = s.gather(&row[j..], cell.first);
                        r = s.mul_add(wx[j], v, r);
                        q = s.mul_add(dx[j], v, q);
                    }
                    sx = s.mul_add(wy[k], q, sx);
                    sy = s.mul_add(dy[k], r, sy);
                    s.store(&mut weights[k], s.mul(g, wy[k]));
                }
                for (j, w) in wx.into_iter().enumerate() {
                    let mut lanes = [0.0; 16];
                    s.store(&mut lanes, w);
                    for (c, l) in columns.iter_mut().zip(lanes) {
                        c[j] = l;
                    }
                }
                for (k, &i) in first.iter().enumerate() {
                    let i = i as usize;
                    let Some(t) = d_data.get_mut(i..i + 3 * pitch + 4) else {
                        continue;
                    };
                    for (r, w) in weights.iter().enumerate() {
                        let Some(t) = t[r * pitch..].first_chunk_mut::<4>() else {
                            continue;
                        };
                        for (t, c) in t.iter_mut().zip(columns[k]) {
                            *t += w[k] * c;
                        }
                    }
                }
            }
        }
        let tx = s.mul_add(s.mul(g, cell.slope_x), sx, s.load(&d_x[p..]));
        let ty = s.mul_add(s.mul(g, cell.slope_y), sy, s.load(&d_y[p..]));
        s.store(&mut d_x[p..], tx);
        s.store(&mut d_y[p..], ty);
    }
    let mut lanes = [0.0; 16];
    s.store(&mut lanes, top);
    lanes[..S::LANES].iter().for_each(|&y| rows.start = rows.start.min(y as usize));
    s.store(&mut lanes, bottom);
    lanes[..S::LANES].iter().for_each(|&y| rows.end = rows.end.max(y as usize + 4));
}
