// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modulation of one layer at one time (paper Eq. 2): W_t = sigmoid(P Q) * W.

use super::super::super::Dense;
use super::super::simd::{Simd, Task, exp};
use super::batch::{axpy, dot};

/// sigmoid(P Q) of a layer. [n_out, n_in]
pub struct Mask<'a> {
    pub layer: &'a Dense,
    pub rank: usize,
    pub pq: &'a [f32],
}

impl Task for Mask<'_> {
    type Out = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let Dense { n_in, n_out, .. } = *self.layer;
        let (p, q) = self.pq.split_at(n_out * self.rank);
        let mut out = vec![0.0; n_out * n_in];
        for (row, p) in out.chunks_exact_mut(n_in).zip(p.chunks_exact(self.rank)) {
            for (p, q) in p.iter().zip(q.chunks_exact(n_in)) {
                axpy(s, *p, q, row);
            }
        }
        let one = s.splat(1.0);
        let n = out.len() / S::LANES * S::LANES;
        for i in (0..n).step_by(S::LANES) {
            let e = exp(s, s.sub(s.splat(0.0), s.load(&out[i..])));
            s.store(&mut out[i..], s.div(one, s.add(one, e)));
        }
        out[n..].iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp()));
        out
    }
}

/// From the gradient `d_w` of the modulated weights to that of P and Q, written to `d_pq`; adds to
/// that of the weights, `d_base`.
pub struct MaskBwd<'a> {
    pub layer: &'a Dense,
    pub rank: usize,
    pub weights: &'a [f32],
    pub mask: &'a [f32],
    pub pq: &'a [f32],
    pub d_w: &'a [f32],
    pub d_pq: &'a mut [f32],
    pub d_base: &'a mut [f32],
}

impl Task for MaskBwd<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Dense { n_in, n_out, .. } = *self.layer;
        let (p, q) = self.pq.split_at(n_out * self.rank);
        self.d_pq.fill(0.0);
        let (d_p, d_q) = self.d_pq.split_at_mut(p.len());
        let mut d_z = vec![0.0; n_in];
        for row in 0..n_out {
            let range = row * n_in..(row + 1) * n_in;
            let (mask, d_w) = (&self.mask[range.clone()], &self.d_w[range.clone()]);
            for (i, d) in d_z.iter_mut().enumerate() {
                *d = d_w[i] * self.weights[range.start + i] * mask[i] * (1.0 - mask[i]);
                self.d_base[range.start + i] += d_w[i] * mask[i];
            }
            for r in 0..self.rank {
                d_p[row * self.rank + r] = dot(s, &d_z, &q[r * n_in..][..n_in]);
                axpy(s, p[row * self.rank + r], &d_z, &mut d_q[r * n_in..][..n_in]);
            }
        }
    }
}
