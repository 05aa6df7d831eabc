// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training step: what does not depend on time once for all points, then every frame over all
//! points, then back.

use rayon::prelude::*;

use super::super::super::{Grads, Params, Shape, TrainStep};
use super::super::dense::Lane;
use super::super::simd::Isa;
use super::batch;
use super::frame::FrameTask;
use super::network::{CHUNK, LayerWeights};
use super::prefix::{PrefixBwdTask, PrefixTask};
use super::step::{Chunk, StepInput, ThreadSums, add_lanes};

/// Scratch memory of training.
pub struct TrainScratch {
    bands: Vec<ThreadSums>,
    chunks: Vec<Chunk>,
}

impl TrainScratch {
    pub fn new(n_threads: usize) -> Self {
        let bands = (0..n_threads).map(|_| ThreadSums::default()).collect();
        Self { bands, chunks: Vec::new() }
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
    let shared = LayerWeights::shared(&shape.network, network);
    let with_grads = grads.is_some();
    let all = &StepInput { shape, step, target, tables, network, shared, with_grads };
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
        let ThreadSums { d_tables, d_base, .. } = band;
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

/// Sums of all bands' gradients of the prefix.
fn sum_prefix(bands: &mut [ThreadSums]) -> Vec<Vec<Lane>> {
    let Some((first, rest)) = bands.split_first_mut() else { return Vec::new() };
    for (chunk, sums) in first.d_prefix.iter_mut().enumerate() {
        for band in rest.iter() {
            add_lanes(sums, &band.d_prefix[chunk]);
        }
    }
    std::mem::take(&mut first.d_prefix)
}
