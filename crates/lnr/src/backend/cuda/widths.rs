// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels of grid models: one set per width of the hidden layers, and how widely each is
//! launched.

use super::device::{Device, Launch, MAX_SHARED};
use super::sizes;
use super::sources::n_places;
use crate::backend::Shape;

/// What a pass over points is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Render,
    Error,
    Train,
}

/// The kernels of one width of the hidden layers.
pub struct Width {
    pub width: usize,
    /// Render, error, train.
    pub frame: [&'static str; 3],
    pub reduce: &'static str,
    /// Bytes of the weights in shared memory, and of those for the way back.
    weights: [usize; 2],
    /// Sums of a block.
    pub n_sums: usize,
    /// Features of a point at most.
    pub n_features: usize,
}

const WIDTHS: [Width; 3] = [
    Width {
        width: 16,
        frame: ["frame_render_16", "frame_error_16", "frame_train_16"],
        reduce: "frame_reduce_16",
        weights: [sizes::FRAME_WEIGHTS_16, sizes::FRAME_BACKWARD_16],
        n_sums: sizes::FRAME_SUMS_16,
        n_features: sizes::FRAME_FEATURES_16,
    },
    Width {
        width: 32,
        frame: ["frame_render_32", "frame_error_32", "frame_train_32"],
        reduce: "frame_reduce_32",
        weights: [sizes::FRAME_WEIGHTS_32, sizes::FRAME_BACKWARD_32],
        n_sums: sizes::FRAME_SUMS_32,
        n_features: sizes::FRAME_FEATURES_32,
    },
    Width {
        width: 64,
        frame: ["frame_render_64", "frame_error_64", "frame_train_64"],
        reduce: "frame_reduce_64",
        weights: [sizes::FRAME_WEIGHTS_64, sizes::FRAME_BACKWARD_64],
        n_sums: sizes::FRAME_SUMS_64,
        n_features: sizes::FRAME_FEATURES_64,
    },
];

/// Widest hidden layers that there are kernels for.
pub const MAX_WIDTH: usize = WIDTHS[WIDTHS.len() - 1].width;

/// Warps of a block at most: the kernels' bound of registers is for 128 threads.
const MAX_WARPS: usize = 4;

impl Width {
    /// The narrowest that is wide enough, or the widest.
    pub fn of(shape: &Shape) -> &'static Self {
        let enough = |w: &&Self| shape.network.width() <= w.width;
        WIDTHS.iter().find(enough).unwrap_or(&WIDTHS[WIDTHS.len() - 1])
    }

    /// Bytes of a block's weights and of a warp's tile.
    fn shared(&self, shape: &Shape, mode: Mode) -> (usize, usize) {
        let train = mode == Mode::Train;
        let weights = self.weights[0] + if train { self.weights[1] } else { 0 };
        let levels = shape.n_canonical_levels();
        let mixed = if shape.has_anchors { 3 * levels + 1 } else { 0 };
        let on_the_way = 2 * (n_places(shape) + levels) + mixed;
        // As tile_rows() in frame.cu.
        let rows = shape.network.n_features() + 2 * self.width + 4;
        let rows = rows + if train { on_the_way } else { 0 };
        (weights, 4 * rows * sizes::FRAME_PITCH)
    }

    /// Whether a block of one warp finds room.
    pub fn fits(&self, shape: &Shape) -> bool {
        let (weights, tile) = self.shared(shape, Mode::Train);
        weights + tile.max(4 * self.n_sums) <= MAX_SHARED
    }

    /// As many warps as shared memory has room for, up to four.
    pub fn launch(
        &self,
        device: &impl Device,
        shape: &Shape,
        mode: Mode,
        n_points: usize,
    ) -> Launch {
        let (weights, tile) = self.shared(shape, mode);
        let n_warps = (MAX_SHARED.saturating_sub(weights) / tile).clamp(1, MAX_WARPS);
        let shared = weights + (n_warps * tile).max(4 * self.n_sums);
        let n_tiles = n_points.div_ceil(sizes::FRAME_TILE * n_warps);
        // Four blocks of a processor hide each other's waits; each then goes through many tiles.
        let blocks = n_tiles.min(4 * device.n_processors());
        Launch { shared, ..Launch::row(blocks, 32 * n_warps as u32) }
    }

    /// Sums of all blocks of a step over so many points, at most.
    pub fn partials(&self, device: &impl Device, shape: &Shape, n_points: usize) -> usize {
        let blocks = |mode| self.launch(device, shape, mode, n_points).grid[0] as usize;
        let frame = self.n_sums * blocks(Mode::Error).max(blocks(Mode::Train));
        frame.max(n_planes(shape) * upsample_blocks(device, shape))
    }
}

/// Planes of one node of all timed sources.
pub fn n_planes(shape: &Shape) -> usize {
    shape.timed().map(|(_, g)| g.levels.len() * g.n_components).sum()
}

/// Blocks of a plane's entries.
pub fn upsample_blocks(device: &impl Device, shape: &Shape) -> usize {
    let levels = shape.timed().flat_map(|(_, g)| &g.levels);
    // A warp per entry at most, eight to a block; as many blocks as a processor runs at once.
    let most = levels.map(|l| l.grid.len().div_ceil(8)).max().unwrap_or(1);
    most.clamp(1, 8 * device.n_processors())
}
