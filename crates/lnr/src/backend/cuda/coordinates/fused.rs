// SPDX-License-Identifier: MIT OR Apache-2.0
//! All layers after the prefix as one kernel, where they are narrow enough.

use bytemuck::Zeroable;

use super::super::device::{Device, Launch};
use super::super::sizes::MAX_FUSED;
use super::layers::{Rows, Weights};
use super::{Addresses, args, padded};
use crate::backend::Shape;
use crate::base::Result;

/// Threads of a block: four warps of 32 points each, which is what the kernels' bound of registers is
/// for.
const THREADS: u32 = 128;

/// A kernel that fits.
pub struct Fused {
    kernel: &'static str,
    shared: usize,
}

impl Fused {
    /// The kernel for a shape, if its hidden layers are of one of the widths and all weights find
    /// room in shared memory.
    pub fn of(device: &impl Device, shape: &Shape) -> Option<Self> {
        let layers = &shape.network.layers[shape.n_prefix()..];
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
            && layers.len() <= MAX_FUSED
            && shared <= device.max_shared();
        fits.then_some(Self { kernel, shared })
    }

    /// From the inputs `x` of the first modulated layer to the values `y` of `n_points`.
    pub fn launch<D: Device>(
        &self,
        device: &D,
        shape: &Shape,
        weights: &[Weights],
        params: Addresses,
        n_points: usize,
        x: Rows,
        y: Rows,
    ) -> Result<()> {
        let first = shape.n_prefix();
        let layers = &shape.network.layers[first..];
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
            let (bias, n) = params.bias(layer);
            args.biases[i] = bias;
            args.n_biases[i] = n as u32;
        }
        // Every block loads all weights once, so there are as many as run at once, no more.
        let blocks = n_points.div_ceil(THREADS as usize).min(4 * device.n_processors());
        let launch = Launch { shared: self.shared, ..Launch::row(blocks, THREADS) };
        device.launch(self.kernel, launch, &args)
    }
}
