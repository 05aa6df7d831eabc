// SPDX-License-Identifier: MIT OR Apache-2.0
//! Twins of the structs in `kernels/coordinates`.

use bytemuck::Zeroable;

use super::super::args::{Points, args};
use super::super::sizes::{MAX_FREQUENCIES, MAX_FUSED, MAX_HASH_LEVELS, MAX_TIMES};
use crate::backend::{self, Encoding, Sample, Shape};

args! {
    struct Dense {
        a: u64,
        b: u64,
        out16: u64,
        out32: u64,
        bias: u64,
        mask: u64,
        a_batch: u64,
        b_batch: u64,
        out_batch: u64,
        mask_batch: u64,
        rows: u32,
        columns: u32,
        depth: u32,
        a_pitch: u32,
        b_pitch: u32,
        out_pitch: u32,
        n_bias: u32,
        relu: u32,
    }

    struct Fused {
        inputs: u64,
        values: u64,
        weights: [u64; MAX_FUSED],
        biases: [u64; MAX_FUSED],
        n_biases: [u32; MAX_FUSED],
        n_points: u32,
        n_layers: u32,
        pitch: u32,
        out_pitch: u32,
        n_in: u32,
        n_out: u32,
        n_values: u32,
        unused: u32,
    }

    struct Weights {
        weights: u64,
        mask: u64,
        forward: u64,
        transposed: u64,
        n_out: u32,
        n_in: u32,
        padded_out: u32,
        padded_in: u32,
    }

    struct ColumnSum {
        values: u64,
        partials: u64,
        rows: u32,
        columns: u32,
        pitch: u32,
        unused: u32,
    }

    struct SumParts {
        parts: u64,
        to: u64,
        tanh: u64,
        part: u64,
        n_parts: u32,
        rows: u32,
        columns: u32,
        pitch: u32,
        gain: f32,
        adds: u32,
    }

    struct SumFrames {
        frames: u64,
        sum: u64,
        n: u64,
        n_frames: u32,
        unused: u32,
    }

    struct Hyper {
        layer: u64,
        inputs: u64,
        outputs: u64,
        d_layer: u64,
        d_inputs: u64,
        n_in: u32,
        n_out: u32,
        n_frames: u32,
        tanh: u32,
    }

    struct Between {
        first: u16,
        second: u16,
        weight: f32,
    }

    struct Latents {
        latents: u64,
        z: u64,
        times: [Between; MAX_TIMES],
        n_times: u32,
        n_nodes: u32,
        n: u32,
        unused: u32,
    }

    struct Product {
        a: u64,
        b: u64,
        c: u64,
        a_row: u32,
        a_depth: u32,
        b_depth: u32,
        b_column: u32,
        a_frame: u64,
        b_frame: u64,
        c_frame: u64,
        rows: u32,
        columns: u32,
        depth: u32,
        unused: u32,
    }

    struct MaskBwd {
        weights: u64,
        d_weights: u64,
        mask: u64,
        d_modulated: u64,
        d_product: u64,
        n_out: u32,
        n_in: u32,
        padded_out: u32,
        padded_in: u32,
        gain: f32,
        n_frames: u32,
    }

    struct HashLevel {
        scale: f32,
        width: u32,
        height: u32,
        n_entries: u32,
        offset: u32,
    }

    struct Encode {
        tables: u64,
        features: u64,
        d_features: u64,
        sums: u64,
        lattice: Points,
        levels: [HashLevel; MAX_HASH_LEVELS],
        frequencies: [f32; MAX_FREQUENCIES],
        first: u32,
        n_points: u32,
        n_levels: u32,
        n_features: u32,
        n_frequencies: u32,
        pitch: u32,
        side: f32,
        unused: u32,
    }

    struct Loss {
        values: u64,
        target: u64,
        d_values: u64,
        partials: u64,
        form: [f32; 9],
        gain: f32,
        n_frames: u32,
        n_points: u32,
        n_out: u32,
        area: u32,
        pitch: u32,
        unused: u32,
    }

    struct Total {
        parts: u64,
        sum: u64,
        n: u32,
        unused: u32,
    }

    struct Place {
        values: u64,
        planes: u64,
        first: u32,
        n_points: u32,
        across: u32,
        above: u32,
        patch: u32,
        n_out: u32,
        pitch: u32,
        rows: u32,
        columns: u32,
        unused: u32,
    }
}

impl Encode {
    /// The encoding of a shape; addresses and points are still to come.
    pub fn new(shape: &Shape) -> Self {
        let mut args = Self::zeroed();
        args.side = 1.0 / shape.width.max(shape.height) as f32;
        match shape.encoding() {
            Some(Encoding::Hash { levels, n_features }) => {
                args.n_levels = levels.len() as u32;
                args.n_features = *n_features as u32;
                for (to, level) in args.levels.iter_mut().zip(levels) {
                    *to = HashLevel::from(level);
                }
            }
            Some(Encoding::Fourier { frequencies }) => {
                args.n_frequencies = frequencies.len() as u32;
                for (to, f) in args.frequencies.iter_mut().zip(frequencies) {
                    *to = *f;
                }
            }
            None => {}
        }
        args
    }
}

impl Latents {
    /// The times of some samples, [`MAX_TIMES`] at most. The address of the latents, or of their
    /// gradients, and of z, or of its gradients.
    pub fn new(shape: &Shape, samples: &[Sample], latents: u64, z: u64) -> Self {
        let mut args = Self::zeroed();
        for (to, Sample { latent: at, .. }) in args.times.iter_mut().zip(samples) {
            let (first, second) = (at.first as u16, at.second as u16);
            *to = Between { first, second, weight: at.weight };
        }
        let net = &shape.network;
        let (n_times, n_nodes) = (samples.len() as u32, net.nodes.n as u32);
        Self { latents, z, n_times, n_nodes, n: net.d_latent as u32, ..args }
    }
}

impl From<&backend::HashLevel> for HashLevel {
    fn from(level: &backend::HashLevel) -> Self {
        Self {
            scale: level.scale,
            width: level.width as u32,
            height: level.height as u32,
            n_entries: level.n_entries as u32,
            offset: level.offset as u32,
        }
    }
}
