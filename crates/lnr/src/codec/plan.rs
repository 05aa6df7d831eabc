// SPDX-License-Identifier: MIT OR Apache-2.0
//! From settings to the model and the recipe of a group.

use super::profile::paper_spec;
use super::structure::Structure;
use super::{EncoderSettings, Profile, RateControl, SpeedPreset};
use crate::base::Result;
use crate::base::spec::{Extent, ModelSpec};
use crate::train::{MANY_VISITS, Points, Recipe};

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

/// What a step sees of pictures whose longer side is this.
pub fn points(side: u32, is_long: bool) -> Points {
    Points::OfAFrame(match (side, is_long) {
        (0..480, _) => 2,
        (480..960, _) | (960..1920, true) => 3,
        (960..1920, false) | (_, true) => 4,
        (_, false) => 6,
    })
}

/// What steps see and how many there are, by the longer side of the picture. Short trainings need many
/// steps, however few pixels each sees, and 14,000 are enough; long ones of large pictures gain by more
/// pixels, more looks at the rate and more visits, as many as about half a frame per second allows on two cores
/// (docs/adr/0003).
fn of_size(settings: &EncoderSettings, recipe: Recipe) -> Recipe {
    let side = settings.format.width.max(settings.format.height);
    let is_long = recipe.epochs >= MANY_VISITS;
    let points = points(side, is_long);
    let rate_interval = if is_long && side >= 480 { 2 } else { recipe.rate_interval };
    let more = match side {
        480..960 => recipe.epochs / 2,
        960..1920 => recipe.epochs / 6,
        _ => 0,
    };
    let is_asked = settings.epochs > 0;
    let more = if is_long && !is_asked { more } else { 0 };
    Recipe { points, rate_interval, epochs: recipe.epochs + more, ..recipe }
}

/// How group number `group` is trained.
pub fn recipe(settings: &EncoderSettings, group: u64) -> Recipe {
    let lambda = match settings.rate_control {
        RateControl::Quality(q) => LAMBDA_50 * ((50.0 - q) / 10.0).exp2(),
        RateControl::Bitrate(_) => LAMBDA_50,
    };
    let (epochs, seed) = (epochs(settings), settings.seed.wrapping_add(group));
    match settings.profile {
        Profile::Warp => of_size(settings, Recipe::grids(lambda, epochs, seed)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Chroma, PictureFormat};

    #[test]
    fn long_trainings_of_large_pictures_take_more_visits_unless_visits_are_asked_for() {
        let visits = |width, set: &dyn Fn(EncoderSettings) -> EncoderSettings| {
            let format = PictureFormat::new(width, 180, Chroma::Yuv420, 8);
            recipe(&set(EncoderSettings::new(format)), 0).epochs
        };
        let sizes = [320, 640, 1280, 1920];
        assert_eq!(sizes.map(|width| visits(width, &|s| s)), [180, 270, 210, 180]);
        assert_eq!(sizes.map(|width| visits(width, &|s| s.epochs(180))), [180; 4]);
        assert_eq!(sizes.map(|width| visits(width, &|s| s.preset(SpeedPreset::Fast))), [60; 4]);
    }
}
