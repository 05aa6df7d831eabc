// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much memory the training of a group takes, and how long groups may be for it.

use super::EncoderConfig;
use super::Profile;
use super::plan::{LAMBDA_50, spec};
use super::profile::paper_spec;
use crate::backend::Shape;
use crate::backend::paper::PaperShape;
use crate::base::{Error, Result};
use crate::train::paper_points;

/// What trains.
#[derive(Clone, Copy)]
enum Place {
    Cpu,
    Gpu,
}

/// Most frames that a group may have within the settings. `free` are the free bytes of the GPU, where
/// one trains: four fifths of them may be used, the rest is for rendering and for other programs.
///
/// # Errors
/// When not even one frame fits: [`Error::InvalidSetting`] into `max_memory`, [`Error::Backend`] into
/// the GPU.
pub fn max_group_frames(config: &EncoderConfig, free: Option<u64>) -> Result<usize> {
    let place = if free.is_some() { Place::Gpu } else { Place::Cpu };
    let mut n = config.key_int_max;
    while config.profile == Profile::Warp && spec(config, LAMBDA_50, n).shape().is_err() && n > 1 {
        n /= 2;
    }
    let wanted = Some(config.max_memory).filter(|&bytes| bytes > 0);
    let there = free.map(|bytes| bytes / 5 * 4);
    let Some(most) = wanted.into_iter().chain(there).min() else { return Ok(n as usize) };
    loop {
        let needed = memory(config, n, place)?;
        match n {
            _ if needed <= most => return Ok(n as usize),
            1 if wanted == Some(most) => {
                return Err(Error::InvalidSetting(format!(
                    "max-memory {} MiB: {}",
                    most >> 20,
                    one_frame(config, needed)
                )));
            }
            1 => {
                return Err(Error::Backend(format!(
                    "CUDA: {}, and {} MiB of the device are left to use; end what else runs on it, \
                     choose another `device`, or use backend=cpu",
                    one_frame(config, needed),
                    most >> 20
                )));
            }
            _ => n = n * 3 / 4,
        }
    }
}

fn one_frame(config: &EncoderConfig, needed: u64) -> String {
    let (width, height) = (config.format.width, config.format.height);
    format!("one frame of {width}x{height} needs {} MiB", (needed >> 20) + 1)
}

/// Bytes that training a group of `n` frames takes, about.
fn memory(config: &EncoderConfig, n: u32, place: Place) -> Result<u64> {
    let pictures = n as usize * config.format.n_bytes();
    if config.profile != Profile::Warp {
        let (spec, _) = paper_spec(config.profile, &config.model, &config.format, n)?;
        let shape = spec.shape()?;
        return Ok(match place {
            Place::Cpu => pictures + 4 * paper_floats_on_cpu(&shape, n_threads(config)),
            // The pictures stay with the CPU.
            Place::Gpu => 4 * paper_floats_on_gpu(&shape),
        } as u64);
    }
    let shape = spec(config, LAMBDA_50, n).shape()?;
    let floats = match place {
        Place::Cpu => floats_on_cpu(&shape, n_threads(config)),
        Place::Gpu => floats_on_gpu(&shape),
    };
    Ok((pictures + 4 * floats) as u64)
}

fn n_threads(config: &EncoderConfig) -> usize {
    match config.threads {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
        n => n,
    }
}

/// Values, gradients, moments, symbols, slopes and kept rate of every grid entry; one gradient per
/// thread.
fn floats_on_cpu(shape: &Shape, n_threads: usize) -> usize {
    let n_pixels = shape.width * shape.height;
    8 * shape.n_grid() + (2 + n_threads) * shape.n_canonical() + 6 * n_pixels
}

/// As on the CPU, but one gradient only: sums of 8 bytes. Per pixel the target, and the gradients of
/// displacement and residual features.
fn floats_on_gpu(shape: &Shape) -> usize {
    let of_pixel = shape.network.n_out + 2 + shape.residual.levels.len();
    let of_moment = shape.motion.node_len + shape.residual.node_len;
    let n_pixels = shape.width * shape.height;
    7 * shape.n_grid() + 2 * shape.n_canonical() + of_moment + of_pixel * n_pixels
}

/// Values, gradients, moments; one gradient of what frames share per thread; P and Q and their
/// gradients per frame.
fn paper_floats_on_cpu(shape: &PaperShape, n_threads: usize) -> usize {
    let of_frame: usize = shape.hyper.iter().filter_map(|h| h.layers.last()).map(|l| l.n_out).sum();
    5 * shape.len() + n_threads * shape.n_shared() + 2 * shape.n_frames * of_frame
}

/// Values, gradients, moments, sums of the tables' gradients, and what `crates/lnr/src/backend/cuda/paper`
/// keeps of every frame and of every point.
fn paper_floats_on_gpu(shape: &PaperShape) -> usize {
    // Rows of matrices are padded.
    let padded = |n: usize| n.next_multiple_of(32);
    let layers = || shape.layers.iter().map(|l| (padded(l.n_in), padded(l.n_out)));
    let widest = layers().map(|(i, o)| i.max(o)).max().unwrap_or(0);
    let matrix = layers().map(|(i, o)| i * o).max().unwrap_or(0);
    let parameters = 4 * shape.len() + 2 * shape.n_encoding();
    // A modulated layer's mask and its weights in f16, both ways round; the outputs of its
    // hypernetwork.
    let modulated = shape.hyper.iter().map(|h| {
        let layer = &shape.layers[h.layer];
        let outputs: usize = h.layers.iter().map(|l| l.n_out).sum();
        layer.n_in * layer.n_out + padded(layer.n_in) * padded(layer.n_out) + outputs
    });
    // Gradients of a layer's weights, in 8 parts where it has one for all frames, and of a mask; of a
    // layer of a hypernetwork, in 16 parts.
    let hyper = shape.hyper.iter().flat_map(|h| &h.layers).map(|l| l.n_in.max(l.n_out)).max();
    let of_frame = modulated.sum::<usize>() + matrix + 18 * hyper.unwrap_or(0);
    let of_weights = shape.n_frames.max(8) * matrix;
    // Target, values; in f16 the inputs of all layers, and gradients of two.
    let inputs: usize = layers().map(|(i, _)| i).sum();
    let of_point = shape.n_values() + padded(shape.n_values()) + inputs.div_ceil(2) + widest;
    parameters + of_weights + shape.n_frames * (of_frame + paper_points(shape) * of_point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Chroma, PictureFormat};

    fn config(profile: Profile) -> EncoderConfig {
        let format = PictureFormat::new(320, 180, Chroma::Yuv420, 8);
        EncoderConfig { profile, ..EncoderConfig::new(format) }
    }

    #[test]
    fn a_gpu_bounds_groups_by_what_is_free() {
        for profile in [Profile::Warp, Profile::PaperS] {
            let config = config(profile);
            let frames = |free| max_group_frames(&config, free).unwrap();
            assert_eq!((frames(None), frames(Some(80 << 30))), (33, 33), "{profile:?}");
            let needed = memory(&config, 33, Place::Gpu).unwrap();
            assert_eq!(frames(Some(needed * 5 / 4 + 5)), 33, "{profile:?}");
            let fewer = frames(Some(needed));
            assert!((10..33).contains(&fewer), "{profile:?}: {fewer} frames");
        }
    }

    #[test]
    fn the_smaller_bound_counts() {
        let mut config = config(Profile::Warp);
        let half = memory(&config, 16, Place::Gpu).unwrap();
        config.max_memory = half;
        let wanted = max_group_frames(&config, Some(80 << 30)).unwrap();
        assert!(wanted <= 16);
        config.max_memory = 80 << 30;
        assert_eq!(max_group_frames(&config, Some(half * 5 / 4 + 5)).unwrap(), wanted);
    }

    #[test]
    fn one_frame_that_does_not_fit_is_an_error() {
        let mut config = config(Profile::Warp);
        let message = |config: &EncoderConfig, free| match max_group_frames(config, free) {
            Err(Error::Backend(text)) => format!("backend: {text}"),
            Err(Error::InvalidSetting(text)) => format!("setting: {text}"),
            other => panic!("{other:?}"),
        };
        let gpu = message(&config, Some(1 << 20));
        assert!(gpu.starts_with("backend: CUDA") && gpu.contains("backend=cpu"), "{gpu}");
        config.max_memory = 1 << 19;
        for free in [None, Some(1 << 20), Some(80 << 30)] {
            let setting = message(&config, free);
            assert!(setting.starts_with("setting: max-memory 0 MiB"), "{setting}");
        }
    }
}
