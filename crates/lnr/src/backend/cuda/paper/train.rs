// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training step: points x frames, what comes before the first modulated layer once for all.

use super::super::device::{Device, Launch, Memory};
use super::super::memory::Floats;
use super::super::{args::Points, blocks, unsupported};
use super::backward::Backward;
use super::layers::{self, Extent, Output, Rows};
use super::networks::{Networks, Which};
use super::{Arena, args, padded};
use crate::backend::Sum;
use crate::backend::paper::{PaperShape, PaperStep};
use crate::base::Result;

/// Gradients are this times those of half the sum of squared errors, so that small ones keep their
/// bits in f16 and large ones stay below its largest.
pub const LOSS_SCALE: f32 = 16.0;
/// Blocks of the loss.
const LOSS_BLOCKS: usize = 256;

/// Where everything lies.
pub struct Places {
    pub networks: Networks,
    /// Inputs of each layer up to the first modulated one: [points, n_in]
    pub shared: Vec<u64>,
    /// Inputs of each layer after it: [frames, points, n_in]
    pub own: Vec<u64>,
    /// [frames, points, n_out] f32
    values: u64,
    errors: u64,
    pub backward: Backward,
}

/// Scratch memory of steps of at most `n_points`.
pub struct Scratch<D: Device> {
    n_points: usize,
    pub places: Places,
    _memory: D::Memory,
}

impl<D: Device> Scratch<D> {
    pub fn new(device: &D, shape: &PaperShape, n_points: usize) -> Result<Self> {
        let mut arena = Arena::default();
        let n_frames = shape.n_frames;
        let networks = Networks::new(&mut arena, shape, n_frames, true);
        let first = shape.n_prefix();
        let inputs = |l: usize| padded(shape.layers[l].n_in);
        let shared = (0..=first).map(|l| arena.halves(n_points * inputs(l))).collect();
        let own = (first + 1..shape.layers.len())
            .map(|l| arena.halves(n_frames * n_points * inputs(l)))
            .collect();
        let n_values = padded(shape.n_values());
        let values = arena.floats(n_frames * n_points * n_values);
        let errors = arena.floats(LOSS_BLOCKS);
        let backward = Backward::new(&mut arena, shape, n_points);
        let memory = device.alloc(arena.len)?;
        let base = memory.address();
        let absolute = |all: Vec<u64>| all.into_iter().map(|a| a + base).collect();
        let places = Places {
            networks: networks.at(base, true),
            shared: absolute(shared),
            own: absolute(own),
            values: values + base,
            errors: errors + base,
            backward: backward.at(base),
        };
        Ok(Self { n_points, places, _memory: memory })
    }
}

/// A step under way.
pub struct Job<'a, D: Device> {
    pub device: &'a D,
    pub shape: &'a PaperShape,
    pub places: &'a Places,
    pub extent: Extent,
    /// Address of the parameters.
    pub params: u64,
    pub encode: args::Encode,
}

impl<D: Device> Job<'_, D> {
    /// Inputs of a layer.
    pub fn inputs(&self, layer: usize) -> Rows {
        let first = self.shape.n_prefix();
        let pitch = padded(self.shape.layers[layer].n_in);
        if layer <= first {
            return Rows { address: self.places.shared[layer], frame: 0, pitch };
        }
        let address = self.places.own[layer - first - 1];
        Rows { address, frame: self.extent.n_points * pitch, pitch }
    }

    /// Points of the layers up to the first modulated one, or of all frames.
    pub fn extent_of(&self, layer: usize) -> Extent {
        let n_frames = if layer < self.shape.n_prefix() { 1 } else { self.extent.n_frames };
        Extent { n_frames, ..self.extent }
    }

    fn values(&self) -> Rows {
        let pitch = padded(self.shape.n_values());
        Rows { address: self.places.values, frame: self.extent.n_points * pitch, pitch }
    }

    fn forward(&self) -> Result<()> {
        let (shape, networks) = (self.shape, &self.places.networks);
        let latents = self.params + 4 * shape.latents as u64;
        networks.modulation(self.device, shape, latents, self.params)?;
        networks.load(self.device, shape, self.params, Which::All)?;
        encode(self.device, &self.encode)?;
        for (l, layer) in shape.layers.iter().enumerate() {
            let is_last = l + 1 == shape.layers.len();
            let y = if is_last {
                Output::Values(self.values())
            } else {
                Output::Hidden(self.inputs(l + 1))
            };
            let bias = (self.params + 4 * layer.bias().start as u64, layer.n_out);
            let (extent, x) = (self.extent_of(l), self.inputs(l));
            layers::forward(self.device, extent, &networks.weights[l], x, bias, &y)?;
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

/// See [`crate::backend::paper::PaperBackend::paper_train`].
pub fn train<D: Device>(
    device: &D,
    scratch: &Scratch<D>,
    shape: &PaperShape,
    step: &PaperStep,
    target: &Floats<D::Memory>,
    params: &Floats<D::Memory>,
    grads: Option<&mut Floats<D::Memory>>,
    error: Sum<Floats<D::Memory>>,
) -> Result<()> {
    let n_points = step.lattice.len();
    if n_points > scratch.n_points {
        return Err(unsupported("more points than the workspace is for"));
    }
    let places = &scratch.places;
    let encode = args::Encode {
        params: params.at(0),
        features: places.shared[0],
        lattice: Points::rows(&step.lattice, 0, step.lattice.ny),
        n_points: n_points as u32,
        pitch: padded(shape.n_features()) as u32,
        ..args::Encode::new(shape)?
    };
    let extent = Extent { n_points, n_frames: shape.n_frames };
    let job = Job { device, shape, places, extent, params: params.at(0), encode };
    job.forward()?;
    let mut form = [0.0; 9];
    form.copy_from_slice(step.form.as_flattened());
    let values = job.values();
    let args = args::Loss {
        values: values.address,
        target: target.at(0),
        d_values: if grads.is_some() { places.backward.output() } else { 0 },
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
    device.launch("loss", Launch { shared: 8 * 4, ..Launch::row(n_blocks, 256) }, &args)?;
    let (parts, sum) = (places.errors, error.buffer.at(2 * error.index));
    let args = args::Total { parts, sum, n: n_blocks as u32, unused: 0 };
    device.launch("total", Launch::row(1, 32), &args)?;
    match grads {
        Some(grads) => job.backward(grads.at(0), 2.0 * step.weight / LOSS_SCALE),
        None => Ok(()),
    }
}
