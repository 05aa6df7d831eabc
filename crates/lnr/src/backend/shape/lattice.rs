// SPDX-License-Identifier: MIT OR Apache-2.0

/// Most points per pixel and axis (FORMAT section 7): a picture of an eighth of the size takes every
/// pixel of the source, a smaller one no more work than that.
pub const MAX_POINTS_PER_AXIS: usize = 8;

/// Points per pixel and axis that a picture of `size` takes from a source of `source` pixels.
pub fn points_per_pixel(source: (usize, usize), size: (usize, usize)) -> usize {
    let ratio = |a: usize, b: usize| (a as f32 / b as f32 - 0.25).ceil().max(1.0) as usize;
    ratio(source.0, size.0).max(ratio(source.1, size.1)).min(MAX_POINTS_PER_AXIS)
}

/// Points (x0 + j dx, y0 + i dy) in pixels of the source, j < nx, i < ny, row after row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lattice {
    /// Abscissa of the first column.
    pub x0: f32,
    /// Distance of columns.
    pub dx: f32,
    /// Columns.
    pub nx: usize,
    /// Ordinate of the first row.
    pub y0: f32,
    /// Distance of rows.
    pub dy: f32,
    /// Rows.
    pub ny: usize,
}

impl Lattice {
    /// Every `step`-th pixel both ways, from (x, y) on, of a picture of this size.
    pub fn subset(size: (usize, usize), step: usize, (x, y): (usize, usize)) -> Self {
        Self {
            x0: x as f32,
            dx: step as f32,
            nx: (size.0 - x).div_ceil(step),
            y0: y as f32,
            dy: step as f32,
            ny: (size.1 - y).div_ceil(step),
        }
    }

    /// The pixel centres of a picture of `size` laid over a source of `source` pixels.
    pub fn resized(source: (usize, usize), size: (usize, usize)) -> Self {
        let axis = |from: usize, to: usize| {
            let d = from as f32 / to as f32;
            (0.5 * d - 0.5, d)
        };
        let ((x0, dx), (y0, dy)) = (axis(source.0, size.0), axis(source.1, size.1));
        Self { x0, dx, nx: size.0, y0, dy, ny: size.1 }
    }

    /// Points.
    pub fn len(&self) -> usize {
        self.nx * self.ny
    }
}
