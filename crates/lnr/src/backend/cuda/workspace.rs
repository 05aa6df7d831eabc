// SPDX-License-Identifier: MIT OR Apache-2.0

use super::args;
use super::device::Device;
use super::memory::Scratch;
use super::pack::Bands;
use super::{frame, rate, unsupported};
use crate::backend::{Purpose, Shape};
use crate::base::{Result, limits};

/// Scratch memory for groups of one shape.
pub struct Workspace<D: Device> {
    pub(super) sources: args::Sources,
    /// Motion and residual planes of one time, scaled.
    pub(super) timed: Scratch<D::Memory>,
    /// Gradients of displacement and residual features: [2 + residual levels, points]
    pub(super) d_rows: Scratch<D::Memory>,
    /// Sums of the canonical planes' gradients, 64 bits each; zero between operations.
    pub(super) d_canonical: Scratch<D::Memory>,
    /// Sums of blocks.
    pub(super) partials: Scratch<D::Memory>,
    pub(super) bands: Bands<D>,
}

impl<D: Device> Workspace<D> {
    pub(super) fn new(device: &D, shape: &Shape, purpose: Purpose) -> Result<Self> {
        let levels =
            [shape.canonical.len(), shape.motion.levels.len(), shape.residual.levels.len()];
        if levels.iter().any(|&n| n > limits::MAX_LEVELS) {
            return Err(unsupported("more levels than the format allows"));
        }
        let mut workspace = Self {
            sources: args::Sources::new(shape),
            timed: Scratch::default(),
            d_rows: Scratch::default(),
            d_canonical: Scratch::default(),
            partials: Scratch::default(),
            bands: Bands::default(),
        };
        workspace.timed.reserve(device, 4 * (shape.motion.node_len + shape.residual.node_len))?;
        if purpose == Purpose::Train {
            let n_points = shape.width * shape.height;
            workspace.d_rows.reserve(device, 4 * (2 + shape.residual.levels.len()) * n_points)?;
            workspace.d_canonical.reserve(device, 8 * shape.n_canonical())?;
            let n = frame::partials(device, shape)?.max(rate::partials(device));
            workspace.partials.reserve(device, 4 * n)?;
        }
        Ok(workspace)
    }
}
