// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scratch memory of the CPU backend.

use std::ops::Range;

use super::super::{CanonicalLevel, Grids, Lattice, Params, Sample, Shape, modulation};
use super::dense::TILE;
use super::network::LayerGrad;
use super::planes::Padded;
use super::rate::RateScratch;
use super::upsample::{Stretch, Taps};

/// Scratch memory for grid models of one shape.
pub struct GridScratch {
    /// Canonical planes times their scale, padded.
    pub canonical: Vec<f32>,
    /// Where in the grid buffer each of them was read last; nothing after [`GridScratch::forget`].
    held: Vec<usize>,
    /// Where each canonical plane lies in it.
    pub planes: Vec<Padded>,
    /// The planes of each motion, residual and blend source at one time, times their scale.
    pub timed: Vec<Vec<f32>>,
    /// The first layer at one time, and its gradient. [`super::super::Network::modulated_len`]
    pub modulated: Vec<f32>,
    pub d_modulated: Vec<f32>,
    /// See [`super::bands::count`].
    pub bands: Vec<Band>,
    /// Scratch of the entropy model.
    pub rate: RateScratch,
    lattice: Option<(Lattice, TimedTaps)>,
}

/// Rows of which none was touched: the union with any row is that row.
#[allow(clippy::reversed_empty_ranges)]
const NO_ROWS: Range<usize> = usize::MAX..0;

/// Taps of the levels of each motion, residual and blend source along one lattice.
pub type TimedTaps = Vec<Vec<Taps>>;

/// What is needed for a part of the rows of a lattice.
#[derive(Default)]
pub struct Band {
    pub d_canonical: Vec<f32>,
    /// Padded rows of each canonical plane that may hold gradients.
    pub rows: Vec<Range<usize>>,
    /// Per motion, residual and blend source.
    pub d_timed: Vec<Vec<f32>>,
    /// Per motion, residual and blend source, level and component.
    pub stretch: Vec<Vec<Stretch>>,
    pub stretch_bwd: Vec<Vec<Stretch>>,
    /// See [`Shape::timed_rows`], along one row of a lattice.
    pub row: Vec<Vec<f32>>,
    pub d_row: Vec<Vec<f32>>,
    /// Layers: first, second, output, skip.
    pub layers: [LayerGrad; 4],
    pub squared_error: f64,
}

impl GridScratch {
    /// Scratch memory for this shape and so many bands.
    pub fn new(shape: &Shape, n_bands: usize) -> Self {
        let mut offset = 0;
        let levels = all_canonical_levels(shape);
        let plane = |level: &super::super::Level| {
            let plane = Padded { width: level.grid.width, height: level.grid.height, offset };
            offset += plane.len();
            plane
        };
        let planes: Vec<Padded> = levels.map(plane).collect();
        Self {
            canonical: vec![0.0; offset],
            held: Vec::new(),
            planes,
            timed: shape.timed().map(|(_, g)| vec![0.0; g.node_len]).collect(),
            modulated: vec![0.0; shape.network.modulated_len()],
            d_modulated: vec![0.0; shape.network.modulated_len()],
            bands: (0..n_bands).map(|_| Band::default()).collect(),
            rate: RateScratch::default(),
            lattice: None,
        }
    }

    /// Scales the canonical planes into the padded copies.
    pub fn load_canonical(&mut self, levels: &[CanonicalLevel], params: &Params<Vec<f32>>) {
        self.forget();
        for (c, plane) in levels.iter().zip(&self.planes) {
            let source = &params.grids[c.offset..][..c.level.grid.len()];
            plane.fill(source, params.network[c.scale].exp(), &mut self.canonical);
        }
    }

    /// The same where they are not the ones that are there already, for parameters that stay.
    pub fn keep_canonical(&mut self, levels: &[CanonicalLevel], params: &Params<Vec<f32>>) {
        let held = || levels.iter().map(|level| level.offset);
        if !held().eq(self.held.iter().copied()) {
            self.load_canonical(levels, params);
            self.held = held().collect();
        }
    }

    /// The parameters may be others now.
    pub fn forget(&mut self) {
        self.held.clear();
    }

    /// Computes the motion, residual and blend planes of a time, and the modulated first layer.
    pub fn load_timed(&mut self, shape: &Shape, sample: &Sample, params: &Params<Vec<f32>>) {
        for ((i, source), planes) in shape.timed().zip(&mut self.timed) {
            planes_at(source, sample.sources[i], params, planes);
        }
        let (at, network) = (sample.latent, params.network);
        modulation::forward(&shape.network, at, network, &mut self.modulated);
    }

    /// Makes the taps of `lattice` and the row buffers; quick when the lattice stays.
    pub fn set_lattice(&mut self, shape: &Shape, lattice: &Lattice) {
        let same_width = self.lattice.as_ref().is_some_and(|(l, _)| l.nx == lattice.nx);
        if self.lattice.as_ref().is_some_and(|(l, _)| l == lattice) {
            return;
        }
        let len = lattice.nx.next_multiple_of(TILE);
        let taps = |g: &Grids| g.levels.iter().map(|l| Taps::new(&l.grid, lattice, len)).collect();
        let taps = shape.timed().map(|(_, g)| taps(g)).collect();
        self.lattice = Some((*lattice, taps));
        if same_width {
            return;
        }
        let planes = |g: &Grids| -> Vec<Stretch> {
            let all = g.levels.iter().flat_map(|l| vec![l.grid; g.n_components]);
            all.map(|grid| Stretch::new(grid, len)).collect()
        };
        let n_rows = shape.n_timed_rows();
        for band in &mut self.bands {
            band.stretch = shape.timed().map(|(_, g)| planes(g)).collect();
            band.stretch_bwd = shape.timed().map(|(_, g)| planes(g)).collect();
            band.row = vec![vec![0.0; len]; n_rows];
            band.d_row = vec![vec![0.0; len]; n_rows];
        }
    }

    /// The taps of the lattice that was set last, and the bands.
    pub fn parts(&mut self) -> Parts<'_> {
        static NONE: TimedTaps = Vec::new();
        Parts {
            canonical: &self.canonical,
            planes: &self.planes,
            timed: &self.timed,
            taps: self.lattice.as_ref().map_or(&NONE, |(_, t)| t),
            bands: &mut self.bands,
        }
    }
}

/// The levels of every canonical pyramid that a frame reads.
fn all_canonical_levels(shape: &Shape) -> impl Iterator<Item = &super::super::Level> {
    let one = || shape.canonical().flat_map(|(_, g)| &g.levels);
    (0..shape.n_sets()).flat_map(move |_| one())
}

/// Bytes of a workspace, what it grows to too: for training, and the rate, or for rendering at the
/// size of the source.
pub fn bytes(shape: &Shape, n_bands: usize, trains: bool) -> usize {
    let len = shape.width.next_multiple_of(TILE);
    let net = &shape.network;
    let padded =
        |g: &super::super::Grid| Padded { width: g.width, height: g.height, offset: 0 }.len();
    let levels = all_canonical_levels(shape);
    let canonical: usize = levels.map(|l| padded(&l.grid)).sum();
    let n_levels: usize = shape.timed().map(|(_, g)| g.levels.len()).sum();
    let n_planes: usize = shape.timed().map(|(_, g)| g.levels.len() * g.n_components).sum();
    let n_rows = shape.n_timed_rows();
    // Two rows of every plane, and of its gradient.
    let rows = (4 * n_planes + 2 * n_rows) * len;
    let (c, k, o) = (net.n_features(), net.width(), net.n_out());
    let layers = [(k, c), (k, k), (o, k), (o, c)].map(|(rows, n)| LayerGrad::len(rows, n));
    let grads = canonical + shape.n_timed() + layers.iter().sum::<usize>();
    let band = rows + if trains { grads } else { 0 };
    let taps = 2 * n_levels * len;
    let shared = canonical + shape.n_timed() + 2 * net.modulated_len() + taps;
    let rate = if trains { RateScratch::bytes(shape.grids().map(|(_, g)| g)) } else { 0 };
    4 * (shared + n_bands * band) + rate
}

#[cfg(test)]
impl GridScratch {
    /// Bytes that it holds.
    pub fn held(&self) -> usize {
        let sum = |all: &[Vec<f32>]| all.iter().map(Vec::len).sum::<usize>();
        let stretched =
            |all: &[Vec<Stretch>]| all.iter().flatten().map(Stretch::len).sum::<usize>();
        let band = |b: &Band| {
            b.d_canonical.len()
                + sum(&b.d_timed)
                + stretched(&b.stretch)
                + stretched(&b.stretch_bwd)
                + sum(&b.row)
                + sum(&b.d_row)
                + b.layers.iter().map(LayerGrad::held).sum::<usize>()
        };
        let taps = self.lattice.iter().flat_map(|(_, t)| t.iter().flatten()).map(Taps::len);
        let shared = self.canonical.len() + sum(&self.timed);
        let modulated = self.modulated.len() + self.d_modulated.len();
        let bands = self.bands.iter().map(band).sum::<usize>();
        4 * (shared + modulated + bands + taps.sum::<usize>()) + self.rate.held()
    }
}

/// A workspace taken apart, so that threads share what they read and own what they write.
pub struct Parts<'a> {
    pub canonical: &'a [f32],
    pub planes: &'a [Padded],
    pub timed: &'a [Vec<f32>],
    pub taps: &'a TimedTaps,
    pub bands: &'a mut [Band],
}

impl Band {
    /// Clears the gradients for a training step.
    pub fn clear(&mut self, shape: &Shape, n_canonical: usize) {
        let net = &shape.network;
        if self.layers[0].is_empty() {
            let (c, k, o) = (net.n_features(), net.width(), net.n_out());
            self.d_canonical = vec![0.0; n_canonical];
            self.d_timed = shape.timed().map(|(_, g)| vec![0.0; g.node_len]).collect();
            self.layers = [
                LayerGrad::new(k, c),
                LayerGrad::new(k, k),
                LayerGrad::new(o, k),
                LayerGrad::new(o, c),
            ];
        }
        // The padded gradients were cleared where they were read.
        self.rows = vec![NO_ROWS; shape.n_sets() * shape.n_canonical_levels()];
        self.d_timed.iter_mut().for_each(|d| d.fill(0.0));
        self.layers.iter_mut().for_each(LayerGrad::clear);
        self.squared_error = 0.0;
    }
}

/// out = scale * the planes of `source` at a time.
fn planes_at(source: &Grids, at: super::super::At, params: &Params<Vec<f32>>, out: &mut [f32]) {
    let (a, b) = (&params.grids[source.node(at.first)], &params.grids[source.node(at.second)]);
    for (level, scale) in source.levels.iter().zip(&params.network[source.scales()]) {
        let range = level.offset..level.offset + level.grid.len() * source.n_components;
        let scale = scale.exp();
        let out = &mut out[range.clone()];
        for ((o, &a), &b) in out.iter_mut().zip(&a[range.clone()]).zip(&b[range]) {
            *o = scale * (a + (b - a) * at.weight);
        }
    }
}
