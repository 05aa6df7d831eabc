// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much memory a group takes, and how long groups may be for it.

use super::plan::{LAMBDA_50, extent, largest, recipe};
use super::{EncoderSettings, Engine};
use crate::backend::Shape;
use crate::base::{Error, Result};

/// Most frames that a group may have within the settings. Of a GPU's free bytes four fifths may be
/// used: the rest is for rendering and for other programs.
///
/// # Errors
/// When not even one frame fits: [`Error::InvalidSetting`] into `max_memory`, [`Error::Backend`] into
/// the GPU.
pub fn max_group_frames(settings: &EncoderSettings, engine: &Engine) -> Result<usize> {
    let free = engine.free_bytes()?.map(|bytes| bytes / 5 * 4);
    let needed = |n| needed(settings, engine, n);
    within(settings, free, &needed)
}

/// What the training of a group takes.
#[derive(Clone, Copy)]
struct Needed {
    bytes: u64,
    /// Whether that is memory of a GPU.
    on_gpu: bool,
}

fn within(
    settings: &EncoderSettings,
    free: Option<u64>,
    needed: &dyn Fn(u32) -> Result<Needed>,
) -> Result<usize> {
    let wanted = Some(settings.max_memory).filter(|&bytes| bytes > 0);
    let mut n = settings.key_int_max;
    loop {
        let Needed { bytes, on_gpu } = needed(n)?;
        let most = wanted.into_iter().chain(free.filter(|_| on_gpu)).min();
        let Some(most) = most.filter(|&most| bytes > most) else { return Ok(n as usize) };
        match n {
            1 if wanted == Some(most) => {
                return Err(Error::InvalidSetting(format!(
                    "max-memory {} MiB: {}",
                    most >> 20,
                    one_frame(settings, bytes)
                )));
            }
            1 => {
                return Err(Error::Backend(format!(
                    "CUDA: {}, and {} MiB of the device are left to use; end what else runs on it, \
                     choose another `device`, or use backend=cpu",
                    one_frame(settings, bytes),
                    most >> 20
                )));
            }
            _ => n = n * 3 / 4,
        }
    }
}

fn one_frame(settings: &EncoderSettings, needed: u64) -> String {
    let (width, height) = (settings.format.width, settings.format.height);
    format!("one frame of {width}x{height} needs {} MiB", (needed >> 20) + 1)
}

fn needed(settings: &EncoderSettings, engine: &Engine, n: u32) -> Result<Needed> {
    let extent = extent(settings, n);
    let (mut bytes, mut on_gpu) = (0, false);
    // Whichever model is chosen must fit.
    for model in largest(settings, LAMBDA_50, n)? {
        let shape = Shape::new(&model, &extent)?;
        let needed = engine.training_bytes(&shape, &recipe(settings, 0), &settings.format)?;
        (bytes, on_gpu) = (bytes.max(needed.0), on_gpu | needed.1);
    }
    // The caller's pictures wait in the host's memory, which counts where that trains.
    let pictures = u64::from(n) * settings.format.n_bytes() as u64;
    Ok(Needed { bytes: bytes + if on_gpu { 0 } else { pictures }, on_gpu })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Chroma, PictureFormat};

    fn settings() -> EncoderSettings {
        EncoderSettings::new(PictureFormat::new(320, 180, Chroma::Yuv420, 8))
    }

    /// Groups of which each frame takes a MiB, on a GPU or not.
    fn frames(settings: &EncoderSettings, free: Option<u64>, on_gpu: bool) -> Result<usize> {
        within(settings, free, &|n| Ok(Needed { bytes: u64::from(n) << 20, on_gpu }))
    }

    #[test]
    fn a_gpu_bounds_groups_by_what_is_free() {
        let settings = settings();
        assert_eq!(frames(&settings, None, false).unwrap(), 33);
        assert_eq!(frames(&settings, Some(33 << 20), true).unwrap(), 33);
        assert!((10..33).contains(&frames(&settings, Some(32 << 20), true).unwrap()));
        // A group that goes to the CPU does not take the GPU's memory.
        assert_eq!(frames(&settings, Some(1 << 20), false).unwrap(), 33);
    }

    #[test]
    fn the_smaller_bound_counts() {
        let settings = settings().max_memory(16 << 20);
        assert!(frames(&settings, Some(80 << 30), true).unwrap() <= 16);
        assert!(frames(&settings, None, false).unwrap() <= 16);
        assert!(frames(&settings, Some(8 << 20), true).unwrap() <= 8);
    }

    #[test]
    fn one_frame_that_does_not_fit_is_an_error() {
        let message = |settings: &EncoderSettings, free| match frames(settings, free, true) {
            Err(Error::Backend(text)) => format!("backend: {text}"),
            Err(Error::InvalidSetting(text)) => format!("setting: {text}"),
            other => panic!("{other:?}"),
        };
        let gpu = message(&settings(), Some(1 << 19));
        assert!(gpu.starts_with("backend: CUDA") && gpu.contains("backend=cpu"), "{gpu}");
        let settings = settings().max_memory(1 << 19);
        for free in [None, Some(1 << 20), Some(80 << 30)] {
            let setting = message(&settings, free);
            assert!(setting.starts_with("setting: max-memory 0 MiB"), "{setting}");
        }
    }

    #[test]
    fn what_training_takes_grows_with_its_frames() {
        let settings = settings();
        let engine = Engine::open(crate::EngineSettings::default().threads(1)).unwrap();
        let bytes = |n| needed(&settings, &engine, n).unwrap().bytes;
        let pictures = 320 * 180 * 3 / 2;
        assert!(bytes(1) > pictures && bytes(33) - bytes(1) > 32 * pictures);
    }

    #[test]
    fn the_format_can_describe_the_longest_group_of_the_largest_pictures() {
        for (width, height) in [(16_384, 4096), (4096, 16_384), (320, 180), (1, 1)] {
            let format = PictureFormat::new(width, height, Chroma::Yuv444, 8);
            for quality in [0.0, 50.0, 100.0] {
                let settings = EncoderSettings::new(format).quality(quality);
                let lambda = recipe(&settings, 0).lambda;
                for model in largest(&settings, lambda, 256).unwrap() {
                    model.check(&extent(&settings, 256)).unwrap();
                }
            }
        }
    }
}
