// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the pictures of a group to its model and payload.

use super::choose::{self, Choice};
use super::embedding::{self, EmbeddingStats, Frames};
use super::payload::Coding;
use super::profile::paper_spec;
use super::{CancelFlag, EncoderSettings, Engine, plan};
use crate::backend::Shape;
use crate::base::spec::ModelSpec;
use crate::base::{Metadata, Picture, Result};
use crate::flow::Chain;
use crate::train::{Recipe, Report, Trained};

/// A trained and coded group.
pub struct Coded {
    pub model: ModelSpec,
    pub payload: Vec<u8>,
    /// Steps of training.
    pub n_steps: u32,
    /// The price of a bit, see [`Trained::lambda`].
    pub lambda: f32,
    /// What was chosen where there is a choice.
    pub choice: Choice,
    /// What it took to say what the frames mean.
    pub embedding: EmbeddingStats,
}

/// Trains and codes a group by its settings; with the flows between its pictures for profile `warp`.
/// `report` may stop the training by an error.
///
/// # Errors
/// [`crate::base::Error::Cancelled`] when `cancel` asks for a stop; those of `report` and of
/// training.
pub fn code(
    engine: &Engine,
    settings: &EncoderSettings,
    recipe: &Recipe,
    (frames, chain): (&Frames, Option<Chain>),
    metadata: &Metadata,
    cancel: &CancelFlag,
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Coded> {
    let pictures = frames.pictures;
    let n_frames = pictures.len() as u32;
    let extent = plan::extent(settings, n_frames);
    let mut recipe = recipe.clone();
    let (mut choice, mut n_trial_steps, mut n_tried) = (Choice::default(), 0, 0);
    let model = match chain {
        Some(chain) => {
            let n_main = recipe.epochs * n_frames;
            n_trial_steps = choose::most_steps(&recipe, n_frames);
            let n_steps = n_trial_steps + n_main;
            let mut report = |r: &Report| report(&Report { n_steps, ..*r });
            let group = (pictures, chain);
            let chosen = choose::choose(engine, (&extent, &recipe), group, cancel, &mut report)?;
            (recipe.start, choice, n_tried) = (chosen.start, chosen.choice, chosen.n_steps);
            chosen.model
        }
        None => paper_spec(settings.profile, &settings.model, &extent)?,
    };
    // Trials that were not needed count as done.
    let report = &mut |r: &Report| {
        let [step, n_steps] = [r.step, r.n_steps].map(|n| n + n_trial_steps);
        report(&Report { step, n_steps, ..*r })
    };
    let shape = Shape::new(&model, &extent)?;
    let coding = Coding { shape: &shape, precision: model.precision };
    let sections = |trained: &Trained| engine.run(|| coding.code(&trained.values, cancel));
    let metadata = &Metadata { source: Some(checksum(pictures)), ..metadata.clone() };
    let measure = |trained: &Trained| {
        let payload = sections(trained)?.payload(metadata, None);
        Ok(8.0 * payload.len() as f64)
    };
    let trained = engine.train((&shape, model.precision), &recipe, pictures, &measure, report)?;
    let price = recipe.target_bits.map(|_| trained.lambda.to_bits());
    let metadata = &Metadata { price, ..metadata.clone() };
    let sections = sections(&trained)?;
    let mut payload = sections.payload(metadata, None);
    let mut embedding = EmbeddingStats::default();
    if let Some(alignment) = &settings.alignment {
        let n_values = f64::from(extent.width) * f64::from(extent.height) * pictures.len() as f64;
        let costs = (payload.len(), f64::from(trained.lambda) / n_values);
        let poll = || cancel.check();
        let (section, stats) = engine.run(|| embedding::embed(alignment, frames, costs, &poll))?;
        payload = sections.payload(metadata, Some(&section));
        embedding = stats;
    }
    let n_steps = n_tried + trained.n_steps;
    Ok(Coded { model, payload, n_steps, lambda: trained.lambda, choice, embedding })
}

/// CRC-32C of the samples of pictures, plane by plane.
pub fn checksum(pictures: &[&Picture]) -> u32 {
    let add = |crc, picture: &&Picture| {
        let planes = 0..picture.format().chroma.n_planes();
        planes.fold(crc, |crc, plane| crc32c::crc32c_append(crc, picture.plane(plane)))
    };
    pictures.iter().fold(0, add)
}
