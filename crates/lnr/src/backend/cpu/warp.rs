// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sampling of canonical planes at warped coordinates, and its gradient with respect to the
//! coordinates.

use super::super::{Kernel, Level};
use super::cell::{Cell, GROUP, locate_group, spline};
use super::dense::{Lane, TILE};
use super::planes::Padded;
pub use super::scatter::scatter;
use super::simd::Simd;
use super::taps::{Consecutive, OneVector, Rows, Scattered, Taps, TwoVectors};

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

/// Derivative of (4 - 6 f^2 + 3 f^3) / 6.
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
    let with_slopes = slopes.is_some();
    for first in (0..TILE).step_by(GROUP * S::LANES) {
        let cells = locate_group(s, level, plane, at, first);
        let samples = match level.kernel {
            Kernel::Linear => linear(s, data, pitch, &cells, with_slopes),
            Kernel::Cubic => {
                let mut samples = [cubic(s, data, pitch, &cells[0], with_slopes); GROUP];
                for k in 1..GROUP {
                    samples[k] = cubic(s, data, pitch, &cells[k], with_slopes);
                }
                samples
            }
        };
        for k in 0..GROUP {
            let ((v, slope), p) = (samples[k], first + k * S::LANES);
            s.store(&mut out[p..], v);
            if let Some([to_x, to_y]) = &mut slopes {
                s.store(&mut to_x[p..], s.mul(slope[0], cells[k].slope_x));
                s.store(&mut to_y[p..], s.mul(slope[1], cells[k].slope_y));
            }
        }
    }
}

/// A value and, if asked for, its derivatives with respect to the fractions.
type Sampled<S> = (<S as Simd>::F, [<S as Simd>::F; 2]);

#[inline(always)]
fn linear<S: Simd>(
    s: S,
    data: &[f32],
    pitch: usize,
    cells: &[Cell<S>; GROUP],
    with_slopes: bool,
) -> [Sampled<S>; GROUP] {
    let rows = Rows { data: &data[pitch + 1..], pitch };
    let (mut least, mut most) = (cells[0].first, cells[0].first);
    for k in 1..GROUP {
        (least, most) = (s.min_i(least, cells[k].first), s.max_i(most, cells[k].first));
    }
    let mut samples = [(cells[0].fx, [cells[0].fx; 2]); GROUP];
    if let Some((rows, start)) = rows.cells(s, cells[0].first, [least, most]) {
        let taps = Consecutive(rows);
        let ([a, b], [c, d]) = (Taps::<S, 2>::row(taps, s, 0), Taps::<S, 2>::row(taps, s, 1));
        // Coefficients of x, y and xy in each cell.
        let (x, y) = (s.sub(b, a), s.sub(c, a));
        let xy = s.sub(s.sub(d, c), x);
        for k in 0..GROUP {
            let cell = &cells[k];
            let i = s.add_i(cell.first, s.splat_i(-start));
            let (x, xy) = (s.permute(x, i), s.permute(xy, i));
            let down = s.mul_add(xy, cell.fx, s.permute(y, i));
            let v = s.mul_add(x, cell.fx, s.permute(a, i));
            let v = s.mul_add(down, cell.fy, v);
            samples[k] = (v, [s.mul_add(xy, cell.fy, x), down]);
        }
        return samples;
    }
    for k in 0..GROUP {
        let cell = &cells[k];
        samples[k] = match rows.window::<S, 2, 1>(s, 2, cell.first) {
            Some((rows, index)) => bilinear(s, OneVector::<S>(rows, index), cell, with_slopes),
            None => bilinear(s, Scattered::<S>(rows, cell.first), cell, with_slopes),
        };
    }
    samples
}

#[inline(always)]
fn bilinear<S: Simd>(s: S, taps: impl Taps<S, 2>, cell: &Cell<S>, with_slopes: bool) -> Sampled<S> {
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
) -> Sampled<S> {
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
fn bicubic<S: Simd>(s: S, taps: impl Taps<S, 4>, cell: &Cell<S>, with_slopes: bool) -> Sampled<S> {
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
