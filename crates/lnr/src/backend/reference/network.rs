// SPDX-License-Identifier: MIT OR Apache-2.0
//! The base network at one point, and the training step over points.

use super::super::{Dense, Grads, Network, Params, Shape, TrainStep, modulation};
use super::sample;

/// The layers of a network at one time, and the outputs of each.
pub struct Pass {
    pub h1: Vec<f32>,
    pub h2: Vec<f32>,
    pub out: Vec<f32>,
}

/// max(v, 0), but NaN stays.
pub fn relu(v: f32) -> f32 {
    if v < 0.0 { 0.0 } else { v }
}

fn affine(w: &[f32], b: &[f32], x: &[f32]) -> Vec<f32> {
    let dot = |row: &[f32]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
    w.chunks_exact(x.len()).zip(b).map(|(row, b)| dot(row) + b).collect()
}

/// h1 = ReLU(W(t) x + b(t)), h2 = ReLU(W2 h1 + b2), out = W3 h2 + b3 + S x. modulated:
/// [`Network::modulated_len`]
pub fn forward(net: &Network, network: &[f32], modulated: &[f32], x: &[f32]) -> Pass {
    let (k, n) = (net.width(), net.width() * net.n_features());
    let relu = |v: Vec<f32>| v.into_iter().map(relu).collect::<Vec<_>>();
    let layer = |i: usize, x: &[f32]| {
        affine(&network[net.layers[i].weights()], &network[net.layers[i].bias()], x)
    };
    let h1 = relu(affine(&modulated[..n], &modulated[n..n + k], x));
    let h2 = relu(layer(1, &h1));
    let mut out = layer(2, &h2);
    if let Some(skip) = &net.skip {
        let direct = affine(&network[skip.weights()], &vec![0.0; skip.n_out], x);
        out.iter_mut().zip(direct).for_each(|(o, d)| *o += d);
    }
    Pass { h1, h2, out }
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
    net: &Network,
    (network, d_network): (&[f32], &mut [f32]),
    (modulated, d_modulated): (&[f32], &mut [f32]),
    x: &[f32],
    pass: &Pass,
    d_out: &[f32],
) -> Vec<f32> {
    let (k, n) = (net.width(), net.width() * net.n_features());
    let through_relu = |h: &[f32], d: Vec<f32>| -> Vec<f32> {
        h.iter().zip(d).map(|(&h, d)| if h > 0.0 { d } else { 0.0 }).collect()
    };
    let mut layer = |layer: &Dense, d: &[f32], x: &[f32]| {
        if layer.has_bias {
            add(&mut d_network[layer.bias()], d);
        }
        let at = layer.weights();
        affine_bwd(&network[at.clone()], &mut d_network[at], d, x)
    };
    let mut d_x = net.skip.as_ref().map_or(vec![0.0; x.len()], |skip| layer(skip, d_out, x));
    let d2 = through_relu(&pass.h2, layer(&net.layers[2], d_out, &pass.h2));
    let d1 = through_relu(&pass.h1, layer(&net.layers[1], &d2, &pass.h1));
    let (d_w1, rest) = d_modulated.split_at_mut(n);
    add(&mut rest[..k], &d1);
    add(&mut d_x, &affine_bwd(&modulated[..n], d_w1, &d1, x));
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
    let (l, net, n_out) = (&step.lattice, &shape.network, shape.n_out);
    let mut sum = 0.0;
    for (sample, target) in step.samples.iter().zip(target.chunks_exact(n_out * l.len())) {
        let mut modulated = vec![0.0; net.modulated_len()];
        let mut d_modulated = modulated.clone();
        modulation::forward(net, sample.latent, params.network, &mut modulated);
        for (i, j) in (0..l.ny).flat_map(|i| (0..l.nx).map(move |j| (i, j))) {
            let point = (l.x0 + l.dx * j as f32, l.y0 + l.dy * i as f32);
            let sampled = sample::forward(shape, sample, params, point);
            let pass = forward(net, params.network, &modulated, &sampled.features);
            let d: Vec<f32> = (0..n_out)
                .map(|c| (pass.out[c], target[c * l.len() + i * l.nx + j]))
                .map(|(out, target)| if target.is_nan() { 0.0 } else { out - target })
                .collect();
            let form_d: Vec<f32> =
                (0..n_out).map(|c| (0..n_out).map(|e| step.form[c][e] * d[e]).sum()).collect();
            sum += d.iter().zip(&form_d).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let Some(grads) = grads.as_mut() else { continue };
            let d_out: Vec<f32> = form_d.iter().map(|g| 2.0 * step.weight * g).collect();
            let network = (&params.network[..], &mut grads.network[..]);
            let first = (&modulated[..], &mut d_modulated[..]);
            let d_x = backward(net, network, first, &sampled.features, &pass, &d_out);
            sample::backward(shape, sample, params, point, &sampled, &d_x, grads);
        }
        if let Some(grads) = grads.as_mut() {
            let (network, d) = (params.network, &d_modulated);
            modulation::backward(net, sample.latent, network, &modulated, d, grads.network);
        }
    }
    sum
}
