// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much memory a group takes, how long groups may be for it, and how many are trained at once.

use super::budget::LAG;
use super::plan::{LAMBDA_50, extent, largest, recipe};
use super::{EncoderSettings, Engine, Profile, RateControl, choose, free_memory};
use crate::backend::Shape;
use crate::base::{Error, Result};

/// Bytes of a GPU that training may take, if the engine has one: of those that are free four fifths, the
/// rest is for rendering and for other programs.
fn gpu_bytes(engine: &Engine) -> Result<Option<u64>> {
    Ok(engine.free_bytes()?.map(|bytes| bytes / 5 * 4))
}

/// Bytes that the settings allow, if they bound them.
fn allowed(settings: &EncoderSettings) -> Option<u64> {
    Some(settings.max_memory).filter(|&bytes| bytes > 0)
}

/// Most frames that a group may have within the settings.
///
/// # Errors
/// When not even one frame fits: [`Error::InvalidSetting`] into `max_memory`, [`Error::Backend`] into
/// the GPU.
pub fn max_group_frames(settings: &EncoderSettings, engine: &Engine) -> Result<usize> {
    let free = gpu_bytes(engine)?;
    let needed = |n| needed(settings, engine, n);
    within(settings, free, &needed)
}

/// Most groups at once where nobody asks for more: from here on it is a group's own threads that help.
const MAX_JOBS: u64 = 8;
/// What may be taken where nobody says how much memory is free.
const UNKNOWN_MEMORY: u64 = 2 << 30;

/// How many groups of `n_frames` are trained at once: as many as the settings ask for, or as there are
/// threads, or one on a GPU, if memory allows.
///
/// # Errors
/// [`Error::Backend`] when the GPU fails.
pub fn jobs(settings: &EncoderSettings, engine: &Engine, n_frames: usize) -> Result<usize> {
    let needed = needed(settings, engine, n_frames as u32)?;
    let free = match needed.on_gpu {
        true => gpu_bytes(engine)?,
        // The other half is for what else runs, and for pictures on their way.
        false => Some(free_memory::bytes().unwrap_or(2 * UNKNOWN_MEMORY) / 2),
    };
    Ok(jobs_within(settings, engine.n_threads(), free, needed))
}

fn jobs_within(
    settings: &EncoderSettings,
    n_threads: usize,
    free: Option<u64>,
    needed: Needed,
) -> usize {
    let Needed { bytes, on_gpu } = needed;
    let is_asked = settings.jobs > 0;
    let asked = match (is_asked, on_gpu) {
        (true, true) => settings.jobs as u64,
        (true, false) => settings.jobs.min(n_threads) as u64,
        (false, true) => 1,
        (false, false) => (n_threads as u64).min(MAX_JOBS),
    };
    let most = match settings.rate_control {
        RateControl::Bitrate(_) => asked.min(LAG as u64),
        RateControl::Quality(_) => asked,
    };
    // Who asks for a number knows the memory of his machine; a GPU's ends the work.
    let free = free.filter(|_| on_gpu || !is_asked);
    let fit = allowed(settings).into_iter().chain(free).map(|most| most / bytes.max(1)).min();
    most.min(fit.unwrap_or(u64::MAX)).max(1) as usize
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
    let wanted = allowed(settings);
    let mut n = settings.key_int_max;
    loop {
        let Needed { bytes, on_gpu } = match needed(n) {
            // The format has no room for so many frames of this size.
            Err(Error::Limit(_)) if n > 1 => {
                n = n * 3 / 4;
                continue;
            }
            needed => needed?,
        };
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
    // Whichever model is chosen must fit; where bits are dear, residual grids are coarser than here.
    for model in largest(settings, LAMBDA_50, n)? {
        let shape = Shape::new(&model, &extent)?;
        let needed = engine.training_bytes(&shape, &recipe(settings, 0), &settings.format)?;
        (bytes, on_gpu) = (bytes.max(needed.0), on_gpu | needed.1);
    }
    if !on_gpu {
        // The caller's pictures, and what models are tried with, wait in the host's memory.
        bytes += u64::from(n) * settings.format.n_bytes() as u64;
        if settings.profile == Profile::Warp {
            bytes += choose::bytes(&settings.format, n as usize);
        }
    }
    Ok(Needed { bytes, on_gpu })
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
        assert_eq!(frames(&settings, None, false).unwrap(), 66);
        assert_eq!(frames(&settings, Some(66 << 20), true).unwrap(), 66);
        assert!((20..66).contains(&frames(&settings, Some(65 << 20), true).unwrap()));
        // A group that goes to the CPU does not take the GPU's memory.
        assert_eq!(frames(&settings, Some(1 << 20), false).unwrap(), 66);
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
    fn as_many_at_once_as_threads_and_memory_allow() {
        let jobs = |settings: &EncoderSettings, threads, free: u64, on_gpu| {
            jobs_within(settings, threads, Some(free << 20), Needed { bytes: 10 << 20, on_gpu })
        };
        let auto = settings();
        assert_eq!([1, 2, 8, 64].map(|n| jobs(&auto, n, 1000, false)), [1, 2, 8, 8]);
        assert_eq!([5, 25, 45].map(|free| jobs(&auto, 4, free, false)), [1, 2, 4]);
        assert_eq!(jobs(&auto, 64, 1000, true), 1);
        let asked = settings().jobs(6);
        assert_eq!([1, 4, 64].map(|n| jobs(&asked, n, 15, false)), [1, 4, 6]);
        assert_eq!([1000, 35, 5].map(|free| jobs(&asked, 1, free, true)), [6, 3, 1]);
        let bounded = settings().jobs(6).max_memory(29 << 20);
        assert_eq!([false, true].map(|on_gpu| jobs(&bounded, 64, 1000, on_gpu)), [2, 2]);
        assert_eq!(jobs(&settings().jobs(6).bitrate(9), 64, 1000, false), LAG);
    }

    #[test]
    fn groups_are_as_long_as_the_format_can_describe() {
        let engine = Engine::open(crate::EngineSettings::default().threads(1)).unwrap();
        for (width, height, longest) in
            [(320, 180, 256), (640, 480, 66), (958, 958, 50), (1918, 1918, 66), (4096, 2160, 66)]
        {
            let format = PictureFormat::new(width, height, Chroma::Yuv420, 8);
            let settings = EncoderSettings::new(format);
            let n = |settings: &EncoderSettings| max_group_frames(settings, &engine).unwrap();
            assert_eq!(n(&settings), 66, "{width}x{height}");
            let n = n(&settings.key_int_max(256));
            assert!((longest..=256).contains(&n), "{width}x{height}: {n}");
        }
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
