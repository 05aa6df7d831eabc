// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::backend::{Entropy, Network, Tensor};
use crate::base::Rng;

/// First values of the network buffer. Features begin at a tenth of their symbols, motion at half a
/// pixel per symbol; pixels begin at mid-gray plus a small linear path from every feature.
pub fn network_parameters(net: &Network, rng: &mut Rng) -> Vec<f32> {
    let mut values = vec![0.0; net.len()];
    let (c, k) = (net.n_features as f32, net.width as f32);
    for source in 0..3 {
        let step: f32 = if source == 1 { 0.5 } else { 0.1 };
        values[net.scales(source)].fill(step.ln());
    }
    let mut normal = |tensor: Tensor, deviation: f32| {
        values[net.range(tensor)].iter_mut().for_each(|v| *v = deviation * rng.normal());
    };
    normal(Tensor::W1, (2.0 / c).sqrt());
    normal(Tensor::W2, (2.0 / k).sqrt());
    normal(Tensor::W3, 0.3 / k.sqrt());
    normal(Tensor::Skip, 0.05);
    normal(Tensor::Hyper, 0.02);
    normal(Tensor::Latents, 0.3);
    values[net.range(Tensor::B3)].fill(0.5);
    // The linear path starts in the first component, luma (or, for R'G'B', in all of them: its first
    // steps spread it).
    let skip = net.range(Tensor::Skip).start;
    values[skip..skip + net.n_features].iter_mut().for_each(|v| *v += 0.3);
    values
}

/// First values of an entropy model: nothing is predicted yet.
pub fn entropy_parameters(entropy: &Entropy, rng: &mut Rng) -> Vec<f32> {
    let mut values = vec![0.0; entropy.len()];
    values[entropy.w1()].iter_mut().for_each(|v| *v = 0.15 * rng.normal());
    values[entropy.w2()].iter_mut().for_each(|v| *v = 0.05 * rng.normal());
    values
}
