// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cells of a canonical plane, and the weights of their taps.

use super::super::Level;
use super::dense::Lane;
use super::planes::Padded;
use super::simd::Simd;

/// Where a vector of points falls into a grid.
#[derive(Clone, Copy)]
pub struct Cell<S: Simd> {
    /// Offset of tap (-1, -1) in the padded plane.
    pub first: S::I,
    /// Row of tap (-1, -1) in the padded plane.
    pub row: S::F,
    pub fx: S::F,
    pub fy: S::F,
    /// 1 / stride where the coordinate is inside the grid, else 0.
    pub slope_x: S::F,
    pub slope_y: S::F,
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

/// Vectors of points that are worked on together: what one waits for, others use.
pub const GROUP: usize = 4;

/// The cells of points from `p` on.
#[inline(always)]
pub fn locate_group<S: Simd>(
    s: S,
    level: &Level,
    plane: &Padded,
    at: &[Lane; 2],
    p: usize,
) -> [Cell<S>; GROUP] {
    let [x, y] = at;
    let mut cells = [locate(s, level, plane, s.load(&x[p..]), s.load(&y[p..])); GROUP];
    for k in 1..GROUP {
        let p = p + k * S::LANES;
        cells[k] = locate(s, level, plane, s.load(&x[p..]), s.load(&y[p..]));
    }
    cells
}

// Vector code keeps out of closures: they would not be compiled for the task's instructions.

/// Weights of the four taps of a cubic B-spline at fraction `f`.
#[inline(always)]
pub fn spline<S: Simd>(s: S, f: S::F) -> [S::F; 4] {
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
