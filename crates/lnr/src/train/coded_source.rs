// SPDX-License-Identifier: MIT OR Apache-2.0

use super::variable::Variable;
use crate::backend::{At, Backend, Entropy, Grids, Role, Shape};
use crate::base::{Result, Rng};
use crate::model;

/// A grid source and the entropy model that its symbols are priced by.
pub(super) struct CodedSource<'a, T> {
    /// Its number among the sources.
    pub index: usize,
    pub source: &'a Grids,
    pub entropy: Entropy,
    pub model: Variable<T>,
    /// Steps of the model's optimiser so far.
    pub steps: u32,
    /// Where the bits of its nodes stand among the sums.
    pub first_sum: usize,
    /// Visits of each node.
    pub visits: Vec<u32>,
    /// Frames that read each node of canonical grids: its bits are shared by them.
    pub n_readers: Vec<u32>,
}

impl<'a, T> CodedSource<'a, T> {
    pub fn new<B: Backend<Buffer = T>>(
        backend: &B,
        shape: &Shape,
        (index, source): (usize, &'a Grids),
        first_sum: usize,
        rng: &mut Rng,
    ) -> Result<Self> {
        let entropy = model::entropy(source);
        let model = Variable::new(backend, model::entropy_parameters(&entropy, rng))?;
        let visits = vec![0; source.nodes.n];
        let mut n_readers = vec![0; source.nodes.n];
        for frame in 0..shape.n_frames {
            let at = shape.sample(frame as f32).sources[index];
            nodes_read(at).for_each(|node| n_readers[node] += 1);
        }
        Ok(Self { index, source, entropy, model, steps: 0, first_sum, visits, n_readers })
    }

    /// Whether a step looks at the rate of a node of canonical grids, of every `interval`th visit.
    pub fn is_rated(&self, node: usize, interval: u32) -> bool {
        self.visits[node].is_multiple_of(interval)
    }

    /// Whether it changes over time.
    pub fn is_timed(&self) -> bool {
        !matches!(self.source.role, Role::Canonical { .. })
    }
}

/// The nodes that are read at a time: both where they differ, in order of time.
pub(super) fn nodes_read(at: At) -> impl Iterator<Item = usize> {
    let (first, last) = (at.first.min(at.second), at.first.max(at.second));
    std::iter::once(first).chain((last > first).then_some(last))
}
