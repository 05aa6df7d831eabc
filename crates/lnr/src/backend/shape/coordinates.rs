// SPDX-License-Identifier: MIT OR Apache-2.0
//! Features of the coordinates alone: hash grids and Fourier features.

/// How coordinates become features.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoding {
    /// Multiresolution hash grids (Instant-NGP), linear between entries.
    Hash {
        /// Levels, coarsest first.
        levels: Vec<HashLevel>,
        /// Features per entry.
        n_features: usize,
    },
    /// sin and cos of pi f u, with u = x, then y, in units of the longer side of the frame.
    Fourier {
        /// The frequencies f.
        frequencies: Vec<f32>,
    },
}

impl Encoding {
    /// Elements that it stores.
    pub fn len(&self) -> usize {
        match self {
            Self::Hash { levels, n_features } => {
                levels.iter().map(|l| l.n_entries * n_features).sum()
            }
            Self::Fourier { .. } => 0,
        }
    }
}

/// A level of a hash grid: a table of entries [n_entries, n_features].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HashLevel {
    /// Cells per pixel.
    pub scale: f32,
    /// Vertices per row.
    pub width: usize,
    /// Rows of vertices.
    pub height: usize,
    /// Entries of the table: one per vertex where those fit, else a power of two.
    pub n_entries: usize,
    /// Where the table begins in the grid buffer.
    pub offset: usize,
}

impl HashLevel {
    /// The table entry of a vertex. Where vertices do not fit they are hashed so that neighbours in x
    /// stay neighbours.
    pub fn entry(&self, x: usize, y: usize) -> usize {
        if self.n_entries == self.width * self.height {
            return y * self.width + x;
        }
        (x as u32 ^ (y as u32).wrapping_mul(2_654_435_761)) as usize & (self.n_entries - 1)
    }

    /// The vertex up left of a pixel coordinate, and the fractions behind it.
    pub fn cell(&self, (x, y): (f32, f32)) -> ((usize, usize), (f32, f32)) {
        let axis = |v: f32, n: usize| {
            let p = ((v + 0.5) * self.scale).clamp(0.0, (n - 1) as f32);
            let i = (p as usize).min(n - 2);
            (i, p - i as f32)
        };
        let ((i, fx), (j, fy)) = (axis(x, self.width), axis(y, self.height));
        ((i, j), (fx, fy))
    }
}
