// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hypernetworks, masks and weights of some frames.

use super::super::blocks;
use super::super::device::{Device, Launch};
use super::super::memory::Arena;
use super::super::sizes::{HYPER_FRAMES, PRODUCT_SHARED, PRODUCT_SIDE};
use super::layers::Weights;
use super::{Addresses, args, padded};
use crate::backend::{Hyper, Sample, Shape};
use crate::base::Result;

/// Where everything of so many frames lies, relative to the scratch memory.
pub struct Networks {
    pub n_frames: usize,
    /// [frames, d_latent] f32
    pub z: u64,
    /// Per hypernetwork, the outputs of its layers: [frames, n_out] f32
    pub outputs: Vec<Vec<u64>>,
    /// Per hypernetwork: [frames, n_out, n_in] f32
    pub masks: Vec<u64>,
    /// Per layer of the base network.
    pub weights: Vec<Weights>,
}

/// Which layers of the base network.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    All,
    Shared,
    Modulated,
}

impl Networks {
    pub fn new(arena: &mut Arena, shape: &Shape, n_frames: usize, with_transposed: bool) -> Self {
        let z = arena.floats(n_frames * shape.network.d_latent);
        let mut outputs = |h: &Hyper| -> Vec<u64> {
            h.layers.iter().map(|l| arena.floats(n_frames * l.n_out)).collect()
        };
        let outputs = shape.network.hyper.iter().map(&mut outputs).collect();
        let mask = |h: &Hyper| {
            let layer = &shape.network.layers[h.layer];
            arena.floats(n_frames * layer.n_out * layer.n_in)
        };
        let masks = shape.network.hyper.iter().map(mask).collect();
        let mut weights = Vec::new();
        for (i, layer) in shape.network.layers.iter().enumerate() {
            let (n_in, n_out) = (padded(layer.n_in), padded(layer.n_out));
            let is_modulated = shape.network.hyper_of(i).is_some();
            let n = n_in * n_out * if is_modulated { n_frames } else { 1 };
            let forward = arena.halves(n);
            let transposed = if with_transposed { arena.halves(n) } else { 0 };
            let frame = if is_modulated { n_in * n_out } else { 0 };
            weights.push(Weights { forward, transposed, frame, n_in, n_out });
        }
        Self { n_frames, z, outputs, masks, weights }
    }

    /// The same with addresses of the device.
    pub fn at(mut self, base: u64, with_transposed: bool) -> Self {
        self.z += base;
        self.outputs.iter_mut().flatten().for_each(|a| *a += base);
        self.masks.iter_mut().for_each(|a| *a += base);
        for w in &mut self.weights {
            w.forward += base;
            w.transposed = if with_transposed { w.transposed + base } else { 0 };
        }
        self
    }

    /// z at some times, as many as this is for (paper Eq. 4).
    pub fn latents<D: Device>(
        &self,
        device: &D,
        shape: &Shape,
        samples: &[Sample],
        params: Addresses,
    ) -> Result<()> {
        let args = args::Latents::new(shape, samples, params.latents(shape), self.z);
        let n = samples.len() * shape.network.d_latent;
        device.launch("latents", Launch::row(blocks(device, n), 256), &args)
    }

    /// Hypernetworks and masks at z: sigmoid is still to come.
    pub fn modulation<D: Device>(
        &self,
        device: &D,
        shape: &Shape,
        params: Addresses,
    ) -> Result<()> {
        for (k, h) in shape.network.hyper.iter().enumerate() {
            let mut inputs = self.z;
            for (i, layer) in h.layers.iter().enumerate() {
                let args = args::Hyper {
                    layer: params.weights(layer),
                    inputs,
                    outputs: self.outputs[k][i],
                    d_layer: 0,
                    d_inputs: 0,
                    n_in: layer.n_in as u32,
                    n_out: layer.n_out as u32,
                    n_frames: self.n_frames as u32,
                    tanh: (i + 1 < h.layers.len()).into(),
                };
                let grid = [layer.n_out.div_ceil(8), self.n_frames.div_ceil(HYPER_FRAMES), 1];
                let launch = Launch { grid: grid.map(|n| n as u32), threads: 256, shared: 0 };
                device.launch("hyper_fwd", launch, &args)?;
                inputs = self.outputs[k][i];
            }
            let base = &shape.network.layers[h.layer];
            let n_pq = h.rank * (base.n_out + base.n_in);
            let product = Product {
                a: (inputs, h.rank, 1, n_pq),
                b: (inputs + 4 * (base.n_out * h.rank) as u64, base.n_in, 1, n_pq),
                c: self.masks[k],
                size: (base.n_out, base.n_in, h.rank),
            };
            product.launch(device, self.n_frames)?;
        }
        Ok(())
    }

    /// Weights as f16.
    pub fn load<D: Device>(
        &self,
        device: &D,
        shape: &Shape,
        params: Addresses,
        which: Which,
    ) -> Result<()> {
        for (i, (layer, to)) in shape.network.layers.iter().zip(&self.weights).enumerate() {
            let hyper = shape.network.hyper_of(i);
            let modulated = hyper.is_some();
            if which == Which::Shared && modulated || which == Which::Modulated && !modulated {
                continue;
            }
            let args = args::Weights {
                weights: params.weights(layer),
                mask: hyper.map_or(0, |h| self.masks[h]),
                forward: to.forward,
                transposed: to.transposed,
                n_out: layer.n_out as u32,
                n_in: layer.n_in as u32,
                padded_out: to.n_out as u32,
                padded_in: to.n_in as u32,
            };
            let n_frames = if modulated { self.n_frames } else { 1 };
            let row = blocks(device, to.n_in * to.n_out) as u32;
            let launch = Launch { grid: [row, n_frames as u32, 1], threads: 256, shared: 0 };
            device.launch("dense_load", launch, &args)?;
        }
        Ok(())
    }
}

/// c = a b per frame. An operand is its address, the elements from one row and one column to the
/// next, and those from one frame to the next.
pub struct Product {
    pub a: (u64, usize, usize, usize),
    pub b: (u64, usize, usize, usize),
    /// [frames, rows, columns], or further apart, see [`Product::launch_to`]
    pub c: u64,
    /// Rows, columns, depth.
    pub size: (usize, usize, usize),
}

impl Product {
    pub fn launch<D: Device>(&self, device: &D, n_frames: usize) -> Result<()> {
        self.launch_to(device, n_frames, self.size.0 * self.size.1)
    }

    /// With `frame` elements from one frame's result to the next.
    pub fn launch_to<D: Device>(&self, device: &D, n_frames: usize, frame: usize) -> Result<()> {
        let (rows, columns, depth) = self.size;
        let args = args::Product {
            a: self.a.0,
            b: self.b.0,
            c: self.c,
            a_row: self.a.1 as u32,
            a_depth: self.a.2 as u32,
            b_depth: self.b.1 as u32,
            b_column: self.b.2 as u32,
            a_frame: self.a.3 as u64,
            b_frame: self.b.3 as u64,
            c_frame: frame as u64,
            rows: rows as u32,
            columns: columns as u32,
            depth: depth as u32,
            unused: 0,
        };
        let grid = [columns.div_ceil(PRODUCT_SIDE), rows.div_ceil(PRODUCT_SIDE), n_frames]
            .map(|n| n as u32);
        device.launch("product", Launch { grid, threads: 256, shared: PRODUCT_SHARED }, &args)
    }
}
