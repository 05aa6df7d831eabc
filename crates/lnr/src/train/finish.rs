// SPDX-License-Identifier: MIT OR Apache-2.0
//! After training: round the grids, and choose a step for every tensor by its cost.

use super::trainer::{Trained, Trainer};
use crate::backend::{Backend, Tensor};
use crate::base::{Result, limits};
use crate::model::Source;

/// Binary exponents of steps that are tried.
const EXPONENTS: std::ops::RangeInclusive<u32> = 0..=12;
/// Frames between those that a step is judged on.
const JUDGED: usize = 4;
/// Points of a frame that a step is judged on, at least.
const JUDGED_POINTS: usize = 14_400;

/// Bits that `values` will cost, about: an Exp-Golomb code whose parameter fits them.
fn bits(values: &[i32]) -> f64 {
    let mean = values.iter().map(|v| f64::from(v.unsigned_abs())).sum::<f64>()
        / values.len().max(1) as f64;
    // Entropy of a two-sided geometric distribution of that mean magnitude.
    let p = mean / (1.0 + mean);
    let entropy = if mean > 0.0 {
        (1.0 + mean) * (-(1.0 - p) * (1.0 - p).log2() - p * p.log2()) + p
    } else {
        0.02
    };
    12.0 + values.len() as f64 * entropy
}

fn integers(values: &[f32], exponent: u32) -> Vec<i32> {
    let gain = (1u32 << exponent) as f32;
    values.iter().map(|v| (v * gain).round_ties_even() as i32).collect()
}

fn restore(values: &[i32], exponent: u32) -> Vec<f32> {
    let step = 1.0 / (1u32 << exponent) as f32;
    values.iter().map(|&v| v as f32 * step).collect()
}

/// Tries steps from fine to coarse until they only cost more: seen from there the cost has one
/// minimum. `cost` judges values in place.
fn search(
    values: &[f32],
    price: f64,
    cost: &mut dyn FnMut(&[f32]) -> Result<f64>,
) -> Result<(Vec<i32>, u32)> {
    let mut best: Option<(f64, Vec<i32>, u32)> = None;
    for exponent in EXPONENTS.rev() {
        let quantised = integers(values, exponent);
        if quantised.iter().any(|v| v.unsigned_abs() > limits::MAX_SYMBOL as u32) {
            continue;
        }
        let total = cost(&restore(&quantised, exponent))? + price * bits(&quantised);
        match &best {
            Some((least, ..)) if total >= *least => {
                if total > least * 1.02 {
                    break;
                }
            }
            _ => best = Some((total, quantised, exponent)),
        }
    }
    let (_, quantised, exponent) = best.unwrap_or_default();
    cost(&restore(&quantised, exponent))?;
    Ok((quantised, exponent))
}

/// Symbols of all grids: their values, rounded.
fn symbols<B: Backend>(trainer: &Trainer<B>) -> Result<Vec<i16>> {
    let mut grids = vec![0.0; trainer.shape.n_grid()];
    trainer.backend.read(&trainer.grids.values, 0, &mut grids)?;
    let limit = limits::MAX_SYMBOL as f32;
    Ok(grids.iter().map(|v| v.round_ties_even().clamp(-limit, limit) as i16).collect())
}

/// A group as it is now, with steps that were not searched for: good enough to measure its size.
pub(super) fn snapshot<B: Backend>(trainer: &Trainer<B>) -> Result<Trained> {
    const EXPONENT: u32 = 6;
    let quantise = |from: &B::Buffer, range: std::ops::Range<usize>| {
        let mut values = vec![0.0; range.len()];
        trainer.backend.read(from, range.start, &mut values)?;
        Ok(integers(&values, EXPONENT))
    };
    let mut tensors = Vec::new();
    for tensor in Tensor::ALL {
        let range = trainer.shape.network.range(tensor);
        tensors.push((tensor, quantise(&trainer.network.values, range)?, EXPONENT));
    }
    let mut entropy = Vec::new();
    for e in &trainer.entropy {
        let values = quantise(&e.variable.values, 0..e.entropy.len())?;
        entropy.push((e.source, values, EXPONENT));
    }
    let (symbols, lambda) = (symbols(trainer)?, trainer.mean_lambda());
    Ok(Trained { symbols, tensors, entropy, n_steps: 0, lambda })
}

/// `poll` is called between evaluations and may stop the work by an error.
pub(super) fn finish<B: Backend>(
    mut trainer: Trainer<B>,
    n_steps: u32,
    poll: &mut dyn FnMut() -> Result<()>,
) -> Result<Trained> {
    let (backend, shape) = (trainer.backend, trainer.shape);
    let symbols = symbols(&trainer)?;
    let rounded: Vec<f32> = symbols.iter().map(|&v| f32::from(v)).collect();
    backend.write(&mut trainer.symbols, 0, &rounded)?;
    let n_pixels = (shape.width * shape.height) as f64;
    let price = f64::from(trainer.lambda) / (n_pixels * shape.n_frames as f64);

    let mut tensors = Vec::new();
    for tensor in Tensor::ALL {
        let range = shape.network.range(tensor);
        let mut values = vec![0.0; range.len()];
        backend.read(&trainer.network.values, range.start, &mut values)?;
        let (quantised, exponent) = search(&values, price, &mut |values| {
            poll()?;
            backend.write(&mut trainer.network.values, range.start, values)?;
            distortion(&mut trainer)
        })?;
        tensors.push((tensor, quantised, exponent));
    }

    let mut entropy = Vec::new();
    for (k, source) in Source::ALL.into_iter().enumerate() {
        let n = trainer.entropy[k].entropy.len();
        let mut values = vec![0.0; n];
        backend.read(&trainer.entropy[k].variable.values, 0, &mut values)?;
        let (quantised, exponent) = search(&values, price, &mut |values| {
            poll()?;
            backend.write(&mut trainer.entropy[k].variable.values, 0, values)?;
            Ok(price * rate(&mut trainer, k)?)
        })?;
        entropy.push((source, quantised, exponent));
    }
    Ok(Trained { symbols, tensors, entropy, n_steps, lambda: trainer.mean_lambda() })
}

/// Mean squared error over some frames.
fn distortion<B: Backend>(trainer: &mut Trainer<B>) -> Result<f64> {
    let (mut sum, mut n) = (0.0, 0.0);
    let n_pixels = trainer.shape.width * trainer.shape.height;
    let step = (n_pixels / JUDGED_POINTS).isqrt().max(1);
    for frame in (0..trainer.shape.n_frames).step_by(JUDGED) {
        let job = trainer.target(frame, step, (0, 0))?;
        sum += trainer.squared_error(&job)? * f64::from(job.weight);
        n += 1.0;
    }
    Ok(sum / n)
}

/// Bits of a source's symbols.
fn rate<B: Backend>(trainer: &mut Trainer<B>, source: usize) -> Result<f64> {
    let n_nodes = match Source::ALL[source] {
        Source::Canonical => 1,
        Source::Motion => trainer.shape.motion.nodes.n,
        Source::Residual => trainer.shape.residual.nodes.n,
    };
    let mut sum = 0.0;
    for node in 0..n_nodes {
        sum += trainer.bits(source, node)?;
    }
    Ok(sum)
}
