// SPDX-License-Identifier: MIT OR Apache-2.0
//! Weights that say little go to zero while they are trained: they are bytes of the group as well, and
//! Adam moves what matters as far as what does not (docs/adr/0015).

use super::trainer::Trainer;
use crate::backend::Backend;
use crate::base::Result;

/// How strongly the weights of the base network go to zero, and those of entropy models: what was best over
/// groups of 3 to 17 kB (docs/adr/0015).
const NETWORK: f32 = 0.035;
const ENTROPY: f32 = 0.4;
/// Bits of grids that hardly store anything yet: what predicts them is not to go before it could learn.
const LEAST_BITS: f32 = 1000.0;

impl<B: Backend> Trainer<'_, B> {
    /// Moves weights towards zero by an equal amount, after an epoch that ended with step `step`: less
    /// where many bits depend on few weights. `bits` are those of every coded source.
    pub(super) fn shrink(&mut self, step: u32, bits: &[f64]) -> Result<()> {
        let backend = self.backend;
        let rate = self.recipe.network_rate * self.recipe.schedule(step, self.n_steps);
        let way = rate * self.visits.len() as f32;
        let [first, .., last] = &self.shape.network.layers[..] else { return Ok(()) };
        let range = first.offset..last.weights().end;
        let share = range.len() as f32 / (bits.iter().sum::<f64>() as f32 + LEAST_BITS);
        let mut values = self.network.read(backend, range.clone())?;
        towards_zero(&mut values, NETWORK * way * share);
        backend.write(&mut self.network.values, range.start, &values)?;
        for (coded, &bits) in self.coded.iter_mut().zip(bits) {
            let n = coded.entropy.len();
            let share = n as f32 / (bits as f32 + n as f32);
            let mut values = coded.model.read(backend, 0..n)?;
            towards_zero(&mut values, ENTROPY * way * share);
            backend.write(&mut coded.model.values, 0, &values)?;
        }
        Ok(())
    }
}

/// What is no number stays so.
fn towards_zero(values: &mut [f32], by: f32) {
    values.iter_mut().for_each(|v| *v = v.signum() * (v.abs() - by).max(0.0));
}

#[cfg(test)]
mod tests {
    use super::towards_zero;

    #[test]
    fn values_go_to_zero_and_no_further() {
        let mut values = [0.5, -0.5, 0.125, -0.0625, 0.0, f32::NAN];
        towards_zero(&mut values, 0.125);
        assert_eq!(values[..5], [0.375, -0.375, 0.0, 0.0, 0.0]);
        assert!(values[5].is_nan());
    }
}
