// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fused training step: rows of points go through sampling, network, loss and back while they
//! are in the cache.

use rayon::prelude::*;

use super::super::{Grads, Params, Shape, Timed, TrainStep};
use super::dense::{Lane, TILE};
use super::network::{Tiles, Weights};
use super::planes::Padded;
use super::simd::{Isa, Simd, Task};
use super::upsample::Stretch;
use super::warp::{self, Slopes};
use super::workspace::{Band, Taps2, Workspace};

/// What all bands of a step read.
pub struct Scene<'a> {
    pub shape: &'a Shape,
    pub canonical: &'a [f32],
    pub planes: &'a [Padded],
    pub timed: &'a [Vec<f32>; 2],
    pub taps: &'a Taps2,
    pub weights: &'a Weights,
}

impl Scene<'_> {
    /// Displacements and residual features along ordinate `y` into the band's row buffers.
    #[inline(always)]
    pub fn prepare_row<S: Simd>(
        &self,
        s: S,
        y: f32,
        stretch: &mut [Vec<Stretch>; 2],
        row: &mut [Vec<f32>],
    ) {
        for row in row.iter_mut() {
            row.fill(0.0);
        }
        for (k, source) in self.sources().into_iter().enumerate() {
            let n = source.n_components;
            for (i, stretch) in stretch[k].iter_mut().enumerate() {
                let plane = &self.timed[k][source.local_plane(i / n, i % n)];
                let target = if k == 0 { i % n } else { 2 + i };
                stretch.add_row(s, &self.taps[k][i / n], plane, y, &mut row[target]);
            }
        }
    }

    /// The transpose of [`Scene::prepare_row`].
    #[inline(always)]
    fn finish_row<S: Simd>(&self, s: S, y: f32, band: &mut Band) {
        let Band { d_timed, stretch_bwd, d_row, .. } = band;
        for (k, source) in self.sources().into_iter().enumerate() {
            let n = source.n_components;
            for (i, stretch) in stretch_bwd[k].iter_mut().enumerate() {
                let d = &mut d_timed[k][source.local_plane(i / n, i % n)];
                let target = if k == 0 { i % n } else { 2 + i };
                stretch.add_row_bwd(s, &self.taps[k][i / n], d, y, &d_row[target]);
            }
        }
    }

    /// Completes the gradients of the timed planes and forgets their stretched rows.
    fn finish_band(&self, band: &mut Band) {
        let Band { d_timed, stretch_bwd, stretch, .. } = band;
        for (k, source) in self.sources().into_iter().enumerate() {
            let n = source.n_components;
            for (i, bwd) in stretch_bwd[k].iter_mut().enumerate() {
                bwd.flush(&self.taps[k][i / n], &mut d_timed[k][source.local_plane(i / n, i % n)]);
                stretch[k][i].restart();
            }
        }
    }

    /// Motion, then residual.
    fn sources(&self) -> [&Timed; 2] {
        [&self.shape.motion, &self.shape.residual]
    }

    /// The warped coordinates of tile `p..p + TILE` of a prepared row.
    #[inline(always)]
    pub fn coordinates<S: Simd>(
        &self,
        s: S,
        (x0, dx): (f32, f32),
        y: f32,
        p: usize,
        row: &[Vec<f32>],
        [at_x, at_y]: &mut [Lane; 2],
    ) {
        let mut steps = Lane::ZERO;
        for (j, step) in steps.iter_mut().enumerate() {
            *step = j as f32;
        }
        let first = s.splat(x0 + dx * p as f32);
        for j in (0..TILE).step_by(S::LANES) {
            let x = s.mul_add(s.load(&steps[j..]), s.splat(dx), first);
            s.store(&mut at_x[j..], s.add(x, s.load(&row[0][p + j..])));
            s.store(&mut at_y[j..], s.add(s.splat(y), s.load(&row[1][p + j..])));
        }
    }

    /// The features of tile `p..p + TILE` of a prepared row, and the slopes of the canonical ones
    /// with respect to the coordinates `at`.
    #[inline(always)]
    pub fn features<S: Simd>(
        &self,
        s: S,
        p: usize,
        at: &[Lane; 2],
        row: &[Vec<f32>],
        x: &mut [Lane],
        mut slopes: Option<&mut [Slopes]>,
    ) {
        let n = self.planes.len();
        for (c, (level, plane)) in self.shape.canonical.iter().zip(self.planes).enumerate() {
            let slopes = slopes.as_mut().map(|s| &mut s[c]);
            warp::sample(s, level, plane, self.canonical, at, &mut x[c], slopes);
        }
        for (r, x) in row[2..].iter().zip(&mut x[n..]) {
            x.copy_from_slice(&r[p..p + TILE]);
        }
    }
}

/// What a band needs for one tile of points.
struct Tile {
    tiles: Tiles,
    slopes: Vec<Slopes>,
    target: Vec<Lane>,
}

impl Tile {
    fn new(shape: &Shape) -> Self {
        Self {
            tiles: Tiles::new(shape),
            slopes: vec![[Lane::ZERO; 2]; shape.canonical.len()],
            target: vec![Lane::ZERO; shape.network.n_out],
        }
    }
}

struct BandTask<'a> {
    scene: &'a Scene<'a>,
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
        let Self { scene, step, target, rows, with_grads, band } = self;
        let (shape, lattice) = (scene.shape, &step.lattice);
        let n_out = shape.network.n_out;
        let Tile { tiles, slopes, target: wanted } = &mut Tile::new(shape);
        for i in rows {
            let y = lattice.y0 + lattice.dy * i as f32;
            scene.prepare_row(s, y, &mut band.stretch, &mut band.row);
            for p in (0..lattice.nx).step_by(TILE) {
                let mut at = [Lane::ZERO; 2];
                let slopes_wanted = with_grads.then_some(&mut slopes[..]);
                scene.coordinates(s, (lattice.x0, lattice.dx), y, p, &band.row, &mut at);
                scene.features(s, p, &at, &band.row, &mut tiles.x, slopes_wanted);
                scene.weights.forward(s, tiles);
                let valid = (lattice.nx - p).min(TILE);
                for (c, (t, y)) in wanted.iter_mut().zip(&tiles.y[..n_out]).enumerate() {
                    let from = c * lattice.len() + i * lattice.nx + p;
                    t[..valid].copy_from_slice(&target[from..from + valid]);
                    t[valid..].copy_from_slice(&y[valid..]);
                }
                let (y, d_y) = (&tiles.y[..n_out], &mut tiles.d_y[..n_out]);
                band.squared_error += loss(s, &step.form, 2.0 * step.weight, y, wanted, d_y);
                if !with_grads {
                    continue;
                }
                scene.weights.backward(s, tiles, &mut band.layers);
                let mut d_at = [Lane::ZERO; 2];
                for (c, (level, plane)) in shape.canonical.iter().zip(scene.planes).enumerate() {
                    let d = &tiles.d_x[c];
                    let buffer = &mut band.d_canonical;
                    warp::scatter(s, level, plane, &at, d, buffer, &mut band.rows[c]);
                    warp::add_products(s, d, &slopes[c], &mut d_at);
                }
                let d_residual = &tiles.d_x[scene.planes.len()..];
                for (d, row) in d_at.iter().chain(d_residual).zip(&mut band.d_row) {
                    row[p..p + TILE].copy_from_slice(&d[..]);
                }
            }
            if !with_grads {
                continue;
            }
            scene.finish_row(s, y, band);
        }
        scene.finish_band(band);
    }
}

/// Sum over the tile of d^T form d, and its gradient times `weight / 2`. Points without a target
/// have d = 0.
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
            d[c] = s.sub(s.load(&out[c][p..]), s.load(&target[c][p..]));
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
    workspace: &mut Workspace,
    shape: &Shape,
    step: &TrainStep,
    target: &[f32],
    params: &Params<Vec<f32>>,
    grads: Option<&mut Grads<Vec<f32>>>,
) -> f64 {
    workspace.load_canonical(shape, params.grids, params.network);
    workspace.load_timed(shape, step.tau, params);
    workspace.set_lattice(shape, &step.lattice);
    let weights = Weights::new(shape, params);
    let parts = workspace.parts();
    let scene = Scene {
        shape,
        canonical: parts.canonical,
        planes: parts.planes,
        timed: parts.timed,
        taps: parts.taps,
        weights: &weights,
    };
    let with_grads = grads.is_some();
    let (n_bands, ny) = (parts.bands.len(), step.lattice.ny);
    parts.bands.par_iter_mut().enumerate().for_each(|(b, band)| {
        band.clear(shape, scene.canonical.len());
        let rows = b * ny / n_bands..(b + 1) * ny / n_bands;
        isa.run(BandTask { scene: &scene, step, target, rows, with_grads, band });
    });
    if let Some(grads) = grads {
        super::reduce::reduce(isa, workspace, shape, step.tau, params, grads);
    }
    workspace.bands.iter().map(|b| b.squared_error).sum()
}
