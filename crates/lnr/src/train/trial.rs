// SPDX-License-Identifier: MIT OR Apache-2.0
//! A short training that tells what a model is worth to a group.

use super::run::{Report, Steps};
use super::trained::Trained;
use super::trainer::Trainer;
use super::worth::Worth;
use super::{Recipe, finish};
use crate::backend::{Backend, Shape};
#[cfg(doc)]
use crate::base::Error;
use crate::base::{Picture, Result};

/// Trains a group of a model whose values are stored as symbols by a short recipe, and returns what it is
/// worth with every grid rounded. `measure` says how many bits a trained group takes. No steps of tensors
/// are searched for: those of one group are much the same for all of its models.
///
/// # Errors
/// [`Error::Diverged`]; those of `measure`, of `report` and of the backend.
pub fn trial<B: Backend>(
    backend: &B,
    shape: &Shape,
    recipe: &Recipe,
    pictures: &[&Picture],
    measure: &(dyn Fn(&Trained) -> Result<f64> + Sync),
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Worth> {
    backend.scope(|| {
        let mut trainer = Trainer::new(backend, shape, recipe, pictures)?;
        let mut steps = Steps::new(trainer.n_steps, trainer.visits.len(), report);
        trainer.run(measure, &mut steps)?;
        let bits = measure(&finish::snapshot(&trainer)?)?;
        finish::worth(&mut trainer, bits)
    })
}
