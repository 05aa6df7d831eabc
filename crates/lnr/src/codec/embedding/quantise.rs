// SPDX-License-Identifier: MIT OR Apache-2.0
//! Vectors as whole numbers. Only their angles matter, so that any step will do: what is stored is a vector
//! times a gain, rounded.

use crate::align::cosine;
use crate::base::{Space, Tau};
use crate::bitstream::{Embedding, EmbeddingHeader};

/// Gains that are tried, as four times their binary logarithm: a quarter of an octave apart. 512 dimensions of
/// equal size take 1 to 7 bits each within them.
pub(super) const GAINS: std::ops::RangeInclusive<u32> = 8..=44;

/// Vectors at frames, rounded.
pub(super) struct Rounded {
    pub embedding: Embedding,
    /// Largest 1 - cos that rounding caused at a node.
    pub error: f64,
}

/// Rounds the vectors of nodes, of length about 1. vectors: as many as nodes
pub(super) fn round(space: &Space, nodes: &[usize], vectors: &[Vec<f32>], gain: u32) -> Rounded {
    let scale = 2f64.powf(f64::from(gain) / 4.0) as f32;
    let mut values = Vec::new();
    let mut error = 0.0f64;
    for vector in vectors {
        let mut rounded: Vec<i32> =
            vector.iter().map(|v| (v * scale).round_ties_even() as i32).collect();
        if rounded.iter().all(|v| *v == 0) {
            // Some angle is better than none.
            let largest =
                (0..vector.len()).max_by(|a, b| vector[*a].abs().total_cmp(&vector[*b].abs()));
            let i = largest.unwrap_or(0);
            rounded[i] = if vector[i] < 0.0 { -1 } else { 1 };
        }
        let restored: Vec<f32> = rounded.iter().map(|v| *v as f32).collect();
        error = error.max(1.0 - f64::from(cosine(&restored, vector)));
        values.extend(rounded);
    }
    let header = EmbeddingHeader {
        space: space.clone(),
        nodes: nodes.iter().map(|&i| Tau::frame(i as u32)).collect(),
    };
    Rounded { embedding: Embedding { header, exponent: gain.div_ceil(4), values }, error }
}
