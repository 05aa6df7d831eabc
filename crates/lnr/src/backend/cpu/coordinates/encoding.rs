// SPDX-License-Identifier: MIT OR Apache-2.0
//! Coordinates to features for a tile of points.

use super::super::super::{Encoding, HashLevel, Shape};
use super::super::dense::{Lane, TILE};

/// The four entries around a point and their weights.
fn corners(level: &HashLevel, at: (f32, f32)) -> [(usize, f32); 4] {
    let ((i, j), (fx, fy)) = level.cell(at);
    let (gx, gy) = (1.0 - fx, 1.0 - fy);
    [
        (level.entry(i, j), gx * gy),
        (level.entry(i + 1, j), fx * gy),
        (level.entry(i, j + 1), gx * fy),
        (level.entry(i + 1, j + 1), fx * fy),
    ]
}

/// Features of the points `at` into the first lanes of `out`.
pub fn encode(shape: &Shape, tables: &[f32], at: &[Lane; 2], out: &mut [Lane]) {
    let Some(encoding) = shape.encoding() else { return };
    match encoding {
        Encoding::Hash { levels, n_features } => {
            for (level, out) in levels.iter().zip(out.chunks_exact_mut(*n_features)) {
                let table = &tables[level.offset..][..level.n_entries * n_features];
                for p in 0..TILE {
                    let corners = corners(level, (at[0][p], at[1][p]));
                    for (f, out) in out.iter_mut().enumerate() {
                        let part = |(entry, w): (usize, f32)| w * table[entry * n_features + f];
                        out[p] = corners.map(part).iter().sum();
                    }
                }
            }
        }
        Encoding::Fourier { frequencies } => {
            let side = shape.width.max(shape.height) as f32;
            let lanes = out.chunks_exact_mut(2);
            let axes = at.iter().flat_map(|at| frequencies.iter().map(move |f| (at, f)));
            for ((at, f), pair) in axes.zip(lanes) {
                for p in 0..TILE {
                    let phase = std::f32::consts::PI * f * ((at[p] + 0.5) / side);
                    (pair[0][p], pair[1][p]) = phase.sin_cos();
                }
            }
        }
    }
}

/// Adds the gradients `d` of the features of the first `n` points to those of the tables, `d_tables`.
pub fn scatter(shape: &Shape, at: &[Lane; 2], n: usize, d: &[Lane], d_tables: &mut [f32]) {
    let Some(Encoding::Hash { levels, n_features }) = shape.encoding() else { return };
    for (level, d) in levels.iter().zip(d.chunks_exact(*n_features)) {
        let table = &mut d_tables[level.offset..][..level.n_entries * n_features];
        for p in 0..n {
            for (entry, w) in corners(level, (at[0][p], at[1][p])) {
                for (f, d) in d.iter().enumerate() {
                    table[entry * n_features + f] += w * d[p];
                }
            }
        }
    }
}
