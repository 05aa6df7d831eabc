// SPDX-License-Identifier: MIT OR Apache-2.0
//! The shape of a group's model: which sources there are, and where each plane and tensor lies in the
//! flat buffers.

mod coordinates;
mod grids;
mod lattice;
mod layout;
mod network;

pub use coordinates::{Encoding, HashLevel};
pub use grids::{CanonicalLevel, Grid, Grids, Kernel, Level, Nodes, Role};
#[cfg(feature = "cuda")]
pub use lattice::MAX_POINTS_PER_AXIS;
pub use lattice::{Lattice, points_per_pixel};
pub use network::{Dense, Hyper, Network, TensorKind, TensorPlace};

/// What features are sampled from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Canonical, motion, residual or blend grids.
    Grids(Grids),
    /// Features of the coordinates alone.
    Encoding(Encoding),
}

/// Everything the operations need to know about a group's model. Two buffers hold its parameters:
/// what sources store, in their order, and the [`Network`].
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Width of the source pictures in pixels.
    pub width: usize,
    /// Height of the source pictures in pixels.
    pub height: usize,
    /// Frames of the group.
    pub n_frames: usize,
    /// Components of a pixel, 1 or 3.
    pub n_out: usize,
    /// Side of the patch of pixels that one point yields.
    pub patch: usize,
    /// Sources: canonical, then motion, then residual, then blend; or one encoding.
    pub sources: Vec<Source>,
    /// Where canonical grids are sampled: the point, moved by the sum of these motion sources (counted
    /// from 0 among themselves).
    pub places: Vec<Vec<usize>>,
    /// Whether the canonical grids are anchors, of which every frame mixes two.
    pub has_anchors: bool,
    /// Networks and latents.
    pub network: Network,
}

/// Where between two time nodes a value is read: (1 - weight) * first + weight * second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// Number of a node.
    pub first: usize,
    /// Number of another one, or the same.
    pub second: usize,
    /// Weight of the second, 0..=1; 0 where both are the same.
    pub weight: f32,
}

impl At {
    /// Both nodes and their weights; a node of weight 0 is left out.
    pub fn shares(&self) -> impl Iterator<Item = (usize, f32)> {
        let all = [(self.first, 1.0 - self.weight), (self.second, self.weight)];
        all.into_iter().filter(|(_, share)| *share > 0.0)
    }

    /// The values there of nodes that have `n` values each. values: [nodes, n]
    pub fn mix(&self, values: &[f32], n: usize) -> Vec<f32> {
        let node = |i: usize| &values[i * n..][..n];
        let mix = |(a, b): (&f32, &f32)| a * (1.0 - self.weight) + b * self.weight;
        node(self.first).iter().zip(node(self.second)).map(mix).collect()
    }
}

/// The time nodes that one time is sampled at.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Of every source, in their order. Canonical grids are read at `first` alone; where they are anchors,
    /// those are the one of even number, the one of odd number, and the latter's share of the time.
    pub sources: Vec<At>,
    /// Of the latents.
    pub latent: At,
}

/// How sharply frames change from one anchor to the next: without blend grids the later one of two has
/// 0.02 of a feature at the earlier one's frame, and 0.98 at its own (FORMAT section 7).
const BLEND_SLOPE: f32 = 4.0;

impl Shape {
    /// The nodes around time `tau`, in frames; times outside the group are clamped.
    pub fn sample(&self, tau: f32) -> Sample {
        let tau = tau.min((self.n_frames - 1) as f32);
        let at = |source: &Source| match source {
            Source::Grids(g) => match g.role {
                Role::Canonical { .. } => g.nodes.anchors(tau),
                Role::Motion | Role::Residual | Role::Blend => g.nodes.at(tau),
            },
            Source::Encoding(_) => At { first: 0, second: 0, weight: 0.0 },
        };
        Sample {
            sources: self.sources.iter().map(at).collect(),
            latent: self.network.nodes.at(tau),
        }
    }

    /// The grid sources and their numbers, in order.
    pub fn grids(&self) -> impl DoubleEndedIterator<Item = (usize, &Grids)> + Clone {
        self.sources.iter().enumerate().filter_map(|(i, s)| match s {
            Source::Grids(g) => Some((i, g)),
            Source::Encoding(_) => None,
        })
    }

    /// The canonical sources and their numbers.
    pub fn canonical(&self) -> impl Iterator<Item = (usize, &Grids)> + Clone {
        self.grids().filter(|(_, g)| matches!(g.role, Role::Canonical { .. }))
    }

    /// The motion, residual and blend sources, in order, and their numbers.
    pub fn timed(&self) -> impl Iterator<Item = (usize, &Grids)> + Clone {
        self.grids().filter(|(_, g)| !matches!(g.role, Role::Canonical { .. }))
    }

    /// The motion sources and their numbers.
    pub fn motion(&self) -> impl Iterator<Item = (usize, &Grids)> + Clone {
        self.grids().filter(|(_, g)| g.role == Role::Motion)
    }

    /// The residual sources and their numbers.
    pub fn residual(&self) -> impl Iterator<Item = (usize, &Grids)> + Clone {
        self.grids().filter(|(_, g)| g.role == Role::Residual)
    }

    /// The blend sources and their numbers.
    pub fn blend(&self) -> impl Iterator<Item = (usize, &Grids)> + Clone {
        self.grids().filter(|(_, g)| g.role == Role::Blend)
    }

    /// Every canonical level at the time of a sample, in the order of the features; where these are
    /// anchors, those of even number, then those of odd number.
    pub fn canonical_levels(&self, sample: &Sample) -> Vec<CanonicalLevel> {
        let levels = (0..self.n_sets()).flat_map(|set| {
            self.canonical().flat_map(move |(i, g)| {
                let place = match g.role {
                    Role::Canonical { places } => places[set],
                    Role::Motion | Role::Residual | Role::Blend => 0,
                };
                let at = sample.sources[i];
                let node = if set == 0 { at.first } else { at.second };
                let level = move |l: usize| CanonicalLevel {
                    place,
                    level: g.levels[l],
                    offset: g.plane(node, l, 0).start,
                    scale: g.first_scale + l,
                };
                (0..g.levels.len()).map(level)
            })
        });
        levels.collect()
    }

    /// Canonical pyramids that a frame reads: two where it mixes anchors.
    pub fn n_sets(&self) -> usize {
        1 + usize::from(self.has_anchors)
    }

    /// What time adds to the sum of the blend grids at a sample: 4 (2 w - 1), w being the share of the
    /// anchor of odd number (FORMAT section 7).
    pub fn blend_bias(&self, sample: &Sample) -> f32 {
        let share = self.canonical().next().map_or(0.0, |(i, _)| sample.sources[i].weight);
        BLEND_SLOPE * (2.0 * share - 1.0)
    }

    /// Where each timed source stands among the rows of values along a line of points (displacement in x
    /// and y of every motion source, the residual features, the sum of the blend grids): the row of its
    /// first level and component, and how many rows lie between those of two levels.
    pub fn timed_rows(&self) -> Vec<(usize, usize)> {
        let mut next = 0;
        let row = |(_, g): (usize, &Grids)| {
            // The levels of a motion source share their rows, and those of all blend sources.
            let (n, step) = match g.role {
                Role::Motion => (2, 0),
                Role::Blend => (0, 0),
                Role::Residual | Role::Canonical { .. } => (g.levels.len(), 1),
            };
            let first = next;
            next += n;
            (first, step)
        };
        self.timed().map(row).collect()
    }

    /// The rows of [`Shape::timed_rows`].
    pub fn n_timed_rows(&self) -> usize {
        let n_blend = usize::from(self.blend().next().is_some());
        2 * self.motion().count() + self.n_residual_levels() + n_blend
    }

    /// Levels of all canonical sources.
    pub fn n_canonical_levels(&self) -> usize {
        self.canonical().map(|(_, g)| g.levels.len()).sum()
    }

    /// Levels of all residual sources.
    pub fn n_residual_levels(&self) -> usize {
        self.residual().map(|(_, g)| g.levels.len()).sum()
    }

    /// The encoding of a coordinate network.
    pub fn encoding(&self) -> Option<&Encoding> {
        self.sources.iter().find_map(|s| match s {
            Source::Encoding(e) => Some(e),
            Source::Grids(_) => None,
        })
    }

    /// Elements of the grid buffer: what all sources store.
    pub fn n_grid(&self) -> usize {
        let len = |s: &Source| match s {
            Source::Grids(g) => g.range().len(),
            Source::Encoding(e) => e.len(),
        };
        self.sources.iter().map(len).sum()
    }

    /// Elements of all canonical planes, which come first in the grid buffer.
    pub fn n_canonical(&self) -> usize {
        self.canonical().map(|(_, g)| g.range().len()).sum()
    }

    /// Elements of one node of all timed sources.
    pub fn n_timed(&self) -> usize {
        self.timed().map(|(_, g)| g.node_len).sum()
    }

    /// Values per point: components times pixels of a patch.
    pub fn n_values(&self) -> usize {
        self.n_out * self.patch * self.patch
    }

    /// Layers that do not depend on time: those before the first modulated one.
    pub fn n_prefix(&self) -> usize {
        self.network.hyper.first().map_or(self.network.layers.len(), |h| h.layer)
    }

    /// Whether a training step takes all frames at once, because the layers before the first
    /// modulated one are the same for all of them; else it takes one.
    pub fn takes_all_frames(&self) -> bool {
        self.encoding().is_some()
    }

    /// The samples of a training step that begins with frame `frame`.
    pub fn step_samples(&self, frame: usize) -> Vec<Sample> {
        match self.takes_all_frames() {
            true => (0..self.n_frames).map(|f| self.sample(f as f32)).collect(),
            false => vec![self.sample(frame as f32)],
        }
    }

    /// The centres of the patches of a frame, every `step`-th both ways from `phase` on.
    pub fn centres(&self, step: usize, phase: (usize, usize)) -> Lattice {
        let p = self.patch;
        let all = (self.width.div_ceil(p), self.height.div_ceil(p));
        let lattice = Lattice::subset(all, step, phase);
        let pixel = |v: f32| (v + 0.5) * p as f32 - 0.5;
        Lattice {
            x0: pixel(lattice.x0),
            dx: lattice.dx * p as f32,
            y0: pixel(lattice.y0),
            dy: lattice.dy * p as f32,
            ..lattice
        }
    }

    /// The centres of the patches that cover a picture of `size` laid over the source.
    pub fn centres_of(&self, size: (usize, usize)) -> Lattice {
        let p = self.patch;
        let points = Lattice::resized((self.width, self.height), size);
        let axis = |x0: f32, dx: f32| (x0 + 0.5 * (p - 1) as f32 * dx, p as f32 * dx);
        let ((x0, dx), (y0, dy)) = (axis(points.x0, points.dx), axis(points.y0, points.dy));
        Lattice { x0, dx, nx: size.0.div_ceil(p), y0, dy, ny: size.1.div_ceil(p) }
    }

    /// z at a sample: linear between the latents of two nodes (paper Eq. 4). network:
    /// [`Network::len`]
    pub fn latent_at(&self, sample: &Sample, network: &[f32]) -> Vec<f32> {
        sample.latent.mix(&network[self.network.latents..], self.network.d_latent)
    }
}
