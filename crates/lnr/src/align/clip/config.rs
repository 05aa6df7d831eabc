// SPDX-License-Identifier: MIT OR Apache-2.0
//! What config.json says; fields that it leaves out have the values that the models' first releases had.

use std::path::Path;

use super::json::Object;
use crate::base::{Result, limits};

/// Bounds that no model in use comes near: they keep a damaged file from asking for much.
const MAX_WIDTH: usize = 16_384;
const MAX_LAYERS: usize = 256;
const MAX_CONTEXT: usize = 1024;
const MAX_VOCABULARY: usize = 4 << 20;
const MAX_IMAGE: usize = 2048;
/// Most numbers of the attention of all heads of a layer: 512 MB as f32.
const MAX_ATTENTION: usize = 1 << 27;

/// Which architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Clip,
    Siglip,
}

impl Family {
    /// Beginnings of the names of the text tower's tensors.
    pub fn text_tensors(self) -> &'static [&'static str] {
        &["text_model.", "text_projection."]
    }

    /// Beginnings of the names of the image tower's tensors.
    pub fn image_tensors(self) -> &'static [&'static str] {
        &["vision_model.", "visual_projection."]
    }
}

/// The function between the two layers of a block's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    QuickGelu,
    Gelu,
    GeluTanh,
}

/// A tower of blocks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tower {
    pub width: usize,
    pub heads: usize,
    pub layers: usize,
    pub mlp: usize,
    pub activation: Activation,
    pub eps: f64,
}

/// A model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Config {
    pub family: Family,
    pub vision: Tower,
    /// Side of the picture that the tower sees, in pixels.
    pub image_size: usize,
    /// Side of a patch in pixels.
    pub patch: usize,
    pub text: Tower,
    /// Most tokens.
    pub context: usize,
    pub vocabulary: usize,
    /// Number of the token at the end of a text.
    pub eos: u32,
    /// Number of the token after the end, where texts are padded.
    pub pad: Option<u32>,
    /// Dimensions of the vectors.
    pub dim: usize,
}

impl Config {
    /// # Errors
    /// [`crate::base::Error::Model`] naming what is missing or unknown.
    pub fn read(folder: &Path) -> Result<Self> {
        let all = Object::read(folder, "config.json")?;
        let family = match all.text("model_type", "")? {
            "clip" => Family::Clip,
            "siglip" => Family::Siglip,
            "siglip2" => {
                return Err(all.wrong(
                    "a SigLIP 2 of variable resolution: use one of fixed resolution (its model_type \
                     is siglip)",
                ));
            }
            other => {
                return Err(all.wrong(&format!(
                    "model_type is {other:?}: clip and siglip are known; for others compute features"
                )));
            }
        };
        let (vision, text) = (all.object("vision_config"), all.object("text_config"));
        let is_clip = family == Family::Clip;
        let image_size = vision.count("image_size", 224, MAX_IMAGE)?;
        let patch = vision.count("patch_size", if is_clip { 32 } else { 16 }, image_size)?;
        if vision.count("num_channels", 3, usize::MAX)? != 3 {
            return Err(vision.wrong("num_channels is not 3"));
        }
        let text_tower = tower(&text, if is_clip { (512, 8) } else { (768, 12) }, family)?;
        let most = limits::MAX_LATENT as usize;
        let dim = match family {
            Family::Clip => all.count("projection_dim", 512, most)?,
            Family::Siglip => text.count("projection_size", text_tower.width, most)?,
        };
        let vocabulary =
            text.count("vocab_size", if is_clip { 49_408 } else { 32_000 }, MAX_VOCABULARY)?;
        let context =
            text.count("max_position_embeddings", if is_clip { 77 } else { 64 }, MAX_CONTEXT)?;
        let vision_tower = tower(&vision, (768, 12), family)?;
        let n_rows = (image_size / patch).pow(2) + 1;
        for (of, heads, n) in
            [(&vision, vision_tower.heads, n_rows), (&text, text_tower.heads, context)]
        {
            if heads.saturating_mul(n).saturating_mul(n) > MAX_ATTENTION {
                return Err(of.wrong(&format!("{heads} heads over {n} rows are more than fit")));
            }
        }
        let number = |field: &str| text.get(field).and_then(|v| v.as_u64()).map(|v| v as u32);
        Ok(Self {
            family,
            image_size,
            patch,
            vision: vision_tower,
            context,
            vocabulary,
            eos: number("eos_token_id").unwrap_or(vocabulary as u32 - 1),
            pad: number("pad_token_id"),
            text: text_tower,
            dim,
        })
    }
}

fn tower(of: &Object, (width, heads): (usize, usize), family: Family) -> Result<Tower> {
    let is_clip = family == Family::Clip;
    let width = of.count("hidden_size", width, MAX_WIDTH)?;
    let heads = of.count("num_attention_heads", heads, MAX_WIDTH)?;
    if !width.is_multiple_of(heads) {
        return Err(of.wrong(&format!("{heads} heads do not divide a width of {width}")));
    }
    let name = of.text("hidden_act", if is_clip { "quick_gelu" } else { "gelu_pytorch_tanh" })?;
    let activation = match name {
        "quick_gelu" => Activation::QuickGelu,
        "gelu" => Activation::Gelu,
        "gelu_pytorch_tanh" | "gelu_new" => Activation::GeluTanh,
        other => {
            return Err(of.wrong(&format!(
                "hidden_act is {other:?}: quick_gelu, gelu and gelu_pytorch_tanh are known"
            )));
        }
    };
    Ok(Tower {
        width,
        heads,
        layers: of.count("num_hidden_layers", 12, MAX_LAYERS)?,
        mlp: of.count("intermediate_size", 4 * width, 8 * MAX_WIDTH)?,
        activation,
        eps: of.number("layer_norm_eps", if is_clip { 1e-5 } else { 1e-6 })?,
    })
}
