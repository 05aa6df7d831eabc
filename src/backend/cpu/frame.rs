// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fused training step: rows of points go through sampling, network, loss and back while they
//! are in the cache.

use rayon::prelude::*;

use super::super::{Grads, Params, Shape, Tensor, Timed, TrainStep};
use super::network::{Lane, TILE, layer, relu_bwd, transposed_add};
use super::planes::Padded;
use super::simd::{Isa, Simd, Task};
use super::upsample::Stretch;
use super::warp;
use super::workspace::{Band, Taps2, Workspace};

/// Weights of the base network at one time.
pub struct Weights<'a> {
    pub w1: &'a [f32],
    pub b1: &'a [f32],
    pub w2: &'a [f32],
    pub b2: &'a [f32],
    pub w3: &'a [f32],
    pub b3: &'a [f32],
    pub skip: &'a [f32],
}

impl<'a> Weights<'a> {
    pub fn new(shape: &Shape, params: &Params<'a, Vec<f32>>) -> Self {
        let net = &shape.network;
        let at = |t| &params.network[net.range(t)];
        let n = net.width * net.n_features;
        Self {
            w1: &params.modulated[..n],
            b1: &params.modulated[n..n + net.width],
            w2: at(Tensor::W2),
            b2: at(Tensor::B2),
            w3: at(Tensor::W3),
            b3: at(Tensor::B3),
            skip: at(Tensor::Skip),
        }
    }

    /// features -> hidden layers h1, h2 -> components y.
    #[inline(always)]
    pub fn forward<S: Simd>(
        &self,
        s: S,
        x: &[Lane],
        h1: &mut [Lane],
        h2: &mut [Lane],
        y: &mut [Lane],
        t: &mut [Lane],
    ) {
        layer(s, self.w1, self.b1, true, x, h1);
        layer(s, self.w2, self.b2, true, h1, h2);
        layer(s, self.w3, self.b3, false, h2, y);
        layer(s, self.skip, &[], false, x, t);
        for (y, t) in y.iter_mut().zip(t) {
            for p in (0..TILE).step_by(S::LANES) {
                let sum = s.add(s.load(&y[p..]), s.load(&t[p..]));
                s.store(&mut y[p..], sum);
            }
        }
    }
}

/// What all bands of a step read.
pub struct Scene<'a> {
    pub shape: &'a Shape,
    pub canonical: &'a [f32],
    pub planes: &'a [Padded],
    pub timed: &'a [Vec<f32>; 2],
    pub taps: &'a Taps2,
    pub weights: &'a Weights<'a>,
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

    /// The features of tile `p..p + TILE` of a prepared row, and the warped coordinates.
    #[inline(always)]
    pub fn features<S: Simd>(
        &self,
        s: S,
        (x0, dx): (f32, f32),
        y: f32,
        p: usize,
        row: &[Vec<f32>],
        at: &mut [Lane; 2],
        x: &mut [Lane],
    ) {
        let [ax, ay] = at;
        for j in 0..TILE {
            ax[j] = x0 + dx * (p + j) as f32 + row[0][p + j];
            ay[j] = y + row[1][p + j];
        }
        let n = self.planes.len();
        for ((level, plane), x) in self.shape.canonical.iter().zip(self.planes).zip(&mut *x) {
            warp::sample(s, level, plane, self.canonical, (ax, ay), x);
        }
        for (r, x) in row[2..].iter().zip(&mut x[n..]) {
            x.copy_from_slice(&r[p..p + TILE]);
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
        let net = &shape.network;
        let (n, k, o) = (net.n_features, net.width, net.n_out);
        let mut tiles = vec![[0.0f32; TILE]; 2 * n + 4 * k + 3 * o];
        for i in rows {
            let y = lattice.y0 + lattice.dy * i as f32;
            scene.prepare_row(s, y, &mut band.stretch, &mut band.row);
            for p in (0..lattice.nx).step_by(TILE) {
                let (x, rest) = tiles.split_at_mut(n);
                let (d_x, rest) = rest.split_at_mut(n);
                let (h1, rest) = rest.split_at_mut(k);
                let (h2, rest) = rest.split_at_mut(k);
                let (d1, rest) = rest.split_at_mut(k);
                let (d2, rest) = rest.split_at_mut(k);
                let (out, rest) = rest.split_at_mut(o);
                let (d_out, t) = rest.split_at_mut(o);
                let mut at = [[0.0; TILE]; 2];
                scene.features(s, (lattice.x0, lattice.dx), y, p, &band.row, &mut at, x);
                scene.weights.forward(s, x, h1, h2, out, t);
                let valid = (lattice.nx - p).min(TILE);
                for (c, t) in t.iter_mut().enumerate() {
                    let from = c * lattice.len() + i * lattice.nx + p;
                    t[..valid].copy_from_slice(&target[from..from + valid]);
                    t[valid..].copy_from_slice(&out[c][valid..]);
                }
                band.squared_error += loss(s, &step.form, 2.0 * step.weight, out, t, d_out);
                if !with_grads {
                    continue;
                }
                backward(s, scene.weights, &mut band.layers, [x, h1, h2], [d1, d2], d_out, d_x);
                let mut d_at = [[0.0; TILE]; 2];
                let [d_ax, d_ay] = &mut d_at;
                for (c, (level, plane)) in shape.canonical.iter().zip(scene.planes).enumerate() {
                    warp::sample_bwd(
                        s,
                        level,
                        plane,
                        scene.canonical,
                        (&at[0], &at[1]),
                        &d_x[c],
                        &mut band.d_canonical,
                        (&mut *d_ax, &mut *d_ay),
                        &mut band.rows[c],
                    );
                }
                let d_residual = &d_x[scene.planes.len()..];
                for (d, row) in d_at.iter().chain(d_residual).zip(&mut band.d_row) {
                    row[p..p + TILE].copy_from_slice(d);
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

#[inline(always)]
fn clear(lanes: &mut [Lane]) {
    for lane in lanes {
        lane.fill(0.0);
    }
}

#[inline(always)]
fn backward<S: Simd>(
    s: S,
    weights: &Weights,
    layers: &mut [super::network::LayerGrad; 4],
    [x, h1, h2]: [&[Lane]; 3],
    [d1, d2]: [&mut [Lane]; 2],
    d_out: &[Lane],
    d_x: &mut [Lane],
) {
    let [l1, l2, l3, skip] = layers;
    l3.add(s, d_out, h2);
    skip.add(s, d_out, x);
    clear(d2);
    transposed_add(s, weights.w3, d_out, d2);
    relu_bwd(s, h2, d2);
    l2.add(s, d2, h1);
    clear(d1);
    transposed_add(s, weights.w2, d2, d1);
    relu_bwd(s, h1, d1);
    l1.add(s, d1, x);
    clear(d_x);
    transposed_add(s, weights.w1, d1, d_x);
    transposed_add(s, weights.skip, d_out, d_x);
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
