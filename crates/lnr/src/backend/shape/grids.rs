// SPDX-License-Identifier: MIT OR Apache-2.0
//! Grid sources: canonical, motion, residual, blend.

use std::ops::Range;

use super::At;

/// How a grid is interpolated between its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Between 2 x 2 entries.
    Linear,
    /// Cubic B-spline over 4 x 4 entries.
    Cubic,
}

/// A grid of entries laid over the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Entries per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Pixels between entries.
    pub stride: f32,
    /// Pixels by which the grid reaches beyond each edge of the frame.
    pub margin: f32,
}

impl Grid {
    /// The grid of this stride that covers a frame of `width` x `height` pixels and its margin.
    pub fn cover(width: u32, height: u32, stride: u32, margin: u32) -> Self {
        let n = |side: u32| (side + 2 * margin).div_ceil(stride) as usize;
        Self { width: n(width), height: n(height), stride: stride as f32, margin: margin as f32 }
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.width * self.height
    }

    /// Pixel coordinate (0 = centre of the first pixel) to grid coordinate (0 = first entry).
    pub fn coordinate(&self, pixel: f32) -> f32 {
        (pixel + 0.5 + self.margin) / self.stride - 0.5
    }
}

/// What a grid source is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Features, sampled where motion moves the point.
    Canonical {
        /// At which of the places of the [`super::Shape`]: nodes of even number, then those of odd one.
        places: [usize; 2],
    },
    /// Displacements of points, summed over the levels.
    Motion,
    /// Features, sampled where the point is.
    Residual,
    /// Which of two anchors a point shows, summed over the levels.
    Blend,
}

/// A level of a grid source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Its entries.
    pub grid: Grid,
    /// Its interpolation.
    pub kernel: Kernel,
    /// Where its first plane begins inside a node; those of further components follow.
    pub offset: usize,
}

/// A canonical level at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CanonicalLevel {
    /// Which of the places of the [`super::Shape`] it is sampled at.
    pub place: usize,
    /// Its grid and interpolation.
    pub level: Level,
    /// Where its plane begins in the grid buffer.
    pub offset: usize,
    /// Where its scale lies in the network buffer.
    pub scale: usize,
}

/// A grid source: one plane per time node, level and component.
#[derive(Clone, Debug, PartialEq)]
pub struct Grids {
    /// What it is for.
    pub role: Role,
    /// Levels, finest first.
    pub levels: Vec<Level>,
    /// Planes per level: 2 (x and y) for motion, else 1.
    pub n_components: usize,
    /// Where node 0 begins in the grid buffer.
    pub offset: usize,
    /// Entries of one node.
    pub node_len: usize,
    /// When its nodes are.
    pub nodes: Nodes,
    /// Number of its first level's scale, see [`super::Network::scales`].
    pub first_scale: usize,
}

/// Time nodes at frames 0, step, 2 step ... and at the last frame or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// Number of nodes.
    pub n: usize,
    /// Frames between nodes.
    pub step: usize,
}

impl Nodes {
    /// Enough nodes for a group of `n_frames`.
    pub fn cover(n_frames: usize, step: usize) -> Self {
        Self { n: (n_frames - 1).div_ceil(step) + 1, step }
    }

    /// The only node of what does not change in a group.
    pub const ONE: Self = Self { n: 1, step: 1 };

    /// The nodes around time `tau`; times outside are clamped.
    pub fn at(&self, tau: f32) -> At {
        let u = (tau / self.step as f32).clamp(0.0, (self.n - 1) as f32);
        let first = (u as usize).min(self.n - 1);
        let weight = u - first as f32;
        match weight > 0.0 {
            true => At { first, second: first + 1, weight },
            false => At { first, second: first, weight: 0.0 },
        }
    }

    /// The two nodes around time `tau`: that of even number, that of odd number, and the latter's share
    /// of the time between the two. Where there is only one, it is both.
    pub fn anchors(&self, tau: f32) -> At {
        if self.n < 2 {
            return At { first: 0, second: 0, weight: 0.0 };
        }
        let u = (tau / self.step as f32).clamp(0.0, (self.n - 1) as f32);
        let node = (u as usize).min(self.n - 2);
        let share = u - node as f32;
        match node % 2 {
            0 => At { first: node, second: node + 1, weight: share },
            _ => At { first: node + 1, second: node, weight: 1.0 - share },
        }
    }
}

impl Grids {
    /// Where the plane of this node, level and component lies in the grid buffer.
    pub fn plane(&self, node: usize, level: usize, component: usize) -> Range<usize> {
        let local = self.local_plane(level, component);
        let node = self.offset + node * self.node_len;
        node + local.start..node + local.end
    }

    /// Where the plane of this level and component lies inside a node.
    pub fn local_plane(&self, level: usize, component: usize) -> Range<usize> {
        let l = &self.levels[level];
        let start = l.offset + component * l.grid.len();
        start..start + l.grid.len()
    }

    /// Where all planes of this node lie in the grid buffer.
    pub fn node(&self, node: usize) -> Range<usize> {
        let start = self.offset + node * self.node_len;
        start..start + self.node_len
    }

    /// Whether its entropy model reads the node before: all but the one grid of a whole group have one.
    pub fn reads_node_before(&self) -> bool {
        !matches!(self.role, Role::Canonical { .. }) || self.nodes.n > 1
    }

    /// Where all nodes lie in the grid buffer.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.nodes.n * self.node_len
    }

    /// Where the scales of its levels lie in the network buffer.
    pub fn scales(&self) -> Range<usize> {
        self.first_scale..self.first_scale + self.levels.len()
    }
}
