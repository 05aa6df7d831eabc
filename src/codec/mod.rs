// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures to access units and back: encoder, decoder, interpolation, latents.

pub mod convert;
pub mod metrics;

mod config;
mod control;
mod decoder;
mod encoder;
mod interpolate;
mod latents;

pub use config::{EncoderConfig, RateControl, SpeedPreset};
pub use control::{CancelFlag, Control, Progress};
pub use decoder::{Decoder, DecoderConfig, Shown};
pub use encoder::{AccessUnit, Encoder, EncoderStats, InputFrame};
pub use interpolate::Interpolator;
pub use latents::{Latent, LatentReader};
