// SPDX-License-Identifier: MIT OR Apache-2.0
//! Scratch memory of the CPU backend.

use std::ops::Range;

use super::super::{Lattice, Params, Shape, Timed};
use super::dense::TILE;
use super::network::LayerGrad;
use super::planes::Padded;
use super::upsample::{Stretch, Taps};

/// Scratch memory for groups of one shape.
pub struct Workspace {
    /// Canonical planes times their scale, padded.
    pub canonical: Vec<f32>,
    /// Where each canonical plane lies in it.
    pub planes: Vec<Padded>,
    /// The motion and residual planes of one time, times their scale.
    pub timed: [Vec<f32>; 2],
    /// One per thread.
    pub bands: Vec<Band>,
    /// Scratch of the entropy model.
    pub rate: super::rate::Scratch,
    lattice: Option<(Lattice, Taps2)>,
}

/// What grows by every row that is touched.
#[allow(clippy::reversed_empty_ranges)]
const NO_ROWS: Range<usize> = usize::MAX..0;

/// Taps of the motion and residual levels along one lattice.
pub type Taps2 = [Vec<Taps>; 2];

/// What one thread needs for its rows of a lattice.
#[derive(Default)]
pub struct Band {
    pub d_canonical: Vec<f32>,
    /// Padded rows of each canonical plane that may hold gradients.
    pub rows: Vec<Range<usize>>,
    pub d_timed: [Vec<f32>; 2],
    pub stretch: [Vec<Stretch>; 2],
    pub stretch_bwd: [Vec<Stretch>; 2],
    /// Displacement in x and y, then the residual features, along one lattice row.
    pub row: Vec<Vec<f32>>,
    pub d_row: Vec<Vec<f32>>,
    /// Layers: first, second, output, skip.
    pub layers: [LayerGrad; 4],
    pub squared_error: f64,
}

impl Workspace {
    /// Scratch memory for this shape and so many threads.
    pub fn new(shape: &Shape, n_threads: usize) -> Self {
        let mut offset = 0;
        let planes: Vec<Padded> = shape
            .canonical
            .iter()
            .map(|c| {
                let plane = Padded { width: c.grid.width, height: c.grid.height, offset };
                offset += plane.len();
                plane
            })
            .collect();
        Self {
            canonical: vec![0.0; offset],
            planes,
            timed: [vec![0.0; shape.motion.node_len], vec![0.0; shape.residual.node_len]],
            bands: (0..n_threads).map(|_| Band::default()).collect(),
            rate: super::rate::Scratch::default(),
            lattice: None,
        }
    }

    /// Scales the canonical planes into the padded copies.
    pub fn load_canonical(&mut self, shape: &Shape, grids: &[f32], network: &[f32]) {
        let scales = &network[shape.network.scales(0)];
        for ((c, plane), scale) in shape.canonical.iter().zip(&self.planes).zip(scales) {
            let source = &grids[c.offset..][..c.grid.len()];
            plane.fill(source, scale.exp(), &mut self.canonical);
        }
    }

    /// Blends and scales the motion and residual planes of time `tau`.
    pub fn load_timed(&mut self, shape: &Shape, tau: f32, params: &Params<Vec<f32>>) {
        for (k, source) in [&shape.motion, &shape.residual].into_iter().enumerate() {
            let scales = &params.network[shape.network.scales(k + 1)];
            blend(source, tau, params.grids, scales, &mut self.timed[k]);
        }
    }

    /// Makes the taps of `lattice` and the row buffers; quick when the lattice stays.
    pub fn set_lattice(&mut self, shape: &Shape, lattice: &Lattice) {
        let same_width = self.lattice.as_ref().is_some_and(|(l, _)| l.nx == lattice.nx);
        if self.lattice.as_ref().is_some_and(|(l, _)| l == lattice) {
            return;
        }
        let len = lattice.nx.next_multiple_of(TILE);
        let sources = [&shape.motion, &shape.residual];
        let taps =
            sources.map(|t| t.levels.iter().map(|l| Taps::new(&l.grid, lattice, len)).collect());
        self.lattice = Some((*lattice, taps));
        if same_width {
            return;
        }
        for band in &mut self.bands {
            for (k, t) in sources.into_iter().enumerate() {
                let make = || {
                    let n = t.levels.iter().flat_map(|l| vec![l.grid; t.n_components]);
                    n.map(|g| Stretch::new(g, len)).collect()
                };
                band.stretch[k] = make();
                band.stretch_bwd[k] = make();
            }
            let n_rows = 2 + shape.residual.levels.len();
            band.row = vec![vec![0.0; len]; n_rows];
            band.d_row = vec![vec![0.0; len]; n_rows];
        }
    }

    /// The taps of the lattice that was set last, and the bands.
    pub fn parts(&mut self) -> Parts<'_> {
        static NONE: Taps2 = [Vec::new(), Vec::new()];
        Parts {
            canonical: &self.canonical,
            planes: &self.planes,
            timed: &self.timed,
            taps: self.lattice.as_ref().map_or(&NONE, |(_, t)| t),
            bands: &mut self.bands,
        }
    }
}

/// A workspace taken apart, so that threads share what they read and own what they write.
pub struct Parts<'a> {
    pub canonical: &'a [f32],
    pub planes: &'a [Padded],
    pub timed: &'a [Vec<f32>; 2],
    pub taps: &'a Taps2,
    pub bands: &'a mut [Band],
}

impl Band {
    /// Clears the gradients for a training step.
    pub fn clear(&mut self, shape: &Shape, n_canonical: usize) {
        let net = &shape.network;
        if self.d_canonical.is_empty() {
            let (c, k, o) = (net.n_features, net.width, net.n_out);
            self.d_canonical = vec![0.0; n_canonical];
            self.d_timed = [vec![0.0; shape.motion.node_len], vec![0.0; shape.residual.node_len]];
            self.layers = [
                LayerGrad::new(k, c),
                LayerGrad::new(k, k),
                LayerGrad::new(o, k),
                LayerGrad::new(o, c),
            ];
        }
        // The padded gradients were cleared where they were read.
        self.rows = vec![NO_ROWS; shape.canonical.len()];
        self.d_timed.iter_mut().for_each(|d| d.fill(0.0));
        self.layers.iter_mut().for_each(LayerGrad::clear);
        self.squared_error = 0.0;
    }
}

/// out = scale * the planes of `source` at time `tau`.
fn blend(source: &Timed, tau: f32, grids: &[f32], scales: &[f32], out: &mut [f32]) {
    let (a, b, w) = source.nodes.at(tau);
    let (na, nb) = (&grids[source.node(a)], &grids[source.node(b)]);
    for (level, scale) in source.levels.iter().zip(scales) {
        let range = level.offset..level.offset + level.grid.len() * source.n_components;
        let scale = scale.exp();
        let out = &mut out[range.clone()];
        for ((o, &a), &b) in out.iter_mut().zip(&na[range.clone()]).zip(&nb[range]) {
            *o = scale * (a + (b - a) * w);
        }
    }
}
