// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::align::normalise;
use crate::base::{Result, Space, Tau};
use crate::bitstream::{Embedding, WorkBudget, read_embedding};

/// What the frames of a group mean: vectors at some times, linear between them.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingTrack {
    space: Space,
    nodes: Vec<Tau>,
    /// [nodes, dim]
    values: Vec<f32>,
    n_bytes: usize,
}

impl EmbeddingTrack {
    pub(in crate::codec) fn read(section: &[u8], budget: &mut WorkBudget) -> Result<Self> {
        Ok(Self { n_bytes: section.len(), ..Self::of(read_embedding(section, budget)?) })
    }

    pub(super) fn of(embedding: Embedding) -> Self {
        let Embedding { header, exponent, values } = embedding;
        let step = 1.0 / (1u32 << exponent) as f32;
        let values = values.into_iter().map(|v| v as f32 * step).collect();
        Self { space: header.space, nodes: header.nodes, values, n_bytes: 0 }
    }

    /// The space of the vectors.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Bytes that it takes in the stream.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// The times that have a vector of their own, ascending, at least one.
    pub fn nodes(&self) -> &[Tau] {
        &self.nodes
    }

    /// The vector at a time, of length 1 (zeros where the stream stores zeros).
    pub fn at(&self, tau: Tau) -> Vec<f32> {
        let dim = self.space.dim as usize;
        let row = |i: usize| &self.values[i * dim..][..dim];
        let next = self.nodes.partition_point(|node| *node <= tau);
        let mut vector = if next == 0 || next == self.nodes.len() {
            row(next.saturating_sub(1)).to_vec()
        } else {
            let [a, b] = [self.nodes[next - 1], self.nodes[next]].map(Tau::as_f32);
            let w = (tau.as_f32() - a) / (b - a);
            row(next - 1).iter().zip(row(next)).map(|(a, b)| a + (b - a) * w).collect()
        };
        normalise(&mut vector);
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitstream::EmbeddingHeader;

    #[test]
    fn vectors_are_linear_between_nodes_and_held_outside() {
        let header = EmbeddingHeader {
            space: Space::new("s", [0; 8], 2).unwrap(),
            nodes: vec![Tau::frame(1), Tau::frame(3)],
        };
        let values = vec![4, 0, 0, 4];
        let track = EmbeddingTrack::of(Embedding { header, exponent: 2, values });
        let diagonal = 0.5f32.sqrt();
        for (frame, vector) in
            [(0, [1.0, 0.0]), (1, [1.0, 0.0]), (2, [diagonal, diagonal]), (9, [0.0, 1.0])]
        {
            let found = track.at(Tau::frame(frame));
            assert!(found.iter().zip(vector).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
        }
    }
}
