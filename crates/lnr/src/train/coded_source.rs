// SPDX-License-Identifier: MIT OR Apache-2.0

use super::variable::Variable;
use crate::backend::{Backend, Entropy, Grids, Role};
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
}

impl<'a, T> CodedSource<'a, T> {
    pub fn new<B: Backend<Buffer = T>>(
        backend: &B,
        (index, source): (usize, &'a Grids),
        first_sum: usize,
        rng: &mut Rng,
    ) -> Result<Self> {
        let entropy = model::entropy(source);
        let model = Variable::new(backend, model::entropy_parameters(&entropy, rng))?;
        let visits = vec![0; source.nodes.n];
        Ok(Self { index, source, entropy, model, steps: 0, first_sum, visits })
    }

    /// Whether it changes over time.
    pub fn is_timed(&self) -> bool {
        !matches!(self.source.role, Role::Canonical { .. })
    }
}
