// SPDX-License-Identifier: MIT OR Apache-2.0
//! The operations of the paper's profiles: a coordinate network whose layers are modulated frame by
//! frame through hypernetworks.

mod shape;

use super::{Backend, Lattice, Sum};
use crate::base::{Picture, Result};

pub use shape::{Dense, Encoding, HashLevel, Hyper, PaperShape, PaperTensor, TensorKind};

/// One training step: the points of a lattice in all frames of the group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaperStep {
    /// Points: centres of patches, in pixels.
    pub lattice: Lattice,
    /// The squared error of a pixel is sum_ij form[i][j] d_i d_j with d = pixel - target.
    pub form: [[f32; 3]; 3],
    /// The loss is this times the sum of squared errors.
    pub weight: f32,
}

/// What a workspace is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaperPurpose {
    /// Training steps of at most so many points.
    Train {
        /// Points of a step's lattice.
        n_points: usize,
    },
    /// Rendering.
    Render {
        /// Bytes that may be kept from one frame to the next; 0 keeps nothing.
        max_prefix: usize,
    },
}

/// What the paper's profiles need of a device. Gradients are added to their outputs.
pub trait PaperBackend: Backend {
    /// Scratch memory for groups of one shape.
    type PaperWorkspace: Send;

    /// Scratch memory.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when memory is short.
    fn paper_workspace(
        &self,
        shape: &PaperShape,
        purpose: PaperPurpose,
    ) -> Result<Self::PaperWorkspace>;

    /// Forward and loss, and with `grads` backward, over points x frames (paper Eq. 1 and 2). What
    /// comes before the first modulated layer is computed once for all frames. `target` is [n_frames,
    /// n_values, points], NaN where there is no pixel; `params` and `grads` are
    /// [`PaperShape::len`] long. `error` becomes the sum of squared errors (not weighted).
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn paper_train(
        &self,
        workspace: &mut Self::PaperWorkspace,
        shape: &PaperShape,
        step: &PaperStep,
        target: &Self::Buffer,
        params: &Self::Buffer,
        grads: Option<&mut Self::Buffer>,
        error: Sum<Self::Buffer>,
    ) -> Result<()>;

    /// Renders time `tau` to the samples of `out`, at its size; latents are linear between frames
    /// (paper Eq. 4). Pictures smaller than the source average several points per pixel. A workspace
    /// renders one set of parameters only.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn paper_render(
        &self,
        workspace: &mut Self::PaperWorkspace,
        shape: &PaperShape,
        tau: f32,
        params: &Self::Buffer,
        out: &mut Picture,
    ) -> Result<()>;
}
