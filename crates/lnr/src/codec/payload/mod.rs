// SPDX-License-Identifier: MIT OR Apache-2.0
//! The payload of a group: its parameters to sections of bytes and back (FORMAT section 5).

mod grids;
#[cfg(feature = "internals")]
mod learn;
mod part_sizes;
mod sent_model;
mod steps;
mod tensor;
#[cfg(test)]
mod tests;
mod uniform;

use super::{CancelFlag, EmbeddingTrack};
use crate::backend::{Shape, TensorKind};
use crate::base::spec::Precision;
use crate::base::{Metadata, Result};
use crate::bitstream::{
    GroupHeader, SectionWriter, Sections, WorkBudget, read_metadata, tags, write_metadata,
};
use crate::train::Values;

#[cfg(feature = "internals")]
pub use learn::learn_states;
pub use part_sizes::{Part, PartReader, PartSize};

/// Bits of the exponent of a tensor's step.
const EXPONENT_BITS: u32 = 4;

/// The parameters of a group as f32.
pub struct Parameters {
    /// What the sources store. [`Shape::n_grid`]
    pub grids: Vec<f32>,
    /// [`crate::backend::Network::len`]
    pub network: Vec<f32>,
}

/// What a payload is read and written by.
#[derive(Clone, Copy)]
pub struct Coding<'a> {
    /// Where every parameter lies.
    pub shape: &'a Shape,
    /// How it is stored.
    pub precision: Precision,
}

/// The sections that hold parameters.
pub struct Coded {
    latents: Vec<u8>,
    networks: Vec<u8>,
    /// Of every source that stores something.
    sources: Vec<Vec<u8>>,
}

impl Coded {
    /// The payload: these sections, what is said of the stream, and one that tells what the frames mean if
    /// there is one.
    pub fn payload(&self, metadata: &Metadata, embedding: Option<&[u8]>) -> Vec<u8> {
        let mut out = SectionWriter::new();
        out.push(tags::LATENTS, true, &self.latents);
        if let Some(embedding) = embedding {
            out.push(tags::EMBEDDING, false, embedding);
        }
        if *metadata != Metadata::default() {
            out.push(tags::METADATA, false, &write_metadata(metadata));
        }
        out.push(tags::NETWORKS, true, &self.networks);
        self.sources.iter().for_each(|s| out.push(tags::SOURCE, true, s));
        out.finish()
    }
}

impl Coding<'_> {
    /// Codes the parameters of a trained group.
    ///
    /// # Errors
    /// [`crate::base::Error::Cancelled`] when `cancel` asks for a stop.
    pub fn code(&self, values: &Values, cancel: &CancelFlag) -> Result<Coded> {
        match values {
            Values::Steps { symbols, tensors, entropy } => {
                let values = (&symbols[..], &tensors[..], &entropy[..]);
                steps::encode(self.shape, self.precision, values, cancel)
            }
            Values::Plain { grids, network } => {
                uniform::encode(self.shape, self.bits(), (grids, network), cancel)
            }
        }
    }

    /// Writes the payload of a trained group.
    ///
    /// # Errors
    /// As [`Coding::code`].
    pub fn encode(
        &self,
        values: &Values,
        metadata: &Metadata,
        cancel: &CancelFlag,
    ) -> Result<Vec<u8>> {
        Ok(self.code(values, cancel)?.payload(metadata, None))
    }

    /// Reads all parameters.
    ///
    /// # Errors
    /// [`crate::base::Error::Damaged`] or [`crate::base::Error::Limit`] when the payload is not one of
    /// this shape, or asks for more work than the budget has.
    pub fn decode(&self, payload: &[u8], budget: &mut WorkBudget) -> Result<Parameters> {
        within(budget, payload, |sections, budget| match self.precision {
            Precision::Uniform(bits) => uniform::decode(self.shape, bits, sections, budget),
            precision => steps::decode(self.shape, precision, sections, budget),
        })
    }

    /// Reads latents and embedding alone: latents [nodes, d_latent], and what the frames mean where the
    /// stream says it. An embedding that cannot be read is not there: no picture needs it.
    ///
    /// # Errors
    /// As [`Coding::decode`], for the latents.
    pub fn decode_latents(
        &self,
        payload: &[u8],
        budget: &mut WorkBudget,
    ) -> Result<(Vec<f32>, Option<EmbeddingTrack>)> {
        within(budget, payload, |sections, budget| {
            let section = sections.latents()?;
            let latents = match self.precision {
                Precision::Uniform(bits) => {
                    uniform::decode_latents(self.shape, bits, section, budget)?
                }
                precision => steps::decode_latents(self.shape, precision, section, budget)?,
            };
            let embedding = sections.embedding();
            Ok((latents, embedding.and_then(|bytes| EmbeddingTrack::read(bytes, budget).ok())))
        })
    }

    /// The bits of values that are stored uniformly; 32 where they are not.
    fn bits(&self) -> crate::base::spec::Bits {
        const PLAIN: u32 = 32;
        match self.precision {
            Precision::Uniform(bits) => bits,
            Precision::Steps | Precision::StepsByPart => crate::base::spec::Bits {
                sources: PLAIN,
                base: PLAIN,
                hyper: PLAIN,
                latents: PLAIN,
            },
        }
    }
}

/// Reads something of a payload within what its bytes allow.
fn within<T>(
    budget: &mut WorkBudget,
    payload: &[u8],
    read: impl FnOnce(&Sections, &mut WorkBudget) -> Result<T>,
) -> Result<T> {
    let mut group = budget.enter(payload.len());
    let outcome = Sections::parse(payload).and_then(|sections| read(&sections, &mut group));
    budget.settle(&group, payload.len(), outcome.is_ok());
    outcome
}

/// The layout of a group's model.
///
/// # Errors
/// Those of [`Shape::new`].
pub fn shape(header: &GroupHeader) -> Result<Shape> {
    Shape::new(&header.model, &header.extent())
}

/// What a group's payload says about the whole stream: orientation, mastering display, content light,
/// settings of the encoder.
///
/// # Errors
/// [`crate::base::Error::Damaged`] when it is damaged.
pub fn metadata(payload: &[u8]) -> Result<Metadata> {
    Sections::parse(payload)?.metadata().map_or(Ok(Metadata::default()), read_metadata)
}

/// What the frames of a group mean, where its payload says so.
///
/// # Errors
/// [`crate::base::Error::Damaged`] or [`crate::base::Error::Limit`] when it cannot be read.
pub fn embedding(payload: &[u8], budget: &mut WorkBudget) -> Result<Option<EmbeddingTrack>> {
    within(budget, payload, |sections, budget| {
        sections.embedding().map(|bytes| EmbeddingTrack::read(bytes, budget)).transpose()
    })
}

/// Whether a tensor of the network buffer stands in the section of the latents.
fn is_latent(kind: TensorKind) -> bool {
    kind == TensorKind::Latents
}
