// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hypernetwork and modulation (paper section 3.2, Eq. 2): a few thousand operations per frame, so
//! one scalar implementation serves every backend that computes on the host.

use super::{Network, Tensor};

/// What the hypernetwork says at one time: z, and v, P, Q in one vector.
fn hyper(net: &Network, tau: f32, network: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let latents = &network[net.range(Tensor::Latents)];
    let weights = &network[net.range(Tensor::Hyper)];
    let d = net.d_latent;
    let (a, b, w) = net.nodes.at(tau);
    // Paper Eq. 4 between nodes.
    let z: Vec<f32> =
        (0..d).map(|i| latents[a * d + i] * (1.0 - w) + latents[b * d + i] * w).collect();
    let h =
        weights.chunks_exact(d).map(|row| row.iter().zip(&z).map(|(w, z)| w * z).sum()).collect();
    (z, h)
}

/// See [`super::Backend::modulate`].
pub fn forward(net: &Network, tau: f32, network: &[f32], modulated: &mut [f32]) {
    let (k, c, r) = (net.width, net.n_features, net.rank);
    let (_, h) = hyper(net, tau, network);
    let (v, pq) = h.split_at(k);
    let (p, q) = pq.split_at(k * r);
    let (w1, b1) = (&network[net.range(Tensor::W1)], &network[net.range(Tensor::B1)]);
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

/// See [`super::Backend::modulate_bwd`].
pub fn backward(
    net: &Network,
    tau: f32,
    network: &[f32],
    modulated: &[f32],
    d_modulated: &[f32],
    d_network: &mut [f32],
) {
    let (k, c, r, d) = (net.width, net.n_features, net.rank, net.d_latent);
    let (z, h) = hyper(net, tau, network);
    let (p, q) = h[k..].split_at(k * r);
    let w1 = &network[net.range(Tensor::W1)];
    let factors = &modulated[k * c + k..];
    let (d_w, d_b) = d_modulated.split_at(k * c);
    let mut d_h = vec![0.0; h.len()];
    let (d_v, d_pq) = d_h.split_at_mut(k);
    let (d_p, d_q) = d_pq.split_at_mut(k * r);
    d_v.copy_from_slice(&d_b[..k]);
    let (w1_at, b1_at) = (net.range(Tensor::W1).start, net.range(Tensor::B1).start);
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
    let (hyper_at, latents_at) = (net.range(Tensor::Hyper).start, net.range(Tensor::Latents).start);
    let (a, b, w) = net.nodes.at(tau);
    for (o, g) in d_h.iter().enumerate() {
        for i in 0..d {
            let weight = network[hyper_at + o * d + i];
            d_network[hyper_at + o * d + i] += g * z[i];
            d_network[latents_at + a * d + i] += g * weight * (1.0 - w);
            d_network[latents_at + b * d + i] += g * weight * w;
        }
    }
}
