// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fused training step: rows of points go through sampling, network, loss and back while they
//! are in the cache.

use rayon::prelude::*;

use super::super::{CanonicalLevel, Grads, Params, Sample, Shape, TrainStep, modulation};
use super::dense::{Lane, TILE};
use super::mix::Mix;
use super::network::{Tiles, Weights};
use super::planes::Padded;
use super::simd::{Isa, Simd, Task};
use super::upsample::Stretch;
use super::warp::{self, Slopes};
use super::workspace::{Band, GridScratch, TimedTaps};

/// What all bands sample features from and put them through, at one time.
pub struct Sampler<'a> {
    pub shape: &'a Shape,
    pub levels: &'a [CanonicalLevel],
    pub canonical: &'a [f32],
    pub planes: &'a [Padded],
    pub timed: &'a [Vec<f32>],
    pub taps: &'a TimedTaps,
    pub weights: &'a Weights,
    n_motion: usize,
    /// The row buffers of the timed sources, see [`Shape::timed_rows`].
    rows: Vec<(usize, usize)>,
    /// See [`Shape::blend_bias`].
    blend_bias: f32,
}

impl<'a> Sampler<'a> {
    /// At the time that the workspace was loaded for.
    pub fn new(
        shape: &'a Shape,
        (sample, levels): (&Sample, &'a [CanonicalLevel]),
        parts: &super::workspace::Parts<'a>,
        weights: &'a Weights,
    ) -> Self {
        Self {
            rows: shape.timed_rows(),
            shape,
            levels,
            canonical: parts.canonical,
            planes: parts.planes,
            timed: parts.timed,
            taps: parts.taps,
            weights,
            n_motion: shape.motion().count(),
            blend_bias: shape.blend_bias(sample),
        }
    }

    /// The row buffer of plane `i` (level by level, in them component by component) of timed source
    /// `k` with so many components.
    fn row(&self, k: usize, n_components: usize, i: usize) -> usize {
        let (first, step) = self.rows[k];
        first + i / n_components * step + i % n_components
    }

    /// Displacements, residual features and the sum of the blend grids along ordinate `y` into the band's
    /// row buffers.
    #[inline(always)]
    pub fn prepare_row<S: Simd>(
        &self,
        s: S,
        y: f32,
        stretch: &mut [Vec<Stretch>],
        row: &mut [Vec<f32>],
    ) {
        // Rows are begun in order.
        let mut n_begun = 0;
        for (k, (_, source)) in self.shape.timed().enumerate() {
            let n = source.n_components;
            for (i, stretch) in stretch[k].iter_mut().enumerate() {
                let plane = &self.timed[k][source.local_plane(i / n, i % n)];
                let r = self.row(k, n, i);
                stretch.add_row(s, (&self.taps[k][i / n], plane), y, &mut row[r], r < n_begun);
                n_begun = n_begun.max(r + 1);
            }
        }
    }

    /// The transpose of [`Sampler::prepare_row`].
    #[inline(always)]
    fn finish_row<S: Simd>(&self, s: S, y: f32, band: &mut Band) {
        let Band { d_timed, stretch_bwd, d_row, .. } = band;
        for (k, (_, source)) in self.shape.timed().enumerate() {
            let n = source.n_components;
            for (i, stretch) in stretch_bwd[k].iter_mut().enumerate() {
                let d = &mut d_timed[k][source.local_plane(i / n, i % n)];
                stretch.add_row_bwd(s, &self.taps[k][i / n], d, y, &d_row[self.row(k, n, i)]);
            }
        }
    }

    /// Completes the gradients of the timed planes and forgets their stretched rows.
    fn finish_band(&self, band: &mut Band) {
        let Band { d_timed, stretch_bwd, stretch, .. } = band;
        for (k, (_, source)) in self.shape.timed().enumerate() {
            let n = source.n_components;
            for (i, bwd) in stretch_bwd[k].iter_mut().enumerate() {
                bwd.flush(&self.taps[k][i / n], &mut d_timed[k][source.local_plane(i / n, i % n)]);
                stretch[k][i].restart();
            }
        }
    }

    /// Room for the coordinates of a tile at every place where canonical grids are read.
    pub fn places(&self) -> Vec<[Lane; 2]> {
        vec![[Lane::ZERO; 2]; self.shape.places.len()]
    }

    /// Canonical levels that are features.
    fn n_canonical(&self) -> usize {
        self.levels.len() / self.shape.n_sets()
    }

    /// The number of the row buffer of the blend grids' sum; it is there where there are such grids.
    fn blend_row(&self) -> usize {
        2 * self.n_motion + self.shape.network.n_features() - self.n_canonical()
    }

    /// The coordinates of tile `p..p + TILE` of a prepared row.
    #[inline(always)]
    pub fn coordinates<S: Simd>(
        &self,
        s: S,
        (x0, dx): (f32, f32),
        y: f32,
        p: usize,
        row: &[Vec<f32>],
        places: &mut [[Lane; 2]],
    ) {
        let mut steps = Lane::ZERO;
        for (j, step) in steps.iter_mut().enumerate() {
            *step = j as f32;
        }
        let first = s.splat(x0 + dx * p as f32);
        for (motions, [at_x, at_y]) in self.shape.places.iter().zip(places) {
            for j in (0..TILE).step_by(S::LANES) {
                let mut x = s.mul_add(s.load(&steps[j..]), s.splat(dx), first);
                let mut y = s.splat(y);
                for m in motions {
                    x = s.add(x, s.load(&row[2 * m][p + j..]));
                    y = s.add(y, s.load(&row[2 * m + 1][p + j..]));
                }
                s.store(&mut at_x[j..], x);
                s.store(&mut at_y[j..], y);
            }
        }
    }

    /// The gradients of displacements in tile `p..p + TILE`, from those of the coordinates of every place.
    #[inline(always)]
    fn d_motion<S: Simd>(&self, s: S, p: usize, d_places: &[[Lane; 2]], d_row: &mut [Vec<f32>]) {
        for (m, d_row) in d_row[..2 * self.n_motion].chunks_exact_mut(2).enumerate() {
            for (axis, row) in d_row.iter_mut().enumerate() {
                for j in (0..TILE).step_by(S::LANES) {
                    let mut sum = s.splat(0.0);
                    for (motions, d) in self.shape.places.iter().zip(d_places) {
                        if motions.contains(&m) {
                            sum = s.add(sum, s.load(&d[axis][j..]));
                        }
                    }
                    s.store(&mut row[p + j..], sum);
                }
            }
        }
    }

    /// The features of tile `p..p + TILE` of a prepared row, and the slopes of the canonical ones
    /// with respect to the coordinates.
    #[inline(always)]
    pub fn features<S: Simd>(
        &self,
        s: S,
        p: usize,
        places: &[[Lane; 2]],
        row: &[Vec<f32>],
        (x, mix): (&mut [Lane], &mut Mix),
        mut slopes: Option<&mut [Slopes]>,
    ) {
        let n = self.n_canonical();
        for (c, (level, plane)) in self.levels.iter().zip(self.planes).enumerate() {
            let slopes = slopes.as_mut().map(|s| &mut s[c]);
            let out = if c < n { &mut x[c] } else { &mut mix.odd[c - n] };
            let at = &places[level.place];
            warp::sample(s, &level.level, plane, self.canonical, at, out, slopes);
        }
        if self.shape.has_anchors {
            let blend = row.get(self.blend_row()).map(|row| &row[p..]);
            mix.forward(s, blend, self.blend_bias, &mut x[..n]);
        }
        let n_features = self.shape.network.n_features();
        for (r, x) in row[2 * self.n_motion..].iter().zip(&mut x[n..n_features]) {
            x.copy_from_slice(&r[p..p + TILE]);
        }
    }
}

/// What a band needs for one tile of points.
struct Tile {
    tiles: Tiles,
    mix: Mix,
    slopes: Vec<Slopes>,
    target: Vec<Lane>,
    places: Vec<[Lane; 2]>,
    d_places: Vec<[Lane; 2]>,
}

impl Tile {
    fn new(sampler: &Sampler) -> Self {
        Self {
            tiles: Tiles::new(&sampler.shape.network),
            mix: Mix::new(sampler.shape),
            slopes: vec![[Lane::ZERO; 2]; sampler.levels.len()],
            target: vec![Lane::ZERO; sampler.shape.n_out],
            places: sampler.places(),
            d_places: sampler.places(),
        }
    }
}

struct BandTask<'a> {
    sampler: &'a Sampler<'a>,
    step: &'a TrainStep,
    target: &'a [f32],
    rows: std::ops::Range<usize>,
    with_grads: bool,
    band: &'a mut Band,
}

impl Task for BandTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { sampler, step, target, rows, with_grads, band } = self;
        let lattice = &step.lattice;
        let n_out = sampler.shape.n_out;
        let Tile { tiles, mix, slopes, target: wanted, places, d_places } = &mut Tile::new(sampler);
        let (n_canonical, n_features) = (sampler.n_canonical(), sampler.shape.network.n_features());
        for i in rows {
            let y = lattice.y0 + lattice.dy * i as f32;
            sampler.prepare_row(s, y, &mut band.stretch, &mut band.row);
            for p in (0..lattice.nx).step_by(TILE) {
                let slopes_wanted = with_grads.then_some(&mut slopes[..]);
                sampler.coordinates(s, (lattice.x0, lattice.dx), y, p, &band.row, places);
                let features = (&mut tiles.x[..], &mut *mix);
                sampler.features(s, p, places, &band.row, features, slopes_wanted);
                sampler.weights.forward(s, tiles);
                let valid = (lattice.nx - p).min(TILE);
                for (c, t) in wanted.iter_mut().enumerate() {
                    let from = c * lattice.len() + i * lattice.nx + p;
                    t[..valid].copy_from_slice(&target[from..from + valid]);
                    t[valid..].fill(f32::NAN);
                }
                let (y, d_y) = (&tiles.y[..n_out], &mut tiles.d_y[..n_out]);
                band.squared_error += loss(s, &step.form, 2.0 * step.weight, y, wanted, d_y);
                if !with_grads {
                    continue;
                }
                sampler.weights.backward(s, tiles, &mut band.layers);
                if sampler.shape.has_anchors {
                    mix.backward(s, &mut tiles.d_x[..n_canonical]);
                }
                d_places.fill([Lane::ZERO; 2]);
                for (c, (level, plane)) in sampler.levels.iter().zip(sampler.planes).enumerate() {
                    let odd = c.checked_sub(n_canonical);
                    let d = odd.map_or_else(|| &tiles.d_x[c], |odd| &mix.odd[odd]);
                    let place = level.place;
                    let (at, buffer) = (&places[place], &mut band.d_canonical);
                    warp::scatter(s, &level.level, plane, at, d, buffer, &mut band.rows[c]);
                    warp::add_products(s, d, &slopes[c], &mut d_places[place]);
                }
                sampler.d_motion(s, p, d_places, &mut band.d_row);
                let d_residual = tiles.d_x[n_canonical..n_features].iter().chain([&mix.d_logit]);
                for (d, row) in d_residual.zip(&mut band.d_row[2 * sampler.n_motion..]) {
                    row[p..p + TILE].copy_from_slice(&d[..]);
                }
            }
            if !with_grads {
                continue;
            }
            sampler.finish_row(s, y, band);
        }
        sampler.finish_band(band);
    }
}

/// Sum over the tile of d^T form d, and its gradient times `weight / 2`. Where the target is NaN, d = 0.
#[inline(always)]
fn loss<S: Simd>(
    s: S,
    form: &[[f32; 3]; 3],
    weight: f32,
    out: &[Lane],
    target: &[Lane],
    d_out: &mut [Lane],
) -> f64 {
    let n = out.len();
    let mut sum = s.splat(0.0);
    for p in (0..TILE).step_by(S::LANES) {
        let mut d = [s.splat(0.0); 3];
        for c in 0..n {
            let target = s.load(&target[c][p..]);
            let there = s.gt(target, s.splat(f32::NEG_INFINITY));
            d[c] = s.select(there, s.sub(s.load(&out[c][p..]), target), s.splat(0.0));
        }
        for c in 0..n {
            let mut g = s.splat(0.0);
            for (e, d) in d.iter().enumerate().take(n) {
                g = s.mul_add(*d, s.splat(form[c][e]), g);
            }
            sum = s.mul_add(d[c], g, sum);
            s.store(&mut d_out[c][p..], s.mul(g, s.splat(weight)));
        }
    }
    f64::from(s.sum(sum))
}

/// See [`super::super::Backend::train`].
pub fn train(
    isa: Isa,
    workspace: &mut GridScratch,
    shape: &Shape,
    step: &TrainStep,
    target: &[f32],
    params: &Params<Vec<f32>>,
    mut grads: Option<&mut Grads<Vec<f32>>>,
) -> f64 {
    let len = shape.n_out * step.lattice.len();
    let frames = step.samples.iter().zip(target.chunks_exact(len));
    let one = |(sample, target)| {
        train_one(isa, workspace, shape, (step, sample), target, params, grads.as_deref_mut())
    };
    frames.map(one).sum()
}

/// The points of one time.
fn train_one(
    isa: Isa,
    workspace: &mut GridScratch,
    shape: &Shape,
    (step, sample): (&TrainStep, &Sample),
    target: &[f32],
    params: &Params<Vec<f32>>,
    grads: Option<&mut Grads<Vec<f32>>>,
) -> f64 {
    let levels = shape.canonical_levels(sample);
    workspace.load_canonical(&levels, params);
    workspace.load_timed(shape, sample, params);
    workspace.set_lattice(shape, &step.lattice);
    let weights = Weights::new(&shape.network, params.network, &workspace.modulated);
    let parts = workspace.parts();
    let sampler = Sampler::new(shape, (sample, &levels), &parts, &weights);
    let with_grads = grads.is_some();
    let (n_bands, ny) = (parts.bands.len(), step.lattice.ny);
    parts.bands.par_iter_mut().enumerate().for_each(|(b, band)| {
        band.clear(shape, sampler.canonical.len());
        let rows = b * ny / n_bands..(b + 1) * ny / n_bands;
        isa.run(BandTask { sampler: &sampler, step, target, rows, with_grads, band });
    });
    if let Some(grads) = grads {
        workspace.d_modulated.fill(0.0);
        super::reduce::reduce(isa, workspace, shape, (sample, &levels), params, grads);
        let (modulated, d) = (&workspace.modulated, &workspace.d_modulated);
        let (net, network) = (&shape.network, params.network);
        modulation::backward(net, sample.latent, network, modulated, d, grads.network);
    }
    workspace.bands.iter().map(|b| b.squared_error).sum()
}
