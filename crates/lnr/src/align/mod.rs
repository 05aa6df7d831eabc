// SPDX-License-Identifier: MIT OR Apache-2.0
//! What pictures mean: embedding models such as CLIP and SigLIP, vectors that a user computed, and the
//! [`Space`]s that both live in. An encoder stores a [`Teacher`]'s vectors beside its latents, so that a file
//! is searched without decoding a picture (Latent-INR, sections 3.6 and 4.3).

#[cfg(feature = "clip")]
mod clip;
mod features;
mod npy;
#[cfg(feature = "clip")]
mod safetensors_file;
mod teacher;
mod vectors;

pub use crate::base::Space;

/// The variable of the environment that names a model where nothing else does.
pub const MODEL_VARIABLE: &str = "LNR_CLIP_MODEL";

#[cfg(feature = "clip")]
pub use clip::{ImageModel, TextModel, find_model};
pub use features::Features;
pub use npy::{read_npy, write_npy};
pub use teacher::Teacher;
pub use vectors::{cosine, normalise};
