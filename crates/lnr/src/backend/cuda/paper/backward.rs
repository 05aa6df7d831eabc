// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way back through the networks.

use super::super::device::{Device, Launch};
use super::super::{args::Fixed, blocks};
use super::layers::{self, Rows, Sums};
use super::networks::Product;
use super::train::Job;
use super::{Arena, args, padded};
use crate::backend::paper::PaperShape;
use crate::base::Result;

/// Parts of sums over all points: of weights, of biases, over the rows of a hypernetwork.
const WEIGHT_PARTS: usize = 8;
const BIAS_PARTS: usize = 64;
const HYPER_PARTS: usize = 16;

/// Where gradients lie.
pub struct Backward {
    /// [frames, points, units] f16, of two layers in turn
    points: [u64; 2],
    /// [points, units] f16, before the first modulated layer
    shared: [u64; 2],
    /// [frames or parts, n_out, n_in] f32 of a layer
    weights: u64,
    /// [parts, n_out]
    biases: u64,
    /// [frames, n_out, n_in] f32 of P Q
    products: u64,
    /// [frames, units] f32 of two layers of a hypernetwork in turn
    hyper: [u64; 2],
    /// [parts, frames, units]
    hyper_parts: u64,
    /// Sums of the hash tables' gradients, 64 bits each.
    tables: u64,
}

impl Backward {
    pub fn new(arena: &mut Arena, shape: &PaperShape, n_points: usize) -> Self {
        let n_frames = shape.n_frames;
        let sizes = || shape.layers.iter().map(|l| (padded(l.n_in), padded(l.n_out)));
        let widest = sizes().map(|(i, o)| i.max(o)).max().unwrap_or(0);
        let weights = sizes().map(|(i, o)| i * o).max().unwrap_or(0);
        let modulated = shape.hyper.iter().map(|h| &shape.layers[h.layer]);
        let product = modulated.map(|l| l.n_in * l.n_out).max().unwrap_or(0);
        let hyper = shape.hyper.iter().flat_map(|h| &h.layers);
        let hyper = hyper.map(|l| l.n_in.max(l.n_out)).max().unwrap_or(0);
        Self {
            points: [0; 2].map(|_| arena.halves(n_frames * n_points * widest)),
            shared: [0; 2].map(|_| arena.halves(n_points * widest)),
            weights: arena.floats(n_frames.max(WEIGHT_PARTS) * weights),
            biases: arena.floats(BIAS_PARTS * widest),
            products: arena.floats(n_frames * product),
            hyper: [0; 2].map(|_| arena.floats(n_frames * hyper)),
            hyper_parts: arena.floats(HYPER_PARTS * n_frames * hyper),
            tables: arena.take(8 * shape.n_encoding()),
        }
    }

    /// The same with addresses of the device.
    pub fn at(mut self, base: u64) -> Self {
        let pairs = [&mut self.points, &mut self.shared, &mut self.hyper];
        pairs.into_iter().flatten().for_each(|a| *a += base);
        let single = [
            &mut self.weights,
            &mut self.biases,
            &mut self.products,
            &mut self.hyper_parts,
            &mut self.tables,
        ];
        single.into_iter().for_each(|a| *a += base);
        self
    }

    /// Where the loss leaves the gradients of the values.
    pub fn output(&self) -> u64 {
        self.points[0]
    }
}

impl<D: Device> Job<'_, D> {
    /// Adds `gain` times the gradients of everything to those at `grads`.
    pub fn backward(&self, grads: u64, gain: f32) -> Result<()> {
        let (shape, at) = (self.shape, &self.places.backward);
        let first = shape.n_prefix();
        let n_points = self.extent.n_points;
        let rows = |address: u64, pitch: usize, per_frame: bool| Rows {
            address,
            frame: if per_frame { n_points * pitch } else { 0 },
            pitch,
        };
        let mut d = rows(at.points[0], padded(shape.n_values()), true);
        let is_hash = self.encode.n_levels > 0;
        for l in (0..shape.layers.len()).rev() {
            self.layer_weights(l, d, grads, gain)?;
            if l == 0 && !is_hash {
                return Ok(());
            }
            let pitch = padded(shape.layers[l].n_in);
            // Into the buffer that `d` is not in.
            let other = |pair: [u64; 2]| if d.address == pair[0] { pair[1] } else { pair[0] };
            let per_frame = l >= first;
            let d_x = rows(other(if per_frame { at.points } else { at.shared }), pitch, per_frame);
            let mask = (l > 0).then(|| self.inputs(l));
            let weights = &self.places.networks.weights[l];
            layers::backward(self.device, self.extent_of(l), weights, d, mask, d_x)?;
            d = d_x;
            if l == first {
                let sum = rows(at.shared[0], pitch, false);
                let args = args::SumFrames {
                    frames: d.address,
                    sum: sum.address,
                    n: (n_points * pitch) as u64,
                    n_frames: self.extent.n_frames as u32,
                    unused: 0,
                };
                let n_blocks = blocks(self.device, n_points * pitch / 2);
                self.device.launch("sum_frames", Launch::row(n_blocks, 256), &args)?;
                d = sum;
            }
        }
        self.tables(d, grads, gain)
    }

    /// Gradients of a layer's weights and biases, and of what modulates it.
    fn layer_weights(&self, l: usize, d: Rows, grads: u64, gain: f32) -> Result<()> {
        let (shape, at) = (self.shape, &self.places.backward);
        let (layer, extent) = (&shape.layers[l], self.extent_of(l));
        let weights = &self.places.networks.weights[l];
        let to = grads + 4 * layer.offset as u64;
        match shape.hyper_of(l) {
            Some(h) => {
                let (x, sums) = (self.inputs(l), Sums::PerFrame);
                layers::backward_weights(self.device, extent, weights, d, x, &sums, at.weights)?;
                self.mask(h, to, gain)?;
                self.hyper(h, grads)?;
            }
            None => {
                let (x, sums) = (self.inputs(l), Sums::Parts(WEIGHT_PARTS));
                layers::backward_weights(self.device, extent, weights, d, x, &sums, at.weights)?;
                let parts = (at.weights, WEIGHT_PARTS, weights.n_in * weights.n_out);
                self.sum(parts, (layer.n_out, layer.n_in, weights.n_in), to, gain)?;
            }
        }
        let args = args::ColumnSum {
            values: d.address,
            partials: at.biases,
            rows: (extent.n_points * extent.n_frames) as u32,
            columns: weights.n_out as u32,
            pitch: d.pitch as u32,
            unused: 0,
        };
        let grid = [(weights.n_out / 32) as u32, BIAS_PARTS as u32, 1];
        self.device.launch("column_sums", Launch { grid, threads: 256, shared: 4 * 256 }, &args)?;
        let to = grads + 4 * layer.bias().start as u64;
        let parts = (at.biases, BIAS_PARTS, weights.n_out);
        self.sum(parts, (1, layer.n_out, weights.n_out), to, gain)
    }

    /// Adds `gain` times the sum of parts (address, number, length) of (rows, columns, pitch).
    fn sum(
        &self,
        (parts, n_parts, part): (u64, usize, usize),
        (rows, columns, pitch): (usize, usize, usize),
        to: u64,
        gain: f32,
    ) -> Result<()> {
        let args = args::SumParts {
            parts,
            to,
            tanh: 0,
            part: part as u64,
            n_parts: n_parts as u32,
            rows: rows as u32,
            columns: columns as u32,
            pitch: pitch as u32,
            gain,
            adds: 1,
        };
        let n_blocks = blocks(self.device, rows * columns);
        self.device.launch("sum_parts", Launch::row(n_blocks, 256), &args)
    }

    /// From the modulated weights to the base's and to P Q, and from there to P and Q.
    fn mask(&self, h: usize, d_weights: u64, gain: f32) -> Result<()> {
        let (hyper, at) = (&self.shape.hyper[h], &self.places.backward);
        let (layer, networks) = (&self.shape.layers[hyper.layer], &self.places.networks);
        let weights = &networks.weights[hyper.layer];
        let n_frames = self.extent.n_frames;
        let args = args::MaskBwd {
            weights: self.params + 4 * layer.offset as u64,
            d_weights,
            mask: networks.masks[h],
            d_modulated: at.weights,
            d_product: at.products,
            n_out: layer.n_out as u32,
            n_in: layer.n_in as u32,
            padded_out: weights.n_out as u32,
            padded_in: weights.n_in as u32,
            gain,
            n_frames: n_frames as u32,
        };
        let n = layer.n_in * layer.n_out;
        self.device.launch("mask_bwd", Launch::row(blocks(self.device, n), 256), &args)?;
        let (rank, n_pq) = (hyper.rank, hyper.rank * (layer.n_out + layer.n_in));
        let pq = networks.outputs[h][hyper.layers.len() - 1];
        let q_at = 4 * (layer.n_out * rank) as u64;
        // d_P = d(P Q) Q^T, d_Q = P^T d(P Q)
        let d_p = Product {
            a: (at.products, layer.n_in, 1, n),
            b: (pq + q_at, 1, layer.n_in, n_pq),
            c: at.hyper[0],
            size: (layer.n_out, rank, layer.n_in),
        };
        let d_q = Product {
            a: (pq, 1, rank, n_pq),
            b: (at.products, layer.n_in, 1, n),
            c: at.hyper[0] + q_at,
            size: (rank, layer.n_in, layer.n_out),
        };
        d_p.launch_to(self.device, n_frames, n_pq)?;
        d_q.launch_to(self.device, n_frames, n_pq)
    }

    /// From P and Q through the hypernetwork to the latents.
    fn hyper(&self, h: usize, grads: u64) -> Result<()> {
        let (hyper, at) = (&self.shape.hyper[h], &self.places.backward);
        let outputs = &self.places.networks.outputs[h];
        let n_frames = self.extent.n_frames;
        for (i, layer) in hyper.layers.iter().enumerate().rev() {
            let latents = 4 * self.shape.latents as u64;
            let inputs = if i == 0 { self.params + latents } else { outputs[i - 1] };
            let d = at.hyper[(hyper.layers.len() - 1 - i) % 2];
            let args = args::Hyper {
                layer: self.params + 4 * layer.offset as u64,
                inputs,
                outputs: d,
                d_layer: grads + 4 * layer.offset as u64,
                d_inputs: at.hyper_parts,
                n_in: layer.n_in as u32,
                n_out: layer.n_out as u32,
                n_frames: n_frames as u32,
                tanh: 0,
            };
            let row = blocks(self.device, layer.n_out * (layer.n_in + 1));
            self.device.launch("hyper_bwd_weights", Launch::row(row, 256), &args)?;
            let n_parts = layer.n_out.div_ceil(256).clamp(1, HYPER_PARTS);
            let grid = [layer.n_in.div_ceil(32), n_frames.div_ceil(8), n_parts];
            let launch = Launch { grid: grid.map(|n| n as u32), threads: 256, shared: 4 * 8 * 256 };
            self.device.launch("hyper_bwd_inputs", launch, &args)?;
            let sum = args::SumParts {
                parts: at.hyper_parts,
                to: if i == 0 { grads + latents } else { at.hyper[(hyper.layers.len() - i) % 2] },
                tanh: if i == 0 { 0 } else { inputs },
                part: (n_frames * layer.n_in) as u64,
                n_parts: n_parts as u32,
                rows: n_frames as u32,
                columns: layer.n_in as u32,
                pitch: layer.n_in as u32,
                gain: 1.0,
                adds: (i == 0).into(),
            };
            let n_blocks = blocks(self.device, n_frames * layer.n_in);
            self.device.launch("sum_parts", Launch::row(n_blocks, 256), &sum)?;
        }
        Ok(())
    }

    /// From the features to the hash tables.
    fn tables(&self, d: Rows, grads: u64, gain: f32) -> Result<()> {
        let sums = self.places.backward.tables;
        let args = args::Encode { d_features: d.address, sums, ..self.encode };
        let row = blocks(self.device, args.n_points as usize) as u32;
        let launch = Launch { grid: [row, args.n_levels, 1], threads: 256, shared: 0 };
        self.device.launch("encode_bwd", launch, &args)?;
        let n = self.shape.n_encoding();
        let args = Fixed { sums, grads, n: n as u64, gain, unused: 0 };
        self.device.launch("add_fixed_sums", Launch::row(blocks(self.device, n), 256), &args)
    }
}
