// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fused training step of grid models.

use super::device::{Device, Launch};
use super::memory::Floats;
use super::widths::{Mode, Width, n_planes, upsample_blocks};
use super::workspace::GridScratch;
use super::{args, blocks, modulation, sizes, unsupported};
use crate::backend::{Grads, Lattice, Params, Sample, Shape, Sum, TrainStep};
use crate::base::Result;

/// The planes and the first layer of a time into the workspace; returns what the kernels take at that
/// time.
pub fn prepare<D: Device>(
    device: &D,
    scratch: &GridScratch<D>,
    shape: &Shape,
    sample: &Sample,
    params: &Params<Floats<D::Memory>>,
) -> Result<(args::Sources, args::Nodes)> {
    let (sources, nodes) = (args::Sources::new(shape, sample), args::Nodes::new(shape, sample));
    let lens = shape.timed().flat_map(|(_, g)| {
        let n = g.n_components;
        g.levels.iter().map(move |l| n * l.grid.len())
    });
    if let Some(most) = lens.clone().max() {
        let args = args::TimedPlanes {
            grids: params.grids.at(0),
            network: params.network.at(0),
            timed: scratch.timed.address(),
            sources,
            nodes,
        };
        let grid = [blocks(device, most), lens.count(), 1].map(|n| n as u32);
        device.launch("timed_planes", Launch { grid, threads: 256, shared: 0 }, &args)?;
    }
    let modulated = scratch.modulated.address();
    modulation::forward(device, &shape.network, sample.latent, params.network, modulated)?;
    Ok((sources, nodes))
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
    pub sources: &'a args::Sources,
}

/// Starts a pass; returns its number of blocks. Needs [`prepare`].
pub fn pass<D: Device>(
    device: &D,
    scratch: &GridScratch<D>,
    shape: &Shape,
    params: &Params<Floats<D::Memory>>,
    pass: &Pass,
) -> Result<usize> {
    let (net, width) = (&shape.network, Width::of(shape));
    let launch = width.launch(device, shape, pass.mode, pass.lattice.nx * pass.n);
    let args::Layers { w2, b2, w3, b3, skip } = args::Layers::new(net);
    let mut form = [0.0; 9];
    form.copy_from_slice(pass.form.as_flattened());
    let args = args::Frame {
        grids: params.grids.at(0),
        network: params.network.at(0),
        modulated: scratch.modulated.address(),
        timed: scratch.timed.address(),
        target: pass.pixels,
        d_rows: scratch.d_rows.address(),
        d_canonical: scratch.d_canonical.address(),
        partials: scratch.partials.address(),
        values: pass.pixels,
        sources: *pass.sources,
        lattice: args::Points::rows(pass.lattice, pass.first, pass.n),
        n_features: net.n_features() as u32,
        width: net.width() as u32,
        n_out: shape.n_out as u32,
        w2,
        b2,
        w3,
        b3,
        skip,
        form,
        unused: 0,
    };
    device.launch(width.frame[pass.mode as usize], launch, &args)?;
    Ok(launch.grid[0] as usize)
}

/// See [`crate::backend::Backend::train`].
pub fn train<D: Device>(
    device: &D,
    scratch: &GridScratch<D>,
    shape: &Shape,
    step: &TrainStep,
    target: &Floats<D::Memory>,
    params: &Params<Floats<D::Memory>>,
    mut grads: Option<&mut Grads<Floats<D::Memory>>>,
    error: Sum<Floats<D::Memory>>,
) -> Result<()> {
    if step.lattice.len() > scratch.n_points {
        return Err(unsupported("more points than the workspace is for"));
    }
    let error = error.buffer.at(2 * error.index);
    for (i, sample) in step.samples.iter().enumerate() {
        let target = target.at(i * shape.n_out * step.lattice.len());
        let one = One { device, scratch, shape, step, sample, target, error, adds: i > 0 };
        one.train(params, grads.as_deref_mut())?;
    }
    Ok(())
}

/// A step at one time.
struct One<'a, D: Device> {
    device: &'a D,
    scratch: &'a GridScratch<D>,
    shape: &'a Shape,
    step: &'a TrainStep,
    sample: &'a Sample,
    target: u64,
    /// Where the sum of squared errors goes, and whether to the one that is there.
    error: u64,
    adds: bool,
}

impl<D: Device> One<'_, D> {
    fn train(
        &self,
        params: &Params<Floats<D::Memory>>,
        grads: Option<&mut Grads<Floats<D::Memory>>>,
    ) -> Result<()> {
        let Self { device, scratch, shape, step, sample, .. } = *self;
        let (sources, nodes) = prepare(device, scratch, shape, sample, params)?;
        let points = Pass {
            mode: if grads.is_some() { Mode::Train } else { Mode::Error },
            lattice: &step.lattice,
            first: 0,
            n: step.lattice.ny,
            form: step.form,
            pixels: self.target,
            sources: &sources,
        };
        let n_blocks = pass(device, scratch, shape, params, &points)?;
        // The kernels leave out what is the same for all points.
        let gain = 2.0 * step.weight;
        self.reduce(&sources, n_blocks, gain, grads.as_ref().map_or(0, |g| g.network.at(0)))?;
        let Some(grads) = grads else { return Ok(()) };
        self.add_canonical(gain, grads)?;
        self.upsample_bwd((sources, nodes), gain, params, grads)?;
        let modulated = (scratch.modulated.address(), scratch.d_modulated.address());
        let (net, at) = (&shape.network, sample.latent);
        modulation::backward(device, net, at, params.network, modulated, grads.network)
    }

    /// From the sums of blocks to the error and, if `d_network` is an address, to gradients.
    fn reduce(
        &self,
        sources: &args::Sources,
        n_blocks: usize,
        gain: f32,
        d_network: u64,
    ) -> Result<()> {
        let Self { scratch, shape, .. } = *self;
        let (net, width) = (&shape.network, Width::of(shape));
        let args::Layers { w2, b2, w3, b3, skip } = args::Layers::new(net);
        let args = args::FrameReduce {
            partials: scratch.partials.address(),
            d_network,
            d_modulated: scratch.d_modulated.address(),
            error: self.error,
            n_blocks: n_blocks as u32,
            n_features: net.n_features() as u32,
            width: net.width() as u32,
            n_out: shape.n_out as u32,
            n_canonical: sources.n_canonical,
            w2,
            b2,
            w3,
            b3,
            skip,
            scales: sources.canonical.map(|l| l.scale),
            gain,
            adds: self.adds.into(),
        };
        self.device.launch(width.reduce, Launch::row(width.n_sums.div_ceil(8), 256), &args)
    }

    /// Adds the sums of the gradients of the canonical planes that are read at this time.
    fn add_canonical(&self, gain: f32, grads: &mut Grads<Floats<D::Memory>>) -> Result<()> {
        let Self { device, scratch, shape, sample, .. } = *self;
        let nodes = shape.canonical().flat_map(|(i, g)| {
            let at = sample.sources[i];
            [g.node(at.first), g.node(at.second)]
        });
        // Anchors that are mixed lie side by side.
        let Some(all) = nodes.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)) else {
            return Ok(());
        };
        let sums = scratch.d_canonical.address() + 8 * all.start as u64;
        let n = all.len() as u64;
        let args = args::Fixed { sums, grads: grads.grids.at(all.start), n, gain, unused: 0 };
        device.launch("add_fixed_sums", Launch::row(blocks(device, all.len()), 256), &args)
    }

    /// From the points' gradients to those of motion, residual and blend planes and their scales.
    fn upsample_bwd(
        &self,
        (sources, nodes): (args::Sources, args::Nodes),
        gain: f32,
        params: &Params<Floats<D::Memory>>,
        grads: &mut Grads<Floats<D::Memory>>,
    ) -> Result<()> {
        let Self { device, scratch, shape, step, .. } = *self;
        let n_planes = n_planes(shape);
        if n_planes == 0 {
            return Ok(());
        }
        let partials = scratch.partials.address();
        let n_blocks = upsample_blocks(device, shape) as u32;
        let args = args::UpsampleBwd {
            d_rows: scratch.d_rows.address(),
            timed: scratch.timed.address(),
            network: params.network.at(0),
            d_grids: grads.grids.at(0),
            partials,
            sources,
            nodes,
            lattice: args::Points::rows(&step.lattice, 0, step.lattice.ny),
            gain,
            unused: 0,
        };
        let grid = [n_blocks, n_planes as u32, 1];
        let launch = Launch { grid, threads: 256, shared: sizes::BLOCK_SUM_SHARED };
        device.launch("upsample_bwd", launch, &args)?;
        let d_network = grads.network.at(0);
        let args = args::ScaleBwd { partials, d_network, sources, n_blocks, unused: 0 };
        let n_levels = (sources.n_motion + sources.n_residual + sources.n_blend) as usize;
        device.launch("scale_bwd", Launch::row(n_levels, 32), &args)
    }
}
