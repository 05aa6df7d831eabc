// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::backend::{Canonical, Grid, Kernel, Network, Nodes, Shape, Timed, TimedLevel};
use crate::base::{Error, Result, limits};

/// Levels and time nodes of a motion or residual source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedSpec {
    /// Stride of each level in pixels, finest first.
    pub strides: Vec<u32>,
    /// Frames between time nodes.
    pub node_step: u32,
}

/// The numbers that define a model (profile `warp`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Width of the source in pixels.
    pub width: u32,
    /// Height of the source in pixels.
    pub height: u32,
    /// Frames of the group.
    pub n_frames: u32,
    /// Components of a pixel, 1 or 3.
    pub n_out: usize,
    /// Stride of each canonical level, finest first.
    pub canonical: Vec<u32>,
    /// Largest stride of a level that is sampled by cubic B-splines.
    pub cubic_up_to: u32,
    /// Pixels by which the canonical grids reach beyond each edge.
    pub margin: u32,
    /// Motion grids.
    pub motion: TimedSpec,
    /// Residual grids.
    pub residual: TimedSpec,
    /// Dimensions of a latent.
    pub d_latent: u32,
    /// Frames between the latents' time nodes.
    pub latent_step: u32,
    /// Width of the hidden layers.
    pub hidden: u32,
    /// Rank of the modulation.
    pub rank: u32,
}

fn timed(spec: &Spec, source: &TimedSpec, n_components: usize, offset: usize) -> Timed {
    let mut node_len = 0;
    let level = |&stride: &u32| {
        let grid = Grid::cover(spec.width, spec.height, stride, 0);
        let level = TimedLevel { grid, offset: node_len };
        node_len += grid.len() * n_components;
        level
    };
    let levels = source.strides.iter().map(level).collect();
    let nodes = Nodes::cover(spec.n_frames as usize, source.node_step as usize);
    Timed { levels, n_components, offset, node_len, nodes }
}

impl Spec {
    /// Where every parameter lies.
    ///
    /// # Errors
    /// [`Error::Limit`] when the grids have more than [`limits::MAX_GRID_ENTRIES`] entries, or the
    /// model has no features.
    pub fn shape(&self) -> Result<Shape> {
        self.check_size()?;
        let mut offset = 0;
        let canonical = |&stride: &u32| {
            let grid = Grid::cover(self.width, self.height, stride, self.margin);
            let kernel = if stride <= self.cubic_up_to { Kernel::Cubic } else { Kernel::Linear };
            let level = Canonical { grid, kernel, offset };
            offset += grid.len();
            level
        };
        let canonical: Vec<_> = self.canonical.iter().map(canonical).collect();
        let motion = timed(self, &self.motion, 2, offset);
        let end = motion.offset + motion.nodes.n * motion.node_len;
        let residual = timed(self, &self.residual, 1, end);
        let network = Network {
            n_features: canonical.len() + residual.levels.len(),
            width: self.hidden as usize,
            n_out: self.n_out,
            rank: self.rank as usize,
            d_latent: self.d_latent as usize,
            nodes: Nodes::cover(self.n_frames as usize, self.latent_step as usize),
            n_scales: [canonical.len(), motion.levels.len(), residual.levels.len()],
        };
        Ok(Shape {
            width: self.width as usize,
            height: self.height as usize,
            n_frames: self.n_frames as usize,
            canonical,
            motion,
            residual,
            network,
        })
    }

    fn check_size(&self) -> Result<()> {
        if self.canonical.is_empty() && self.residual.strides.is_empty() {
            return Err(Error::limit("a model without features"));
        }
        let entries = |stride: u32, margin: u32| {
            let n = |side: u32| u64::from((side + 2 * margin).div_ceil(stride));
            n(self.width) * n(self.height)
        };
        let nodes =
            |source: &TimedSpec| u64::from((self.n_frames - 1).div_ceil(source.node_step)) + 1;
        let timed = |source: &TimedSpec, components: u64| {
            let per_node: u64 = source.strides.iter().map(|&s| entries(s, 0)).sum();
            nodes(source) * components * per_node
        };
        let canonical: u64 = self.canonical.iter().map(|&s| entries(s, self.margin)).sum();
        let total = canonical + timed(&self.motion, 2) + timed(&self.residual, 1);
        if total > limits::MAX_GRID_ENTRIES {
            return Err(Error::limit(format!(
                "{total} grid entries ({} allowed)",
                limits::MAX_GRID_ENTRIES
            )));
        }
        Ok(())
    }
}
