// SPDX-License-Identifier: MIT OR Apache-2.0

use super::coordinates::{RenderScratch, TrainScratch, render_bytes, train_bytes};
use super::device::Device;
use super::memory::Region;
use super::widths::Width;
use super::{rate, unsupported};
use crate::backend::{Purpose, Shape};
use crate::base::{Error, Result};

/// Scratch memory for groups of one shape.
pub struct Workspace<D: Device>(pub(super) Kind<D>);

pub(super) enum Kind<D: Device> {
    Grids(Box<GridScratch<D>>),
    Training(TrainScratch<D>),
    Rendering(RenderScratch<D>),
}

/// See [`crate::backend::Backend::bytes`].
pub(super) fn bytes(device: &impl Device, shape: &Shape, purpose: Purpose) -> usize {
    match (shape.encoding(), purpose) {
        (None, _) => GridSizes::new(device, shape, purpose).total(),
        (Some(_), Purpose::Train { n_points }) => train_bytes(shape, n_points),
        (Some(_), Purpose::Render { max_prefix }) => render_bytes(shape, max_prefix),
    }
}

pub(super) fn wrong_workspace() -> Error {
    unsupported("a workspace for another purpose")
}

impl<D: Device> Workspace<D> {
    pub(super) fn new(device: &D, shape: &Shape, purpose: Purpose) -> Result<Self> {
        Ok(Self(match (shape.encoding(), purpose) {
            (None, _) => Kind::Grids(Box::new(GridScratch::new(device, shape, purpose)?)),
            (Some(_), Purpose::Train { n_points }) => {
                Kind::Training(TrainScratch::new(device, shape, n_points)?)
            }
            (Some(_), Purpose::Render { max_prefix }) => {
                Kind::Rendering(RenderScratch::new(device, shape, max_prefix)?)
            }
        }))
    }
}

/// Scratch memory of grid models.
pub(super) struct GridScratch<D: Device> {
    /// Points of a step at most; 0 in a workspace for rendering.
    pub n_points: usize,
    /// Motion, residual and blend planes of one time, scaled.
    pub timed: Region<D::Memory>,
    /// The first layer at one time, and its gradient. [`crate::backend::Network::modulated_len`]
    pub modulated: Region<D::Memory>,
    pub d_modulated: Region<D::Memory>,
    /// Gradients of displacements, of residual features and of the blend grids' sum: [`Shape::timed_rows`, points]
    pub d_rows: Region<D::Memory>,
    /// Sums of the canonical planes' gradients, 64 bits each; zero between operations.
    pub d_canonical: Region<D::Memory>,
    /// Sums of blocks.
    pub partials: Region<D::Memory>,
}

/// Bytes of each part of a [`GridScratch`].
#[derive(Default)]
struct GridSizes {
    timed: usize,
    modulated: usize,
    d_modulated: usize,
    d_rows: usize,
    d_canonical: usize,
    partials: usize,
}

impl GridSizes {
    fn new(device: &impl Device, shape: &Shape, purpose: Purpose) -> Self {
        let modulated = 4 * shape.network.modulated_len();
        let render = Self { timed: 4 * shape.n_timed(), modulated, ..Self::default() };
        let Purpose::Train { n_points } = purpose else { return render };
        let frame = Width::of(shape).partials(device, shape, n_points);
        Self {
            d_modulated: modulated,
            d_rows: 4 * shape.n_timed_rows() * n_points,
            d_canonical: 8 * shape.n_canonical(),
            partials: 4 * frame.max(rate::partials(device)),
            ..render
        }
    }

    fn total(&self) -> usize {
        let Self { timed, modulated, d_modulated, d_rows, d_canonical, partials } = self;
        timed + modulated + d_modulated + d_rows + d_canonical + partials
    }
}

impl<D: Device> GridScratch<D> {
    fn new(device: &D, shape: &Shape, purpose: Purpose) -> Result<Self> {
        let sizes = GridSizes::new(device, shape, purpose);
        let n_points = match purpose {
            Purpose::Train { n_points } => n_points,
            Purpose::Render { .. } => 0,
        };
        Ok(Self {
            n_points,
            timed: Region::new(device, sizes.timed)?,
            modulated: Region::new(device, sizes.modulated)?,
            d_modulated: Region::new(device, sizes.d_modulated)?,
            d_rows: Region::new(device, sizes.d_rows)?,
            d_canonical: Region::new(device, sizes.d_canonical)?,
            partials: Region::new(device, sizes.partials)?,
        })
    }
}
