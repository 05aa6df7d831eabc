// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::Range;

use super::args;
use super::blocks;
use super::device::{Device, Launch};
use super::memory::Floats;
use crate::backend::{Adam, Rounding};
use crate::base::Result;

pub fn add<D: Device>(
    device: &D,
    from: &Floats<D::Memory>,
    to: &mut Floats<D::Memory>,
    range: Range<usize>,
) -> Result<()> {
    let (from, to) = (from.at(range.start), to.at(range.start));
    let args = args::Add { from, to, n: range.len() as u64 };
    device.launch("add", Launch::row(blocks(device, range.len()), 256), &args)
}

pub fn quantise<D: Device>(
    device: &D,
    rounding: Rounding,
    seed: u64,
    range: Range<usize>,
    values: &Floats<D::Memory>,
    symbols: &mut Floats<D::Memory>,
    slopes: &mut Floats<D::Memory>,
) -> Result<()> {
    let Rounding { temperature, noise } = rounding;
    // The kernel takes 0 for no temperature as well.
    let inv_t = if temperature > 0.0 { 1.0 / temperature } else { 0.0 };
    let args = args::Quantise {
        values: values.at(range.start),
        symbols: symbols.at(range.start),
        slopes: slopes.at(range.start),
        n: range.len() as u64,
        first: range.start as u64,
        seed,
        inv_t,
        gain: 0.5 / (0.5 * inv_t).tanh(),
        noise,
        unused: 0,
    };
    device.launch("quantise", Launch::row(blocks(device, range.len()), 256), &args)
}

pub fn adam<D: Device>(
    device: &D,
    adam: &Adam,
    range: Range<usize>,
    values: &mut Floats<D::Memory>,
    grads: &mut Floats<D::Memory>,
    slopes: Option<&Floats<D::Memory>>,
    (m, v): (&mut Floats<D::Memory>, &mut Floats<D::Memory>),
) -> Result<()> {
    let correct = |beta: f32| 1.0 / (1.0 - beta.powi(adam.step as i32));
    let args = args::AdamStep {
        values: values.at(range.start),
        grads: grads.at(range.start),
        slopes: slopes.map_or(0, |s| s.at(range.start)),
        m: m.at(range.start),
        v: v.at(range.start),
        n: range.len() as u64,
        rate: adam.rate * correct(adam.beta1),
        correct2: correct(adam.beta2),
        beta1: adam.beta1,
        beta2: adam.beta2,
    };
    device.launch("adam", Launch::row(blocks(device, range.len()), 256), &args)
}
