// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quantisation and the optimiser: one pass over flat buffers.

use rayon::prelude::*;

use super::super::{Adam, Rounding};
use super::simd::{Isa, Simd, Task, tanh};
use crate::base::Rng;

/// Elements per task: some microseconds of work, far more than handing out a task takes.
const CHUNK: usize = 8192;

struct Quantise<'a> {
    rounding: Rounding,
    seed: u64,
    /// Position of the first value in its buffer.
    first: usize,
    values: &'a [f32],
    symbols: &'a mut [f32],
    slopes: &'a mut [f32],
}

/// r(x) = floor(x) + 1/2 + tanh((x - floor(x) - 1/2) / T) / (2 tanh(1 / 2T)), and r'(x).
#[inline(always)]
fn soft_round<S: Simd>(s: S, x: S::F, inv_t: f32, gain: f32) -> (S::F, S::F) {
    let base = s.add(s.floor(x), s.splat(0.5));
    let t = tanh(s, s.mul(s.sub(x, base), s.splat(inv_t)));
    let slope = s.mul(s.splat(gain * inv_t), s.sub(s.splat(1.0), s.mul(t, t)));
    (s.mul_add(t, s.splat(gain), base), slope)
}

/// How vectors are rounded.
#[derive(Clone, Copy)]
enum Vectors {
    Hard,
    Soft { inv_t: f32, gain: f32, noise: f32 },
}

impl Quantise<'_> {
    #[inline(always)]
    fn vector<S: Simd>(&self, s: S, how: Vectors, position: usize, x: S::F) -> (S::F, S::F) {
        match how {
            Vectors::Hard => (s.round(x), s.splat(1.0)),
            Vectors::Soft { inv_t, gain, noise } => {
                let mut u = [0.0f32; 16];
                for (k, u) in u[..S::LANES].iter_mut().enumerate() {
                    *u = (Rng::nth(self.seed, (position + k) as u64) >> 40) as f32;
                }
                let scale = s.splat(noise / (1 << 24) as f32);
                let u = s.mul_add(s.load(&u), scale, s.splat(-0.5 * noise));
                let (y, dy) = soft_round(s, x, inv_t, gain);
                let (z, dz) = soft_round(s, s.add(y, u), inv_t, gain);
                (z, s.mul(dy, dz))
            }
        }
    }
}

impl Task for Quantise<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Rounding { temperature, noise } = self.rounding;
        let how = if temperature > 0.0 {
            let inv_t = 1.0 / temperature;
            Vectors::Soft { inv_t, gain: 0.5 / (0.5 * inv_t).tanh(), noise }
        } else {
            Vectors::Hard
        };
        let whole = self.values.len() / S::LANES * S::LANES;
        for p in (0..whole).step_by(S::LANES) {
            let (y, d) = self.vector(s, how, self.first + p, s.load(&self.values[p..]));
            s.store(&mut self.symbols[p..], y);
            s.store(&mut self.slopes[p..], d);
        }
        if whole < self.values.len() {
            let n = self.values.len() - whole;
            let (mut x, mut symbols, mut slopes) = ([0.0; 16], [0.0; 16], [0.0; 16]);
            x[..n].copy_from_slice(&self.values[whole..]);
            let (y, d) = self.vector(s, how, self.first + whole, s.load(&x));
            s.store(&mut symbols, y);
            s.store(&mut slopes, d);
            self.symbols[whole..].copy_from_slice(&symbols[..n]);
            self.slopes[whole..].copy_from_slice(&slopes[..n]);
        }
    }
}

/// See [`super::super::Backend::quantise`].
pub fn quantise(
    isa: Isa,
    rounding: Rounding,
    seed: u64,
    first: usize,
    values: &[f32],
    symbols: &mut [f32],
    slopes: &mut [f32],
) {
    values
        .par_chunks(CHUNK)
        .zip(symbols.par_chunks_mut(CHUNK))
        .zip(slopes.par_chunks_mut(CHUNK))
        .enumerate()
        .for_each(|(i, ((values, symbols), slopes))| {
            let first = first + i * CHUNK;
            isa.run(Quantise { rounding, seed, first, values, symbols, slopes });
        });
}

struct AdamTask<'a> {
    adam: &'a Adam,
    values: &'a mut [f32],
    grads: &'a mut [f32],
    slopes: Option<&'a [f32]>,
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl Task for AdamTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Adam { rate, beta1, beta2, step } = *self.adam;
        let correct = |beta: f32| 1.0 / (1.0 - beta.powi(step as i32));
        let (c1, c2) = (correct(beta1), correct(beta2));
        let whole = self.values.len() / S::LANES * S::LANES;
        for p in (0..whole).step_by(S::LANES) {
            let mut g = s.load(&self.grads[p..]);
            if let Some(slopes) = self.slopes {
                g = s.mul(g, s.load(&slopes[p..]));
            }
            let m = s.mul_add(s.load(&self.m[p..]), s.splat(beta1), s.mul(g, s.splat(1.0 - beta1)));
            let g2 = s.mul(s.mul(g, g), s.splat(1.0 - beta2));
            let v = s.mul_add(s.load(&self.v[p..]), s.splat(beta2), g2);
            let root = s.add(s.sqrt(s.mul(v, s.splat(c2))), s.splat(1e-12));
            let step = s.div(s.mul(m, s.splat(rate * c1)), root);
            s.store(&mut self.m[p..], m);
            s.store(&mut self.v[p..], v);
            let value = s.sub(s.load(&self.values[p..]), step);
            s.store(&mut self.values[p..], value);
            s.store(&mut self.grads[p..], s.splat(0.0));
        }
        for i in whole..self.values.len() {
            let g = self.grads[i] * self.slopes.map_or(1.0, |s| s[i]);
            self.m[i] = self.m[i] * beta1 + g * (1.0 - beta1);
            self.v[i] = self.v[i] * beta2 + g * g * (1.0 - beta2);
            self.values[i] -= self.m[i] * rate * c1 / ((self.v[i] * c2).sqrt() + 1e-12);
            self.grads[i] = 0.0;
        }
    }
}

/// See [`super::super::Backend::adam`].
pub fn adam(
    isa: Isa,
    adam: &Adam,
    values: &mut [f32],
    grads: &mut [f32],
    slopes: Option<&[f32]>,
    (m, v): (&mut [f32], &mut [f32]),
) {
    let chunks = values
        .par_chunks_mut(CHUNK)
        .zip(grads.par_chunks_mut(CHUNK))
        .zip(m.par_chunks_mut(CHUNK))
        .zip(v.par_chunks_mut(CHUNK));
    chunks.enumerate().for_each(|(i, (((values, grads), m), v))| {
        let slopes = slopes.map(|s| &s[i * CHUNK..][..values.len()]);
        isa.run(AdamTask { adam, values, grads, slopes, m, v });
    });
}
