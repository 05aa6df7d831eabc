// SPDX-License-Identifier: MIT OR Apache-2.0

use super::args;
use super::device::{Device, Launch};
use super::memory::Floats;
use super::{MAX_SHARED, unsupported};
use crate::backend::{Network, Tensor};
use crate::base::Result;

fn arguments(net: &Network, tau: f32) -> args::Modulate {
    let (first, second, weight) = net.nodes.at(tau);
    let at = |t| net.range(t).start as u32;
    let latent = |node: usize| (net.range(Tensor::Latents).start + node * net.d_latent) as u32;
    args::Modulate {
        network: 0,
        modulated: 0,
        d_modulated: 0,
        d_network: 0,
        width: net.width as u32,
        n_features: net.n_features as u32,
        rank: net.rank as u32,
        d_latent: net.d_latent as u32,
        w1: at(Tensor::W1),
        b1: at(Tensor::B1),
        hyper: at(Tensor::Hyper),
        first: latent(first),
        second: latent(second),
        weight,
    }
}

/// One block with so many values in its shared memory.
fn launch(n_shared: usize) -> Result<Launch> {
    let shared = n_shared * 4;
    if shared > MAX_SHARED {
        return Err(unsupported(
            "a hypernetwork of profile warp that is larger than a block takes",
        ));
    }
    Ok(Launch { shared, ..Launch::row(1, 256) })
}

/// See [`crate::backend::Backend::modulate`].
pub fn forward<D: Device>(
    device: &D,
    net: &Network,
    tau: f32,
    network: &Floats<D::Memory>,
    modulated: &mut Floats<D::Memory>,
) -> Result<()> {
    let args = args::Modulate {
        network: network.at(0),
        modulated: modulated.at(0),
        ..arguments(net, tau)
    };
    device.launch("modulate", launch(net.d_latent + net.n_hyper())?, &args)
}

/// See [`crate::backend::Backend::modulate_bwd`].
pub fn backward<D: Device>(
    device: &D,
    net: &Network,
    tau: f32,
    network: &Floats<D::Memory>,
    modulated: &Floats<D::Memory>,
    (d_modulated, d_network): (&Floats<D::Memory>, &mut Floats<D::Memory>),
) -> Result<()> {
    let args = args::Modulate {
        network: network.at(0),
        modulated: modulated.at(0),
        d_modulated: d_modulated.at(0),
        d_network: d_network.at(0),
        ..arguments(net, tau)
    };
    let n_shared = net.d_latent + 2 * net.n_hyper() + net.width * net.n_features;
    device.launch("modulate_bwd", launch(n_shared)?, &args)
}
