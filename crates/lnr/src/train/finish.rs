// SPDX-License-Identifier: MIT OR Apache-2.0
//! After training: round the grids, and choose a step for every tensor by its cost.

use super::divergence::finite;
use super::trained::{Quantised, Trained, Values};
use super::trainer::Trainer;
use super::trial::Worth;
use crate::backend::{Backend, Pixels};
use crate::base::spec::Precision;
use crate::base::{Error, Result, limits};

/// Binary exponents of steps that are tried, of those that the stream's 4 bits can say.
const EXPONENTS: std::ops::RangeInclusive<u32> = 0..=12;
/// The one that is tried first: few tensors want a finer step.
const FIRST: u32 = 8;
/// Frames from one that a step is judged on to the next: those between look much the same.
const JUDGED: usize = 8;
/// Points of a frame that a step is judged on, at least: every second one both ways of 320 x 180.
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

/// The cheapest step so far, and what it costs.
type Best = Option<(f64, Quantised)>;

/// Looks for the step that costs least, from `FIRST` on: coarser ones until the cost has risen by 2 %,
/// as it falls to its least value and rises from there on. Finer ones are tried where none of these was
/// better than the first, as long as they are. `cost` writes values to their place and judges them.
fn search(
    values: &[f32],
    price: f64,
    cost: &mut dyn FnMut(&[f32]) -> Result<f64>,
) -> Result<Quantised> {
    let mut best: Best = None;
    let mut total = |exponent: u32, best: &mut Best| -> Result<Option<f64>> {
        let quantised = integers(values, exponent);
        if quantised.iter().any(|v| v.unsigned_abs() > limits::MAX_SYMBOL as u32) {
            return Ok(None);
        }
        let total = cost(&restore(&quantised, exponent))? + price * bits(&quantised);
        if best.as_ref().is_none_or(|(least, _)| total < *least) {
            *best = Some((total, Quantised { values: quantised, exponent }));
        }
        Ok(Some(total))
    };
    for exponent in (*EXPONENTS.start()..=FIRST).rev() {
        let total = total(exponent, &mut best)?;
        let least = best.as_ref().map(|(least, _)| *least);
        if total > least.map(|least| 1.02 * least) {
            break;
        }
    }
    for exponent in FIRST + 1..=*EXPONENTS.end() {
        if best.as_ref().is_none_or(|(_, b)| b.exponent + 1 != exponent) {
            break;
        }
        total(exponent, &mut best)?;
    }
    let none = || Error::Diverged("a tensor has values that no step can store".into());
    let (_, best) = best.ok_or_else(none)?;
    cost(&restore(&best.values, best.exponent))?;
    Ok(best)
}

/// Symbols of all grids: their values, rounded.
fn symbols<B: Backend>(trainer: &Trainer<B>) -> Result<Vec<i16>> {
    let grids = trainer.grids.read(trainer.backend, 0..trainer.shape.n_grid())?;
    check("a grid", &grids)?;
    let limit = limits::MAX_SYMBOL as f32;
    Ok(grids.iter().map(|v| v.round_ties_even().clamp(-limit, limit) as i16).collect())
}

/// # Errors
/// [`Error::Diverged`] where a value is no number.
fn check(what: &str, values: &[f32]) -> Result<()> {
    // A NaN or an infinity is in the sum as well; large sums of numbers fit f64.
    finite(what, values.iter().map(|v| f64::from(v.abs())).sum()).map(|_| ())
}

/// A group as it is now, with steps that were not searched for: good enough to measure its size.
pub(super) fn snapshot<B: Backend>(trainer: &Trainer<B>) -> Result<Trained> {
    const EXPONENT: u32 = 6;
    let quantise =
        |values: &[f32]| Quantised { values: integers(values, EXPONENT), exponent: EXPONENT };
    let b = trainer.backend;
    let mut tensors = Vec::new();
    for tensor in trainer.shape.network.tensors() {
        tensors.push(quantise(&trainer.network.read(b, tensor.range)?));
    }
    let mut entropy = Vec::new();
    for c in &trainer.coded {
        entropy.push(quantise(&c.model.read(b, 0..c.entropy.len())?));
    }
    let values = Values::Steps { symbols: symbols(trainer)?, tensors, entropy };
    Ok(Trained { values, n_steps: 0, lambda: trainer.mean_lambda() })
}

/// `poll` is called between evaluations and may stop the work by an error.
///
/// # Errors
/// [`Error::Diverged`] where a parameter is no number; those of `poll` and of the backend.
pub(super) fn finish<B: Backend>(
    trainer: Trainer<B>,
    precision: Precision,
    n_steps: u32,
    poll: &mut dyn FnMut() -> Result<()>,
) -> Result<Trained> {
    let lambda = trainer.mean_lambda();
    let network = trainer.network.read(trainer.backend, 0..trainer.shape.network.len())?;
    check("a weight", &network)?;
    let values = match precision {
        Precision::Steps => search_all(trainer, &network, poll)?,
        Precision::Uniform(_) => {
            let grids = trainer.grids.read(trainer.backend, 0..trainer.shape.n_grid())?;
            check("a hash table", &grids)?;
            Values::Plain { grids, network }
        }
    };
    Ok(Trained { values, n_steps, lambda })
}

/// Rounds the grids where the backend reads them, and returns their symbols.
fn round<B: Backend>(trainer: &mut Trainer<B>) -> Result<Vec<i16>> {
    let symbols = symbols(trainer)?;
    let rounded: Vec<f32> = symbols.iter().map(|&v| f32::from(v)).collect();
    trainer.backend.write(&mut trainer.symbols, 0, &rounded)?;
    Ok(symbols)
}

/// What a bit of the group costs, in mean squared error.
fn price<B: Backend>(trainer: &Trainer<B>) -> f64 {
    let n_pixels = trainer.shape.width * trainer.shape.height * trainer.shape.n_frames;
    f64::from(trainer.lambda) / n_pixels as f64
}

/// The mean squared error with rounded grids, and what so many bits cost.
pub(super) fn worth<B: Backend>(trainer: &mut Trainer<B>, bits: f64) -> Result<Worth> {
    round(trainer)?;
    let mse = finite("the error", distortion(trainer)?)?;
    Ok(Worth { mse, rate: price(trainer) * bits })
}

/// Rounds the grids and searches the step of every tensor, one after the other.
fn search_all<B: Backend>(
    mut trainer: Trainer<B>,
    network: &[f32],
    poll: &mut dyn FnMut() -> Result<()>,
) -> Result<Values> {
    let (backend, shape) = (trainer.backend, trainer.shape);
    let symbols = round(&mut trainer)?;
    let price = price(&trainer);

    let mut tensors = Vec::new();
    for tensor in shape.network.tensors() {
        let at = tensor.range.start;
        tensors.push(search(&network[tensor.range], price, &mut |values| {
            poll()?;
            backend.write(&mut trainer.network.values, at, values)?;
            distortion(&mut trainer)
        })?);
    }

    let mut entropy = Vec::new();
    for k in 0..trainer.coded.len() {
        let c = &trainer.coded[k];
        let values = c.model.read(backend, 0..c.entropy.len())?;
        entropy.push(search(&values, price, &mut |values| {
            poll()?;
            backend.write(&mut trainer.coded[k].model.values, 0, values)?;
            Ok(price * trainer.bits(k)?)
        })?);
    }
    Ok(Values::Steps { symbols, tensors, entropy })
}

/// Mean squared error over some frames.
fn distortion<B: Backend>(trainer: &mut Trainer<B>) -> Result<f64> {
    let (mut sum, mut n) = (0.0, 0.0);
    let n_pixels = trainer.shape.width * trainer.shape.height;
    let step = (n_pixels / JUDGED_POINTS).isqrt().max(1);
    for frame in (0..trainer.shape.n_frames).step_by(JUDGED) {
        let seen = trainer.target(&Pixels { frames: frame..frame + 1, step, phase: (0, 0) })?;
        sum += trainer.squared_error(&seen)? * f64::from(seen.weight);
        n += 1.0;
    }
    Ok(sum / n)
}
