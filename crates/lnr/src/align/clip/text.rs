// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text tower.

use candle_core::{Module, Result as CandleResult, Tensor};
use candle_nn::{LayerNorm, Linear};

use super::CPU;
use super::config::{Config, Family};
use super::layers::Blocks;
use super::weights::Weights;
use crate::base::Result;

/// The number of the end of a text in configurations of CLIP's first release, which is not the token that
/// stands there: the end is then the largest number.
const LEGACY_EOS: u32 = 2;

pub(super) struct TextTower {
    family: Family,
    eos: u32,
    /// [vocabulary, width]
    tokens: Tensor,
    /// [context, width]
    positions: Tensor,
    blocks: Blocks,
    after: LayerNorm,
    projection: Linear,
}

impl TextTower {
    pub fn load(config: &Config, weights: &mut Weights) -> Result<Self> {
        let width = config.text.width;
        let token = "text_model.embeddings.token_embedding.weight";
        let position = "text_model.embeddings.position_embedding.weight";
        let sides = (width, config.dim);
        Ok(Self {
            family: config.family,
            eos: config.eos,
            tokens: weights.tensor(token, &[config.vocabulary, width])?,
            positions: weights.tensor(position, &[config.context, width])?,
            blocks: Blocks::load(&config.text, "text_model", weights)?,
            after: weights.norm("text_model.final_layer_norm", (width, config.text.eps))?,
            projection: match config.family {
                Family::Clip => weights.projection("text_projection", sides)?,
                Family::Siglip => weights.linear("text_model.head", sides)?,
            },
        })
    }

    /// tokens: at least one, at most the context's. returns: [dim]
    pub fn forward(&self, tokens: &[u32]) -> CandleResult<Tensor> {
        let n = tokens.len();
        let rows = self.tokens.index_select(&Tensor::new(tokens, &CPU)?, 0)?;
        let rows = (rows + self.positions.narrow(0, 0, n)?)?;
        let mask = match self.family {
            Family::Clip => Some(causal_mask(n)?),
            Family::Siglip => None,
        };
        let rows = self.after.forward(&self.blocks.forward(rows, mask.as_ref())?)?;
        let row = match self.family {
            Family::Clip if self.eos == LEGACY_EOS => first_largest(tokens),
            Family::Clip => tokens.iter().position(|t| *t == self.eos).unwrap_or(0),
            Family::Siglip => n - 1,
        };
        self.projection.forward(&rows.narrow(0, row, 1)?)?.squeeze(0)
    }
}

/// Nothing may look at what comes later. returns: [n, n]
fn causal_mask(n: usize) -> CandleResult<Tensor> {
    let value = |i: usize| if i % n > i / n { f32::NEG_INFINITY } else { 0.0 };
    Tensor::from_vec((0..n * n).map(value).collect(), (n, n), &CPU)
}

fn first_largest(tokens: &[u32]) -> usize {
    let largest = tokens.iter().max();
    tokens.iter().position(|t| Some(t) == largest).unwrap_or(0)
}
