// SPDX-License-Identifier: MIT OR Apache-2.0
//! The base network over a tile of points: every layer stays in the cache.

use super::simd::Simd;

/// Points of a tile.
pub const TILE: usize = 64;

/// One value of every point of a tile.
pub type Lane = [f32; TILE];

/// y = W x + b, then ReLU if asked for. `w` is [y.len(), x.len()] row-major; `b` may be empty.
#[inline(always)]
pub fn layer<S: Simd>(s: S, w: &[f32], b: &[f32], relu: bool, x: &[Lane], y: &mut [Lane]) {
    if S::LANES == 16 {
        blocks::<S, 4, 4>(s, w, b, relu, x, y);
    } else {
        blocks::<S, 2, 4>(s, w, b, relu, x, y);
    }
}

/// `O` outputs times `V` vectors at a time, which is what fits into the registers.
#[inline(always)]
fn blocks<S: Simd, const O: usize, const V: usize>(
    s: S,
    w: &[f32],
    b: &[f32],
    relu: bool,
    x: &[Lane],
    y: &mut [Lane],
) {
    let n_in = x.len();
    for (block, y) in y.chunks_mut(O).enumerate() {
        let w = &w[block * O * n_in..][..y.len() * n_in];
        // A last, smaller block computes some outputs twice rather than having its own code.
        let mut row = [w; O];
        let mut bias = [0.0; O];
        for o in 0..O {
            let at = o.min(y.len() - 1);
            row[o] = &w[at * n_in..][..n_in];
            if !b.is_empty() {
                bias[o] = b[block * O + at];
            }
        }
        for p in (0..TILE).step_by(V * S::LANES) {
            let mut acc = [[s.splat(0.0); V]; O];
            for o in 0..O {
                acc[o] = [s.splat(bias[o]); V];
            }
            for (c, x) in x.iter().enumerate() {
                let mut v = [s.splat(0.0); V];
                for k in 0..V {
                    v[k] = s.load(&x[p + k * S::LANES..]);
                }
                for o in 0..O {
                    let w = s.splat(row[o][c]);
                    for k in 0..V {
                        acc[o][k] = s.mul_add(w, v[k], acc[o][k]);
                    }
                }
            }
            for (y, acc) in y.iter_mut().zip(acc) {
                for k in 0..V {
                    let v = if relu { s.max(acc[k], s.splat(0.0)) } else { acc[k] };
                    s.store(&mut y[p + k * S::LANES..], v);
                }
            }
        }
    }
}

/// y += W^T d. `w` is [d.len(), y.len()] row-major.
#[inline(always)]
pub fn transposed_add<S: Simd>(s: S, w: &[f32], d: &[Lane], y: &mut [Lane]) {
    let n_in = y.len();
    for (c, y) in y.iter_mut().enumerate() {
        for p in (0..TILE).step_by(4 * S::LANES) {
            let mut acc = [s.splat(0.0); 4];
            for k in 0..4 {
                acc[k] = s.load(&y[p + k * S::LANES..]);
            }
            for (o, d) in d.iter().enumerate() {
                let w = s.splat(w[o * n_in + c]);
                for k in 0..4 {
                    acc[k] = s.mul_add(w, s.load(&d[p + k * S::LANES..]), acc[k]);
                }
            }
            for k in 0..4 {
                s.store(&mut y[p + k * S::LANES..], acc[k]);
            }
        }
    }
}

/// Clears the gradient where the ReLU's output was not positive.
#[inline(always)]
pub fn relu_bwd<S: Simd>(s: S, h: &[Lane], d: &mut [Lane]) {
    for (h, d) in h.iter().zip(d) {
        for p in (0..TILE).step_by(S::LANES) {
            let zero = s.splat(0.0);
            let v = s.select(s.gt(s.load(&h[p..]), zero), s.load(&d[p..]), zero);
            s.store(&mut d[p..], v);
        }
    }
}

/// Sums that are kept per lane over many tiles: dW [n_out, n_in, LANES] and db [n_out, LANES].
#[derive(Default)]
pub struct LayerGrad {
    w: Vec<f32>,
    b: Vec<f32>,
}

/// Room for the widest vector.
const MAX_LANES: usize = 16;

impl LayerGrad {
    pub fn new(n_out: usize, n_in: usize) -> Self {
        Self { w: vec![0.0; n_out * n_in * MAX_LANES], b: vec![0.0; n_out * MAX_LANES] }
    }

    pub fn clear(&mut self) {
        self.w.fill(0.0);
        self.b.fill(0.0);
    }

    /// dW += d x^T, db += d.
    #[inline(always)]
    pub fn add<S: Simd>(&mut self, s: S, d: &[Lane], x: &[Lane]) {
        let n_in = x.len();
        for (o, d) in d.iter().enumerate() {
            let mut sum = s.load(&self.b[o * S::LANES..]);
            for p in (0..TILE).step_by(S::LANES) {
                sum = s.add(sum, s.load(&d[p..]));
            }
            s.store(&mut self.b[o * S::LANES..], sum);
        }
        let n_blocks = d.len().div_ceil(4);
        for block in 0..n_blocks {
            let o = block * 4;
            let d = &d[o..(o + 4).min(d.len())];
            let mut c = 0;
            if d.len() == 4 {
                while c + 4 <= n_in {
                    self.block::<S, 4, 4>(s, o, c, n_in, d, &x[c..c + 4]);
                    c += 4;
                }
                while c < n_in {
                    self.block::<S, 4, 1>(s, o, c, n_in, d, &x[c..c + 1]);
                    c += 1;
                }
            } else {
                for (i, d) in d.chunks(1).enumerate() {
                    let mut c = 0;
                    while c + 4 <= n_in {
                        self.block::<S, 1, 4>(s, o + i, c, n_in, d, &x[c..c + 4]);
                        c += 4;
                    }
                    while c < n_in {
                        self.block::<S, 1, 1>(s, o + i, c, n_in, d, &x[c..c + 1]);
                        c += 1;
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn block<S: Simd, const O: usize, const C: usize>(
        &mut self,
        s: S,
        o: usize,
        c: usize,
        n_in: usize,
        d: &[Lane],
        x: &[Lane],
    ) {
        let mut acc = [[s.splat(0.0); C]; O];
        assert!(d.len() == O && x.len() == C);
        for i in 0..O {
            for j in 0..C {
                acc[i][j] = s.load(&self.w[((o + i) * n_in + c + j) * S::LANES..]);
            }
        }
        for p in (0..TILE).step_by(S::LANES) {
            let mut v = [s.splat(0.0); C];
            for j in 0..C {
                v[j] = s.load(&x[j][p..]);
            }
            for i in 0..O {
                let e = s.load(&d[i][p..]);
                for j in 0..C {
                    acc[i][j] = s.mul_add(e, v[j], acc[i][j]);
                }
            }
        }
        for i in 0..O {
            for j in 0..C {
                s.store(&mut self.w[((o + i) * n_in + c + j) * S::LANES..], acc[i][j]);
            }
        }
    }

    /// Adds the sums over the lanes to `w` and `b` (which may be empty).
    pub fn reduce(&self, lanes: usize, w: &mut [f32], b: &mut [f32]) {
        for (to, from) in [(w, &self.w), (b, &self.b)] {
            for (to, from) in to.iter_mut().zip(from.chunks_exact(lanes)) {
                *to += from.iter().sum::<f32>();
            }
        }
    }
}
