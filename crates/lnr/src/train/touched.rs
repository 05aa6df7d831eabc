// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which nodes a frame reads.

use super::coded_source::{CodedSource, nodes_read};
use crate::backend::Sample;

/// The nodes that a frame reads.
#[derive(Default)]
pub(super) struct Touched {
    /// Of canonical grids: (coded source, node).
    pub canonical: Vec<(usize, usize)>,
    /// Of others, with their share of the frame: (coded source, node, share).
    pub timed: Vec<(usize, usize, f32)>,
}

impl Touched {
    /// At the time of a sample.
    pub fn new<T>(coded: &[CodedSource<T>], sample: &Sample) -> Self {
        let mut touched = Self::default();
        for (k, coded) in coded.iter().enumerate() {
            let at = sample.sources[coded.index];
            match coded.is_timed() {
                true => touched.timed.extend(at.shares().map(|(node, share)| (k, node, share))),
                false => touched.canonical.extend(nodes_read(at).map(|node| (k, node))),
            }
        }
        touched
    }
}
