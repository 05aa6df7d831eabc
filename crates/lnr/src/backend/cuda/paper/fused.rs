// SPDX-License-Identifier: MIT OR Apache-2.0
//! All layers after the prefix as one kernel, where they are narrow enough.

use bytemuck::Zeroable;

use super::super::device::{Device, Launch};
use super::layers::{Rows, Weights};
use super::{args, padded};
use crate::backend::paper::PaperShape;
use crate::base::{Result, limits};

/// Threads of a block: four warps of 32 points each.
const THREADS: u32 = 128;

/// A kernel that fits.
pub struct Fused {
    kernel: &'static str,
    shared: usize,
}

impl Fused {
    /// The kernel for a shape, if its hidden layers are of one of the widths and all weights find
    /// room in shared memory.
    pub fn of(device: &impl Device, shape: &PaperShape) -> Option<Self> {
        let layers = &shape.layers[shape.n_prefix()..];
        let (last, hidden) = layers.split_last()?;
        let width = padded(hidden.first()?.n_out);
        let kernel = match width {
            32 => "fused_32",
            64 => "fused_64",
            128 => "fused_128",
            _ => return None,
        };
        let shared: usize = layers.iter().map(|l| 2 * padded(l.n_in) * padded(l.n_out)).sum();
        let fits = hidden.iter().all(|l| padded(l.n_out) == width)
            && padded(layers[0].n_in) <= width
            && padded(last.n_out) <= width
            && layers.len() <= limits::MAX_LAYERS as usize
            && shared <= device.max_shared();
        fits.then_some(Self { kernel, shared })
    }

    /// From the inputs `x` of the first modulated layer to the values `y` of `n_points`. `params` is
    /// the address of the parameters.
    pub fn launch<D: Device>(
        &self,
        device: &D,
        shape: &PaperShape,
        weights: &[Weights],
        params: u64,
        n_points: usize,
        x: Rows,
        y: Rows,
    ) -> Result<()> {
        let first = shape.n_prefix();
        let layers = &shape.layers[first..];
        let mut args = args::Fused {
            inputs: x.address,
            values: y.address,
            n_points: n_points as u32,
            n_layers: layers.len() as u32,
            pitch: x.pitch as u32,
            out_pitch: y.pitch as u32,
            n_in: padded(layers[0].n_in) as u32,
            n_out: padded(shape.n_values()) as u32,
            n_values: shape.n_values() as u32,
            ..args::Fused::zeroed()
        };
        for (i, (layer, weights)) in layers.iter().zip(&weights[first..]).enumerate() {
            args.weights[i] = weights.forward;
            args.biases[i] = params + 4 * layer.bias().start as u64;
            args.n_biases[i] = layer.n_out as u32;
        }
        let blocks = n_points.div_ceil(THREADS as usize).min(4 * device.n_processors());
        let launch = Launch { shared: self.shared, ..Launch::row(blocks, THREADS) };
        device.launch(self.kernel, launch, &args)
    }
}
