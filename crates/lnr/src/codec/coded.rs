// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the pictures of a group to its model and payload.

use super::{CancelFlag, EncoderConfig, Engine, Profile, group, paper, plan, profile};
use crate::base::{Picture, Result};
use crate::bitstream::ModelHeader;
use crate::train::{Recipe, Report, Trained};

/// A trained and coded group.
pub struct Coded {
    pub model: ModelHeader,
    pub payload: Vec<u8>,
    /// Steps of training.
    pub n_steps: u32,
    /// The price of a bit, see [`Trained::lambda`].
    pub lambda: f32,
}

/// Trains and codes a group by its settings. `report` may stop the training by an error.
///
/// # Errors
/// [`crate::base::Error::Cancelled`] when `cancel` asks for a stop; those of `report` and the
/// backend.
pub fn code(
    engine: &Engine,
    config: &EncoderConfig,
    recipe: &Recipe,
    pictures: &[&Picture],
    cancel: &CancelFlag,
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Coded> {
    let n_frames = pictures.len() as u32;
    if config.profile != Profile::Warp {
        let (spec, bits) =
            profile::paper_spec(config.profile, &config.model, &config.format, n_frames)?;
        let shape = spec.shape()?;
        let (params, n_steps) = engine.backend().train_paper(&shape, recipe, pictures, report)?;
        return Ok(Coded {
            model: ModelHeader::Paper(paper::model_header(&spec, bits)),
            payload: engine.run(|| paper::encode(&shape, &bits, &params, cancel))?,
            n_steps,
            lambda: recipe.lambda,
        });
    }
    let spec = plan::spec(config, recipe.lambda, n_frames);
    let shape = spec.shape()?;
    let in_parallel = config.threads != 1;
    let measure = |trained: &Trained| {
        let payload = group::encode(&shape, trained, in_parallel, cancel)?;
        Ok(8.0 * payload.len() as f64)
    };
    let trained = engine.backend().train(&shape, recipe, pictures, &measure, report)?;
    Ok(Coded {
        model: ModelHeader::Warp(group::model_header(&spec)),
        payload: engine.run(|| group::encode(&shape, &trained, in_parallel, cancel))?,
        n_steps: trained.n_steps,
        lambda: trained.lambda,
    })
}
