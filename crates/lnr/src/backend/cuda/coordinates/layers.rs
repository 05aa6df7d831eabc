// SPDX-License-Identifier: MIT OR Apache-2.0
//! Layers of the base network as kernels.

use bytemuck::Zeroable;

use super::super::device::{Device, Launch};
use super::super::sizes::{self, DENSE_SHARED};
use super::args;
use crate::base::Result;

/// Rows of a block, and its columns but where there are fewer.
const BLOCK: usize = sizes::DENSE_ROWS;

/// Rows of values in memory: where they begin, and how many bytes on those of the next frame do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    pub address: u64,
    /// Elements from one frame to the next; 0 where all frames share them.
    pub frame: usize,
    /// Units of a row, padded.
    pub pitch: usize,
}

/// A layer's weights as kernels read them: [frames or 1, n_out, n_in], f16.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    pub forward: u64,
    /// [frames or 1, n_in, n_out]
    pub transposed: u64,
    /// Elements from one frame to the next; 0 where all frames share them.
    pub frame: usize,
    /// Padded.
    pub n_in: usize,
    pub n_out: usize,
}

/// How many points of how many frames.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    pub n_points: usize,
    pub n_frames: usize,
}

fn launch(rows: usize, columns: usize, n_batches: usize) -> (&'static str, Launch) {
    let narrow = sizes::DENSE_UNITS;
    let (kernel, across) =
        if columns <= narrow { ("dense_32", narrow) } else { ("dense_128", BLOCK) };
    let grid = [columns.div_ceil(across), rows.div_ceil(BLOCK), n_batches].map(|n| n as u32);
    (kernel, Launch { grid, threads: 256, shared: DENSE_SHARED })
}

/// What comes out of a layer.
pub enum Output {
    /// f16 after ReLU.
    Hidden(Rows),
    /// f32.
    Values(Rows),
}

/// y = W x + b, of all frames. `bias`: its address and length.
pub fn forward<D: Device>(
    device: &D,
    batch: Batch,
    weights: &Weights,
    x: Rows,
    (bias, n_bias): (u64, usize),
    y: &Output,
) -> Result<()> {
    let (Output::Hidden(out) | Output::Values(out)) = *y;
    let hidden = matches!(y, Output::Hidden(_));
    let args = args::Dense {
        a: x.address,
        b: weights.forward,
        out16: if hidden { out.address } else { 0 },
        out32: if hidden { 0 } else { out.address },
        bias,
        a_batch: x.frame as u64,
        b_batch: weights.frame as u64,
        out_batch: out.frame as u64,
        rows: batch.n_points as u32,
        columns: weights.n_out as u32,
        depth: weights.n_in as u32,
        a_pitch: x.pitch as u32,
        b_pitch: weights.n_in as u32,
        out_pitch: out.pitch as u32,
        n_bias: n_bias as u32,
        relu: hidden.into(),
        ..args::Dense::zeroed()
    };
    let (kernel, launch) = launch(batch.n_points, weights.n_out, batch.n_frames);
    device.launch(kernel, launch, &args)
}

/// d_x = W^T d_y where `mask` (the layer's inputs after ReLU) is positive.
pub fn backward<D: Device>(
    device: &D,
    batch: Batch,
    weights: &Weights,
    d_y: Rows,
    mask: Option<Rows>,
    d_x: Rows,
) -> Result<()> {
    let args = args::Dense {
        a: d_y.address,
        b: weights.transposed,
        out16: d_x.address,
        mask: mask.map_or(0, |m| m.address),
        a_batch: d_y.frame as u64,
        b_batch: weights.frame as u64,
        out_batch: d_x.frame as u64,
        mask_batch: mask.map_or(0, |m| m.frame as u64),
        rows: batch.n_points as u32,
        columns: weights.n_in as u32,
        depth: weights.n_out as u32,
        a_pitch: d_y.pitch as u32,
        b_pitch: weights.n_out as u32,
        out_pitch: d_x.pitch as u32,
        ..args::Dense::zeroed()
    };
    let (kernel, launch) = launch(batch.n_points, weights.n_in, batch.n_frames);
    device.launch(kernel, launch, &args)
}

/// Which sums of products of rows make the gradients of weights.
pub enum Sums {
    /// One per frame.
    PerFrame,
    /// Of all frames, in so many parts.
    Parts(usize),
}

/// d_W = d_y x^T to [frames or parts, n_out, n_in] f32 at `to`, padded as the weights are.
pub fn backward_weights<D: Device>(
    device: &D,
    batch: Batch,
    weights: &Weights,
    d_y: Rows,
    x: Rows,
    sums: &Sums,
    to: u64,
) -> Result<()> {
    let (kernel, n_batches, depth) = match *sums {
        Sums::PerFrame => ("dense_weights", batch.n_frames, batch.n_points),
        Sums::Parts(n) => ("dense_weights_split", n, batch.n_points * batch.n_frames),
    };
    let args = args::Dense {
        a: d_y.address,
        b: x.address,
        out32: to,
        a_batch: d_y.frame as u64,
        b_batch: x.frame as u64,
        out_batch: (weights.n_in * weights.n_out) as u64,
        rows: weights.n_out as u32,
        columns: weights.n_in as u32,
        depth: depth as u32,
        a_pitch: d_y.pitch as u32,
        b_pitch: x.pitch as u32,
        out_pitch: weights.n_in as u32,
        ..args::Dense::zeroed()
    };
    let grid = [weights.n_in.div_ceil(BLOCK), weights.n_out.div_ceil(BLOCK), n_batches];
    let launch = Launch { grid: grid.map(|n| n as u32), threads: 256, shared: DENSE_SHARED };
    device.launch(kernel, launch, &args)
}
