// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bits of what is stored as symbols, and their gradients.

use super::coded_source::CodedSource;
use super::touched::Touched;
use super::trainer::Trainer;
use crate::backend::{Backend, Sum, read_sums};
use crate::base::Result;
use crate::model;

impl<B: Backend> Trainer<'_, B> {
    /// Adds the gradients of the rate to those of the grids.
    pub(super) fn rate(&mut self, touched: &Touched) -> Result<()> {
        let (backend, shape) = (self.backend, self.shape);
        let lambda = self.lambda / (shape.width * shape.height) as f32;
        for &(k, node) in &touched.canonical {
            let c = &mut self.coded[k];
            let range = c.source.node(node);
            if c.is_rated(node, self.recipe.rate_interval) {
                backend.clear(&mut self.canonical_rate, range.clone())?;
                let weight = lambda / c.n_readers[node] as f32;
                let planes = model::rate_planes(c.source, node);
                // What the bits of an anchor say of the one before is kept with that.
                let grads = Some((&mut self.canonical_rate, &mut c.model.grads));
                let (ws, symbols, model) = (&mut self.workspace, &self.symbols, &c.model.values);
                let bits = Sum { buffer: &mut self.sums, index: c.first_sum + node };
                backend.rate(ws, &c.entropy, &planes, symbols, model, weight, grads, bits)?;
            }
            backend.add(&self.canonical_rate, &mut self.grids.grads, range)?;
        }
        for &(k, node, share) in &touched.timed {
            let c = &mut self.coded[k];
            let planes = model::rate_planes(c.source, node);
            let grads = Some((&mut self.grids.grads, &mut c.model.grads));
            // A node's bits are shared by the frames that read it.
            let weight = lambda * share / c.source.nodes.step as f32;
            let (ws, symbols, model) = (&mut self.workspace, &self.symbols, &c.model.values);
            let bits = Sum { buffer: &mut self.sums, index: c.first_sum + node };
            backend.rate(ws, &c.entropy, &planes, symbols, model, weight, grads, bits)?;
        }
        Ok(())
    }

    /// Bits of a source's symbols as they are now, without gradients.
    pub(super) fn bits(&mut self, coded: usize) -> Result<f64> {
        let mut total = 0.0;
        for node in 0..self.coded[coded].source.nodes.n {
            let c = &self.coded[coded];
            let planes = model::rate_planes(c.source, node);
            let (symbols, model) = (&self.symbols, &c.model.values);
            let bits = Sum { buffer: &mut self.sums, index: 0 };
            let ws = &mut self.workspace;
            self.backend.rate(ws, &c.entropy, &planes, symbols, model, 1.0, None, bits)?;
            total += read_sums(self.backend, &self.sums, 1)?[0];
        }
        Ok(total)
    }

    /// Bits of all grids when they were last looked at, see [`Trainer::bits_of_sources`].
    pub(super) fn total_bits(&self) -> Result<f64> {
        Ok(self.bits_of_sources()?.iter().sum())
    }

    /// Bits of every coded source when it was last looked at; nodes that were not looked at yet count
    /// as the mean of the others.
    pub(super) fn bits_of_sources(&self) -> Result<Vec<f64>> {
        let n_sums = self.coded.iter().map(|c| c.visits.len()).sum();
        let sums = read_sums(self.backend, &self.sums, n_sums)?;
        let bits = |c: &CodedSource<B::Buffer>| {
            let bits = &sums[c.first_sum..c.first_sum + c.visits.len()];
            let known = bits.iter().zip(&c.visits).filter(|(_, visits)| **visits > 0);
            let n_known = known.clone().count().max(1);
            known.map(|(b, _)| b).sum::<f64>() * bits.len() as f64 / n_known as f64
        };
        Ok(self.coded.iter().map(bits).collect())
    }
}
