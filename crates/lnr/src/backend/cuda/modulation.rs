// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hypernetwork and modulation of grid models.

use super::args;
use super::device::{Device, Launch};
use super::memory::Floats;
use crate::backend::{At, Network};
use crate::base::Result;

/// Outputs of the hypernetwork.
fn n_outputs(net: &Network) -> usize {
    net.hyper.iter().filter_map(|h| h.layers.last()).map(|l| l.n_out).sum()
}

fn arguments(net: &Network, at: At, network: u64, modulated: u64) -> args::Modulate {
    let (first, hyper) = (&net.layers[0], &net.hyper[0]);
    args::Modulate {
        network,
        modulated,
        d_modulated: 0,
        d_network: 0,
        width: first.n_out as u32,
        n_features: first.n_in as u32,
        rank: hyper.rank as u32,
        d_latent: net.d_latent as u32,
        w1: first.weights().start as u32,
        b1: first.bias().start as u32,
        hyper: hyper.layers[0].offset as u32,
        first: net.latent(at.first).start as u32,
        second: net.latent(at.second).start as u32,
        weight: at.weight,
    }
}

/// One block does it all.
fn launch(shared: usize) -> Launch {
    Launch { shared, ..Launch::row(1, 256) }
}

/// Bytes of shared memory that the way back takes, the larger of both.
pub fn backward_shared(net: &Network) -> usize {
    4 * (net.d_latent + 2 * n_outputs(net) + net.width() * net.n_features())
}

/// The first layer at a time, to the address `modulated`.
pub fn forward<D: Device>(
    device: &D,
    net: &Network,
    at: At,
    network: &Floats<D::Memory>,
    modulated: u64,
) -> Result<()> {
    let args = arguments(net, at, network.at(0), modulated);
    device.launch("modulate", launch(4 * (net.d_latent + n_outputs(net))), &args)
}

/// Adds to the gradients of the first layer, the hypernetwork and the latents.
pub fn backward<D: Device>(
    device: &D,
    net: &Network,
    at: At,
    network: &Floats<D::Memory>,
    (modulated, d_modulated): (u64, u64),
    d_network: &mut Floats<D::Memory>,
) -> Result<()> {
    let args = args::Modulate {
        d_modulated,
        d_network: d_network.at(0),
        ..arguments(net, at, network.at(0), modulated)
    };
    device.launch("modulate_bwd", launch(backward_shared(net)), &args)
}
