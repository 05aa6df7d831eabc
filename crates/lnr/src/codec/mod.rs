// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures to access units and back: encoder, decoder, interpolation, latents.

pub mod convert;
pub mod metrics;

mod choices;
mod coded;
mod control;
mod decoder;
mod encoder;
mod engine;
mod grids;
mod group;
mod handle;
mod interpolate;
mod latents;
mod memory;
mod model;
mod paper;
mod plan;
mod profile;
mod scene;
mod settings;
mod threads;

pub use choices::{BackendChoice, Profile, SpeedPreset};
pub use control::{CancelFlag, Control, Progress};
pub use decoder::{Decoder, Shown};
pub use encoder::{AccessUnit, Encoder, EncoderStats, InputFrame};
pub use engine::BackendInfo;
pub use group::learn_states;
pub use handle::Engine;
pub use interpolate::Interpolator;
pub use latents::{Latent, LatentReader};
pub use model::{Part, PartSize, part_sizes};
pub use profile::ModelOptions;
pub use settings::{DecoderSettings, EncoderSettings, EngineSettings, Limits, RateControl};
pub use threads::Threads;

use scene::SceneDetector;
use settings::EncoderSettings as EncoderConfig;
