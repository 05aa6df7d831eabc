// SPDX-License-Identifier: MIT OR Apache-2.0
//! Two anchors become one set of features: even + g (odd - even), point by point.

use super::super::Shape;
use super::dense::{Lane, TILE};
use super::simd::{Simd, tanh};

/// What a tile of points keeps of the mixing for the way back.
pub struct Mix {
    /// The odd anchor's share g.
    gate: Lane,
    /// The odd anchor's levels, then their gradients.
    pub odd: Vec<Lane>,
    /// odd - even, per level.
    differences: Vec<Lane>,
    /// The gradient of the sum of the blend grids.
    pub d_logit: Lane,
}

impl Mix {
    /// Room for the levels of a shape; empty where nothing is mixed.
    pub fn new(shape: &Shape) -> Self {
        let n = if shape.has_anchors { shape.n_canonical_levels() } else { 0 };
        let lanes = || vec![Lane::ZERO; n];
        Self { gate: Lane::ZERO, odd: lanes(), differences: lanes(), d_logit: Lane::ZERO }
    }

    /// Mixes the odd anchor's levels into `even`. `blend`: the sum of the blend grids along the tile, if
    /// there are any; `bias`: [`Shape::blend_bias`].
    #[inline(always)]
    pub fn forward<S: Simd>(&mut self, s: S, blend: Option<&[f32]>, bias: f32, even: &mut [Lane]) {
        let half = s.splat(0.5);
        for p in (0..TILE).step_by(S::LANES) {
            let logit = match blend {
                Some(blend) => s.add(s.load(&blend[p..]), s.splat(bias)),
                None => s.splat(bias),
            };
            // sigmoid(x) = (1 + tanh(x / 2)) / 2
            let gate = s.mul_add(tanh(s, s.mul(logit, half)), half, half);
            s.store(&mut self.gate[p..], gate);
        }
        for ((even, odd), d) in even.iter_mut().zip(&self.odd).zip(&mut self.differences) {
            for p in (0..TILE).step_by(S::LANES) {
                let a = s.load(&even[p..]);
                let difference = s.sub(s.load(&odd[p..]), a);
                s.store(&mut d[p..], difference);
                s.store(&mut even[p..], s.mul_add(difference, s.load(&self.gate[p..]), a));
            }
        }
    }

    /// From the gradients of the features to those of the even anchor's levels (in place), of the odd
    /// one's and of the blend grids' sum.
    #[inline(always)]
    pub fn backward<S: Simd>(&mut self, s: S, d_features: &mut [Lane]) {
        self.d_logit = Lane::ZERO;
        for ((d, odd), difference) in
            d_features.iter_mut().zip(&mut self.odd).zip(&self.differences)
        {
            for p in (0..TILE).step_by(S::LANES) {
                let d_feature = s.load(&d[p..]);
                let d_odd = s.mul(d_feature, s.load(&self.gate[p..]));
                s.store(&mut odd[p..], d_odd);
                s.store(&mut d[p..], s.sub(d_feature, d_odd));
                let sum = s.load(&self.d_logit[p..]);
                let sum = s.mul_add(d_feature, s.load(&difference[p..]), sum);
                s.store(&mut self.d_logit[p..], sum);
            }
        }
        for p in (0..TILE).step_by(S::LANES) {
            let gate = s.load(&self.gate[p..]);
            let slope = s.mul(gate, s.sub(s.splat(1.0), gate));
            let d = s.mul(s.load(&self.d_logit[p..]), slope);
            s.store(&mut self.d_logit[p..], d);
        }
    }
}
