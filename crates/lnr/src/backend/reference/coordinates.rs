// SPDX-License-Identifier: MIT OR Apache-2.0
//! Coordinate networks, point by point (paper Eq. 1 and 2).

use super::super::{
    Dense, Encoding, Grads, HashLevel, Params, Sample, Shape, Stop, TrainStep, check_stop,
};
use super::network::relu;
use super::render::pack_with;
use crate::base::{Picture, Result};

/// Inputs of every layer, and what the last one yields.
type Activations = Vec<Vec<f32>>;

fn encode(shape: &Shape, encoding: &Encoding, tables: &[f32], (x, y): (f32, f32)) -> Vec<f32> {
    let mut out = Vec::new();
    match encoding {
        Encoding::Hash { levels, n_features } => {
            for level in levels {
                for f in 0..*n_features {
                    let mut sum = 0.0;
                    each_corner(level, (x, y), &mut |entry, w| {
                        sum += w * tables[level.offset + entry * n_features + f];
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
fn each_corner(level: &HashLevel, point: (f32, f32), f: &mut dyn FnMut(usize, f32)) {
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
    fn new(shape: &Shape, params: &[f32], z: &[f32]) -> Self {
        let (mut own, mut hyper, mut masks) = (params.to_vec(), Vec::new(), Vec::new());
        for h in &shape.network.hyper {
            let mut all: Activations = vec![z.to_vec()];
            for (i, layer) in h.layers.iter().enumerate() {
                let mut out = dense(layer, params, &all[i]);
                if i + 1 < h.layers.len() {
                    out.iter_mut().for_each(|v| *v = v.tanh());
                }
                all.push(out);
            }
            let base = shape.network.layers[h.layer];
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
    fn backward(&self, shape: &Shape, params: &[f32], sample: &Sample, grads: &mut [f32]) {
        for (k, h) in shape.network.hyper.iter().enumerate() {
            let base = shape.network.layers[h.layer];
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
            for (node, share) in sample.latent.shares() {
                let g = &mut grads[shape.network.latent(node)];
                g.iter_mut().zip(&d).for_each(|(g, d)| *g += share * d);
            }
        }
    }
}

/// Inputs of the base layers and the values of a point, given its features.
fn point(shape: &Shape, params: &[f32], features: Vec<f32>) -> Activations {
    let layers = &shape.network.layers;
    let mut all = vec![features];
    for (i, layer) in layers.iter().enumerate() {
        let mut out = dense(layer, params, &all[i]);
        if i + 1 < layers.len() {
            out.iter_mut().for_each(|v| *v = relu(*v));
        }
        all.push(out);
    }
    all
}

/// Squared error of a point, and its gradient times `weight`.
fn loss(shape: &Shape, step: &TrainStep, out: &[f32], target: &[f32]) -> (f64, Vec<f32>) {
    let area = shape.patch * shape.patch;
    let mut d_out = vec![0.0; out.len()];
    let mut sum = 0.0;
    for pixel in 0..area {
        let d: Vec<f32> = (0..shape.n_out)
            .map(|c| (out[c * area + pixel], target[c * area + pixel]))
            .map(|(out, target)| if target.is_nan() { 0.0 } else { out - target })
            .collect();
        for (i, d_i) in d.iter().enumerate() {
            let g: f32 = d.iter().zip(step.form[i]).map(|(d, f)| f * d).sum();
            sum += f64::from(d_i * g);
            d_out[i * area + pixel] = 2.0 * step.weight * g;
        }
    }
    (sum, d_out)
}

/// See [`super::super::Backend::train`].
pub fn train(
    shape: &Shape,
    encoding: &Encoding,
    step: &TrainStep,
    target: &[f32],
    params: &Params<Vec<f32>>,
    mut grads: Option<&mut Grads<Vec<f32>>>,
) -> f64 {
    let (lattice, layers) = (&step.lattice, &shape.network.layers);
    let (n, n_values) = (lattice.len(), shape.n_values());
    let (tables, network) = (params.grids, params.network);
    let mut sum = 0.0;
    for (f, sample) in step.samples.iter().enumerate() {
        let frame = Frame::new(shape, network, &shape.latent_at(sample, network));
        let mut own_grads = vec![0.0; network.len()];
        for i in 0..n {
            let at = (
                lattice.x0 + lattice.dx * (i % lattice.nx) as f32,
                lattice.y0 + lattice.dy * (i / lattice.nx) as f32,
            );
            let all = point(shape, &frame.params, encode(shape, encoding, tables, at));
            let wanted: Vec<f32> =
                (0..n_values).map(|v| target[(f * n_values + v) * n + i]).collect();
            let (error, mut d) = loss(shape, step, &all[layers.len()], &wanted);
            sum += error;
            let Some(grads) = grads.as_mut() else { continue };
            for (l, layer) in layers.iter().enumerate().rev() {
                d = dense_bwd(layer, &frame.params, &all[l], &d, &mut own_grads);
                if l > 0 {
                    d.iter_mut().zip(&all[l]).for_each(|(d, h)| {
                        if *h <= 0.0 {
                            *d = 0.0;
                        }
                    });
                }
            }
            let Encoding::Hash { levels, n_features } = encoding else { continue };
            for (level, d) in levels.iter().zip(d.chunks_exact(*n_features)) {
                each_corner(level, at, &mut |entry, w| {
                    for (k, d) in d.iter().enumerate() {
                        grads.grids[level.offset + entry * n_features + k] += w * d;
                    }
                });
            }
        }
        if let Some(grads) = grads.as_mut() {
            frame.backward(shape, network, sample, &mut own_grads);
            grads.network.iter_mut().zip(own_grads).for_each(|(g, o)| *g += o);
        }
    }
    sum
}

/// See [`super::super::Backend::render`].
pub fn render(
    shape: &Shape,
    encoding: &Encoding,
    sample: &Sample,
    params: &Params<Vec<f32>>,
    stop: &Stop,
    out: &mut Picture,
) -> Result<()> {
    let frame = Frame::new(shape, params.network, &shape.latent_at(sample, params.network));
    let source = (shape.width, shape.height);
    pack_with(source, shape.n_out, out, &mut |size| {
        let lattice = shape.centres_of(size);
        let (p, area) = (shape.patch, shape.patch * shape.patch);
        let mut planes = vec![vec![0.0; size.0 * size.1]; shape.n_out];
        for j in 0..lattice.ny {
            check_stop(stop)?;
            for i in 0..lattice.nx {
                let at = (lattice.x0 + lattice.dx * i as f32, lattice.y0 + lattice.dy * j as f32);
                let features = encode(shape, encoding, params.grids, at);
                let all = point(shape, &frame.params, features);
                for (v, value) in all[shape.network.layers.len()].iter().enumerate() {
                    let (x, y) = (i * p + v % area % p, j * p + v % area / p);
                    if x < size.0 && y < size.1 {
                        planes[v / area][y * size.0 + x] = *value;
                    }
                }
            }
        }
        Ok(planes)
    })
}
