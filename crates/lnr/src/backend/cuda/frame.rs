// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fused training step.

use super::device::{Device, Launch};
use super::memory::Floats;
use super::workspace::Workspace;
use super::{MAX_SHARED, args, blocks, unsupported};
use crate::backend::{Grads, Lattice, Params, Shape, Sum, Tensor, TrainStep};
use crate::base::{Result, limits};

/// As in `kernels/network.cuh`: points of a tile, distance of rows, features at most.
const TILE: usize = 64;
const PITCH: usize = 68;
const MAX_FEATURES: usize = 16;

/// What a pass over points is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Render,
    Error,
    Train,
}

/// The kernels of one width of the hidden layers.
struct Width {
    width: usize,
    /// Render, error, train.
    frame: [&'static str; 3],
    reduce: &'static str,
}

const WIDTHS: [Width; 3] = [
    Width {
        width: 16,
        frame: ["frame_render_16", "frame_error_16", "frame_train_16"],
        reduce: "frame_reduce_16",
    },
    Width {
        width: 32,
        frame: ["frame_render_32", "frame_error_32", "frame_train_32"],
        reduce: "frame_reduce_32",
    },
    Width {
        width: 64,
        frame: ["frame_render_64", "frame_error_64", "frame_train_64"],
        reduce: "frame_reduce_64",
    },
];

impl Width {
    fn of(shape: &Shape) -> Result<&'static Self> {
        let net = &shape.network;
        if net.n_features > MAX_FEATURES {
            return Err(unsupported("profile warp with more than 16 features"));
        }
        let found = WIDTHS.iter().find(|w| net.width <= w.width);
        found.ok_or_else(|| unsupported("profile warp with hidden layers wider than 64"))
    }

    /// Sums of a block.
    fn n_sums(&self) -> usize {
        let w = self.width;
        w * w + w * MAX_FEATURES + 4 * w + 4 * MAX_FEATURES + 2 * w + 4 + limits::MAX_LEVELS + 1
    }

    /// As many warps as shared memory has room for, up to four.
    fn launch(&self, device: &impl Device, shape: &Shape, mode: Mode, n_points: usize) -> Launch {
        let (w, n) = (self.width, shape.network.n_features);
        let train = mode == Mode::Train;
        let forward = w * w + (MAX_FEATURES + 6) * w + 4 + 4 * MAX_FEATURES + limits::MAX_LEVELS;
        let weights = forward + if train { w * w + MAX_FEATURES * w } else { 0 };
        let places = if train { 2 + 2 * shape.canonical.len() } else { 0 };
        let tile = (n + 2 * w + 4 + places) * PITCH;
        let n_warps = ((MAX_SHARED / 4 - weights) / tile).clamp(1, 4);
        let shared = 4 * (weights + (n_warps * tile).max(self.n_sums()));
        let n_tiles = n_points.div_ceil(TILE * n_warps);
        let blocks = n_tiles.min(4 * device.n_processors());
        Launch { shared, ..Launch::row(blocks, 32 * n_warps as u32) }
    }
}

/// Sums of all blocks, at most.
pub fn partials(device: &impl Device, shape: &Shape) -> Result<usize> {
    let n_points = shape.width * shape.height;
    let width = Width::of(shape)?;
    let frame = [Mode::Error, Mode::Train]
        .map(|m| width.launch(device, shape, m, n_points).grid[0] as usize * width.n_sums());
    let planes = 2 * shape.motion.levels.len() + shape.residual.levels.len();
    Ok(frame[0].max(frame[1]).max(planes * upsample_blocks(device, shape)))
}

/// Blocks of a plane's entries.
fn upsample_blocks(device: &impl Device, shape: &Shape) -> usize {
    let levels = shape.motion.levels.iter().chain(&shape.residual.levels);
    // A warp per entry at most, eight to a block.
    let most = levels.map(|l| l.grid.len().div_ceil(8)).max().unwrap_or(1);
    most.clamp(1, 8 * device.n_processors())
}

/// The planes of time `tau` into the workspace.
pub fn blend<D: Device>(
    device: &D,
    workspace: &Workspace<D>,
    shape: &Shape,
    tau: f32,
    params: &Params<Floats<D::Memory>>,
) -> Result<args::Moment> {
    let moment = args::Moment::new(shape, tau);
    let n = shape.motion.node_len + shape.residual.node_len;
    if n > 0 {
        let args = args::Blend {
            grids: params.grids.at(0),
            network: params.network.at(0),
            timed: workspace.timed.address(),
            sources: workspace.sources,
            moment,
        };
        device.launch("blend", Launch::row(blocks(device, n), 256), &args)?;
    }
    Ok(moment)
}

/// Points through sampling and network: rows `first..first + n` of a lattice.
pub struct Pass<'a> {
    pub mode: Mode,
    pub lattice: &'a Lattice,
    pub first: usize,
    pub n: usize,
    pub form: [[f32; 3]; 3],
    /// Address of the target in training, of the values in rendering.
    pub pixels: u64,
}

/// Starts a pass; returns its number of blocks. Needs [`blend`].
pub fn pass<D: Device>(
    device: &D,
    workspace: &Workspace<D>,
    shape: &Shape,
    params: &Params<Floats<D::Memory>>,
    pass: &Pass,
) -> Result<usize> {
    let (net, width) = (&shape.network, Width::of(shape)?);
    let launch = width.launch(device, shape, pass.mode, pass.lattice.nx * pass.n);
    let at = |t| net.range(t).start as u32;
    let mut form = [0.0; 9];
    form.copy_from_slice(pass.form.as_flattened());
    let args = args::Frame {
        grids: params.grids.at(0),
        network: params.network.at(0),
        modulated: params.modulated.at(0),
        timed: workspace.timed.address(),
        target: pass.pixels,
        d_rows: workspace.d_rows.address(),
        d_canonical: workspace.d_canonical.address(),
        partials: workspace.partials.address(),
        values: pass.pixels,
        sources: workspace.sources,
        lattice: args::Points::rows(pass.lattice, pass.first, pass.n),
        n_features: net.n_features as u32,
        width: net.width as u32,
        n_out: net.n_out as u32,
        w2: at(Tensor::W2),
        b2: at(Tensor::B2),
        w3: at(Tensor::W3),
        b3: at(Tensor::B3),
        skip: at(Tensor::Skip),
        form,
        unused: 0,
    };
    device.launch(width.frame[pass.mode as usize], launch, &args)?;
    Ok(launch.grid[0] as usize)
}

/// See [`crate::backend::Backend::train`].
pub fn train<D: Device>(
    device: &D,
    workspace: &mut Workspace<D>,
    shape: &Shape,
    step: &TrainStep,
    target: &Floats<D::Memory>,
    params: &Params<Floats<D::Memory>>,
    grads: Option<&mut Grads<Floats<D::Memory>>>,
    error: Sum<Floats<D::Memory>>,
) -> Result<()> {
    let moment = blend(device, workspace, shape, step.tau, params)?;
    let (net, width) = (&shape.network, Width::of(shape)?);
    let lattice = &step.lattice;
    let mode = if grads.is_some() { Mode::Train } else { Mode::Error };
    let points =
        Pass { mode, lattice, first: 0, n: lattice.ny, form: step.form, pixels: target.at(0) };
    let n_blocks = pass(device, workspace, shape, params, &points)?;
    let at = |t| net.range(t).start as u32;
    // The kernels leave out what is the same for all points.
    let gain = 2.0 * step.weight;
    let reduce = args::FrameReduce {
        partials: workspace.partials.address(),
        d_network: grads.as_ref().map_or(0, |g| g.network.at(0)),
        d_modulated: grads.as_ref().map_or(0, |g| g.modulated.at(0)),
        error: error.buffer.at(2 * error.index),
        n_blocks: n_blocks as u32,
        n_features: net.n_features as u32,
        width: net.width as u32,
        n_out: net.n_out as u32,
        n_canonical: shape.canonical.len() as u32,
        w2: at(Tensor::W2),
        b2: at(Tensor::B2),
        w3: at(Tensor::W3),
        b3: at(Tensor::B3),
        skip: at(Tensor::Skip),
        gain,
        unused: 0,
    };
    device.launch(width.reduce, Launch::row(width.n_sums().div_ceil(8), 256), &reduce)?;
    let Some(grads) = grads else { return Ok(()) };
    let n = shape.n_canonical();
    if n > 0 {
        let (sums, grads) = (workspace.d_canonical.address(), grads.grids.at(0));
        let args = args::Fixed { sums, grads, n: n as u64, gain, unused: 0 };
        device.launch("add_fixed_sums", Launch::row(blocks(device, n), 256), &args)?;
    }
    upsample_bwd(device, workspace, shape, (moment, lattice, gain), params, grads)
}

/// From the points' gradients to those of motion and residual planes and their scales.
fn upsample_bwd<D: Device>(
    device: &D,
    workspace: &Workspace<D>,
    shape: &Shape,
    (moment, lattice, gain): (args::Moment, &Lattice, f32),
    params: &Params<Floats<D::Memory>>,
    grads: &mut Grads<Floats<D::Memory>>,
) -> Result<()> {
    let (n_motion, n_residual) = (shape.motion.levels.len(), shape.residual.levels.len());
    if n_motion + n_residual == 0 {
        return Ok(());
    }
    let n_blocks = upsample_blocks(device, shape) as u32;
    let args = args::UpsampleBwd {
        d_rows: workspace.d_rows.address(),
        timed: workspace.timed.address(),
        network: params.network.at(0),
        d_grids: grads.grids.at(0),
        partials: workspace.partials.address(),
        sources: workspace.sources,
        moment,
        lattice: args::Points::rows(lattice, 0, lattice.ny),
        gain,
        unused: 0,
    };
    let n_planes = (2 * n_motion + n_residual) as u32;
    let launch = Launch { grid: [n_blocks, n_planes, 1], threads: 256, shared: 8 * 4 };
    device.launch("upsample_bwd", launch, &args)?;
    let args = args::ScaleBwd {
        partials: workspace.partials.address(),
        d_network: grads.network.at(0),
        n_motion: n_motion as u32,
        n_residual: n_residual as u32,
        n_blocks,
        scales: moment.scales,
        unused: 0,
    };
    device.launch("scale_bwd", Launch::row(n_motion + n_residual, 32), &args)
}
