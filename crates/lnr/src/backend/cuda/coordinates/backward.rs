// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way back through the networks.

use super::super::device::{Device, Launch};
use super::super::sizes::{BWD_INPUTS_SHARED, COLUMN_SUMS_SHARED, DENSE_UNITS, HYPER_FRAMES};
use super::super::{args::Fixed, blocks};
use super::layers::{self, Rows, Sums};
use super::networks::Product;
use super::places::{BIAS_PARTS, HYPER_PARTS, Step, WEIGHT_PARTS};
use super::{Addresses, args, padded};
use crate::base::Result;

impl<D: Device> Step<'_, D> {
    /// Adds `gain` times the gradients of everything to those at `grads`.
    pub fn backward(&self, grads: Addresses, gain: f32) -> Result<()> {
        self.layers(grads, gain)?;
        if self.shape.network.hyper.is_empty() {
            return Ok(());
        }
        let (latents, z) = (grads.latents(self.shape), self.places.gradients.z);
        let args = args::Latents::new(self.shape, self.samples, latents, z);
        let n = self.shape.network.nodes.n * self.shape.network.d_latent;
        self.device.launch("latents_bwd", Launch::row(blocks(self.device, n), 256), &args)
    }

    /// Those of all but the latents; leaves those of z.
    fn layers(&self, grads: Addresses, gain: f32) -> Result<()> {
        let (shape, at) = (self.shape, &self.places.gradients);
        let first = shape.n_prefix();
        let n_points = self.batch.n_points;
        let rows = |address: u64, pitch: usize, per_frame: bool| Rows {
            address,
            frame: if per_frame { n_points * pitch } else { 0 },
            pitch,
        };
        let mut d = rows(at.points[0], padded(shape.n_values()), true);
        let is_hash = self.encode.n_levels > 0;
        for l in (0..shape.network.layers.len()).rev() {
            self.layer_weights(l, d, grads, gain)?;
            if l == 0 && !is_hash {
                return Ok(());
            }
            let pitch = padded(shape.network.layers[l].n_in);
            // Into the buffer that `d` is not in.
            let other = |pair: [u64; 2]| if d.address == pair[0] { pair[1] } else { pair[0] };
            let per_frame = l >= first;
            let d_x = rows(other(if per_frame { at.points } else { at.shared }), pitch, per_frame);
            let mask = (l > 0).then(|| self.inputs(l));
            let weights = &self.places.networks.weights[l];
            layers::backward(self.device, self.batch_of(l), weights, d, mask, d_x)?;
            d = d_x;
            if l == first {
                let sum = rows(at.shared[0], pitch, false);
                let args = args::SumFrames {
                    frames: d.address,
                    sum: sum.address,
                    n: (n_points * pitch) as u64,
                    n_frames: self.batch.n_frames as u32,
                    unused: 0,
                };
                let n_blocks = blocks(self.device, n_points * pitch / 2);
                self.device.launch("sum_frames", Launch::row(n_blocks, 256), &args)?;
                d = sum;
            }
        }
        self.tables(d, grads.tables, gain)
    }

    /// Gradients of a layer's weights and biases, and of what modulates it.
    fn layer_weights(&self, l: usize, d: Rows, grads: Addresses, gain: f32) -> Result<()> {
        let (shape, at) = (self.shape, &self.places.gradients);
        let (layer, batch) = (&shape.network.layers[l], self.batch_of(l));
        let weights = &self.places.networks.weights[l];
        let to = grads.weights(layer);
        match shape.network.hyper_of(l) {
            Some(h) => {
                let (x, sums) = (self.inputs(l), Sums::PerFrame);
                layers::backward_weights(self.device, batch, weights, d, x, &sums, at.weights)?;
                self.mask(h, to, gain)?;
                self.hyper(h, grads)?;
            }
            None => {
                let (x, sums) = (self.inputs(l), Sums::Parts(WEIGHT_PARTS));
                layers::backward_weights(self.device, batch, weights, d, x, &sums, at.weights)?;
                let parts = (at.weights, WEIGHT_PARTS, weights.n_in * weights.n_out);
                self.sum(parts, (layer.n_out, layer.n_in, weights.n_in), to, gain)?;
            }
        }
        let args = args::ColumnSum {
            values: d.address,
            partials: at.biases,
            rows: (batch.n_points * batch.n_frames) as u32,
            columns: weights.n_out as u32,
            pitch: d.pitch as u32,
            unused: 0,
        };
        let grid = [(weights.n_out / DENSE_UNITS) as u32, BIAS_PARTS as u32, 1];
        let launch = Launch { grid, threads: 256, shared: COLUMN_SUMS_SHARED };
        self.device.launch("column_sums", launch, &args)?;
        let (to, _) = grads.bias(layer);
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
        let (hyper, at) = (&self.shape.network.hyper[h], &self.places.gradients);
        let (layer, networks) = (&self.shape.network.layers[hyper.layer], &self.places.networks);
        let weights = &networks.weights[hyper.layer];
        let n_frames = self.batch.n_frames;
        let args = args::MaskBwd {
            weights: self.params.weights(layer),
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

    /// From P and Q through the hypernetwork to z.
    fn hyper(&self, h: usize, grads: Addresses) -> Result<()> {
        let (hyper, at) = (&self.shape.network.hyper[h], &self.places.gradients);
        let outputs = &self.places.networks.outputs[h];
        let n_frames = self.batch.n_frames;
        for (i, layer) in hyper.layers.iter().enumerate().rev() {
            let inputs = if i == 0 { self.places.networks.z } else { outputs[i - 1] };
            let d = at.hyper[(hyper.layers.len() - 1 - i) % 2];
            let args = args::Hyper {
                layer: self.params.weights(layer),
                inputs,
                outputs: d,
                d_layer: grads.weights(layer),
                d_inputs: at.hyper_parts,
                n_in: layer.n_in as u32,
                n_out: layer.n_out as u32,
                n_frames: n_frames as u32,
                tanh: 0,
            };
            let row = blocks(self.device, layer.n_out * (layer.n_in + 1));
            self.device.launch("hyper_bwd_weights", Launch::row(row, 256), &args)?;
            let n_parts = layer.n_out.div_ceil(256).clamp(1, HYPER_PARTS);
            let grid = [layer.n_in.div_ceil(32), n_frames.div_ceil(HYPER_FRAMES), n_parts];
            let grid = grid.map(|n| n as u32);
            let launch = Launch { grid, threads: 256, shared: BWD_INPUTS_SHARED };
            self.device.launch("hyper_bwd_inputs", launch, &args)?;
            let sum = args::SumParts {
                parts: at.hyper_parts,
                to: if i == 0 { at.z } else { at.hyper[(hyper.layers.len() - i) % 2] },
                tanh: if i == 0 { 0 } else { inputs },
                part: (n_frames * layer.n_in) as u64,
                n_parts: n_parts as u32,
                rows: n_frames as u32,
                columns: layer.n_in as u32,
                pitch: layer.n_in as u32,
                gain: 1.0,
                // The last hypernetwork comes first here.
                adds: (i == 0 && h + 1 < self.shape.network.hyper.len()).into(),
            };
            let n_blocks = blocks(self.device, n_frames * layer.n_in);
            self.device.launch("sum_parts", Launch::row(n_blocks, 256), &sum)?;
        }
        Ok(())
    }

    /// From the features to the hash tables.
    fn tables(&self, d: Rows, grads: u64, gain: f32) -> Result<()> {
        let sums = self.places.gradients.tables;
        let args = args::Encode { d_features: d.address, sums, ..self.encode };
        let row = blocks(self.device, args.n_points as usize) as u32;
        let launch = Launch { grid: [row, args.n_levels, 1], threads: 256, shared: 0 };
        self.device.launch("encode_bwd", launch, &args)?;
        let n = self.shape.n_grid();
        let args = Fixed { sums, grads, n: n as u64, gain, unused: 0 };
        self.device.launch("add_fixed_sums", Launch::row(blocks(self.device, n), 256), &args)
    }
}
