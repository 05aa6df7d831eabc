// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures to access units and back: encoder, decoder, interpolation, latents.

mod content;
pub mod convert;
pub mod metrics;

mod borders;
mod budget;
mod choices;
mod choose;
mod coded;
mod control;
mod decoder;
mod embedding;
mod encoder;
mod engine;
mod free_memory;
mod interpolate;
mod join;
mod latents;
mod loaded;
mod memory;
mod payload;
mod plan;
mod profile;
mod scene;
mod settings;
mod structure;
mod threads;
mod validate;

pub use choices::{BackendChoice, Profile, SpeedPreset};
pub use choose::Choice;
pub use control::{CancelFlag, Control, Progress};
pub use decoder::{Decoder, Shown};
pub use embedding::{Alignment, EmbeddingStats, EmbeddingTrack};
pub use encoder::{AccessUnit, Encoder, EncoderStats, InputFrame};
pub use engine::{BackendInfo, Engine};
pub use interpolate::Interpolator;
pub use join::Joiner;
pub use latents::{EmbeddingReader, Latent, LatentReader};
#[cfg(feature = "internals")]
pub use payload::{Coding, Parameters, learn_states};
pub use payload::{Part, PartReader, PartSize, metadata};
pub use profile::ModelOptions;
pub use settings::{DecoderSettings, EncoderSettings, EngineSettings, Limits, RateControl};
pub use threads::Threads;

use scene::SceneDetector;
