// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training step: what does not depend on time once for all points, then every frame over all
//! points, then back.

use rayon::prelude::*;

use super::super::super::{Grads, Params, Shape, TrainStep};
use super::super::dense::{Lane, TILE};
use super::super::simd::{Isa, Simd, Task};
use super::modulation::{Mask, MaskBwd};
use super::network::{CHUNK, Weights, add_outer, padded};
use super::{batch, encoding, tile_points};

/// Scratch memory of training.
pub struct TrainScratch {
    bands: Vec<Band>,
    chunks: Vec<Chunk>,
}

/// What one thread adds up.
#[derive(Default)]
struct Band {
    /// Gradients of hash tables and base network.
    d_tables: Vec<f32>,
    d_base: Vec<f32>,
    /// Gradients of each chunk's prefix.
    d_prefix: Vec<Vec<Lane>>,
    squared_error: f64,
}

/// Inputs of the layers up to the first modulated one, for a chunk of tiles: per layer [tile, lane].
#[derive(Default)]
struct Chunk(Vec<Vec<Lane>>);

impl TrainScratch {
    pub fn new(n_threads: usize) -> Self {
        let bands = (0..n_threads).map(|_| Band::default()).collect();
        Self { bands, chunks: Vec::new() }
    }
}

/// Inputs of layer `layer` for `n` tiles.
fn inputs(shape: &Shape, layer: usize, n: usize) -> Vec<Lane> {
    vec![Lane::ZERO; n * padded(shape.network.layers[layer].n_in)]
}

/// What every thread reads.
struct Step<'a> {
    shape: &'a Shape,
    step: &'a TrainStep,
    target: &'a [f32],
    tables: &'a [f32],
    network: &'a [f32],
    /// Layers that are not modulated.
    shared: Vec<Option<Weights>>,
    with_grads: bool,
}

impl Step<'_> {
    fn n_tiles(&self) -> usize {
        self.step.lattice.len().div_ceil(TILE)
    }

    fn tiles(&self, chunk: usize) -> std::ops::Range<usize> {
        chunk * CHUNK..((chunk + 1) * CHUNK).min(self.n_tiles())
    }

    /// The layers before the first modulated one.
    fn prefix(&self) -> impl DoubleEndedIterator<Item = (usize, &Weights)> {
        (0..self.shape.n_prefix()).filter_map(|l| Some((l, self.shared[l].as_ref()?)))
    }

    /// The gradients of the inputs of layer `layer` over a chunk; adds to those of its weights and
    /// biases, `grads`.
    #[inline(always)]
    fn backward<S: Simd>(
        &self,
        s: S,
        (layer, weights): (usize, &Weights),
        d: &[Lane],
        x: &[Lane],
        grads: &mut [f32],
    ) -> Vec<Lane> {
        let dense = &self.shape.network.layers[layer];
        let (d_w, d_b) = grads.split_at_mut(dense.n_in * dense.n_out);
        add_outer(s, dense, d, x, d_w, d_b);
        let (n_in, n_out) = (padded(dense.n_in), padded(dense.n_out));
        let mut d_x = vec![Lane::ZERO; x.len()];
        let tiles = d.chunks_exact(n_out).zip(x.chunks_exact(n_in));
        for ((d, x), d_x) in tiles.zip(d_x.chunks_exact_mut(n_in)) {
            weights.backward(s, d, (layer > 0).then_some(x), d_x);
        }
        d_x
    }
}

struct PrefixTask<'a> {
    all: &'a Step<'a>,
    index: usize,
    chunk: &'a mut Chunk,
}

impl Task for PrefixTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let shape = self.all.shape;
        let tiles = self.all.tiles(self.index);
        let layers = 0..=shape.n_prefix();
        self.chunk.0 = layers.map(|l| inputs(shape, l, tiles.len())).collect();
        for (i, tile) in tiles.enumerate() {
            let at = tile_points(&self.all.step.lattice, tile);
            let n = padded(shape.network.n_features());
            encoding::encode(shape, self.all.tables, &at, &mut self.chunk.0[0][i * n..][..n]);
            for (l, weights) in self.all.prefix() {
                let (x, y) = self.chunk.0.split_at_mut(l + 1);
                let n = [l, l + 1].map(|l| padded(shape.network.layers[l].n_in));
                weights.forward(s, &x[l][i * n[0]..][..n[0]], &mut y[0][i * n[1]..][..n[1]]);
            }
        }
    }
}

/// The gradients of a chunk's prefix to those of the layers before it and of the tables.
struct PrefixBwdTask<'a> {
    all: &'a Step<'a>,
    chunks: &'a [Chunk],
    /// Gradients of the prefix of every chunk, summed over the frames.
    d_prefix: &'a [Vec<Lane>],
    range: std::ops::Range<usize>,
    d_tables: &'a mut [f32],
    d_base: &'a mut [f32],
}

impl Task for PrefixBwdTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let shape = self.all.shape;
        for chunk in self.range {
            let x = &self.chunks[chunk].0;
            let mut d = self.d_prefix[chunk].clone();
            for (l, weights) in self.all.prefix().rev() {
                let grads = &mut self.d_base[shape.network.layers[l].range()];
                d = self.all.backward(s, (l, weights), &d, &x[l], grads);
            }
            let n = padded(shape.network.n_features());
            for (i, tile) in self.all.tiles(chunk).enumerate() {
                let lattice = &self.all.step.lattice;
                let at = tile_points(lattice, tile);
                let valid = (lattice.len() - tile * TILE).min(TILE);
                encoding::scatter(shape, &at, valid, &d[i * n..][..n], self.d_tables);
            }
        }
    }
}

/// All points of one frame, forward and backward.
struct FrameTask<'a> {
    all: &'a Step<'a>,
    chunks: &'a [Chunk],
    frame: usize,
    /// P and Q of this frame per hypernetwork, and their gradients.
    pq: Vec<&'a [f32]>,
    d_pq: Vec<&'a mut [f32]>,
    band: &'a mut Band,
}

impl Task for FrameTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (shape, network) = (self.all.shape, self.all.network);
        let first = shape.n_prefix();
        let n_layers = shape.network.layers.len();
        let masks: Vec<_> = shape
            .network
            .hyper
            .iter()
            .zip(&self.pq)
            .map(|(h, &pq)| Mask { layer: &shape.network.layers[h.layer], rank: h.rank, pq }.run(s))
            .collect();
        let modulated: Vec<_> = shape
            .network
            .hyper
            .iter()
            .zip(&masks)
            .map(|(h, mask)| Weights::new(&shape.network, h.layer, network, Some(mask)))
            .collect();
        let weights: Vec<&Weights> = (first..n_layers)
            .filter_map(|l| {
                self.all.shared[l].as_ref().or(shape.network.hyper_of(l).map(|h| &modulated[h]))
            })
            .collect();
        // Gradients of the modulated weights of this frame, biases behind them.
        let mut own: Vec<Vec<f32>> = shape
            .network
            .hyper
            .iter()
            .map(|h| vec![0.0; shape.network.layers[h.layer].range().len()])
            .collect();
        let n_values = padded(shape.n_values());
        for (chunk, prefix) in self.chunks.iter().enumerate() {
            let tiles = self.all.tiles(chunk);
            // Inputs of the layers after the first, then the values.
            let mut x: Vec<Vec<Lane>> =
                (first + 1..n_layers).map(|l| inputs(shape, l, tiles.len())).collect();
            x.push(vec![Lane::ZERO; tiles.len() * n_values]);
            for (l, weights) in (first..n_layers).zip(&weights) {
                let n_in = padded(shape.network.layers[l].n_in);
                let n_out = padded(shape.network.layers[l].n_out);
                let (before, after) = x.split_at_mut(l - first);
                let x = before.last().map_or(&prefix.0[first], |x| x);
                for i in 0..tiles.len() {
                    let y = &mut after[0][i * n_out..][..n_out];
                    weights.forward(s, &x[i * n_in..][..n_in], y);
                }
            }
            let mut d = x.pop().unwrap_or_default();
            for (i, tile) in tiles.clone().enumerate() {
                self.loss(s, tile, &mut d[i * n_values..][..n_values]);
            }
            if !self.all.with_grads {
                continue;
            }
            for (l, weights) in (first..n_layers).zip(&weights).rev() {
                let x = if l == first { &prefix.0[first] } else { &x[l - first - 1] };
                let grads = match shape.network.hyper_of(l) {
                    Some(h) => &mut own[h][..],
                    None => &mut self.band.d_base[shape.network.layers[l].range()],
                };
                d = self.all.backward(s, (l, weights), &d, x, grads);
            }
            add_lanes(&mut self.band.d_prefix[chunk], &d);
        }
        if self.all.with_grads {
            self.modulation_bwd(s, &masks, &own);
        }
    }
}

impl FrameTask<'_> {
    /// From the values of a tile to the gradients of the loss, in place.
    #[inline(always)]
    fn loss<S: Simd>(&mut self, s: S, tile: usize, values: &mut [Lane]) {
        let (shape, step) = (self.all.shape, self.all.step);
        let (n_points, n_values) = (step.lattice.len(), shape.n_values());
        let area = shape.patch * shape.patch;
        let first = tile * TILE;
        let valid = (n_points - first).min(TILE);
        let zero = s.splat(0.0);
        let mut sum = zero;
        for pixel in 0..area {
            // Where there is no pixel the target is NaN and the difference 0.
            let mut d = [Lane::ZERO; 3];
            for c in 0..shape.n_out {
                let v = c * area + pixel;
                let from = (self.frame * n_values + v) * n_points + first;
                let target = &self.all.target[from..from + valid];
                for (d, (v, t)) in d[c].iter_mut().zip(values[v].iter().zip(target)) {
                    *d = if t.is_nan() { 0.0 } else { v - t };
                }
            }
            for c in 0..shape.n_out {
                for p in (0..TILE).step_by(S::LANES) {
                    let mut g = zero;
                    for (e, d) in d.iter().enumerate().take(shape.n_out) {
                        g = s.mul_add(s.load(&d[p..]), s.splat(step.form[c][e]), g);
                    }
                    sum = s.mul_add(s.load(&d[c][p..]), g, sum);
                    s.store(
                        &mut values[c * area + pixel][p..],
                        s.mul(g, s.splat(2.0 * step.weight)),
                    );
                }
            }
        }
        values[n_values..].fill(Lane::ZERO);
        self.band.squared_error += f64::from(s.sum(sum));
    }

    #[inline(always)]
    fn modulation_bwd<S: Simd>(&mut self, s: S, masks: &[Vec<f32>], own: &[Vec<f32>]) {
        let shape = self.all.shape;
        for (k, h) in shape.network.hyper.iter().enumerate() {
            let layer = &shape.network.layers[h.layer];
            let (d_w, d_b) = own[k].split_at(layer.n_in * layer.n_out);
            let bias = &mut self.band.d_base[layer.bias()];
            bias.iter_mut().zip(d_b).for_each(|(g, d)| *g += d);
            MaskBwd {
                layer,
                rank: h.rank,
                weights: &self.all.network[layer.weights()],
                mask: &masks[k],
                pq: self.pq[k],
                d_w,
                d_pq: self.d_pq[k],
                d_base: &mut self.band.d_base[layer.weights()],
            }
            .run(s);
        }
    }
}

impl Band {
    fn clear(&mut self, shape: &Shape, all: &Step, n_chunks: usize) {
        for (d, len) in
            [(&mut self.d_tables, shape.n_grid()), (&mut self.d_base, shape.network.base_end())]
        {
            d.clear();
            d.resize(len, 0.0);
        }
        let chunk = |c: usize| inputs(shape, shape.n_prefix(), all.tiles(c).len());
        self.d_prefix = (0..n_chunks).map(chunk).collect();
        self.squared_error = 0.0;
    }
}

/// See [`super::super::super::Backend::train`].
pub fn train(
    isa: Isa,
    scratch: &mut TrainScratch,
    shape: &Shape,
    step: &TrainStep,
    target: &[f32],
    params: &Params<Vec<f32>>,
    grads: Option<&mut Grads<Vec<f32>>>,
) -> f64 {
    let (tables, network) = (&params.grids[..], &params.network[..]);
    let shared = Weights::shared(&shape.network, network);
    let with_grads = grads.is_some();
    let all = &Step { shape, step, target, tables, network, shared, with_grads };
    let TrainScratch { bands, chunks } = scratch;
    let n_chunks = all.n_tiles().div_ceil(CHUNK);
    chunks.resize_with(n_chunks, Chunk::default);
    chunks.par_iter_mut().enumerate().for_each(|(index, chunk)| {
        isa.run(PrefixTask { all, index, chunk });
    });
    let latents: Vec<f32> =
        step.samples.iter().flat_map(|sample| shape.latent_at(sample, network)).collect();
    let hyper = shape.network.hyper.iter().map(|h| batch::hyper(isa, h, network, &latents));
    let hyper: Vec<_> = hyper.collect();
    let outputs: Vec<&[f32]> = hyper.iter().filter_map(|all| all.last()).map(|o| &o[..]).collect();
    let mut d_outputs: Vec<Vec<f32>> = outputs.iter().map(|o| vec![0.0; o.len()]).collect();

    let n_frames = step.samples.len();
    let per_band = n_frames.div_ceil(bands.len());
    let mut shares: Vec<Vec<&mut [f32]>> = bands.iter().map(|_| Vec::new()).collect();
    for d in &mut d_outputs {
        let len = d.len() / n_frames * per_band;
        let mut pieces = d.chunks_mut(len.max(1));
        shares.iter_mut().for_each(|s| s.push(pieces.next().unwrap_or_default()));
    }
    bands.par_iter_mut().zip(shares).enumerate().for_each(|(b, (band, mut share))| {
        band.clear(shape, all, n_chunks);
        for frame in b * per_band..((b + 1) * per_band).min(n_frames) {
            let piece = |o: &&[f32]| o.len() / n_frames;
            let pq = outputs.iter().map(|o| &o[frame * piece(o)..][..piece(o)]).collect();
            let d_pq =
                share.iter_mut().zip(&outputs).map(|(d, o)| take_from(d, piece(o))).collect();
            isa.run(FrameTask { all, chunks, frame, pq, d_pq, band });
        }
    });
    let squared_error = bands.iter().map(|b| b.squared_error).sum();
    let Some(grads) = grads else { return squared_error };

    let d_prefix = sum_prefix(bands);
    let n_bands = bands.len();
    let (chunks, d_prefix) = (&chunks[..], &d_prefix[..]);
    bands.par_iter_mut().enumerate().for_each(|(b, band)| {
        let range = b * n_chunks / n_bands..(b + 1) * n_chunks / n_bands;
        let Band { d_tables, d_base, .. } = band;
        isa.run(PrefixBwdTask { all, chunks, d_prefix, range, d_tables, d_base });
    });
    let Grads { grids: d_tables, network: d_network } = grads;
    for band in bands {
        d_tables.iter_mut().zip(&band.d_tables).for_each(|(g, b)| *g += b);
        d_network.iter_mut().zip(&band.d_base).for_each(|(g, b)| *g += b);
    }
    for ((h, all), d_out) in shape.network.hyper.iter().zip(&hyper).zip(d_outputs) {
        let d = batch::hyper_bwd(isa, h, network, all, d_out, d_network);
        for (sample, d) in step.samples.iter().zip(d.chunks_exact(shape.network.d_latent)) {
            for (node, share) in sample.latent.shares() {
                let g = &mut d_network[shape.network.latent(node)];
                g.iter_mut().zip(d).for_each(|(g, d)| *g += share * d);
            }
        }
    }
    squared_error
}

/// The first `n` values, cut off.
fn take_from<'a>(d: &mut &'a mut [f32], n: usize) -> &'a mut [f32] {
    d.split_off_mut(..n).unwrap_or_default()
}

/// sums += d
fn add_lanes(sums: &mut [Lane], d: &[Lane]) {
    for (s, d) in sums.iter_mut().zip(d) {
        s.iter_mut().zip(d.iter()).for_each(|(s, d)| *s += d);
    }
}

/// Sums of all bands' gradients of the prefix.
fn sum_prefix(bands: &mut [Band]) -> Vec<Vec<Lane>> {
    let Some((first, rest)) = bands.split_first_mut() else { return Vec::new() };
    for (chunk, sums) in first.d_prefix.iter_mut().enumerate() {
        for band in rest.iter() {
            add_lanes(sums, &band.d_prefix[chunk]);
        }
    }
    std::mem::take(&mut first.d_prefix)
}
