// SPDX-License-Identifier: MIT OR Apache-2.0
//! The optimiser's part of a step: every parameter at its own pace.

use super::recipe::Decays;
use super::touched::Touched;
use super::trainer::Trainer;
use crate::backend::{Adam, Backend, Role};
use crate::base::Result;

/// Nodes are visited once per epoch: a long memory of gradients would be stale.
const NODE_DECAYS: Decays = Decays { beta1: 0.2, beta2: 0.95 };

fn adam(rate: f32, decays: Decays, step: u32) -> Adam {
    Adam { rate, beta1: decays.beta1, beta2: decays.beta2, step }
}

impl<B: Backend> Trainer<'_, B> {
    /// Moves the parameters that step `step` touched against their gradients.
    pub(super) fn update(&mut self, step: u32, touched: &Touched) -> Result<()> {
        let (r, b, shape) = (self.recipe, self.backend, self.shape);
        let factor = r.schedule(step, self.n_steps);
        let slow = |rate: f32, step: u32| adam(rate * factor, r.decays, step);
        let net = &shape.network;
        let hyper = net.hyper_start();
        self.network.step(b, &slow(r.network_rate, step + 1), 0..hyper, None)?;
        self.network.step(b, &slow(r.hyper_rate, step + 1), hyper..net.len(), None)?;
        if shape.encoding().is_some() {
            let all = 0..shape.n_grid();
            return self.grids.step(b, &slow(r.table_rate, step + 1), all, None);
        }
        for (k, coded) in self.coded.iter_mut().enumerate() {
            let mut nodes = touched.canonical.iter().filter(|(of, _)| *of == k);
            if coded.is_timed() || nodes.any(|(_, node)| coded.is_rated(*node, r.rate_interval)) {
                coded.steps += 1;
                let n = coded.entropy.len();
                coded.model.step(b, &slow(r.network_rate, coded.steps), 0..n, None)?;
            }
        }
        let slopes = Some(&self.slopes);
        for &(coded, node) in &touched.canonical {
            let coded = &mut self.coded[coded];
            coded.visits[node] += 1;
            let adam = slow(r.canonical_rate, coded.visits[node]);
            self.grids.step(b, &adam, coded.source.node(node), slopes)?;
        }
        for &(coded, node, _) in &touched.timed {
            let coded = &mut self.coded[coded];
            coded.visits[node] += 1;
            let (visits, source) = (coded.visits[node], coded.source);
            let fast = |rate: f32| adam(rate * factor, NODE_DECAYS, visits);
            if source.role != Role::Motion {
                let range = source.node(node);
                self.grids.step(b, &fast(r.residual_rate), range, slopes)?;
                continue;
            }
            for level in 0..source.levels.len() {
                let range = source.plane(node, level, 0).start..source.plane(node, level, 1).end;
                let adam = fast(r.motion_rate * (1 << level) as f32);
                self.grids.step(b, &adam, range, slopes)?;
            }
        }
        Ok(())
    }
}
