// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rendering: what does not depend on time is kept from frame to frame, as far as memory allows.

use rayon::prelude::*;

use super::super::super::{Lattice, Params, Sample, Shape, Stop, check_stop, points_per_pixel};
use super::super::dense::{Lane, TILE};
use super::super::pack::{Packer, RowBands};
use super::super::simd::{Isa, Simd, Task};
use super::modulation::Mask;
use super::network::{LayerWeights, lanes, padded};
use super::{batch, encoding, tile_points};
use crate::base::{Picture, Result};

/// Tiles that a task takes: few enough that threads end together.
const BATCH: usize = 4;

/// Scratch memory of rendering.
pub struct RenderScratch {
    max_prefix: usize,
    /// The layers that are not modulated, once they are needed.
    shared: Vec<Option<LayerWeights>>,
    /// Inputs of the first modulated layer for every tile of a lattice: [tile, lane].
    prefix: Option<(Lattice, Vec<Lane>)>,
    /// Values of every tile: [tile, value].
    values: Vec<Lane>,
}

impl RenderScratch {
    pub fn new(max_prefix: usize) -> Self {
        Self { max_prefix, shared: Vec::new(), prefix: None, values: Vec::new() }
    }

    /// Forgets what was made from other parameters.
    pub fn forget(&mut self) {
        (self.shared, self.prefix) = (Vec::new(), None);
    }
}

/// Tiles through the layers of `weights`.
struct TileTask<'a> {
    shape: &'a Shape,
    tables: &'a [f32],
    stop: &'a Stop<'a>,
    lattice: &'a Lattice,
    /// Number of the first tile.
    tile: usize,
    /// Inputs of the first layer, unless they are to be computed.
    inputs: Option<&'a [Lane]>,
    weights: &'a [&'a LayerWeights],
    /// Values of a tile before and after every layer.
    between: &'a mut [Vec<Lane>],
    out: &'a mut [Lane],
}

/// Room for the values of a tile before and after each of `n` layers.
fn room(shape: &Shape, first: usize, n: usize) -> Vec<Vec<Lane>> {
    lanes(&shape.network.layers[first..first + n]).map(|n| vec![Lane::ZERO; n]).collect()
}

impl Task for TileTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { shape, weights, between: x, .. } = self;
        let (n_in, n_out) = (x[0].len(), x[weights.len()].len());
        for (i, out) in self.out.chunks_exact_mut(n_out).enumerate() {
            if (self.stop)() {
                return;
            }
            match self.inputs {
                Some(inputs) => x[0].copy_from_slice(&inputs[i * n_in..][..n_in]),
                None => {
                    let at = tile_points(self.lattice, self.tile + i);
                    encoding::encode(shape, self.tables, &at, &mut x[0]);
                }
            }
            for (l, weights) in weights.iter().enumerate() {
                let (x, y) = x.split_at_mut(l + 1);
                weights.forward(s, &x[l], &mut y[0]);
            }
            out.copy_from_slice(&x[weights.len()]);
        }
    }
}

/// What all tiles of a picture read.
#[derive(Clone, Copy)]
struct View<'a> {
    shape: &'a Shape,
    tables: &'a [f32],
    lattice: &'a Lattice,
    stop: &'a Stop<'a>,
}

/// Runs tiles through layers on all threads; `out` is [tile, lane].
fn run(
    isa: Isa,
    view: View,
    inputs: Option<&[Lane]>,
    (first, weights): (usize, &[&LayerWeights]),
    out: &mut Vec<Lane>,
) {
    let View { shape, tables, lattice, stop } = view;
    let layers = &shape.network.layers;
    let n_in = padded(layers[first].n_in);
    let n_out = padded(layers[first + weights.len() - 1].n_out);
    let n_tiles = lattice.len().div_ceil(TILE);
    out.resize(n_tiles * n_out, Lane::ZERO);
    let room = || room(shape, first, weights.len());
    out.par_chunks_mut(BATCH * n_out).enumerate().for_each_init(room, |between, (b, out)| {
        let tile = b * BATCH;
        let inputs = inputs.map(|x| &x[tile * n_in..]);
        isa.run(TileTask { shape, tables, stop, lattice, tile, inputs, weights, between, out });
    });
}

/// See [`super::super::super::Backend::render`].
pub fn render(
    isa: Isa,
    scratch: &mut RenderScratch,
    shape: &Shape,
    sample: &Sample,
    params: &Params<Vec<f32>>,
    stop: &Stop,
    out: &mut Picture,
) -> Result<()> {
    let format = *out.format();
    let size = (format.width as usize, format.height as usize);
    let points = points_per_pixel((shape.width, shape.height), size);
    let lattice = shape.centres_of((size.0 * points, size.1 * points));
    let (first, net, network) = (shape.n_prefix(), &shape.network, &params.network[..]);
    let z = shape.latent_at(sample, network);
    if scratch.shared.is_empty() {
        scratch.shared = LayerWeights::shared(net, network);
    }
    let modulated: Vec<LayerWeights> = net
        .hyper
        .iter()
        .map(|h| {
            let all = batch::hyper(isa, h, network, &z);
            let (layer, pq) = (&net.layers[h.layer], &all[h.layers.len()][..]);
            let mask = isa.run(Mask { layer, rank: h.rank, pq });
            LayerWeights::new(net, h.layer, network, Some(&mask))
        })
        .collect();
    let own = |l: usize| net.hyper_of(l).map(|h| &modulated[h]);
    let weights: Vec<&LayerWeights> = scratch
        .shared
        .iter()
        .enumerate()
        .filter_map(|(l, shared)| shared.as_ref().or_else(|| own(l)))
        .collect();
    let view = View { shape, tables: params.grids, lattice: &lattice, stop };
    let n_tiles = lattice.len().div_ceil(TILE);
    let bytes = n_tiles * padded(net.layers[first].n_in) * size_of::<Lane>();
    if first > 0 && bytes <= scratch.max_prefix {
        let kept = scratch.prefix.take().filter(|(of, _)| *of == lattice);
        let (_, prefix) = kept.unwrap_or_else(|| {
            let mut prefix = Vec::new();
            run(isa, view, None, (0, &weights[..first]), &mut prefix);
            (lattice, prefix)
        });
        run(isa, view, Some(&prefix), (first, &weights[first..]), &mut scratch.values);
        if !stop() {
            scratch.prefix = Some((lattice, prefix));
        }
    } else {
        run(isa, view, None, (0, &weights), &mut scratch.values);
    }
    pack(shape, &lattice, &scratch.values, points, stop, out);
    check_stop(stop)
}

/// Values of tiles to samples: pixel shuffle, mean of points, rounding.
fn pack(
    shape: &Shape,
    lattice: &Lattice,
    values: &[Lane],
    points: usize,
    stop: &Stop,
    out: &mut Picture,
) {
    let format = *out.format();
    let (patch, n_values) = (shape.patch, padded(shape.n_values()));
    let width = format.width as usize * points;
    let n_bands = rayon::current_num_threads();
    RowBands::split(out, n_bands).into_par_iter().for_each(|(first, out)| {
        let mut lines = vec![vec![0.0f32; width]; shape.n_out];
        let n_rows = out.n_rows;
        let mut packer = Packer::new(&format, out);
        for row in first..first + n_rows {
            if stop() {
                return;
            }
            packer.begin_row();
            for y in row * points..(row + 1) * points {
                for (c, line) in lines.iter_mut().enumerate() {
                    let value = (c * patch + y % patch) * patch;
                    for (x, v) in line.iter_mut().enumerate() {
                        let i = y / patch * lattice.nx + x / patch;
                        *v = values[i / TILE * n_values + value + x % patch][i % TILE];
                    }
                }
                packer.add(&lines, points);
            }
            packer.end_row();
        }
    });
}
