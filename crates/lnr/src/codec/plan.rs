// SPDX-License-Identifier: MIT OR Apache-2.0
//! From settings to the model and the recipe of a group.

use super::profile::paper_spec;
use super::{EncoderSettings, Profile, RateControl, SpeedPreset};
use crate::base::spec::{Extent, LatentSpec, ModelSpec, NetworkSpec, Precision, SourceSpec};
use crate::base::{Result, limits};
use crate::train::Recipe;

/// The price of a bit at quality 50; it doubles every 10 steps down.
pub const LAMBDA_50: f32 = 4e-3;

/// Visits of every frame, or of every point of a paper profile.
fn epochs(settings: &EncoderSettings) -> u32 {
    match (settings.epochs, settings.preset) {
        (0, SpeedPreset::Ultrafast) => 12,
        (0, SpeedPreset::Fast) => 50,
        (0, SpeedPreset::Medium) => 120,
        (0, SpeedPreset::Slow) => 240,
        (0, SpeedPreset::Veryslow) => 480,
        (n, _) => n,
    }
}

/// How group number `group` is trained.
pub fn recipe(settings: &EncoderSettings, group: u64) -> Recipe {
    let lambda = match settings.rate_control {
        RateControl::Quality(q) => LAMBDA_50 * ((50.0 - q) / 10.0).exp2(),
        RateControl::Bitrate(_) => LAMBDA_50,
    };
    let (epochs, seed) = (epochs(settings), settings.seed.wrapping_add(group));
    match settings.profile {
        Profile::Warp => Recipe::grids(lambda, epochs, seed),
        _ => Recipe::coordinates(epochs, seed),
    }
}

/// What a group of `n_frames` covers.
pub fn extent(settings: &EncoderSettings, n_frames: u32) -> Extent {
    let (width, height) = (settings.format.width, settings.format.height);
    let n_out = settings.format.chroma.n_planes() as u32;
    Extent { width, height, n_frames, n_out }
}

/// The model of a group of `n_frames` at this price of a bit.
///
/// # Errors
/// [`crate::base::Error::InvalidSetting`] when an option of the model is out of range.
pub fn spec(settings: &EncoderSettings, lambda: f32, n_frames: u32) -> Result<ModelSpec> {
    let extent = extent(settings, n_frames);
    match settings.profile {
        Profile::Warp => Ok(warp_spec(&extent, lambda)),
        profile => paper_spec(profile, &settings.model, &extent),
    }
}

/// The model of profile `warp`.
fn warp_spec(extent: &Extent, lambda: f32) -> ModelSpec {
    let side = extent.width.max(extent.height);
    // Strides double with the picture, from what was measured at 320 x 180.
    let scale = 1 << (side / 480).checked_ilog2().unwrap_or(0).min(2);
    let coarsest = 32 * scale;
    let strides = |finest: u32| {
        let all = std::iter::successors(Some(finest), |s| Some(s * 2));
        let useful = |&s: &u32| s <= coarsest && (s == finest || s < 2 * side);
        all.take_while(useful).take(limits::MAX_LEVELS).collect::<Vec<_>>()
    };
    let low_rate = lambda >= 1.2e-2;
    let high_rate = lambda <= 6e-3;
    ModelSpec {
        sources: vec![
            SourceSpec::Canonical {
                strides: strides(1),
                cubic_up_to: 2,
                margin: 0,
                motion: Some(0),
            },
            SourceSpec::Motion {
                strides: strides(if low_rate { 16 } else { 8 } * scale),
                node_step: 1,
            },
            SourceSpec::Residual {
                strides: strides(if high_rate { 2 } else { 4 } * scale),
                node_step: 1,
            },
        ],
        latent: LatentSpec { dim: 8, node_step: 1 },
        network: NetworkSpec::of_grids(16, 1),
        precision: Precision::Steps,
    }
}

/// Bytes of a group that hold neither network nor grids: header, checksums, frame units.
pub fn fixed_bytes(n_frames: usize) -> f64 {
    90.0 + 7.0 * (n_frames - 1) as f64
}
