// SPDX-License-Identifier: MIT OR Apache-2.0
//! The base network at one point, and the training step over points.

use super::super::{Grads, Params, Shape, Tensor, TrainStep};
use super::sample;

/// The layers of a network at one time, and the outputs of each.
pub struct Pass {
    pub h1: Vec<f32>,
    pub h2: Vec<f32>,
    pub out: Vec<f32>,
}

fn affine(w: &[f32], b: &[f32], x: &[f32]) -> Vec<f32> {
    let dot = |row: &[f32]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
    w.chunks_exact(x.len()).zip(b).map(|(row, b)| dot(row) + b).collect()
}

/// h1 = ReLU(W(t) x + b(t)), h2 = ReLU(W2 h1 + b2), out = W3 h2 + b3 + S x
pub fn forward(shape: &Shape, params: &Params<Vec<f32>>, x: &[f32]) -> Pass {
    let net = &shape.network;
    let (k, n) = (net.width, net.width * net.n_features);
    let tensor = |t| &params.network[net.range(t)];
    let relu = |v: Vec<f32>| v.into_iter().map(|v| v.max(0.0)).collect::<Vec<_>>();
    let h1 = relu(affine(&params.modulated[..n], &params.modulated[n..n + k], x));
    let h2 = relu(affine(tensor(Tensor::W2), tensor(Tensor::B2), &h1));
    let direct = affine(tensor(Tensor::W3), tensor(Tensor::B3), &h2);
    let skip = affine(tensor(Tensor::Skip), &vec![0.0; net.n_out], x);
    Pass { h1, h2, out: direct.iter().zip(skip).map(|(a, b)| a + b).collect() }
}

/// dW += d x^T, returns W^T d.
fn affine_bwd(w: &[f32], d_w: &mut [f32], d: &[f32], x: &[f32]) -> Vec<f32> {
    let mut d_x = vec![0.0; x.len()];
    for (o, d) in d.iter().enumerate() {
        for (i, x) in x.iter().enumerate() {
            d_w[o * d_x.len() + i] += d * x;
            d_x[i] += d * w[o * d_x.len() + i];
        }
    }
    d_x
}

fn add(to: &mut [f32], d: &[f32]) {
    to.iter_mut().zip(d).for_each(|(t, d)| *t += d);
}

/// Returns the gradient of the features.
fn backward(
    shape: &Shape,
    params: &Params<Vec<f32>>,
    x: &[f32],
    pass: &Pass,
    d_out: &[f32],
    grads: &mut Grads<Vec<f32>>,
) -> Vec<f32> {
    let net = &shape.network;
    let (k, n) = (net.width, net.width * net.n_features);
    let tensor = |t| &params.network[net.range(t)];
    let through_relu = |h: &[f32], d: Vec<f32>| -> Vec<f32> {
        h.iter().zip(d).map(|(&h, d)| if h > 0.0 { d } else { 0.0 }).collect()
    };
    let d_network = &mut *grads.network;
    let at = |t| net.range(t);
    add(&mut d_network[at(Tensor::B3)], d_out);
    let d_skip = &mut d_network[at(Tensor::Skip)];
    let mut d_x = affine_bwd(tensor(Tensor::Skip), d_skip, d_out, x);
    let d_w3 = &mut d_network[at(Tensor::W3)];
    let d2 = through_relu(&pass.h2, affine_bwd(tensor(Tensor::W3), d_w3, d_out, &pass.h2));
    add(&mut d_network[at(Tensor::B2)], &d2);
    let d_w2 = &mut d_network[at(Tensor::W2)];
    let d1 = through_relu(&pass.h1, affine_bwd(tensor(Tensor::W2), d_w2, &d2, &pass.h1));
    let (d_w1, rest) = grads.modulated.split_at_mut(n);
    add(&mut rest[..k], &d1);
    add(&mut d_x, &affine_bwd(&params.modulated[..n], d_w1, &d1, x));
    d_x
}

/// See [`super::super::Backend::train`].
pub fn train(
    shape: &Shape,
    step: &TrainStep,
    target: &[f32],
    params: &Params<Vec<f32>>,
    mut grads: Option<&mut Grads<Vec<f32>>>,
) -> f64 {
    let l = &step.lattice;
    let n_out = shape.network.n_out;
    let mut sum = 0.0;
    for i in 0..l.ny {
        for j in 0..l.nx {
            let point = (l.x0 + l.dx * j as f32, l.y0 + l.dy * i as f32, step.tau);
            let sampled = sample::forward(shape, params, point);
            let pass = forward(shape, params, &sampled.features);
            let d: Vec<f32> =
                (0..n_out).map(|c| pass.out[c] - target[c * l.len() + i * l.nx + j]).collect();
            let form_d: Vec<f32> =
                (0..n_out).map(|c| (0..n_out).map(|e| step.form[c][e] * d[e]).sum()).collect();
            sum += d.iter().zip(&form_d).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let Some(grads) = grads.as_mut() else { continue };
            let d_out: Vec<f32> = form_d.iter().map(|g| 2.0 * step.weight * g).collect();
            let d_x = backward(shape, params, &sampled.features, &pass, &d_out, grads);
            sample::backward(shape, params, point, &sampled, &d_x, grads.grids, grads.network);
        }
    }
    sum
}
