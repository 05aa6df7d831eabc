// SPDX-License-Identifier: MIT OR Apache-2.0

use super::EmbeddingTrack;
use super::payload::{Coding, shape};
use crate::backend::Nodes;
use crate::base::{Error, Result, Space, Tau};
use crate::bitstream::{self, GroupHeader, Unit, WorkBudget};

/// The latent of one shown time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Latent {
    /// z(tau): as many numbers as the trajectory has dimensions.
    pub z: Vec<f32>,
    /// What the frame means, of length 1, in the space that [`LatentReader::space`] tells; empty where the
    /// stream does not say it.
    pub embedding: Vec<f32>,
    /// [`crate::bitstream::GroupHeader::id`] of its group.
    pub group: u8,
    /// Time inside the group.
    pub tau: Tau,
    /// Presentation time in ns by the group's own clock.
    pub pts: u64,
}

struct Trajectory {
    header: GroupHeader,
    nodes: Nodes,
    /// [nodes, dim]
    values: Vec<f32>,
    embedding: Option<EmbeddingTrack>,
}

/// Reads what the frames of a stream mean, and nothing else of it. One reader for each stream: what it may
/// work and hold is bounded by the bytes that it was given.
#[derive(Default)]
pub struct EmbeddingReader {
    budget: WorkBudget,
}

impl EmbeddingReader {
    /// The header of the group that this access unit begins, and its embedding where it stores one. Nothing
    /// for other access units.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Limit`] or [`Error::Unsupported`] when it cannot be read.
    pub fn push(
        &mut self,
        unit: &[u8],
    ) -> Result<Option<(Box<GroupHeader>, Option<EmbeddingTrack>)>> {
        match bitstream::parse(unit)? {
            Unit::Group { header, payload, .. } => Ok(Some((header, self.read(payload)?))),
            Unit::Frame { .. } => Ok(None),
        }
    }

    /// The embedding in a group's payload, where it stores one.
    ///
    /// # Errors
    /// As [`EmbeddingReader::push`].
    pub fn read(&mut self, payload: &[u8]) -> Result<Option<EmbeddingTrack>> {
        super::payload::embedding(payload, &mut self.budget)
    }
}

/// Reads latents from access units without decoding pictures.
#[derive(Default)]
pub struct LatentReader {
    group: Option<Trajectory>,
    budget: WorkBudget,
}

impl LatentReader {
    /// The latent that this access unit shows.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is damaged or belongs to a group whose start was not seen;
    /// [`Error::Limit`] or [`Error::Unsupported`] when its group asks for more than it may, or for what
    /// this version does not know.
    pub fn push(&mut self, unit: &[u8]) -> Result<Latent> {
        let missing = || Error::damaged("a frame of a group whose start is missing");
        let (id, tau) = match bitstream::parse(unit) {
            Ok(Unit::Group { header, shows, payload }) => {
                self.group = None;
                let shape = shape(&header)?;
                let coding = Coding { shape: &shape, precision: header.model.precision };
                let (values, embedding) = coding.decode_latents(payload, &mut self.budget)?;
                let nodes = shape.network.nodes;
                let id = header.id;
                self.group = Some(Trajectory { header: *header, nodes, values, embedding });
                (id, shows)
            }
            Ok(Unit::Frame { group, shows }) => (group, shows),
            Err(e) => {
                self.group = None;
                return Err(e);
            }
        };
        let t = self.group.as_ref().filter(|t| t.header.id == id).ok_or_else(missing)?;
        if tau >= Tau::frame(t.header.n_frames()) {
            return Err(Error::damaged("a time beyond the end of its group"));
        }
        let dim = t.header.model.latent.dim as usize;
        let last = (t.header.n_frames() - 1) as f32;
        let z = t.nodes.at(tau.as_f32().min(last)).mix(&t.values, dim);
        let embedding = t.embedding.as_ref().map_or_else(Vec::new, |track| track.at(tau));
        Ok(Latent { z, embedding, group: id, tau, pts: t.header.time_of(tau) })
    }

    /// The space that embeddings of the current group live in, if it has any.
    pub fn space(&self) -> Option<&Space> {
        Some(self.embedding()?.space())
    }

    /// What the frames of the current group mean, where the stream says it.
    pub fn embedding(&self) -> Option<&EmbeddingTrack> {
        self.group.as_ref()?.embedding.as_ref()
    }

    /// Forgets the current group (after a seek).
    pub fn reset(&mut self) {
        self.group = None;
    }
}
