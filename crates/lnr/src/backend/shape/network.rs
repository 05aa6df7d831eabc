// SPDX-License-Identifier: MIT OR Apache-2.0
//! The base network, the hypernetworks and the latents, and where each tensor lies in the network
//! buffer: scales, base layers, skip, hypernetworks, latents.

use std::ops::Range;

use super::Nodes;
use crate::base::spec::Modulation;

/// A fully connected layer: weights `[n_out, n_in]`, then biases `[n_out]` where it has any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Inputs.
    pub n_in: usize,
    /// Outputs.
    pub n_out: usize,
    /// Whether it has biases.
    pub has_bias: bool,
    /// Where the weights begin in the network buffer.
    pub offset: usize,
}

impl Dense {
    /// Where the weights lie.
    pub fn weights(&self) -> Range<usize> {
        self.offset..self.offset + self.n_in * self.n_out
    }

    /// Where the biases lie; empty where it has none.
    pub fn bias(&self) -> Range<usize> {
        let start = self.weights().end;
        start..start + if self.has_bias { self.n_out } else { 0 }
    }

    /// Where both lie.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.bias().end
    }
}

/// The hypernetwork of one modulated layer: latent to P [n_out, rank], then Q [rank, n_in], of that
/// layer's sizes, before them a shift of its biases `[n_out]` where [`Modulation::Centred`]. Hidden
/// layers end in tanh, the last is linear.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyper {
    /// The base layer that is modulated.
    pub layer: usize,
    /// Rank r.
    pub rank: usize,
    /// Its layers.
    pub layers: Vec<Dense>,
}

/// Kinds of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorKind {
    /// Scales of the grids.
    Scales,
    /// Base network.
    Base,
    /// Hypernetworks.
    Hyper,
    /// Latents.
    Latents,
}

/// A tensor of the network buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorPlace {
    /// Name, unique in its group.
    pub name: String,
    /// Kind.
    pub kind: TensorKind,
    /// Where it lies in the network buffer.
    pub range: Range<usize>,
}

/// Networks and latents of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Natural logarithms of the value of one symbol of each level of the grid sources, in the order
    /// of the sources: for motion in pixels.
    pub n_scales: usize,
    /// Base network: ReLU after each layer but the last.
    pub layers: Vec<Dense>,
    /// Linear path from the features to the output.
    pub skip: Option<Dense>,
    /// Hypernetworks, by ascending layer.
    pub hyper: Vec<Hyper>,
    /// What they do.
    pub modulation: Modulation,
    /// Dimensions of a latent.
    pub d_latent: usize,
    /// Time nodes of the latents.
    pub nodes: Nodes,
    /// Where the latents [nodes, d_latent] begin in the network buffer.
    pub latents: usize,
}

impl Network {
    /// Elements of the network buffer.
    pub fn len(&self) -> usize {
        self.latents + self.nodes.n * self.d_latent
    }

    /// Features of a point.
    pub fn n_features(&self) -> usize {
        self.layers[0].n_in
    }

    /// Width of the first hidden layer.
    pub fn width(&self) -> usize {
        self.layers[0].n_out
    }

    /// Values of a point.
    pub fn n_out(&self) -> usize {
        self.layers[self.layers.len() - 1].n_out
    }

    /// Where the base layers end in the network buffer.
    pub fn base_end(&self) -> usize {
        self.layers[self.layers.len() - 1].range().end
    }

    /// Where the scales lie in the network buffer.
    pub fn scales(&self) -> Range<usize> {
        0..self.n_scales
    }

    /// Where the latent of a node lies in the network buffer.
    pub fn latent(&self, node: usize) -> Range<usize> {
        let start = self.latents + node * self.d_latent;
        start..start + self.d_latent
    }

    /// Where the hypernetworks begin in the network buffer; the latents end it.
    pub fn hyper_start(&self) -> usize {
        self.hyper.first().and_then(|h| h.layers.first()).map_or(self.latents, |l| l.offset)
    }

    /// Which of the hypernetworks modulates a layer, if any.
    pub fn hyper_of(&self, layer: usize) -> Option<usize> {
        self.hyper.iter().position(|h| h.layer == layer)
    }

    /// Elements of a modulated first layer: weights [width, n_features], bias [width], factors
    /// [width, n_features].
    pub fn modulated_len(&self) -> usize {
        self.width() * (2 * self.n_features() + 1)
    }

    /// All tensors that are not empty, in the order of the buffer.
    pub fn tensors(&self) -> Vec<TensorPlace> {
        let mut all = Vec::new();
        let mut add = |name: String, kind, range: Range<usize>| {
            if !range.is_empty() {
                all.push(TensorPlace { name, kind, range });
            }
        };
        add("scales".into(), TensorKind::Scales, self.scales());
        for (i, l) in self.layers.iter().enumerate() {
            add(format!("base layer {i} weights"), TensorKind::Base, l.weights());
            add(format!("base layer {i} biases"), TensorKind::Base, l.bias());
        }
        if let Some(skip) = &self.skip {
            add("skip".into(), TensorKind::Base, skip.weights());
        }
        for h in &self.hyper {
            for (i, l) in h.layers.iter().enumerate() {
                let name = format!("hypernetwork of layer {} layer {i}", h.layer);
                add(format!("{name} weights"), TensorKind::Hyper, l.weights());
                add(format!("{name} biases"), TensorKind::Hyper, l.bias());
            }
        }
        add("latents".into(), TensorKind::Latents, self.latents..self.len());
        all
    }
}
