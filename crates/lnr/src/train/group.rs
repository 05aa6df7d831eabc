// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop: epochs of steps, then the search for steps of quantisation.

use super::divergence::{finite, with_care};
use super::run::{Report, Steps};
use super::steering::Steering;
use super::trained::Trained;
use super::trainer::Trainer;
use super::{Recipe, finish};
use crate::backend::{Backend, Shape};
#[cfg(doc)]
use crate::base::Error;
use crate::base::spec::Precision;
use crate::base::{Picture, Result, Rng};

/// Trains a group on its pictures, all of one format. `measure` says how many bits a trained group
/// takes; it is asked where the recipe has a target. `report` is called after every step and may stop
/// the training by an error. What diverges is tried once more at half the learning rates.
///
/// # Errors
/// [`Error::Diverged`]; those of `measure`, of `report` and of the backend.
pub fn train<B: Backend>(
    backend: &B,
    (shape, precision): (&Shape, Precision),
    recipe: &Recipe,
    pictures: &[&Picture],
    measure: &(dyn Fn(&Trained) -> Result<f64> + Sync),
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Trained> {
    backend.scope(|| {
        with_care(recipe, &mut |recipe| {
            let mut trainer = Trainer::new(backend, shape, recipe, pictures)?;
            let mut steps = Steps::new(trainer.n_steps, trainer.visits.len(), report);
            trainer.run(measure, &mut steps)?;
            let n_steps = steps.n_done();
            finish::finish(trainer, precision, n_steps, &mut || steps.poll())
        })
    })
}

impl<B: Backend> Trainer<'_, B> {
    /// Moves the price of a bit towards the target, if there is one.
    fn follow_target(
        &mut self,
        step: u32,
        measure: &dyn Fn(&Trained) -> Result<f64>,
    ) -> Result<()> {
        let n_steps = self.n_steps;
        let Some(target) = self.recipe.target_bits else { return Ok(()) };
        if !Steering::is_on(step, n_steps) {
            return Ok(());
        }
        let foreseen = finite("the bits of the grids", self.total_bits()?)?;
        if Steering::measures(step, n_steps) {
            self.steering.note(measure(&finish::snapshot(self)?)?, foreseen);
        }
        let pace = self.recipe.schedule(step, n_steps);
        self.lambda = self.steering.steer(self.lambda, foreseen, target, (pace, n_steps));
        Ok(())
    }

    pub(super) fn run(
        &mut self,
        measure: &dyn Fn(&Trained) -> Result<f64>,
        steps: &mut Steps,
    ) -> Result<()> {
        let mut rng = Rng::new(self.recipe.seed ^ 0x5EED);
        for _ in 0..self.recipe.epochs {
            self.visits.shuffle(&mut rng);
            for index in 0..self.visits.len() {
                let step = steps.n_done();
                let backend = self.backend;
                backend.together(|| self.operations(step, index, &mut rng))?;
                self.follow_target(step, measure)?;
                steps.done(&self.errors.read(backend, (step, self.n_steps))?)?;
            }
            if !self.coded.is_empty() {
                let bits = self.bits_of_sources()?;
                finite("the bits of the grids", bits.iter().sum())?;
                self.shrink(steps.n_done(), &bits)?;
            }
        }
        Ok(())
    }
}
