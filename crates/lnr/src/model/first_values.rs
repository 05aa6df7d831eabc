// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::Range;

use crate::backend::{Dense, Encoding, Entropy, Network, Role, Shape};
use crate::base::Rng;
use crate::base::spec::Modulation;

/// First values of the grid buffer: grids are empty, hash tables near zero.
pub fn grid_parameters(shape: &Shape, rng: &mut Rng) -> Vec<f32> {
    let mut values = vec![0.0; shape.n_grid()];
    if let Some(Encoding::Hash { .. }) = shape.encoding() {
        values.iter_mut().for_each(|v| *v = 1e-2 * rng.normal());
    }
    values
}

/// Pixels per symbol that motion begins at.
pub(super) const MOTION_STEP: f32 = 0.5;
/// What a symbol of a blend grid adds to its sum: about a third of the rise of a gate.
const BLEND_STEP: f32 = 0.3;
/// What a symbol of other grids adds to a feature.
const FEATURE_STEP: f32 = 0.1;

/// First values of the network buffer.
pub fn network_parameters(shape: &Shape, rng: &mut Rng) -> Vec<f32> {
    let net = &shape.network;
    let mut values = vec![0.0; net.len()];
    for (_, source) in shape.grids() {
        let step = match source.role {
            Role::Motion => MOTION_STEP,
            Role::Blend => BLEND_STEP,
            Role::Canonical { .. } | Role::Residual => FEATURE_STEP,
        };
        values[source.scales()].fill(step.ln());
    }
    let mut normal = |range: Range<usize>, deviation: f32| {
        values[range].iter_mut().for_each(|v| *v = deviation * rng.normal());
    };
    match net.modulation {
        Modulation::Centred => centred(net, &mut normal),
        Modulation::Sigmoid => sigmoid(net, &mut normal),
    }
    // Pixels begin at mid-gray.
    if let Some(last) = net.layers.last() {
        values[last.bias()].fill(0.5);
    }
    if let Some(skip) = &net.skip {
        // The linear path starts in the first component, luma (or, for R'G'B', in all of them: its
        // first steps spread it).
        let first = skip.offset..skip.offset + skip.n_in;
        values[first].iter_mut().for_each(|v| *v += 0.3);
    }
    values
}

/// Layers so that signals keep their size, a small output beside the linear path; modulation and
/// latents near zero, where they change nothing.
fn centred(net: &Network, normal: &mut dyn FnMut(Range<usize>, f32)) {
    let size = |layer: &Dense, gain: f32| gain / (layer.n_in as f32).sqrt();
    for (i, layer) in net.layers.iter().enumerate() {
        let is_last = i + 1 == net.layers.len();
        normal(
            layer.weights(),
            if is_last { size(layer, 0.3) } else { (2.0 / layer.n_in as f32).sqrt() },
        );
    }
    if let Some(skip) = &net.skip {
        normal(skip.weights(), 0.05);
    }
    for layer in net.hyper.iter().flat_map(|h| &h.layers) {
        normal(layer.weights(), 0.02);
    }
    normal(net.latents..net.len(), 0.3);
}

/// Layers so that signals keep their size, a small output. Modulated layers begin twice as large,
/// because sigmoid(0) = 1/2 (paper Eq. 2). Latents are normal with a small deviation (paper section
/// 3.3).
fn sigmoid(net: &Network, normal: &mut dyn FnMut(Range<usize>, f32)) {
    const LATENT_DEVIATION: f32 = 0.1;
    for (i, layer) in net.layers.iter().enumerate() {
        let gain = if i + 1 == net.layers.len() { 0.1 } else { 2.0f32.sqrt() };
        let gain = if net.hyper_of(i).is_some() { 2.0 * gain } else { gain };
        normal(layer.weights(), gain / (layer.n_in as f32).sqrt());
    }
    for layer in net.hyper.iter().flat_map(|h| &h.layers) {
        normal(layer.weights(), 1.0 / (layer.n_in as f32).sqrt());
    }
    normal(net.latents..net.len(), LATENT_DEVIATION);
}

/// First values of an entropy model: nothing is predicted yet.
pub fn entropy_parameters(entropy: &Entropy, rng: &mut Rng) -> Vec<f32> {
    let mut values = vec![0.0; entropy.len()];
    values[entropy.w1()].iter_mut().for_each(|v| *v = 0.15 * rng.normal());
    values[entropy.w2()].iter_mut().for_each(|v| *v = 0.05 * rng.normal());
    values
}
