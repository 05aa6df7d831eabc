// SPDX-License-Identifier: MIT OR Apache-2.0
//! A group's model as its header describes it, and its parameters as its payload holds them.

use super::{group, paper};
use crate::backend::paper::{PaperShape, TensorKind};
use crate::backend::{Nodes, Shape};
use crate::base::Result;
use crate::bitstream::{GroupHeader, ModelHeader, PaperBits};

/// The shape of a group's model.
pub enum Model {
    /// Profile `warp`.
    Warp(Shape),
    /// The paper's profiles, with the bits of their values.
    Paper(PaperShape, PaperBits),
}

/// The parameters of a group.
pub enum Decoded {
    /// Of [`Model::Warp`].
    Warp(group::Decoded),
    /// Of [`Model::Paper`]. [`PaperShape::len`]
    Paper(Vec<f32>),
}

/// What a part of a group takes in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSize {
    /// Which part.
    pub part: Part,
    /// Values.
    pub n_values: u64,
    /// Bytes.
    pub bytes: u64,
    /// Bits that a Huffman code of the values would take (paper section 3.4).
    pub huffman_bits: u64,
}

/// Parts of a group's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Latents.
    Latents,
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
    /// Hash tables.
    HashTables,
}

impl Part {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latents => "latents",
            Self::Base => "base network",
            Self::Hyper => "hypernetworks",
            Self::Canonical => "canonical grids",
            Self::Motion => "motion grids",
            Self::Residual => "residual grids",
            Self::HashTables => "hash tables",
        }
    }
}

/// The model of a group.
///
/// # Errors
/// [`crate::base::Error::Limit`] when it is too large.
pub fn model(header: &GroupHeader) -> Result<Model> {
    Ok(match &ModelHeader::of(&header.model)? {
        ModelHeader::Warp(m) => Model::Warp(group::spec(header, m).shape()?),
        ModelHeader::Paper(m) => Model::Paper(paper::spec(header, m).shape()?, m.bits),
    })
}

impl Model {
    /// Reads a whole payload.
    ///
    /// # Errors
    /// [`crate::base::Error::Damaged`] or [`crate::base::Error::Limit`] when the payload is not one
    /// of this model.
    pub fn decode(&self, payload: &[u8], in_parallel: bool) -> Result<Decoded> {
        Ok(match self {
            Self::Warp(shape) => Decoded::Warp(group::decode(shape, payload, in_parallel)?),
            Self::Paper(shape, bits) => Decoded::Paper(paper::decode(shape, bits, payload)?),
        })
    }

    /// Reads the latents alone: their time nodes and values [nodes, dim].
    ///
    /// # Errors
    /// As [`Model::decode`].
    pub fn decode_latents(&self, payload: &[u8]) -> Result<(Nodes, Vec<f32>)> {
        Ok(match self {
            Self::Warp(shape) => (shape.network.nodes, group::decode_latents(shape, payload)?),
            Self::Paper(shape, bits) => {
                let nodes = Nodes::cover(shape.n_frames, 1);
                (nodes, paper::decode_latents(shape, bits, payload)?)
            }
        })
    }
}

/// What every part of a group's payload takes; parts that are empty are left out.
///
/// # Errors
/// As [`Model::decode`].
pub fn part_sizes(header: &GroupHeader, payload: &[u8]) -> Result<Vec<PartSize>> {
    match model(header)? {
        Model::Warp(shape) => group::sizes(&shape, payload),
        Model::Paper(shape, bits) => {
            let mut all: Vec<PartSize> = Vec::new();
            for (tensor, bytes, huffman_bits) in paper::sizes(&shape, &bits, payload)? {
                let part = match tensor.kind {
                    TensorKind::Encoding => Part::HashTables,
                    TensorKind::Base => Part::Base,
                    TensorKind::Hyper => Part::Hyper,
                    TensorKind::Latents => Part::Latents,
                };
                let n_values = tensor.range.len() as u64;
                PartSize { part, n_values, bytes, huffman_bits }.add_to(&mut all);
            }
            Ok(all)
        }
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
                sum.huffman_bits += self.huffman_bits;
            }
        }
    }
}
