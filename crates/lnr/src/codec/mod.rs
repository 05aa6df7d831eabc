// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures to access units and back: encoder, decoder, interpolation, latents.

pub mod convert;
pub mod metrics;

mod coded;
mod config;
mod control;
mod decoder;
mod encoder;
mod engine;
mod grids;
mod group;
mod interpolate;
mod latents;
mod memory;
mod model;
mod paper;
mod plan;
mod profile;
mod scene;

pub use config::{EncoderConfig, RateControl, SpeedPreset};
pub use control::{CancelFlag, Control, Progress};
pub use decoder::{Decoder, DecoderConfig, Shown};
pub use encoder::{AccessUnit, Encoder, EncoderStats, InputFrame};
pub use engine::BackendInfo;
pub use engine::{Engine, EngineConfig};
pub use group::learn_states;
pub use interpolate::Interpolator;
pub use model::{Part, PartSize, part_sizes};
pub use profile::{ModelOptions, Profile};
use scene::SceneDetector;

pub use latents::{Latent, LatentReader};
