// SPDX-License-Identifier: MIT OR Apache-2.0
//! The oracle: every operation in naive scalar code, written to be read next to the paper.

mod coordinates;
mod network;
mod rate;
mod render;
mod sample;

use std::ops::Range;

use super::{
    Adam, Backend, Entropy, Grads, Params, Pixels, Purpose, RatePlane, Rounding, Sample, Shape,
    Stop, Sum, TrainStep, pixels,
};
use crate::base::{Picture, PictureFormat, Result, Rng};

/// The reference backend.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

/// r(x) = floor(x) + 1/2 + tanh((x - floor(x) - 1/2) / T) / (2 tanh(1 / 2T)), and r'(x).
fn soft_round(x: f32, temperature: f32) -> (f32, f32) {
    let base = x.floor() + 0.5;
    let gain = 0.5 / (0.5 / temperature).tanh();
    let t = ((x - base) / temperature).tanh();
    (base + gain * t, gain / temperature * (1.0 - t * t))
}

impl Backend for Reference {
    type Buffer = Vec<f32>;
    type Workspace = ();
    type Pictures<'a> = Vec<&'a Picture>;
    type Surface = Picture;

    fn supports(&self, _: &Shape) -> Result<()> {
        Ok(())
    }

    fn bytes(&self, shape: &Shape, _: Purpose) -> u64 {
        // What one operation takes while it runs: parameters of one time, and its gradients.
        8 * (shape.n_grid() + shape.network.len()) as u64
    }

    fn picture_bytes(&self, _: &PictureFormat) -> u64 {
        0
    }

    fn alloc(&self, len: usize) -> Result<Vec<f32>> {
        Ok(vec![0.0; len])
    }

    fn write(&self, buffer: &mut Vec<f32>, at: usize, values: &[f32]) -> Result<()> {
        buffer[at..at + values.len()].copy_from_slice(values);
        Ok(())
    }

    fn read(&self, buffer: &Vec<f32>, at: usize, values: &mut [f32]) -> Result<()> {
        values.copy_from_slice(&buffer[at..at + values.len()]);
        Ok(())
    }

    fn workspace(&self, _: &Shape, _: Purpose) -> Result<()> {
        Ok(())
    }

    fn pictures<'a>(&self, pictures: &[&'a Picture]) -> Result<Vec<&'a Picture>> {
        Ok(pictures.to_vec())
    }

    fn target(
        &self,
        pictures: &Vec<&Picture>,
        shape: &Shape,
        wanted: &Pixels,
        target: &mut Vec<f32>,
    ) -> Result<()> {
        pixels::target(pictures, shape, wanted, target);
        Ok(())
    }

    fn clear(&self, buffer: &mut Vec<f32>, range: Range<usize>) -> Result<()> {
        buffer[range].fill(0.0);
        Ok(())
    }

    fn add(&self, from: &Vec<f32>, to: &mut Vec<f32>, range: Range<usize>) -> Result<()> {
        to[range.clone()].iter_mut().zip(&from[range]).for_each(|(t, f)| *t += f);
        Ok(())
    }

    fn quantise(
        &self,
        rounding: Rounding,
        seed: u64,
        range: Range<usize>,
        values: &Vec<f32>,
        symbols: &mut Vec<f32>,
        slopes: &mut Vec<f32>,
    ) -> Result<()> {
        let Rounding { temperature, noise } = rounding;
        for i in range {
            (symbols[i], slopes[i]) = if temperature > 0.0 {
                let uniform = (Rng::nth(seed, i as u64) >> 40) as f32 / (1 << 24) as f32;
                let (y, dy) = soft_round(values[i], temperature);
                let (z, dz) = soft_round(y + (uniform - 0.5) * noise, temperature);
                (z, dy * dz)
            } else {
                (values[i].round_ties_even(), 1.0)
            };
        }
        Ok(())
    }

    fn train(
        &self,
        (): &mut (),
        shape: &Shape,
        step: &TrainStep,
        target: &Vec<f32>,
        params: &Params<Vec<f32>>,
        grads: Option<&mut Grads<Vec<f32>>>,
        mut error: Sum<Vec<f32>>,
    ) -> Result<()> {
        error.set(match shape.encoding() {
            Some(encoding) => coordinates::train(shape, encoding, step, target, params, grads),
            None => network::train(shape, step, target, params, grads),
        });
        Ok(())
    }

    fn rate(
        &self,
        (): &mut (),
        entropy: &Entropy,
        planes: &[RatePlane],
        symbols: &Vec<f32>,
        model: &Vec<f32>,
        weight: f32,
        mut grads: Option<(&mut Vec<f32>, &mut Vec<f32>)>,
        mut bits: Sum<Vec<f32>>,
    ) -> Result<()> {
        let mut sum = 0.0;
        for plane in planes {
            let grads = grads.as_mut().map(|(a, b)| (&mut a[..], &mut b[..]));
            sum += rate::plane(entropy, plane, symbols, model, weight, grads);
        }
        bits.set(sum);
        Ok(())
    }

    fn adam(
        &self,
        adam: &Adam,
        range: Range<usize>,
        values: &mut Vec<f32>,
        grads: &mut Vec<f32>,
        slopes: Option<&Vec<f32>>,
        (m, v): (&mut Vec<f32>, &mut Vec<f32>),
    ) -> Result<()> {
        let correct = |beta: f32| 1.0 - beta.powi(adam.step as i32);
        for i in range {
            let g = grads[i] * slopes.map_or(1.0, |s| s[i]);
            m[i] = adam.beta1 * m[i] + (1.0 - adam.beta1) * g;
            v[i] = adam.beta2 * v[i] + (1.0 - adam.beta2) * g * g;
            let (mean, square) = (m[i] / correct(adam.beta1), v[i] / correct(adam.beta2));
            values[i] -= adam.rate * mean / (square.sqrt() + 1e-12);
            grads[i] = 0.0;
        }
        Ok(())
    }

    fn load(&self, (): &mut (), _: &Shape, _: &Params<Vec<f32>>) -> Result<()> {
        Ok(())
    }

    fn surface(&self, format: PictureFormat) -> Result<Picture> {
        Picture::new(format)
    }

    fn render(
        &self,
        (): &mut (),
        shape: &Shape,
        sample: &Sample,
        params: &Params<Vec<f32>>,
        stop: &Stop,
        surface: &mut Picture,
    ) -> Result<()> {
        match shape.encoding() {
            Some(encoding) => coordinates::render(shape, encoding, sample, params, stop, surface),
            None => render::render(shape, sample, params, stop, surface),
        }
    }

    fn download(&self, surface: &mut Picture, out: &mut Picture) -> Result<()> {
        std::mem::swap(surface, out);
        Ok(())
    }
}
