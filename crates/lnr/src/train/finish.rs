// SPDX-License-Identifier: MIT OR Apache-2.0
//! After training: round the grids, and choose a step for every tensor by its cost.

use super::divergence::finite;
use super::trained::{Quantised, Trained, Values};
use super::trainer::Trainer;
use super::worth::Worth;
use crate::backend::{Backend, Pixels};
use crate::base::spec::Precision;
use crate::base::{Error, Result, limits};

/// Binary exponents of steps that are tried, of those that the stream's 4 bits can say.
const EXPONENTS: std::ops::RangeInclusive<u32> = 0..=12;
/// The one that is tried first: few tensors want a finer step.
const FIRST: u32 = 8;
/// Frames from one that a step is judged on to the next: those between look much the same.
const JUDGED: usize = 4;
/// Points of a frame that a step is judged on, at least: every third one both ways of 320 x 180.
const JUDGED_POINTS: usize = 6_400;

/// What a tensor of zeros costs.
const BITS_OF_ZEROS: f64 = 1.0;

/// Bits that `values` will cost, about: an Exp-Golomb code whose parameter fits them.
fn bits(values: &[i32]) -> f64 {
    let mean = values.iter().map(|v| f64::from(v.unsigned_abs())).sum::<f64>()
        / values.len().max(1) as f64;
    // Entropy of a two-sided geometric distribution of that mean magnitude.
    let p = mean / (1.0 + mean);
    if mean == 0.0 {
        return BITS_OF_ZEROS;
    }
    let entropy = (1.0 + mean) * (-(1.0 - p) * (1.0 - p).log2() - p * p.log2()) + p;
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

/// A search for the step of a tensor that costs least.
struct Search<'a> {
    values: &'a [f32],
    /// Of a bit.
    price: f64,
    /// Writes values to their place and judges them.
    cost: &'a mut dyn FnMut(&[f32]) -> Result<f64>,
    /// The best step so far and its cost.
    best: Option<(f64, Quantised)>,
}

impl Search<'_> {
    /// Tries a step. Is it at most 2 % worse than the best?
    fn is_good(&mut self, exponent: u32) -> Result<bool> {
        let quantised = integers(self.values, exponent);
        if quantised.iter().any(|v| v.unsigned_abs() > limits::MAX_SYMBOL as u32) {
            // Coarser ones can store it.
            return Ok(true);
        }
        let total = (self.cost)(&restore(&quantised, exponent))? + self.price * bits(&quantised);
        match &self.best {
            Some((least, _)) if total >= *least => Ok(total <= least * 1.02),
            _ => {
                self.best = Some((total, Quantised { values: quantised, exponent }));
                Ok(true)
            }
        }
    }
}

/// Tries steps from `FIRST` on: coarser ones, whose cost falls to its least value and rises from there
/// on, then, where none of them was better than the first, finer ones for as long as they are; then zeros.
/// `cost` writes values to their place and judges them.
fn search(
    values: &[f32],
    price: f64,
    cost: &mut dyn FnMut(&[f32]) -> Result<f64>,
) -> Result<Quantised> {
    let mut search = Search { values, price, cost, best: None };
    for exponent in (*EXPONENTS.start()..=FIRST).rev() {
        if !search.is_good(exponent)? {
            break;
        }
    }
    for exponent in FIRST + 1..=*EXPONENTS.end() {
        if search.best.as_ref().is_none_or(|(_, best)| best.exponent + 1 != exponent) {
            break;
        }
        search.is_good(exponent)?;
    }
    let none = || Error::Diverged("a tensor has values that no step can store".into());
    let (least, best) = search.best.ok_or_else(none)?;
    let zeros = cost(&vec![0.0; values.len()])? + price * BITS_OF_ZEROS;
    Ok(match zeros < least {
        true => Quantised { values: vec![0; values.len()], exponent: 0 },
        false => best,
    })
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
        let values = c.model.read(b, 0..c.entropy.len())?;
        entropy.push(c.entropy.parts().map(|part| quantise(&values[part])).to_vec());
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
        Precision::Steps | Precision::StepsByPart => search_all(trainer, &network, poll)?,
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
        let best = search(&network[tensor.range], price, &mut |values| {
            poll()?;
            backend.write(&mut trainer.network.values, at, values)?;
            distortion(&mut trainer)
        })?;
        let values = restore(&best.values, best.exponent);
        backend.write(&mut trainer.network.values, at, &values)?;
        tensors.push(best);
    }

    let mut entropy = Vec::new();
    for k in 0..trainer.coded.len() {
        let mut parts = Vec::new();
        for part in trainer.coded[k].entropy.parts() {
            let at = part.start;
            let values = trainer.coded[k].model.read(backend, part)?;
            let best = search(&values, price, &mut |values| {
                poll()?;
                backend.write(&mut trainer.coded[k].model.values, at, values)?;
                Ok(price * trainer.bits(k)?)
            })?;
            let values = restore(&best.values, best.exponent);
            backend.write(&mut trainer.coded[k].model.values, at, &values)?;
            parts.push(best);
        }
        entropy.push(parts);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The exponent that is found where the distance from `cheapest` is added to a cost of 1, and how
    /// many were tried.
    fn found(cheapest: i32) -> (u32, usize) {
        let mut n = 0;
        // Its error is a third of a step and tells the step.
        let value = 1.0 / 3.0;
        let quantised = search(&[value], 0.0, &mut |values| {
            n += 1;
            let exponent = -((values[0] - value).abs() * 3.0).log2().round() as i32;
            Ok(1.0 + f64::from((exponent - cheapest).abs()))
        });
        (quantised.unwrap().exponent, n)
    }

    #[test]
    fn the_cheapest_step_is_found_on_both_sides_of_the_first() {
        // One try beyond it ends the search, on the other side of the first too; zeros come last.
        assert_eq!(found(4), (4, 7));
        assert_eq!(found(7), (7, 4));
        assert_eq!(found(8), (8, 4));
        assert_eq!(found(10), (10, 6));
        assert_eq!(found(12), (12, 7));
    }

    #[test]
    fn what_says_too_little_becomes_zeros() {
        let values = [0.3, -0.2, 0.1];
        let found = |gain: f64| {
            let cost = &mut |v: &[f32]| {
                Ok(gain
                    * v.iter().zip(values).map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>())
            };
            search(&values, 1.0, cost).unwrap()
        };
        assert_eq!(found(1.0), Quantised { values: vec![0; 3], exponent: 0 });
        assert!(found(1e4).values.iter().all(|v| *v != 0));
    }
}
