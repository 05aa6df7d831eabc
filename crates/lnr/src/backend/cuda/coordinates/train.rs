// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training step: points x frames, what comes before the first modulated layer once for all.

use super::super::device::{Device, Launch, Memory};
use super::super::memory::{Arena, Floats};
use super::super::sizes::BLOCK_SUM_SHARED;
use super::super::{args::Points, blocks, unsupported};
use super::layers::{self, Batch, Output};
use super::networks::Which;
use super::places::{LOSS_BLOCKS, Places, Step};
use super::{Addresses, args, padded};
use crate::backend::{Grads, Params, Shape, Sum, TrainStep};
use crate::base::Result;

/// Gradients in f16 are this times those of half the sum of squared errors: errors of a step of 8-bit
/// samples, 1/256, then lie at 1/16, far from the smallest f16 (2^-24) for what weights below one make
/// of them, and errors of one far from the largest (65504). A power of two rounds nothing.
const LOSS_SCALE: f32 = 16.0;

/// Rows of blocks of a launch, which the driver bounds.
const MAX_ROWS: usize = u16::MAX as usize;

/// Scratch memory of steps of at most `n_points`.
pub struct TrainScratch<D: Device> {
    n_points: usize,
    places: Places,
    _memory: D::Memory,
}

impl<D: Device> TrainScratch<D> {
    pub fn new(device: &D, shape: &Shape, n_points: usize) -> Result<Self> {
        if n_points.div_ceil(super::sizes::DENSE_ROWS) > MAX_ROWS {
            return Err(unsupported("a training step of so many points"));
        }
        let mut arena = Arena::default();
        let places = Places::new(&mut arena, shape, n_points);
        let memory = device.alloc(arena.len)?;
        let places = places.at(memory.address());
        Ok(Self { n_points, places, _memory: memory })
    }
}

/// What a [`TrainScratch`] takes.
pub fn train_bytes(shape: &Shape, n_points: usize) -> usize {
    let mut arena = Arena::default();
    Places::new(&mut arena, shape, n_points);
    arena.len
}

impl<D: Device> Step<'_, D> {
    fn forward(&self) -> Result<()> {
        let (shape, networks) = (self.shape, &self.places.networks);
        networks.latents(self.device, shape, self.samples, self.params)?;
        networks.modulation(self.device, shape, self.params)?;
        networks.load(self.device, shape, self.params, Which::All)?;
        encode(self.device, &self.encode)?;
        for (l, layer) in shape.network.layers.iter().enumerate() {
            let is_last = l + 1 == shape.network.layers.len();
            let y = match is_last {
                true => Output::Values(self.values()),
                false => Output::Hidden(self.inputs(l + 1)),
            };
            let (batch, x, bias) = (self.batch_of(l), self.inputs(l), self.params.bias(layer));
            layers::forward(self.device, batch, &networks.weights[l], x, bias, &y)?;
        }
        Ok(())
    }
}

/// Features of the points of `args`.
pub fn encode<D: Device>(device: &D, args: &args::Encode) -> Result<()> {
    let row = blocks(device, args.n_points as usize) as u32;
    // One row of blocks more for Fourier features and padding.
    let launch = Launch { grid: [row, args.n_levels + 1, 1], threads: 256, shared: 0 };
    device.launch("encode", launch, args)
}

/// See [`crate::backend::Backend::train`].
pub fn train<D: Device>(
    device: &D,
    scratch: &TrainScratch<D>,
    shape: &Shape,
    step: &TrainStep,
    target: &Floats<D::Memory>,
    params: &Params<Floats<D::Memory>>,
    grads: Option<&mut Grads<Floats<D::Memory>>>,
    error: Sum<Floats<D::Memory>>,
) -> Result<()> {
    let n_points = step.lattice.len();
    if n_points > scratch.n_points {
        return Err(unsupported("more points than the workspace is for"));
    }
    if step.samples.len() != shape.n_frames {
        return Err(unsupported("a training step that does not take as many times as frames"));
    }
    let places = &scratch.places;
    let params = Addresses::new(params);
    let encode = args::Encode {
        tables: params.tables,
        features: places.shared[0],
        lattice: Points::rows(&step.lattice, 0, step.lattice.ny),
        n_points: n_points as u32,
        pitch: padded(shape.network.n_features()) as u32,
        ..args::Encode::new(shape)
    };
    let batch = Batch { n_points, n_frames: shape.n_frames };
    let samples = &step.samples;
    let all = Step { device, shape, places, batch, samples, params, encode };
    all.forward()?;
    let mut form = [0.0; 9];
    form.copy_from_slice(step.form.as_flattened());
    let values = all.values();
    let args = args::Loss {
        values: values.address,
        target: target.at(0),
        d_values: if grads.is_some() { places.gradients.output() } else { 0 },
        partials: places.errors,
        form,
        gain: LOSS_SCALE,
        n_frames: shape.n_frames as u32,
        n_points: n_points as u32,
        n_out: shape.n_out as u32,
        area: (shape.patch * shape.patch) as u32,
        pitch: values.pitch as u32,
        unused: 0,
    };
    let n_blocks = (n_points * shape.n_frames).div_ceil(256).min(LOSS_BLOCKS);
    let launch = Launch { shared: BLOCK_SUM_SHARED, ..Launch::row(n_blocks, 256) };
    device.launch("loss", launch, &args)?;
    let (parts, sum) = (places.errors, error.buffer.at(2 * error.index));
    let args = args::Total { parts, sum, n: n_blocks as u32, unused: 0 };
    device.launch("total", Launch::row(1, 32), &args)?;
    let Some(grads) = grads else { return Ok(()) };
    let grads = Addresses { tables: grads.grids.at(0), network: grads.network.at(0) };
    all.backward(grads, 2.0 * step.weight / LOSS_SCALE)
}
