// SPDX-License-Identifier: MIT OR Apache-2.0
//! What training and rendering of coordinate networks take while they run: scratch memory, and what a
//! step makes and drops.

use super::super::super::{Dense, Shape};
use super::super::dense::{Lane, TILE};
use super::network::{CHUNK, lanes, padded};

/// Values of a layer's weights, packed for both directions.
fn packed(layer: &Dense) -> usize {
    2 * padded(layer.n_in) * padded(layer.n_out) + padded(layer.n_out)
}

/// Layers that are not modulated, packed.
fn shared(shape: &Shape) -> usize {
    let net = &shape.network;
    let all = net.layers.iter().enumerate().filter(|(l, _)| net.hyper_of(*l).is_none());
    all.map(|(_, layer)| packed(layer)).sum()
}

/// Masks and weights of the modulated layers at one time, packed.
fn modulated(shape: &Shape) -> usize {
    let net = &shape.network;
    let layer = |h: &super::super::super::Hyper| &net.layers[h.layer];
    net.hyper.iter().map(layer).map(|l| packed(l) + l.n_in * l.n_out).sum()
}

/// Outputs of all layers of the hypernetworks at one time.
fn outputs(shape: &Shape) -> usize {
    let layers = shape.network.hyper.iter().flat_map(|h| &h.layers);
    layers.map(|l| l.n_out).sum()
}

/// Bytes of training steps of at most `n_points`.
pub fn training_bytes(shape: &Shape, n_points: usize, n_threads: usize) -> usize {
    let net = &shape.network;
    let n_prefix = shape.n_prefix();
    let n_tiles = n_points.div_ceil(TILE);
    let own: usize = net.hyper.iter().map(|h| net.layers[h.layer].range().len()).sum();
    let first = padded(net.layers[n_prefix].n_in);
    // Every thread: gradients of what frames share and of the prefix, a frame's masks, weights and
    // their gradients, and the values and gradients of a chunk.
    let values: usize = lanes(&net.layers[n_prefix..]).sum();
    let widest = net.layers.iter().map(|l| padded(l.n_in).max(padded(l.n_out))).max();
    let chunk = CHUNK.min(n_tiles) * (values + 2 * widest.unwrap_or(0));
    let thread =
        shape.n_grid() + net.base_end() + modulated(shape) + own + TILE * (n_tiles * first + chunk);
    let prefix = TILE * n_tiles * (lanes(&net.layers[..n_prefix]).sum::<usize>() + first);
    // Outputs of the hypernetworks and the gradients of the last ones.
    let hyper = 2 * shape.n_frames * outputs(shape);
    4 * (shared(shape) + prefix + hyper + n_threads * thread)
}

/// Bytes of rendering at the size of the source, with what is kept of at most `max_prefix` bytes.
pub fn rendering_bytes(shape: &Shape, max_prefix: usize, n_threads: usize) -> usize {
    let net = &shape.network;
    let lattice = shape.centres_of((shape.width, shape.height));
    let n_tiles = lattice.len().div_ceil(TILE);
    let first = shape.n_prefix();
    let prefix = n_tiles * padded(net.layers[first].n_in) * size_of::<Lane>();
    let kept = if first > 0 && prefix <= max_prefix { prefix } else { 0 };
    let values = n_tiles * padded(shape.n_values()) * size_of::<Lane>();
    let tile = TILE * lanes(&net.layers).sum::<usize>();
    let floats = shared(shape) + modulated(shape) + outputs(shape) + n_threads * tile;
    kept + values + 4 * floats
}
