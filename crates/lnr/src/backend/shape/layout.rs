// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the description of a model to where everything lies.

use super::{Dense, Encoding, Grid, Grids, HashLevel, Hyper, Kernel, Level, Network, Nodes, Role};
use super::{Shape, Source};
use crate::base::spec::{Extent, ModelSpec, Modulation, NetworkSpec, SourceSpec};
use crate::base::{Result, hash_entries, hash_vertices};

/// Hands out places in a buffer.
#[derive(Default)]
struct Places(usize);

impl Places {
    fn take(&mut self, n: usize) -> usize {
        let start = self.0;
        self.0 += n;
        start
    }

    fn dense(&mut self, n_in: usize, n_out: usize, has_bias: bool) -> Dense {
        let n = n_in * n_out + if has_bias { n_out } else { 0 };
        Dense { n_in, n_out, has_bias, offset: self.take(n) }
    }

    fn chain(&mut self, sizes: &[usize], has_bias: bool) -> Vec<Dense> {
        sizes.windows(2).map(|w| self.dense(w[0], w[1], has_bias)).collect()
    }
}

impl Shape {
    /// Where every parameter of a model lies.
    ///
    /// # Errors
    /// Those of [`ModelSpec::check`].
    pub fn new(spec: &ModelSpec, extent: &Extent) -> Result<Self> {
        spec.check(extent)?;
        let (mut grid_places, mut n_scales) = (Places::default(), 0);
        let mut places = Vec::new();
        let sources: Vec<Source> = spec
            .sources
            .iter()
            .map(|s| source(s, extent, (&mut grid_places, &mut n_scales), &mut places))
            .collect();
        let n_features: u64 = spec.sources.iter().map(SourceSpec::n_features).sum();
        let patch = spec.network.patch as usize;
        let sizes = (n_features as usize, extent.n_out as usize * patch * patch);
        let mut network = network(&spec.network, sizes, n_scales);
        network.d_latent = spec.latent.dim as usize;
        let n_frames = extent.n_frames as usize;
        network.nodes = Nodes::cover(n_frames, spec.latent.node_step as usize);
        Ok(Self {
            width: extent.width as usize,
            height: extent.height as usize,
            n_frames,
            n_out: extent.n_out as usize,
            patch,
            sources,
            places,
            has_anchors: spec.sources.iter().any(|s| s.anchors().is_some()),
            network: hypernetworks(network, &spec.network),
        })
    }
}

/// The number of the place that these motion sources move points to.
fn place(motion: &[u32], places: &mut Vec<Vec<usize>>) -> usize {
    let motion: Vec<usize> = motion.iter().map(|&m| m as usize).collect();
    places.iter().position(|p| *p == motion).unwrap_or_else(|| {
        places.push(motion);
        places.len() - 1
    })
}

fn source(
    spec: &SourceSpec,
    extent: &Extent,
    (places, n_scales): (&mut Places, &mut usize),
    sampled_at: &mut Vec<Vec<usize>>,
) -> Source {
    let cover = |stride: u32, margin| Grid::cover(extent.width, extent.height, stride, margin);
    let mut grids = |role, n_components, node_step: Option<u32>, grids: Vec<(Grid, Kernel)>| {
        let mut node_len = 0;
        let level = |(grid, kernel): (Grid, Kernel)| {
            let level = Level { grid, kernel, offset: node_len };
            node_len += grid.len() * n_components;
            level
        };
        let levels: Vec<_> = grids.into_iter().map(level).collect();
        let nodes = node_step
            .map_or(Nodes::ONE, |step| Nodes::cover(extent.n_frames as usize, step as usize));
        let offset = places.take(nodes.n * node_len);
        let first_scale = *n_scales;
        *n_scales += levels.len();
        Source::Grids(Grids { role, levels, n_components, offset, node_len, nodes, first_scale })
    };
    let linear = |strides: &[u32]| -> Vec<(Grid, Kernel)> {
        strides.iter().map(|&s| (cover(s, 0), Kernel::Linear)).collect()
    };
    match spec {
        SourceSpec::Canonical { strides, cubic_up_to, margin, motion, anchors } => {
            let kernel = |s| if s <= *cubic_up_to { Kernel::Cubic } else { Kernel::Linear };
            let levels = strides.iter().map(|&s| (cover(s, *margin), kernel(s))).collect();
            let even = place(motion, sampled_at);
            let odd = anchors.as_ref().map_or(even, |a| place(&a.odd_motion, sampled_at));
            let step = anchors.as_ref().map(|a| a.step);
            grids(Role::Canonical { places: [even, odd] }, 1, step, levels)
        }
        SourceSpec::Motion { strides, node_step } => {
            grids(Role::Motion, 2, Some(*node_step), linear(strides))
        }
        SourceSpec::Residual { strides, node_step } => {
            grids(Role::Residual, 1, Some(*node_step), linear(strides))
        }
        SourceSpec::Blend { strides, node_step } => {
            grids(Role::Blend, 1, Some(*node_step), linear(strides))
        }
        SourceSpec::Hash { features, table, resolutions } => {
            let n_features = *features as usize;
            let side = extent.width.max(extent.height);
            let level = |&resolution: &u32| {
                let vertices = |n: u32| hash_vertices(n, resolution, side) as usize;
                let (width, height) = (vertices(extent.width), vertices(extent.height));
                let n_entries = hash_entries(extent, resolution, *table) as usize;
                let offset = places.take(n_entries * n_features);
                let scale = resolution as f32 / side as f32;
                HashLevel { scale, width, height, n_entries, offset }
            };
            let levels = resolutions.iter().map(level).collect();
            Source::Encoding(Encoding::Hash { levels, n_features })
        }
        SourceSpec::Fourier { resolutions } => {
            let frequencies = resolutions.iter().map(|&r| r as f32).collect();
            Source::Encoding(Encoding::Fourier { frequencies })
        }
    }
}

/// Scales and base network; latents are still to come.
fn network(spec: &NetworkSpec, (n_in, n_out): (usize, usize), n_scales: usize) -> Network {
    let mut places = Places::default();
    places.take(n_scales);
    let mut sizes = vec![spec.width as usize; spec.n_layers as usize + 1];
    sizes[0] = n_in;
    sizes[spec.n_layers as usize] = n_out;
    let layers = places.chain(&sizes, true);
    let skip = spec.skip.then(|| places.dense(n_in, n_out, false));
    Network {
        n_scales,
        layers,
        skip,
        hyper: Vec::new(),
        modulation: spec.modulation,
        d_latent: 0,
        nodes: Nodes::ONE,
        latents: places.0,
    }
}

/// The same with hypernetworks before the latents.
fn hypernetworks(mut network: Network, spec: &NetworkSpec) -> Network {
    let mut places = Places(network.latents);
    let centred = spec.modulation == Modulation::Centred;
    for &layer in &spec.modulated {
        let (layer, rank) = (layer as usize, spec.rank as usize);
        let Dense { n_in, n_out, .. } = network.layers[layer];
        let mut sizes = vec![spec.hyper_width as usize; spec.hyper_layers as usize + 2];
        sizes[0] = network.d_latent;
        sizes[spec.hyper_layers as usize + 1] =
            rank * (n_in + n_out) + if centred { n_out } else { 0 };
        let layers = places.chain(&sizes, !centred);
        network.hyper.push(Hyper { layer, rank, layers });
    }
    network.latents = places.0;
    network
}
