// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parameters as so many bits per value (paper Eq. 3, FORMAT section 5.6).

use std::ops::Range;

use rayon::prelude::*;

use super::{CancelFlag, Coded, Parameters, is_latent};
use crate::backend::{Encoding, Shape, TensorKind};
use crate::base::spec::Bits;
use crate::base::{Error, Result};
use crate::bitstream::{
    self, RangeDecoder, RangeEncoder, Sections, WorkBudget, decode_symbols, encode_symbols,
};

/// Most values of a piece, which is coded by itself: pieces are read side by side.
const PIECE: usize = 1 << 18;
/// Bits of a value that is stored as it is.
const PLAIN: u32 = 32;
/// Units of work that a plain value takes, see [`WorkBudget`]: a copy and a check.
const PLAIN_WORK: u64 = 2;

/// A tensor of a section: where it lies in its buffer, and the bits of its values.
#[derive(Clone)]
pub(super) struct Stored {
    pub range: Range<usize>,
    pub bits: u32,
}

/// The tensors of the latents' section, or those of the networks'.
pub(super) fn network_tensors(shape: &Shape, bits: Bits, of_latents: bool) -> Vec<Stored> {
    let all = shape.network.tensors().into_iter().filter(|t| is_latent(t.kind) == of_latents);
    let bits_of = |kind| match kind {
        TensorKind::Scales | TensorKind::Base => bits.base,
        TensorKind::Hyper => bits.hyper,
        TensorKind::Latents => bits.latents,
    };
    all.map(|t| Stored { range: t.range, bits: bits_of(t.kind) }).collect()
}

/// The tables of the hash levels.
pub(super) fn tables(shape: &Shape, bits: Bits) -> Vec<Stored> {
    let Some(Encoding::Hash { levels, n_features }) = shape.encoding() else { return Vec::new() };
    let range = |offset: usize, n: usize| offset..offset + n * n_features;
    let levels = levels.iter().map(|l| range(l.offset, l.n_entries));
    levels.map(|range| Stored { range, bits: bits.sources }).collect()
}

/// Uniform quantisation of a tensor: value = min + symbol * step.
#[derive(Clone, Copy)]
struct Scale {
    min: f32,
    step: f32,
}

impl Scale {
    /// The scale that spans `values` with 2^bits levels. The paper divides by 2^bits, which yields
    /// one level more than fits.
    fn new(values: &[f32], bits: u32) -> Self {
        if bits == PLAIN {
            return Self { min: 0.0, step: 1.0 };
        }
        let min = values.iter().copied().fold(f32::INFINITY, f32::min);
        let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Self { min, step: (max - min) / ((1u32 << bits) - 1) as f32 }
    }

    fn symbol(self, value: f32, bits: u32) -> u16 {
        let last = ((1u32 << bits) - 1) as f32;
        if self.step > 0.0 {
            ((value - self.min) / self.step).round().clamp(0.0, last) as u16
        } else {
            0
        }
    }

    /// # Errors
    /// [`Error::Damaged`] where it is no finite number.
    fn value(self, symbol: u16) -> Result<f32> {
        finite(self.min + f32::from(symbol) * self.step)
    }

    /// From eight bytes.
    fn read(bytes: &[u8; 8]) -> Result<Self> {
        let [a, b, c, d, rest @ ..] = *bytes;
        let (min, step) = (f32::from_le_bytes([a, b, c, d]), f32::from_le_bytes(rest));
        Ok(Self { min: finite(min)?, step: finite(step)? })
    }
}

fn finite(value: f32) -> Result<f32> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(Error::damaged("a value that is no number")),
    }
}

/// A piece of a tensor.
struct Piece {
    tensor: usize,
    bits: u32,
    /// Where it lies in the buffer.
    range: Range<usize>,
}

fn pieces(tensors: &[Stored]) -> Vec<Piece> {
    let mut all = Vec::new();
    for (tensor, t) in tensors.iter().enumerate() {
        for start in t.range.clone().step_by(PIECE) {
            let range = start..(start + PIECE).min(t.range.end);
            all.push(Piece { tensor, bits: t.bits, range });
        }
    }
    all
}

/// A section: the scales of its tensors, then every piece.
fn write(values: &[f32], tensors: &[Stored], cancel: &CancelFlag) -> Result<Vec<u8>> {
    let scale = |t: &Stored| Scale::new(&values[t.range.clone()], t.bits);
    let scales: Vec<Scale> = tensors.iter().map(scale).collect();
    let head = scales.iter().flat_map(|s| [s.min.to_le_bytes(), s.step.to_le_bytes()]).flatten();
    let mut section: Vec<u8> = head.collect();
    let piece = |p: Piece| {
        cancel.check()?;
        let values = &values[p.range];
        if p.bits == PLAIN {
            return Ok(values.iter().flat_map(|v| v.to_le_bytes()).collect());
        }
        let scale = scales[p.tensor];
        let symbols: Vec<u16> = values.iter().map(|&v| scale.symbol(v, p.bits)).collect();
        let mut out = RangeEncoder::new();
        encode_symbols(&symbols, p.bits, &mut out);
        Ok(out.finish())
    };
    let coded: Result<Vec<Vec<u8>>> = pieces(tensors).into_par_iter().map(piece).collect();
    section.extend(bitstream::join_parts(&coded?));
    Ok(section)
}

pub(super) fn encode(
    shape: &Shape,
    bits: Bits,
    (grids, network): (&[f32], &[f32]),
    cancel: &CancelFlag,
) -> Result<Coded> {
    let tables = tables(shape, bits);
    let sources = match tables.is_empty() {
        true => Vec::new(),
        false => vec![write(grids, &tables, cancel)?],
    };
    Ok(Coded {
        latents: write(network, &network_tensors(shape, bits, true), cancel)?,
        networks: write(network, &network_tensors(shape, bits, false), cancel)?,
        sources,
    })
}

/// A section, opened.
pub(super) struct Opened<'a> {
    pieces: Vec<Piece>,
    scales: Vec<Scale>,
    coded: Vec<&'a [u8]>,
}

impl<'a> Opened<'a> {
    pub fn new(section: &'a [u8], tensors: &[Stored]) -> Result<Self> {
        let pieces = pieces(tensors);
        let short = || Error::damaged("the scales of the tensors are not all there");
        let (head, rest) = section.split_at_checked(8 * tensors.len()).ok_or_else(short)?;
        let scales: Result<_> = head.as_chunks::<8>().0.iter().map(Scale::read).collect();
        let coded = bitstream::split_parts(rest, pieces.len())?;
        Ok(Self { pieces, scales: scales?, coded })
    }

    /// Per piece: which tensor, the bits of its values, its bytes, and how many values it has.
    pub fn pieces(&self) -> impl Iterator<Item = (usize, u32, &'a [u8], usize)> + '_ {
        let all = self.pieces.iter().zip(&self.coded);
        all.map(|(p, coded)| (p.tensor, p.bits, *coded, p.range.len()))
    }

    /// # Errors
    /// [`Error::Damaged`] when one of these symbols of a tensor means no finite number.
    pub fn check(&self, tensor: usize, symbols: &[u16]) -> Result<()> {
        // Values are linear in symbols: the ends tell.
        let ends = [symbols.iter().min(), symbols.iter().max()];
        ends.into_iter().flatten().try_for_each(|&s| self.scales[tensor].value(s).map(drop))
    }

    /// Reads a piece to `to`; says how much work that was, in vain or not.
    fn read(&self, piece: usize, to: &mut [f32], budget: &WorkBudget) -> (u64, Result<()>) {
        let (p, coded) = (&self.pieces[piece], self.coded[piece]);
        if p.bits == PLAIN {
            return (PLAIN_WORK * to.len() as u64, read_plain(coded, to));
        }
        let mut from = budget.decoder(coded);
        let symbols = symbols(&mut from, to.len(), p.bits);
        let scale = self.scales[p.tensor];
        let mut write = |symbols: Vec<u16>| {
            for (to, symbol) in to.iter_mut().zip(symbols) {
                *to = scale.value(symbol)?;
            }
            Ok(())
        };
        (from.work(), symbols.and_then(&mut write))
    }

    /// Reads all pieces into a buffer; those of its values that no piece holds stay as they are.
    fn read_all(&self, buffer: &mut [f32], budget: &mut WorkBudget) -> Result<()> {
        let allowance = budget.clone();
        let mut rest = buffer;
        let mut at = 0;
        let mut jobs = Vec::new();
        for (i, piece) in self.pieces.iter().enumerate() {
            let short = || Error::damaged("a piece of a tensor out of order");
            let (_, after) = std::mem::take(&mut rest)
                .split_at_mut_checked(piece.range.start.wrapping_sub(at))
                .ok_or_else(short)?;
            let (to, after) = after.split_at_mut_checked(piece.range.len()).ok_or_else(short)?;
            (rest, at) = (after, piece.range.end);
            jobs.push((i, to));
        }
        let read = |(i, to): (usize, &mut [f32])| self.read(i, to, &allowance);
        let all: Vec<(u64, Result<()>)> = jobs.into_par_iter().map(read).collect();
        let spent = all.iter().try_for_each(|(work, _)| budget.spend(*work));
        spent.and(all.into_iter().try_for_each(|(_, outcome)| outcome))
    }
}

/// Values as they are.
///
/// # Errors
/// [`Error::Damaged`] when there are not so many, or one is no finite number.
pub(super) fn read_plain(coded: &[u8], to: &mut [f32]) -> Result<()> {
    let (values, rest) = coded.as_chunks::<4>();
    if values.len() != to.len() || !rest.is_empty() {
        return Err(Error::damaged("a tensor of another length"));
    }
    for (to, v) in to.iter_mut().zip(values) {
        *to = finite(f32::from_le_bytes(*v))?;
    }
    Ok(())
}

/// The symbols of a piece.
pub(super) fn symbols(from: &mut RangeDecoder, n: usize, bits: u32) -> Result<Vec<u16>> {
    let mut symbols = vec![0; n];
    decode_symbols(&mut symbols, bits, from)?;
    Ok(symbols)
}

pub(super) fn decode(
    shape: &Shape,
    bits: Bits,
    sections: &Sections,
    budget: &mut WorkBudget,
) -> Result<Parameters> {
    let latents = network_tensors(shape, bits, true);
    let networks = network_tensors(shape, bits, false);
    let tables = tables(shape, bits);
    // Sections of another length are refused before memory is taken for what they should hold.
    let latents = Opened::new(sections.latents()?, &latents)?;
    let networks = Opened::new(sections.networks()?, &networks)?;
    let tables = match tables.is_empty() {
        true => None,
        false => Some(Opened::new(sections.source(0, 1)?, &tables)?),
    };
    let mut network = vec![0.0; shape.network.len()];
    latents.read_all(&mut network, budget)?;
    networks.read_all(&mut network, budget)?;
    let mut grids = vec![0.0; shape.n_grid()];
    if let Some(tables) = tables {
        tables.read_all(&mut grids, budget)?;
    }
    Ok(Parameters { grids, network })
}

pub(super) fn decode_latents(
    shape: &Shape,
    bits: Bits,
    section: &[u8],
    budget: &mut WorkBudget,
) -> Result<Vec<f32>> {
    let start = shape.network.latents;
    let mut stored = network_tensors(shape, bits, true);
    for tensor in &mut stored {
        tensor.range = tensor.range.start - start..tensor.range.end - start;
    }
    let mut latents = vec![0.0; shape.network.len() - start];
    Opened::new(section, &stored)?.read_all(&mut latents, budget)?;
    Ok(latents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_that_mean_no_number_are_damage() {
        let scales = vec![Scale { min: 0.0, step: 1.0 }, Scale { min: f32::MAX, step: 1e36 }];
        let opened = Opened { pieces: Vec::new(), scales, coded: Vec::new() };
        assert!(opened.check(0, &[0, 65_535]).is_ok() && opened.check(1, &[0]).is_ok());
        assert!(opened.check(1, &[0, 700, 3]).is_err() && opened.check(1, &[]).is_ok());
    }
}
