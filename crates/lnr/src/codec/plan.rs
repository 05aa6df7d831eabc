// SPDX-License-Identifier: MIT OR Apache-2.0
//! From settings to the model and the recipe of a group.

use super::profile::paper_spec;
use super::structure::Structure;
use super::{EncoderSettings, Profile, RateControl, SpeedPreset};
use crate::base::Result;
use crate::base::spec::{Extent, ModelSpec};
use crate::train::{Points, Recipe};

/// The price of a bit at quality 50; it doubles every 10 steps down.
pub const LAMBDA_50: f32 = 4e-3;

/// Visits of every frame, or of every point of a paper profile.
fn epochs(settings: &EncoderSettings) -> u32 {
    match (settings.epochs, settings.preset) {
        (0, SpeedPreset::Ultrafast) => 24,
        (0, SpeedPreset::Fast) => 60,
        (0, SpeedPreset::Medium) => 180,
        (0, SpeedPreset::Slow) => 360,
        (0, SpeedPreset::Veryslow) => 720,
        (n, _) => n,
    }
}

/// The pixels of a step, by the longer side of the picture: what counts is the number of steps, as long as
/// a step sees 14,000 pixels (docs/adr/0003).
fn points(side: u32) -> Points {
    Points::OfAFrame(match side {
        0..480 => 2,
        480..960 => 3,
        960..1920 => 4,
        _ => 6,
    })
}

/// How group number `group` is trained.
pub fn recipe(settings: &EncoderSettings, group: u64) -> Recipe {
    let lambda = match settings.rate_control {
        RateControl::Quality(q) => LAMBDA_50 * ((50.0 - q) / 10.0).exp2(),
        RateControl::Bitrate(_) => LAMBDA_50,
    };
    let (epochs, seed) = (epochs(settings), settings.seed.wrapping_add(group));
    match settings.profile {
        Profile::Warp => {
            let side = settings.format.width.max(settings.format.height);
            Recipe { points: points(side), ..Recipe::grids(lambda, epochs, seed) }
        }
        _ => Recipe::coordinates(epochs, seed),
    }
}

/// What a group of `n_frames` covers.
pub fn extent(settings: &EncoderSettings, n_frames: u32) -> Extent {
    let (width, height) = (settings.format.width, settings.format.height);
    let n_out = settings.format.chroma.n_planes() as u32;
    Extent { width, height, n_frames, n_out }
}

/// The largest models that a group of `n_frames` may get at this price of a bit.
///
/// # Errors
/// [`crate::base::Error::InvalidSetting`] when an option of the model is out of range.
pub fn largest(settings: &EncoderSettings, lambda: f32, n_frames: u32) -> Result<Vec<ModelSpec>> {
    let extent = extent(settings, n_frames);
    match settings.profile {
        Profile::Warp => {
            let simple = Structure::new(&extent, lambda);
            let all = [Some(simple), simple.anchored(&extent)];
            Ok(all.into_iter().flatten().map(|s| s.spec(&extent)).collect())
        }
        profile => Ok(vec![paper_spec(profile, &settings.model, &extent)?]),
    }
}

/// Bytes of a group that hold neither network nor grids: header, checksums, frame units.
pub fn fixed_bytes(n_frames: usize) -> f64 {
    90.0 + 7.0 * (n_frames - 1) as f64
}
