// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shapes of a group's parameters: where each plane and tensor lies in the flat buffers.

use std::ops::Range;

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

    /// Whether it has no entries (it never has none).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Pixel coordinate (0 = centre of the first pixel) to grid coordinate (0 = first entry).
    pub fn coordinate(&self, pixel: f32) -> f32 {
        (pixel + 0.5 + self.margin) / self.stride - 0.5
    }
}

/// A canonical level: one plane for the whole group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Canonical {
    /// Its entries.
    pub grid: Grid,
    /// Its interpolation.
    pub kernel: Kernel,
    /// Where its plane begins in the grid buffer.
    pub offset: usize,
}

/// A level of a timed source: one plane per component and time node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedLevel {
    /// Its entries.
    pub grid: Grid,
    /// Where its first plane begins inside a node; the next component follows.
    pub offset: usize,
}

/// Grids with time nodes: motion (two components, x and y) or residual (one).
#[derive(Clone, Debug, PartialEq)]
pub struct Timed {
    /// Levels, finest first.
    pub levels: Vec<TimedLevel>,
    /// Planes per level.
    pub n_components: usize,
    /// Where node 0 begins in the grid buffer.
    pub offset: usize,
    /// Entries of one node.
    pub node_len: usize,
    /// When its nodes are.
    pub nodes: Nodes,
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

    /// The nodes around time `tau` and the weight of the second; times outside are clamped.
    pub fn at(&self, tau: f32) -> (usize, usize, f32) {
        let u = (tau / self.step as f32).clamp(0.0, (self.n - 1) as f32);
        let a = (u as usize).min(self.n - 1);
        let w = u - a as f32;
        if w > 0.0 { (a, a + 1, w) } else { (a, a, 0.0) }
    }
}

impl Timed {
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
}

/// Sizes of the base network, the hypernetwork and the latents, and where each tensor lies in the
/// network buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Features: canonical levels, then residual levels.
    pub n_features: usize,
    /// Width of the hidden layers.
    pub width: usize,
    /// Components of a pixel, 1 or 3.
    pub n_out: usize,
    /// Rank of the modulation.
    pub rank: usize,
    /// Dimensions of a latent.
    pub d_latent: usize,
    /// Time nodes of the latents.
    pub nodes: Nodes,
    /// Canonical, motion and residual levels, for their scales.
    pub n_scales: [usize; 3],
}

/// Tensors of the network buffer, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tensor {
    /// Natural logarithm of the step of each canonical, motion (in pixels) and residual level.
    Scales,
    /// First layer: [width, n_features]
    W1,
    /// [width]
    B1,
    /// Second layer: [width, width]
    W2,
    /// [width]
    B2,
    /// Output layer: [n_out, width]
    W3,
    /// [n_out]
    B3,
    /// Linear path around the hidden layers: [n_out, n_features]
    Skip,
    /// Hypernetwork: [width + rank * (width + n_features), d_latent]
    Hyper,
    /// Latents: [nodes, d_latent]
    Latents,
}

impl Tensor {
    /// All of them, in the order of the buffer.
    pub const ALL: [Self; 10] = [
        Self::Scales,
        Self::W1,
        Self::B1,
        Self::W2,
        Self::B2,
        Self::W3,
        Self::B3,
        Self::Skip,
        Self::Hyper,
        Self::Latents,
    ];
}

impl Network {
    /// Outputs of the hypernetwork: shift of b1 [width], P [width, rank], Q [rank, n_features].
    pub fn n_hyper(&self) -> usize {
        self.width + self.rank * (self.width + self.n_features)
    }

    /// Elements of a tensor.
    pub fn tensor_len(&self, tensor: Tensor) -> usize {
        let (c, k, o) = (self.n_features, self.width, self.n_out);
        match tensor {
            Tensor::Scales => self.n_scales.iter().sum(),
            Tensor::W1 => k * c,
            Tensor::B1 | Tensor::B2 => k,
            Tensor::W2 => k * k,
            Tensor::W3 => o * k,
            Tensor::B3 => o,
            Tensor::Skip => o * c,
            Tensor::Hyper => self.n_hyper() * self.d_latent,
            Tensor::Latents => self.nodes.n * self.d_latent,
        }
    }

    /// Where a tensor lies in the network buffer.
    pub fn range(&self, tensor: Tensor) -> Range<usize> {
        let before = Tensor::ALL.iter().take_while(|&&t| t != tensor);
        let start = before.map(|&t| self.tensor_len(t)).sum();
        start..start + self.tensor_len(tensor)
    }

    /// Elements of the network buffer.
    pub fn len(&self) -> usize {
        Tensor::ALL.iter().map(|&t| self.tensor_len(t)).sum()
    }

    /// Whether the buffer has no elements (it never has none).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the canonical (0), motion (1) or residual (2) scales lie in the network buffer.
    pub fn scales(&self, source: usize) -> Range<usize> {
        let start = self.n_scales[..source].iter().sum();
        start..start + self.n_scales[source]
    }

    /// Elements of a [modulated first layer](super::Backend::modulate): weights [width, n_features],
    /// bias [width], factors [width, n_features].
    pub fn modulated_len(&self) -> usize {
        self.width * (2 * self.n_features + 1)
    }
}

/// Everything the operations need to know about a group's model.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Width of the source in pixels.
    pub width: usize,
    /// Height of the source in pixels.
    pub height: usize,
    /// Frames of the group.
    pub n_frames: usize,
    /// Canonical levels, finest first.
    pub canonical: Vec<Canonical>,
    /// Motion: displacement in units of its step, two components.
    pub motion: Timed,
    /// Residual features.
    pub residual: Timed,
    /// Networks.
    pub network: Network,
}

impl Shape {
    /// Elements of the grid buffer.
    pub fn n_grid(&self) -> usize {
        self.residual.offset + self.residual.nodes.n * self.residual.node_len
    }

    /// Elements of all canonical planes, which come first in the grid buffer.
    pub fn n_canonical(&self) -> usize {
        self.motion.offset
    }
}

/// Points (x0 + j dx, y0 + i dy) in pixels of the source, j < nx, i < ny, row after row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lattice {
    /// Abscissa of the first column.
    pub x0: f32,
    /// Distance of columns.
    pub dx: f32,
    /// Columns.
    pub nx: usize,
    /// Ordinate of the first row.
    pub y0: f32,
    /// Distance of rows.
    pub dy: f32,
    /// Rows.
    pub ny: usize,
}

impl Lattice {
    /// Every `step`-th pixel both ways, from (x, y) on, of a picture of this size.
    pub fn subset(size: (usize, usize), step: usize, (x, y): (usize, usize)) -> Self {
        Self {
            x0: x as f32,
            dx: step as f32,
            nx: (size.0 - x).div_ceil(step),
            y0: y as f32,
            dy: step as f32,
            ny: (size.1 - y).div_ceil(step),
        }
    }

    /// The pixel centres of a picture of `size` laid over a source of `source` pixels.
    pub fn resized(source: (usize, usize), size: (usize, usize)) -> Self {
        let axis = |from: usize, to: usize| {
            let d = from as f32 / to as f32;
            (0.5 * d - 0.5, d)
        };
        let ((x0, dx), (y0, dy)) = (axis(source.0, size.0), axis(source.1, size.1));
        Self { x0, dx, nx: size.0, y0, dy, ny: size.1 }
    }

    /// Points.
    pub fn len(&self) -> usize {
        self.nx * self.ny
    }

    /// Whether it has no points.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
