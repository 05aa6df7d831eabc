// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hypernetwork and modulation of grid models ([`Modulation::Centred`], paper section 3.2): a few
//! thousand operations per frame, so one scalar implementation serves every backend that computes on
//! the host. v, P, Q = Hyper z; W = 2 sigmoid(P Q) * W1; b = b1 + v.
//!
//! [`Modulation::Centred`]: crate::base::spec::Modulation::Centred

use super::{At, Hyper, Network};

/// What the hypernetwork says at one time: z, and v, P, Q in one vector.
fn outputs(net: &Network, hyper: &Hyper, at: At, network: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let weights = &network[hyper.layers[0].weights()];
    let (a, b, w) = (&network[net.latent(at.first)], &network[net.latent(at.second)], at.weight);
    // Paper Eq. 4 between nodes.
    let z: Vec<f32> = a.iter().zip(b).map(|(a, b)| a * (1.0 - w) + b * w).collect();
    let row = |row: &[f32]| row.iter().zip(&z).map(|(w, z)| w * z).sum();
    let h = weights.chunks_exact(net.d_latent).map(row).collect();
    (z, h)
}

/// The modulated first layer at one time. modulated: [`Network::modulated_len`]
pub fn forward(net: &Network, at: At, network: &[f32], modulated: &mut [f32]) {
    let (hyper, first) = (&net.hyper[0], &net.layers[0]);
    let (k, c, r) = (first.n_out, first.n_in, hyper.rank);
    let (_, h) = outputs(net, hyper, at, network);
    let (v, pq) = h.split_at(k);
    let (p, q) = pq.split_at(k * r);
    let (w1, b1) = (&network[first.weights()], &network[first.bias()]);
    let (w, rest) = modulated.split_at_mut(k * c);
    let (b, factors) = rest.split_at_mut(k);
    for o in 0..k {
        b[o] = b1[o] + v[o];
        for i in 0..c {
            let dot: f32 = (0..r).map(|j| p[o * r + j] * q[j * c + i]).sum();
            let factor = 2.0 / (1.0 + (-dot).exp());
            factors[o * c + i] = factor;
            w[o * c + i] = w1[o * c + i] * factor;
        }
    }
}

/// Adds to the gradients of the first layer, the hypernetwork and the latents around a time, given
/// those of the modulated weights and biases.
pub fn backward(
    net: &Network,
    at: At,
    network: &[f32],
    modulated: &[f32],
    d_modulated: &[f32],
    d_network: &mut [f32],
) {
    let (hyper, first) = (&net.hyper[0], &net.layers[0]);
    let (k, c, r, d) = (first.n_out, first.n_in, hyper.rank, net.d_latent);
    let (z, h) = outputs(net, hyper, at, network);
    let (p, q) = h[k..].split_at(k * r);
    let w1 = &network[first.weights()];
    let factors = &modulated[k * c + k..];
    let (d_w, d_b) = d_modulated.split_at(k * c);
    let mut d_h = vec![0.0; h.len()];
    let (d_v, d_pq) = d_h.split_at_mut(k);
    let (d_p, d_q) = d_pq.split_at_mut(k * r);
    d_v.copy_from_slice(&d_b[..k]);
    let (w1_at, b1_at) = (first.weights().start, first.bias().start);
    for o in 0..k {
        d_network[b1_at + o] += d_b[o];
        for i in 0..c {
            let (factor, d_w) = (factors[o * c + i], d_w[o * c + i]);
            d_network[w1_at + o * c + i] += d_w * factor;
            // factor = 2 sigmoid(s), so its slope is factor (1 - factor / 2).
            let d_dot = d_w * w1[o * c + i] * factor * (1.0 - 0.5 * factor);
            for j in 0..r {
                d_p[o * r + j] += d_dot * q[j * c + i];
                d_q[j * c + i] += d_dot * p[o * r + j];
            }
        }
    }
    let hyper_at = hyper.layers[0].offset;
    let (a_at, b_at) = (net.latent(at.first).start, net.latent(at.second).start);
    for (o, g) in d_h.iter().enumerate() {
        for i in 0..d {
            let weight = network[hyper_at + o * d + i];
            d_network[hyper_at + o * d + i] += g * z[i];
            d_network[a_at + i] += g * weight * (1.0 - at.weight);
            d_network[b_at + i] += g * weight * at.weight;
        }
    }
}
