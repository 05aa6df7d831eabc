// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fully connected layers over a tile of points. Numbers of rows are rounded up to whole blocks; the
//! surplus rows are zeros.

use super::simd::Simd;

/// Points of a tile: four of the widest vectors, and the 16 values of a layer of the default model are
/// 4 KiB, so that all of a tile's layers stay in the first cache.
pub const TILE: usize = 64;
/// Rows of a block: a block's sums, four or two vectors a row, fill half of the registers.
pub const BLOCK: usize = 4;
/// Room for the widest vector.
pub const MAX_LANES: usize = 16;

/// One value of every point of a tile. Aligned, so that no vector lies across two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Lane([f32; TILE]);

impl Lane {
    pub const ZERO: Self = Self([0.0; TILE]);
}

impl std::ops::Deref for Lane {
    type Target = [f32; TILE];

    #[inline(always)]
    fn deref(&self) -> &[f32; TILE] {
        &self.0
    }
}

impl std::ops::DerefMut for Lane {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [f32; TILE] {
        &mut self.0
    }
}

/// Lanes for `n` values per point, in whole blocks.
pub fn lanes(n: usize) -> Vec<Lane> {
    vec![Lane::ZERO; n.next_multiple_of(BLOCK)]
}

/// Rows of a wide block: with 12 sums instead of 8 fewer products wait for the one before on AVX2, which saves
/// 4 % of the network's time, and they still fit the registers beside what is multiplied.
const WIDE: usize = 6;

/// Of so many rows in whole blocks, those that wide blocks take; blocks take the rest.
const fn n_wide(rows: usize) -> usize {
    rows - rows % (2 * WIDE)
}

/// A matrix in blocks of rows, wide ones first: [block, column, row of the block].
pub struct Matrix {
    columns: usize,
    data: Vec<f32>,
}

impl Matrix {
    fn new(rows: usize, columns: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        let all = rows.next_multiple_of(BLOCK);
        let n_wide = n_wide(all);
        let mut data = vec![0.0; all * columns];
        for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
            let (first, size) = if row < n_wide { (0, WIDE) } else { (n_wide, BLOCK) };
            let start = row - (row - first) % size;
            data[start * columns + column * size + row - start] = at(row, column);
        }
        Self { columns, data }
    }

    /// The block of `R` rows from `first` on.
    #[inline(always)]
    fn block<const R: usize>(&self, first: usize) -> &[[f32; R]] {
        self.data[first * self.columns..][..R * self.columns].as_chunks().0
    }
}

/// A layer's matrix, ready for both directions.
pub struct Layer {
    pub forward: Matrix,
    pub backward: Matrix,
}

impl Layer {
    /// `w` is [rows, columns] row-major.
    pub fn new(w: &[f32], rows: usize, columns: usize) -> Self {
        Self {
            forward: Matrix::new(rows, columns, |r, c| w[r * columns + c]),
            backward: Matrix::new(columns, rows, |r, c| w[c * columns + r]),
        }
    }
}

/// A vector of biases in blocks.
pub fn blocks(bias: &[f32]) -> Vec<[f32; BLOCK]> {
    let mut out = vec![[0.0; BLOCK]; bias.len().div_ceil(BLOCK)];
    bias.iter().enumerate().for_each(|(i, b)| out[i / BLOCK][i % BLOCK] = *b);
    out
}

/// What happens to a sum before it is stored.
#[derive(Clone, Copy)]
pub enum Finish<'a> {
    Keep,
    /// max(sum, 0)
    Relu,
    /// The sum where this output of a ReLU is positive, else 0.
    Mask(&'a [Lane]),
}

/// A block of sums, [row, column], one per lane.
pub type Sums<S> = [[<S as Simd>::F; BLOCK]; BLOCK];

/// `sums` + d x^T over the points of a tile.
#[inline(always)]
pub fn outer<S: Simd>(s: S, d: &[Lane; BLOCK], x: &[Lane; BLOCK], sums: Sums<S>) -> Sums<S> {
    if S::LANES == 16 {
        return outer_rows(s, d.each_ref(), x, sums);
    }
    // A whole block of sums would fill all registers.
    let [d0, d1, d2, d3] = d;
    let [s0, s1, s2, s3] = sums;
    let [s0, s1] = outer_rows(s, [d0, d1], x, [s0, s1]);
    let [s2, s3] = outer_rows(s, [d2, d3], x, [s2, s3]);
    [s0, s1, s2, s3]
}

#[inline(always)]
fn outer_rows<S: Simd, const R: usize>(
    s: S,
    d: [&Lane; R],
    x: &[Lane; BLOCK],
    mut sums: [[S::F; BLOCK]; R],
) -> [[S::F; BLOCK]; R] {
    for p in (0..TILE).step_by(S::LANES) {
        let mut v = [s.splat(0.0); BLOCK];
        for j in 0..BLOCK {
            v[j] = s.load(&x[j][p..]);
        }
        for i in 0..R {
            let e = s.load(&d[i][p..]);
            for j in 0..BLOCK {
                sums[i][j] = s.mul_add(e, v[j], sums[i][j]);
            }
        }
    }
    sums
}

/// y = bias + sum of the products, then `finish`.
#[inline(always)]
pub fn multiply<S: Simd, const N: usize>(
    s: S,
    bias: Option<&[[f32; BLOCK]]>,
    products: [(&Matrix, &[Lane]); N],
    finish: Finish,
    y: &mut [Lane],
) {
    let bias = bias.map(|bias| bias.as_flattened());
    for (matrix, _) in products {
        assert_eq!(matrix.data.len(), matrix.columns * y.len(), "a row for every output");
    }
    let n_wide = n_wide(y.len());
    for first in (0..n_wide).step_by(WIDE) {
        multiply_block::<S, N, WIDE>(s, bias, products, finish, y, first);
    }
    for first in (n_wide..y.len()).step_by(BLOCK) {
        multiply_block::<S, N, BLOCK>(s, bias, products, finish, y, first);
    }
}

/// [`multiply`] for `R` rows from `first` on.
#[inline(always)]
fn multiply_block<S: Simd, const N: usize, const R: usize>(
    s: S,
    bias: Option<&[f32]>,
    products: [(&Matrix, &[Lane]); N],
    finish: Finish,
    y: &mut [Lane],
    first: usize,
) {
    if S::LANES == 16 {
        multiply_by::<S, N, R, 4>(s, bias, products, finish, y, first);
    } else {
        multiply_by::<S, N, R, 2>(s, bias, products, finish, y, first);
    }
}

/// [`multiply_block`], `V` vectors of every row at a time: what fits into the registers.
#[inline(always)]
fn multiply_by<S: Simd, const N: usize, const R: usize, const V: usize>(
    s: S,
    bias: Option<&[f32]>,
    products: [(&Matrix, &[Lane]); N],
    finish: Finish,
    y: &mut [Lane],
    first: usize,
) {
    let mut start = [0.0; R];
    if let Some(bias) = bias {
        start.copy_from_slice(&bias[first..][..R]);
    }
    for p in (0..TILE).step_by(V * S::LANES) {
        let mut sums = [[s.splat(0.0); V]; R];
        for r in 0..R {
            sums[r] = [s.splat(start[r]); V];
        }
        for (matrix, x) in products {
            for (w, x) in matrix.block::<R>(first).iter().zip(x) {
                let mut v = [s.splat(0.0); V];
                for k in 0..V {
                    v[k] = s.load(&x[p + k * S::LANES..]);
                }
                for r in 0..R {
                    let w = s.splat(w[r]);
                    for k in 0..V {
                        sums[r][k] = s.mul_add(w, v[k], sums[r][k]);
                    }
                }
            }
        }
        for r in 0..R {
            for k in 0..V {
                let at = p + k * S::LANES;
                let zero = s.splat(0.0);
                let v = match finish {
                    Finish::Keep => sums[r][k],
                    // NaN stays.
                    Finish::Relu => s.max(zero, sums[r][k]),
                    Finish::Mask(h) => {
                        let h = s.load(&h[first + r][at..]);
                        s.select(s.gt(h, zero), sums[r][k], zero)
                    }
                };
                s.store(&mut y[first + r][at..], v);
            }
        }
    }
}
