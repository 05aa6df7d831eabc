// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paper's profiles, point by point (paper Eq. 1 and 2).

use super::super::Sum;
use super::super::paper::{Dense, Encoding, PaperBackend, PaperPurpose, PaperShape, PaperStep};
use super::Reference;
use super::render::pack_with;
use crate::base::{Picture, Result};

/// Inputs of every layer, and what the last one yields.
type Activations = Vec<Vec<f32>>;

fn encode(shape: &PaperShape, params: &[f32], (x, y): (f32, f32)) -> Vec<f32> {
    let mut out = Vec::with_capacity(shape.n_features());
    match &shape.encoding {
        Encoding::Hash { levels, n_features } => {
            for level in levels {
                for f in 0..*n_features {
                    let mut sum = 0.0;
                    each_corner(level, (x, y), &mut |entry, w| {
                        sum += w * params[level.offset + entry * n_features + f];
                    });
                    out.push(sum);
                }
            }
        }
        Encoding::Fourier { frequencies } => {
            let side = shape.width.max(shape.height) as f32;
            for u in [(x + 0.5) / side, (y + 0.5) / side] {
                for f in frequencies {
                    let phase = std::f32::consts::PI * f * u;
                    out.extend([phase.sin(), phase.cos()]);
                }
            }
        }
    }
    out
}

/// The four entries around a point and their weights.
fn each_corner(
    level: &super::super::paper::HashLevel,
    point: (f32, f32),
    f: &mut dyn FnMut(usize, f32),
) {
    let ((i, j), (fx, fy)) = level.cell(point);
    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let weight = |d: usize, f: f32| if d == 1 { f } else { 1.0 - f };
        f(level.entry(i + dx, j + dy), weight(dx, fx) * weight(dy, fy));
    }
}

fn dense(layer: &Dense, params: &[f32], x: &[f32]) -> Vec<f32> {
    let (w, b) = (&params[layer.weights()], &params[layer.bias()]);
    let row = |(row, b): (&[f32], &f32)| b + row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
    w.chunks_exact(layer.n_in).zip(b).map(row).collect()
}

/// Gradients of a layer's inputs; adds to those of its parameters.
fn dense_bwd(layer: &Dense, params: &[f32], x: &[f32], d: &[f32], grads: &mut [f32]) -> Vec<f32> {
    let mut d_x = vec![0.0; layer.n_in];
    for (r, d) in d.iter().enumerate() {
        for c in 0..layer.n_in {
            let at = layer.offset + r * layer.n_in + c;
            d_x[c] += params[at] * d;
            grads[at] += d * x[c];
        }
        grads[layer.bias().start + r] += d;
    }
    d_x
}

/// The networks at one time.
struct Frame {
    /// Parameters with the modulated weights in place of the base's.
    params: Vec<f32>,
    /// Per hypernetwork: inputs of its layers and its output.
    hyper: Vec<Activations>,
    /// Per hypernetwork: sigmoid(P Q) [n_out, n_in].
    masks: Vec<Vec<f32>>,
}

impl Frame {
    fn new(shape: &PaperShape, params: &[f32], z: &[f32]) -> Self {
        let (mut own, mut hyper, mut masks) = (params.to_vec(), Vec::new(), Vec::new());
        for h in &shape.hyper {
            let mut all: Activations = vec![z.to_vec()];
            for (i, layer) in h.layers.iter().enumerate() {
                let mut out = dense(layer, params, &all[i]);
                if i + 1 < h.layers.len() {
                    out.iter_mut().for_each(|v| *v = v.tanh());
                }
                all.push(out);
            }
            let base = shape.layers[h.layer];
            let (p, q) = all[h.layers.len()].split_at(base.n_out * h.rank);
            let mut mask = vec![0.0; base.n_out * base.n_in];
            for (i, s) in mask.iter_mut().enumerate() {
                let (row, column) = (i / base.n_in, i % base.n_in);
                let product: f32 =
                    (0..h.rank).map(|r| p[row * h.rank + r] * q[r * base.n_in + column]).sum();
                *s = 1.0 / (1.0 + (-product).exp());
                own[base.offset + i] *= *s;
            }
            hyper.push(all);
            masks.push(mask);
        }
        Self { params: own, hyper, masks }
    }

    /// From gradients of this frame's weights to those of base, hypernetworks and latent.
    fn backward(&self, shape: &PaperShape, params: &[f32], frame: usize, grads: &mut [f32]) {
        for (k, h) in shape.hyper.iter().enumerate() {
            let base = shape.layers[h.layer];
            let out = &self.hyper[k][h.layers.len()];
            let (p, q) = out.split_at(base.n_out * h.rank);
            let mut d_out = vec![0.0; out.len()];
            let (d_p, d_q) = d_out.split_at_mut(p.len());
            for (i, s) in self.masks[k].iter().enumerate() {
                let (row, column) = (i / base.n_in, i % base.n_in);
                let d = &mut grads[base.offset + i];
                let d_z = *d * params[base.offset + i] * s * (1.0 - s);
                *d *= s;
                for r in 0..h.rank {
                    d_p[row * h.rank + r] += d_z * q[r * base.n_in + column];
                    d_q[r * base.n_in + column] += d_z * p[row * h.rank + r];
                }
            }
            let mut d = d_out;
            for (i, layer) in h.layers.iter().enumerate().rev() {
                d = dense_bwd(layer, params, &self.hyper[k][i], &d, grads);
                if i > 0 {
                    let tanh = &self.hyper[k][i];
                    d.iter_mut().zip(tanh).for_each(|(d, t)| *d *= 1.0 - t * t);
                }
            }
            grads[shape.latent(frame)].iter_mut().zip(d).for_each(|(g, d)| *g += d);
        }
    }
}

/// Inputs of the base layers and the values of a point.
fn point(shape: &PaperShape, params: &[f32], at: (f32, f32)) -> Activations {
    let mut all = vec![encode(shape, params, at)];
    for (i, layer) in shape.layers.iter().enumerate() {
        let mut out = dense(layer, params, &all[i]);
        if i + 1 < shape.layers.len() {
            out.iter_mut().for_each(|v| *v = v.max(0.0));
        }
        all.push(out);
    }
    all
}

/// Squared error of a point, and its gradient times `weight`.
fn loss(shape: &PaperShape, step: &PaperStep, out: &[f32], target: &[f32]) -> (f64, Vec<f32>) {
    let area = shape.patch * shape.patch;
    let mut d_out = vec![0.0; out.len()];
    let mut sum = 0.0;
    for pixel in 0..area {
        let d: Vec<f32> = (0..shape.n_out)
            .map(|c| out[c * area + pixel] - target[c * area + pixel])
            .map(|d| if d.is_nan() { 0.0 } else { d })
            .collect();
        for (i, d_i) in d.iter().enumerate() {
            let g: f32 = d.iter().zip(step.form[i]).map(|(d, f)| f * d).sum();
            sum += f64::from(d_i * g);
            d_out[i * area + pixel] = 2.0 * step.weight * g;
        }
    }
    (sum, d_out)
}

impl PaperBackend for Reference {
    type PaperWorkspace = ();

    fn paper_workspace(&self, _: &PaperShape, _: PaperPurpose) -> Result<()> {
        Ok(())
    }

    fn paper_train(
        &self,
        (): &mut (),
        shape: &PaperShape,
        step: &PaperStep,
        target: &Vec<f32>,
        params: &Vec<f32>,
        mut grads: Option<&mut Vec<f32>>,
        mut error: Sum<Vec<f32>>,
    ) -> Result<()> {
        let lattice = &step.lattice;
        let (n, n_values) = (lattice.len(), shape.n_values());
        let mut sum = 0.0;
        for f in 0..shape.n_frames {
            let frame = Frame::new(shape, params, &params[shape.latent(f)]);
            let mut own_grads = vec![0.0; shape.len()];
            for i in 0..n {
                let at = (
                    lattice.x0 + lattice.dx * (i % lattice.nx) as f32,
                    lattice.y0 + lattice.dy * (i / lattice.nx) as f32,
                );
                let all = point(shape, &frame.params, at);
                let wanted: Vec<f32> =
                    (0..n_values).map(|v| target[(f * n_values + v) * n + i]).collect();
                let (error, mut d) = loss(shape, step, &all[shape.layers.len()], &wanted);
                sum += error;
                if grads.is_none() {
                    continue;
                }
                for (l, layer) in shape.layers.iter().enumerate().rev() {
                    d = dense_bwd(layer, &frame.params, &all[l], &d, &mut own_grads);
                    if l > 0 {
                        d.iter_mut().zip(&all[l]).for_each(|(d, h)| {
                            if *h <= 0.0 {
                                *d = 0.0;
                            }
                        });
                    }
                }
                if let Encoding::Hash { levels, n_features } = &shape.encoding {
                    for (level, d) in levels.iter().zip(d.chunks_exact(*n_features)) {
                        each_corner(level, at, &mut |entry, w| {
                            for (k, d) in d.iter().enumerate() {
                                own_grads[level.offset + entry * n_features + k] += w * d;
                            }
                        });
                    }
                }
            }
            if let Some(grads) = grads.as_mut() {
                frame.backward(shape, params, f, &mut own_grads);
                grads.iter_mut().zip(own_grads).for_each(|(g, o)| *g += o);
            }
        }
        error.set(sum);
        Ok(())
    }

    fn paper_render(
        &self,
        (): &mut (),
        shape: &PaperShape,
        tau: f32,
        params: &Vec<f32>,
        out: &mut Picture,
    ) -> Result<()> {
        let frame = Frame::new(shape, params, &shape.latent_at(tau, params));
        let source = (shape.width, shape.height);
        pack_with(source, shape.n_out, out, &mut |size| {
            let lattice = shape.centres_of(size);
            let (p, area) = (shape.patch, shape.patch * shape.patch);
            let mut planes = vec![vec![0.0; size.0 * size.1]; shape.n_out];
            for (i, j) in (0..lattice.ny).flat_map(|j| (0..lattice.nx).map(move |i| (i, j))) {
                let at = (lattice.x0 + lattice.dx * i as f32, lattice.y0 + lattice.dy * j as f32);
                let all = point(shape, &frame.params, at);
                for (v, value) in all[shape.layers.len()].iter().enumerate() {
                    let (x, y) = (i * p + v % area % p, j * p + v % area / p);
                    if x < size.0 && y < size.1 {
                        planes[v / area][y * size.0 + x] = *value;
                    }
                }
            }
            planes
        });
        Ok(())
    }
}
