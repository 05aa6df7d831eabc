// SPDX-License-Identifier: MIT OR Apache-2.0
//! The image tower.

use candle_core::{Module, Result as CandleResult, Tensor};
use candle_nn::{LayerNorm, Linear};

use super::config::{Config, Family};
use super::failed;
use super::layers::{Blocks, Mlp, attend};
use super::weights::Weights;
use crate::base::Result;

/// How the rows of the patches become one vector.
enum Head {
    /// The row of the class, before the patches, projected.
    Class { class: Tensor, before: LayerNorm, projection: Linear },
    /// What a learned question finds in all rows by attention.
    Attention { probe: Tensor, projections: [Linear; 4], norm: LayerNorm, mlp: Mlp, heads: usize },
}

pub(super) struct VisionTower {
    patch: usize,
    /// From the 3 * patch * patch samples of a patch to a row.
    patches: Linear,
    /// [rows, width]
    positions: Tensor,
    blocks: Blocks,
    after: LayerNorm,
    head: Head,
}

impl VisionTower {
    pub fn load(config: &Config, weights: &mut Weights) -> Result<Self> {
        let (tower, patch) = (&config.vision, config.patch);
        let (width, norm) = (tower.width, (tower.width, tower.eps));
        let n_patches = (config.image_size / patch).pow(2);
        let shape = [width, 3, patch, patch];
        let kernel = weights.tensor("vision_model.embeddings.patch_embedding.weight", &shape)?;
        let kernel = kernel.reshape((width, 3 * patch * patch)).map_err(failed)?;
        let positions = "vision_model.embeddings.position_embedding.weight";
        let blocks = Blocks::load(tower, "vision_model", weights)?;
        let after = weights.norm("vision_model.post_layernorm", norm)?;
        let (bias, n_rows, head) = match config.family {
            Family::Clip => {
                let head = Head::Class {
                    class: weights.tensor("vision_model.embeddings.class_embedding", &[width])?,
                    // The name is spelt so in every checkpoint.
                    before: weights.norm("vision_model.pre_layrnorm", norm)?,
                    projection: weights.projection("visual_projection", (width, config.dim))?,
                };
                (None, n_patches + 1, head)
            }
            Family::Siglip => {
                let bias = "vision_model.embeddings.patch_embedding.bias";
                (Some(weights.tensor(bias, &[width])?), n_patches, attention_head(config, weights)?)
            }
        };
        let positions = weights.tensor(positions, &[n_rows, width])?;
        Ok(Self { patch, patches: Linear::new(kernel, bias), positions, blocks, after, head })
    }

    /// pixels: [3, side, side]. returns: [dim]
    pub fn forward(&self, pixels: &Tensor) -> CandleResult<Tensor> {
        let (p, n) = (self.patch, pixels.dim(1)? / self.patch);
        let whole = pixels.narrow(1, 0, n * p)?.narrow(2, 0, n * p)?.contiguous()?;
        let patches = whole.reshape((3, n, p, n, p))?.permute((1, 3, 0, 2, 4))?;
        let rows = self.patches.forward(&patches.contiguous()?.reshape((n * n, 3 * p * p))?)?;
        match &self.head {
            Head::Class { class, before, projection } => {
                let rows = Tensor::cat(&[&class.unsqueeze(0)?, &rows], 0)?;
                let rows = before.forward(&(rows + &self.positions)?)?;
                let first = self.blocks.forward(rows, None)?.narrow(0, 0, 1)?;
                projection.forward(&self.after.forward(&first)?)?.squeeze(0)
            }
            Head::Attention { probe, projections: [q, k, v, out], norm, mlp, heads } => {
                let rows = self.blocks.forward((rows + &self.positions)?, None)?;
                let rows = self.after.forward(&rows)?;
                let [q, k, v] = [q.forward(probe)?, k.forward(&rows)?, v.forward(&rows)?];
                let found = out.forward(&attend(*heads, [&q, &k, &v], None)?)?;
                (&found + mlp.forward(&norm.forward(&found)?)?)?.squeeze(0)
            }
        }
    }
}

fn attention_head(config: &Config, weights: &mut Weights) -> Result<Head> {
    let (tower, name) = (&config.vision, "vision_model.head");
    let width = tower.width;
    let probe = weights.tensor(&format!("{name}.probe"), &[1, 1, width])?;
    // Queries, keys and values stand in one tensor.
    let inward =
        weights.tensor(&format!("{name}.attention.in_proj_weight"), &[3 * width, width])?;
    let bias = weights.tensor(&format!("{name}.attention.in_proj_bias"), &[3 * width])?;
    let part = |i: usize| {
        let weight = inward.narrow(0, i * width, width)?.contiguous()?;
        Ok(Linear::new(weight, Some(bias.narrow(0, i * width, width)?.contiguous()?)))
    };
    let [q, k, v] = [part(0), part(1), part(2)].map(|p: CandleResult<_>| p.map_err(failed));
    let out = weights.linear(&format!("{name}.attention.out_proj"), (width, width))?;
    Ok(Head::Attention {
        probe: probe.squeeze(0).map_err(failed)?,
        projections: [q?, k?, v?, out],
        norm: weights.norm(&format!("{name}.layernorm"), (width, tower.eps))?,
        mlp: Mlp::load(tower, &format!("{name}.mlp"), weights)?,
        heads: tower.heads,
    })
}
