// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parameters as integers with steps (FORMAT sections 5.5 and 5.6): grids as symbols, tensors with a power
//! of two each.

use rayon::prelude::*;

use super::grids::CodedGrids;
use super::{CancelFlag, Coded, Parameters, is_latent};
use crate::backend::{Grids, Shape, TensorPlace};
use crate::base::Result;
use crate::base::spec::Precision;
use crate::bitstream::{RangeDecoder, RangeEncoder, Sections, WorkBudget};
use crate::train::Quantised;

/// A log step of a grid beyond this is noise, and its exponential may be no number.
const LOG_SCALES: std::ops::RangeInclusive<f32> = -20.0..=10.0;

pub(super) fn encode(
    shape: &Shape,
    precision: Precision,
    (symbols, tensors, entropy): (&[i16], &[Quantised], &[Vec<Quantised>]),
    cancel: &CancelFlag,
) -> Result<Coded> {
    let write = |of_latents: bool| {
        let mut out = RangeEncoder::new();
        let places = shape.network.tensors();
        let wanted = places.iter().zip(tensors).filter(|(p, _)| is_latent(p.kind) == of_latents);
        for (_, tensor) in wanted {
            super::tensor::write(tensor, precision, &mut out);
        }
        out.finish()
    };
    let sources: Vec<(&Grids, &Vec<Quantised>)> =
        shape.grids().map(|(_, g)| g).zip(entropy).collect();
    let source = |(grids, model): &(&Grids, &Vec<Quantised>)| {
        super::grids::encode(grids, symbols, model, precision, cancel)
    };
    Ok(Coded {
        latents: write(true),
        networks: write(false),
        sources: sources.par_iter().map(source).collect::<Result<_>>()?,
    })
}

/// Reads one tensor to f32.
fn tensor(len: usize, precision: Precision, from: &mut RangeDecoder) -> Result<Vec<f32>> {
    let Quantised { values, exponent } = super::tensor::read(len, precision, from)?;
    let step = 1.0 / (1u32 << exponent) as f32;
    Ok(values.into_iter().map(|v| v as f32 * step).collect())
}

/// Reads the tensors of a section to their places.
fn tensors(
    (section, precision): (&[u8], Precision),
    places: &[TensorPlace],
    network: &mut [f32],
    budget: &mut WorkBudget,
) -> Result<()> {
    let mut from = budget.decoder(section);
    let mut read = || {
        for place in places {
            let values = tensor(place.range.len(), precision, &mut from)?;
            network[place.range.clone()].copy_from_slice(&values);
        }
        from.check()
    };
    let outcome = read();
    budget.spend(from.work()).and(outcome)
}

/// The tensors of the latents' section, or those of the networks'.
pub(super) fn places(shape: &Shape, of_latents: bool) -> Vec<TensorPlace> {
    let all = shape.network.tensors().into_iter();
    all.filter(|p| is_latent(p.kind) == of_latents).collect()
}

pub(super) fn decode_latents(
    shape: &Shape,
    precision: Precision,
    section: &[u8],
    budget: &mut WorkBudget,
) -> Result<Vec<f32>> {
    let start = shape.network.latents;
    let mut places = places(shape, true);
    let mut latents = vec![0.0; shape.network.len() - start];
    for place in &mut places {
        place.range = place.range.start - start..place.range.end - start;
    }
    tensors((section, precision), &places, &mut latents, budget)?;
    Ok(latents)
}

pub(super) fn decode(
    shape: &Shape,
    precision: Precision,
    sections: &Sections,
    budget: &mut WorkBudget,
) -> Result<Parameters> {
    let mut network = vec![0.0; shape.network.len()];
    let (latents, networks) = (sections.latents()?, sections.networks()?);
    tensors((latents, precision), &places(shape, true), &mut network, budget)?;
    tensors((networks, precision), &places(shape, false), &mut network, budget)?;
    for v in &mut network[shape.network.scales()] {
        *v = v.clamp(*LOG_SCALES.start(), *LOG_SCALES.end());
    }
    // All symbols are there before the memory that they go to is taken.
    let all = decode_sources(shape, precision, sections, budget)?;
    let mut grids = vec![0.0; shape.n_grid()];
    all.iter().for_each(|source| source.copy_to(&mut grids));
    Ok(Parameters { grids, network })
}

/// The symbols of every source.
pub(super) fn decode_sources(
    shape: &Shape,
    precision: Precision,
    sections: &Sections,
    budget: &mut WorkBudget,
) -> Result<Vec<CodedGrids>> {
    let sources: Vec<&Grids> = shape.grids().map(|(_, g)| g).collect();
    let n = sources.len();
    let bytes = (0..n).map(|i| sections.source(i, n)).collect::<Result<Vec<_>>>()?;
    let allowance = budget.clone();
    let read = |(grids, bytes): (&&Grids, &&[u8])| {
        let mut from = allowance.decoder(bytes);
        (CodedGrids::read(grids, precision, &mut from), from.work())
    };
    let all: Vec<_> = sources.par_iter().zip(&bytes).map(read).collect();
    // What was tried in vain is spent as well.
    let spent = all.iter().try_for_each(|(_, work)| budget.spend(*work));
    let read: Result<_> = all.into_iter().map(|(source, _)| source).collect();
    spent.and(read)
}
