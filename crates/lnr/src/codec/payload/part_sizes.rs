// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every part of a group takes in its file.

use super::{shape, steps, tensor, uniform, within};
use crate::backend::{Grids, Role, Shape, TensorKind};
use crate::base::spec::{Bits, Precision};
use crate::base::{Error, Result};
use crate::bitstream::{self, GroupHeader, RangeDecoder, Sections, WorkBudget, tags, tensor_bits};
use crate::train::Quantised;

/// Units of work, see [`WorkBudget`], that a value takes in a Huffman code's statistics.
const COUNTING: u64 = 3;

/// What a part of a group takes in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSize {
    /// Which part.
    pub part: Part,
    /// Values.
    pub n_values: u64,
    /// Bytes.
    pub bytes: u64,
    /// Bits that a Huffman code of the values would take (paper section 3.4); `None` where reading
    /// the values would be more work than so few bytes may ask for.
    pub huffman_bits: Option<u64>,
}

/// Parts of a group's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// Latents.
    Latents,
    /// An embedding of the frames.
    Embedding,
    /// What is said of the whole stream.
    Metadata,
    /// Base network, with the scales of the grids.
    Base,
    /// Hypernetworks.
    Hyper,
    /// Canonical grids.
    Canonical,
    /// Motion grids.
    Motion,
    /// Residual grids.
    Residual,
    /// Blend grids.
    Blend,
    /// Hash tables.
    HashTables,
}

impl Part {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latents => "latents",
            Self::Embedding => "embedding",
            Self::Metadata => "metadata",
            Self::Base => "base network",
            Self::Hyper => "hypernetworks",
            Self::Canonical => "canonical grids",
            Self::Motion => "motion grids",
            Self::Residual => "residual grids",
            Self::Blend => "blend grids",
            Self::HashTables => "hash tables",
        }
    }
}

/// Reads what the parts of groups take: it looks at the values of as many groups as their bytes may
/// ask for.
#[derive(Default)]
pub struct PartReader(WorkBudget);

impl PartReader {
    /// What every part of a group's payload takes; parts that are empty are left out. What is not
    /// told belongs to the frame of the sections.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::Limit`] when the payload is not one of this model.
    pub fn read(&mut self, header: &GroupHeader, payload: &[u8]) -> Result<Vec<PartSize>> {
        within(&mut self.0, payload, |sections, budget| sizes(header, sections, budget))
    }
}

impl PartSize {
    /// Adds to the entry of the same part, or becomes it.
    pub fn add_to(self, all: &mut Vec<Self>) {
        match all.iter_mut().find(|s| s.part == self.part) {
            None => all.push(self),
            Some(sum) => {
                sum.n_values += self.n_values;
                sum.bytes += self.bytes;
                sum.huffman_bits = sum.huffman_bits.zip(self.huffman_bits).map(|(a, b)| a + b);
            }
        }
    }
}

fn sizes(
    header: &GroupHeader,
    sections: &Sections,
    budget: &mut WorkBudget,
) -> Result<Vec<PartSize>> {
    let shape = shape(header)?;
    let mut all = Vec::new();
    for (tag, part) in [(tags::EMBEDDING, Part::Embedding), (tags::METADATA, Part::Metadata)] {
        let found = sections.sizes().find(|(t, _)| *t == tag);
        if let Some((_, bytes)) = found {
            let huffman_bits = Some(8 * bytes as u64);
            all.push(PartSize { part, n_values: 0, bytes: bytes as u64, huffman_bits });
        }
    }
    match header.model.precision {
        Precision::Uniform(bits) => of_bits(&shape, bits, sections, budget, &mut all)?,
        precision => of_steps(&shape, precision, sections, budget, &mut all)?,
    }
    Ok(all)
}

/// `None` where a value cannot be read within the budget.
fn affordable<T>(outcome: Result<T>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Error::Limit(_)) => Ok(None),
        Err(e) => Err(e),
    }
}

fn part_of(kind: TensorKind) -> Part {
    match kind {
        TensorKind::Latents => Part::Latents,
        TensorKind::Hyper => Part::Hyper,
        TensorKind::Scales | TensorKind::Base => Part::Base,
    }
}

fn of_steps(
    shape: &Shape,
    precision: Precision,
    sections: &Sections,
    budget: &mut WorkBudget,
    all: &mut Vec<PartSize>,
) -> Result<()> {
    for (of_latents, bytes) in [(true, sections.latents()?), (false, sections.networks()?)] {
        let mut kept = 0;
        let mut from = budget.decoder(bytes);
        for place in steps::places(shape, of_latents) {
            let outcome = tensor::read(place.range.len(), precision, &mut from);
            if outcome.is_err() {
                // What was too much is noted as `None`; what was in vain is spent as well.
                let _ = budget.spend(from.work());
            }
            let read = affordable(outcome)?;
            let part = part_of(place.kind);
            // One stream holds them all: what a tensor takes is told by coding it again.
            let bits = |read: &Quantised| match tensor::is_marked(read, precision) {
                true => 0,
                false => tensor_bits(&read.values),
            };
            let bytes = read.as_ref().map_or(0, |read| u64::from(bits(read)).div_ceil(8));
            kept += bytes;
            let huffman_bits = read.map(|read| huffman_of(read.values.into_iter()));
            let n_values = place.range.len() as u64;
            PartSize { part, n_values, bytes, huffman_bits }.add_to(all);
        }
        // Rounding and the end of the stream go to one part, so that the sum is right.
        let main = if of_latents { Part::Latents } else { Part::Base };
        if let Some(size) = all.iter_mut().find(|s| s.part == main) {
            size.bytes = (size.bytes + bytes.len() as u64).saturating_sub(kept);
        }
        // Telling the tensors apart took as long again.
        let _ = budget.spend(2 * from.work());
    }
    let read = affordable(steps::decode_sources(shape, precision, sections, budget))?;
    let sources: Vec<&Grids> = shape.grids().map(|(_, g)| g).collect();
    for (i, source) in sources.iter().enumerate() {
        let part = match source.role {
            Role::Canonical { .. } => Part::Canonical,
            Role::Motion => Part::Motion,
            Role::Residual => Part::Residual,
            Role::Blend => Part::Blend,
        };
        let bytes = sections.source(i, sources.len())?.len() as u64;
        let n_values = source.range().len() as u64;
        // Zeros that took nothing to read are counted here.
        let is_affordable = budget.spend(COUNTING * n_values).is_ok();
        let huffman_bits = read.as_ref().filter(|_| is_affordable).map(|read| {
            let planes = read[i].series.iter().flat_map(|s| &s.planes);
            let rows = planes.flat_map(|p| (0..p.height()).map(move |y| p.row(y)));
            huffman_of(rows.flatten().map(|&v| v.into()))
        });
        PartSize { part, n_values, bytes, huffman_bits }.add_to(all);
    }
    Ok(())
}

fn of_bits(
    shape: &Shape,
    bits: Bits,
    sections: &Sections,
    budget: &mut WorkBudget,
    all: &mut Vec<PartSize>,
) -> Result<()> {
    let kinds =
        |of_latents: bool| steps::places(shape, of_latents).into_iter().map(|p| part_of(p.kind));
    let tables = uniform::tables(shape, bits);
    let mut wanted = vec![
        (sections.latents()?, uniform::network_tensors(shape, bits, true), kinds(true).collect()),
        (
            sections.networks()?,
            uniform::network_tensors(shape, bits, false),
            kinds(false).collect(),
        ),
    ];
    if !tables.is_empty() {
        let parts: Vec<Part> = tables.iter().map(|_| Part::HashTables).collect();
        wanted.push((sections.source(0, 1)?, tables, parts));
    }
    for (section, tensors, parts) in wanted {
        let opened = uniform::Opened::new(section, &tensors)?;
        // The scale of a tensor takes eight bytes.
        for part in &parts {
            PartSize { part: *part, n_values: 0, bytes: 8, huffman_bits: Some(64) }.add_to(all);
        }
        let mut symbols = Vec::new();
        let mut pieces = opened.pieces().peekable();
        while let Some((tensor, bits, coded, n)) = pieces.next() {
            let (n_values, bytes) = (n as u64, coded.len() as u64);
            let part = parts[tensor];
            let huffman_bits = match bits {
                32 => {
                    uniform::read_plain(coded, &mut vec![0.0; n])?;
                    Some(8 * bytes)
                }
                bits => {
                    let mut from: RangeDecoder = budget.decoder(coded);
                    let outcome = uniform::symbols(&mut from, n, bits);
                    let _ = budget.spend(from.work());
                    let read = affordable(outcome)?;
                    let is_read = read.is_some();
                    read.iter().try_for_each(|read| opened.check(tensor, read))?;
                    symbols.extend(read.unwrap_or_default());
                    // The code is that of the whole tensor.
                    let is_last = pieces.peek().is_none_or(|(next, ..)| *next != tensor);
                    let sum = if is_last {
                        bitstream::huffman_bits(&std::mem::take(&mut symbols))
                    } else {
                        0
                    };
                    is_read.then_some(sum)
                }
            };
            PartSize { part, n_values, bytes, huffman_bits }.add_to(all);
        }
    }
    Ok(())
}

/// Bits of a Huffman code of integers.
fn huffman_of(values: impl Iterator<Item = i32>) -> u64 {
    // Zigzag: small magnitudes are small symbols.
    let symbol = |v: i32| ((v << 1) ^ (v >> 31)).clamp(0, u16::MAX.into()) as u16;
    bitstream::huffman_bits(&values.map(symbol).collect::<Vec<_>>())
}
