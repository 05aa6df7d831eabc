// SPDX-License-Identifier: MIT OR Apache-2.0
//! CLIP and SigLIP from a directory as Hugging Face lays them out: config.json, model.safetensors,
//! preprocessor_config.json and tokenizer.json. The two towers are loaded apart.

mod config;
mod json;
mod layers;
mod locate;
mod preprocess;
mod text;
mod tokens;
mod vision;
mod weights;

use std::path::Path;

use candle_core::Tensor;

pub use locate::find_model;

use crate::base::{Error, Result, Space};
use config::Config;
use preprocess::Preprocessing;
use text::TextTower;
use tokens::Tokens;
use vision::VisionTower;
use weights::Weights;

/// Says what pictures mean.
pub struct ImageModel {
    space: Space,
    preprocessing: Preprocessing,
    tower: VisionTower,
}

/// Says what texts mean, in the space of the [`ImageModel`] of the same directory.
pub struct TextModel {
    space: Space,
    tokens: Tokens,
    tower: TextTower,
}

/// What both models of a directory begin with.
struct Opened {
    config: Config,
    preprocessing: Preprocessing,
    weights: Weights,
    space: Space,
}

impl Opened {
    fn new(folder: &Path) -> Result<Self> {
        let config = Config::read(folder)?;
        let preprocessing = Preprocessing::read(folder, config.image_size)?;
        let mut weights = Weights::open(folder)?;
        // Vectors differ by as little as the activation or the filter of the resizing.
        let settings = crc32c::crc32c(format!("{config:?} {preprocessing:?}").as_bytes());
        let mut fingerprint = [0; 8];
        fingerprint[..4].copy_from_slice(&weights.sum()?.to_le_bytes());
        fingerprint[4..].copy_from_slice(&settings.to_le_bytes());
        let space = Space::new(locate::name_of(folder), fingerprint, config.dim)?;
        Ok(Self { config, preprocessing, weights, space })
    }
}

impl ImageModel {
    /// Loads the image tower of a model's directory, see [`find_model`].
    ///
    /// # Errors
    /// [`Error::Model`] naming what is missing, left over or of another kind than this version knows.
    pub fn load(folder: &Path) -> Result<Self> {
        let Opened { config, preprocessing, mut weights, space } = Opened::new(folder)?;
        let tower = VisionTower::load(&config, &mut weights)?;
        weights.finish(config.family.text_tensors())?;
        Ok(Self { space, preprocessing, tower })
    }

    /// The space of its vectors.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The vector of a picture of (width, height), as the model gives it: not of length 1.
    /// rgb: [height, width, 3] u8. returns: [dim] f32
    ///
    /// # Errors
    /// [`Error::Model`] where the picture is of another size, or a vector would hold what is no number.
    pub fn embed(&self, size: (usize, usize), rgb: &[u8]) -> Result<Vec<f32>> {
        let (side, pixels) = (self.preprocessing.side(), self.preprocessing.run(size, rgb)?);
        let run =
            || self.tower.forward(&Tensor::from_vec(pixels, (3, side, side), &CPU)?)?.to_vec1();
        finite(run().map_err(failed)?)
    }

    /// What the tower sees of a picture: resized, cropped and scaled. returns: [3, side, side] f32
    ///
    /// # Errors
    /// [`Error::Model`] where the picture is of another size.
    #[doc(hidden)]
    pub fn preprocess(&self, size: (usize, usize), rgb: &[u8]) -> Result<Vec<f32>> {
        self.preprocessing.run(size, rgb)
    }
}

impl TextModel {
    /// Loads the text tower of a model's directory, see [`find_model`].
    ///
    /// # Errors
    /// [`Error::Model`] naming what is missing, left over or of another kind than this version knows.
    pub fn load(folder: &Path) -> Result<Self> {
        let Opened { config, mut weights, space, .. } = Opened::new(folder)?;
        let tokens = Tokens::read(folder, &config)?;
        let tower = TextTower::load(&config, &mut weights)?;
        weights.finish(config.family.image_tensors())?;
        Ok(Self { space, tokens, tower })
    }

    /// The space of its vectors.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The vector of a text, as the model gives it: not of length 1. What is longer than the model's
    /// context is cut. returns: [dim] f32
    ///
    /// # Errors
    /// [`Error::Model`] where the text cannot be read as tokens.
    pub fn embed(&self, text: &str) -> Result<Vec<f32>> {
        let tokens = self.tokens.of(text)?;
        finite(self.tower.forward(&tokens).and_then(|v| v.to_vec1()).map_err(failed)?)
    }

    /// The numbers of the tokens of a text.
    ///
    /// # Errors
    /// [`Error::Model`] where the text cannot be read as tokens.
    #[doc(hidden)]
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        self.tokens.of(text)
    }
}

const CPU: candle_core::Device = candle_core::Device::Cpu;

fn failed(e: candle_core::Error) -> Error {
    Error::Model(e.to_string())
}

fn finite(vector: Vec<f32>) -> Result<Vec<f32>> {
    match vector.iter().all(|v| v.is_finite()) {
        true => Ok(vector),
        false => Err(Error::Model("its vector holds what is no number".into())),
    }
}
