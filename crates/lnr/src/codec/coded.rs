// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the pictures of a group to its model and payload.

use super::payload::Coding;
use super::{CancelFlag, EncoderSettings, Engine, plan};
use crate::backend::Shape;
use crate::base::spec::ModelSpec;
use crate::base::{Metadata, Picture, Result};
use crate::train::{Recipe, Report, Trained};

/// A trained and coded group.
pub struct Coded {
    pub model: ModelSpec,
    pub payload: Vec<u8>,
    /// Steps of training.
    pub n_steps: u32,
    /// The price of a bit, see [`Trained::lambda`].
    pub lambda: f32,
}

/// Trains and codes a group by its settings. `report` may stop the training by an error.
///
/// # Errors
/// [`crate::base::Error::Cancelled`] when `cancel` asks for a stop; those of `report` and of
/// training.
pub fn code(
    engine: &Engine,
    settings: &EncoderSettings,
    recipe: &Recipe,
    pictures: &[&Picture],
    metadata: &Metadata,
    cancel: &CancelFlag,
    report: &mut (dyn FnMut(&Report) -> Result<()> + Send),
) -> Result<Coded> {
    let n_frames = pictures.len() as u32;
    let model = plan::spec(settings, recipe.lambda, n_frames)?;
    let shape = Shape::new(&model, &plan::extent(settings, n_frames))?;
    let coding = Coding { shape: &shape, precision: model.precision };
    let encode = |trained: &Trained, metadata: &Metadata| {
        engine.run(|| coding.encode(&trained.values, metadata, cancel))
    };
    let metadata = &Metadata { source: Some(checksum(pictures)), ..metadata.clone() };
    let measure = |trained: &Trained| Ok(8.0 * encode(trained, metadata)?.len() as f64);
    let trained = engine.train((&shape, model.precision), recipe, pictures, &measure, report)?;
    let price = recipe.target_bits.map(|_| trained.lambda.to_bits());
    let payload = encode(&trained, &Metadata { price, ..metadata.clone() })?;
    Ok(Coded { model, payload, n_steps: trained.n_steps, lambda: trained.lambda })
}

/// CRC-32C of the samples of pictures, plane by plane.
pub fn checksum(pictures: &[&Picture]) -> u32 {
    let add = |crc, picture: &&Picture| {
        let planes = 0..picture.format().chroma.n_planes();
        planes.fold(crc, |crc, plane| crc32c::crc32c_append(crc, picture.plane(plane)))
    };
    pictures.iter().fold(0, add)
}
