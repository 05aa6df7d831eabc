// SPDX-License-Identifier: MIT OR Apache-2.0
//! The codec's operations on a device: coarse enough that each can be one fused kernel. Buffers are
//! flat, of f32, and belong to the caller; their layout is a [`Shape`].

pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
mod entropy;
mod modulation;
pub mod pixels;
pub mod reference;
mod shape;

use std::ops::Range;

use crate::base::{Error, Picture, PictureFormat, Result};

#[cfg(test)]
mod tests;

pub use entropy::{Causal, Entropy, Extra, RatePlane};

pub use shape::{
    At, CanonicalLevel, Dense, Encoding, Grid, Grids, HashLevel, Hyper, Kernel, Lattice, Level,
    Network, Nodes, Role, Sample, Shape, TensorKind, TensorPlace, points_per_pixel,
};

/// How grid values become symbols: r(r(x) + noise) with the soft rounding r; slope r'(x) r'(r(x) + noise).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    /// Temperature of r, 0.05..=1: the smaller, the nearer to integers. At 0 it is rounded to the nearest
    /// integer, without noise and with slope 1.
    pub temperature: f32,
    /// Width of the noise, which is uniform around zero, 0..=1.
    pub noise: f32,
}

/// One step of Adam with bias correction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Number of this step, from 1.
    pub step: u32,
}

/// One fused training step: the points of a lattice at some times.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainStep {
    /// The times: those of [`Shape::step_samples`], one, or all frames of the group in order.
    pub samples: Vec<Sample>,
    /// Which points: centres of patches, see [`Shape::centres`].
    pub lattice: Lattice,
    /// The squared error of a pixel is `sum_ij form[i][j] d_i d_j` with d = pixel - target.
    pub form: [[f32; 3]; 3],
    /// The loss is this times the sum of squared errors.
    pub weight: f32,
}

/// The pixels of a training step: every `step`-th patch both ways from `phase` (x, y) on.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    /// Numbers of the frames.
    pub frames: Range<usize>,
    /// Patches from one to the next.
    pub step: usize,
    /// The first one.
    pub phase: (usize, usize),
}

/// Parameters that an operation reads.
pub struct Params<'a, T> {
    /// What the sources store; grids quantised. [`Shape::n_grid`]
    pub grids: &'a T,
    /// Network tensors. [`Network::len`]
    pub network: &'a T,
}

/// Gradients that an operation adds to.
pub struct Grads<'a, T> {
    /// As [`Params::grids`].
    pub grids: &'a mut T,
    /// As [`Params::network`].
    pub network: &'a mut T,
}

/// What a workspace is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Every operation; training steps of at most so many points.
    Train {
        /// Points of a step's lattice.
        n_points: usize,
    },
    /// Rendering only.
    Render {
        /// Bytes of what does not depend on time that may be kept from one picture to the next; 0
        /// keeps nothing.
        max_prefix: usize,
    },
}

/// Where an operation leaves a sum: in elements 2 `index` and 2 `index` + 1 of the buffer, as a
/// float and what rounding to it lost.
pub struct Sum<'a, T> {
    /// The buffer.
    pub buffer: &'a mut T,
    /// Which of its sums.
    pub index: usize,
}

impl Sum<'_, Vec<f32>> {
    /// Writes the sum.
    pub fn set(&mut self, sum: f64) {
        let high = sum as f32;
        self.buffer[2 * self.index] = high;
        self.buffer[2 * self.index + 1] = (sum - f64::from(high)) as f32;
    }
}

/// The first `n` sums of a buffer, see [`Sum`].
///
/// # Errors
/// [`crate::base::Error::Backend`] when the device fails.
pub fn read_sums<B: Backend>(backend: &B, buffer: &B::Buffer, n: usize) -> Result<Vec<f64>> {
    let mut pairs = vec![0.0; 2 * n];
    backend.read(buffer, 0, &mut pairs)?;
    Ok(pairs.as_chunks().0.iter().map(|[a, b]| f64::from(*a) + f64::from(*b)).collect())
}

/// The operations. They may return before they are done; only [`Backend::read`] and
/// [`Backend::download`] wait. None but those that make something allocates; gradients are added to.
/// A NaN in an operation's input is in its output: clamps keep it.
///
/// # Errors
/// [`crate::base::Error::Backend`] when memory is short or the device fails, for every operation.
pub trait Backend: Send + Sync {
    /// Flat memory of the device.
    type Buffer: Send + Sync;
    /// Scratch memory for groups of one shape.
    type Workspace: Send;
    /// The pictures of a group.
    type Pictures<'a>: Send;
    /// A rendered picture where the backend leaves it.
    type Surface: Send;

    /// Whether the operations can take a shape.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] saying what it cannot take.
    fn supports(&self, shape: &Shape) -> Result<()>;
    /// Bytes that a workspace takes, what it grows to in use too.
    fn bytes(&self, shape: &Shape, purpose: Purpose) -> u64;
    /// Bytes of the backend's memory that pictures of this format take for training.
    fn picture_bytes(&self, format: &PictureFormat) -> u64;

    /// Runs many operations in a row where handing each of them over would cost.
    fn scope<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        f()
    }

    /// Hands over the operations of `f` at once, where each on its own would cost. None of them may
    /// be [`Backend::read`], [`Backend::write`] or one that allocates.
    ///
    /// # Errors
    /// Those of `f`.
    fn together<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        f()
    }

    /// A buffer of zeros.
    fn alloc(&self, len: usize) -> Result<Self::Buffer>;
    /// A buffer of these values.
    fn upload(&self, values: Vec<f32>) -> Result<Self::Buffer> {
        let mut buffer = self.alloc(values.len())?;
        self.write(&mut buffer, 0, &values)?;
        Ok(buffer)
    }
    /// Copies `values` to `buffer[at..]`.
    fn write(&self, buffer: &mut Self::Buffer, at: usize, values: &[f32]) -> Result<()>;
    /// Copies `buffer[at..]` to `values`.
    fn read(&self, buffer: &Self::Buffer, at: usize, values: &mut [f32]) -> Result<()>;
    /// Scratch memory. The shape is one that [`Backend::supports`].
    fn workspace(&self, shape: &Shape, purpose: Purpose) -> Result<Self::Workspace>;

    /// Takes the pictures of a group, all of one format.
    fn pictures<'a>(&self, pictures: &[&'a Picture]) -> Result<Self::Pictures<'a>>;
    /// Components of the pixels of some patches, [frames, n_values, points], from the beginning of
    /// `target`, scaled to 0..=1, chroma interpolated; NaN where a patch reaches beyond the frame.
    fn target(
        &self,
        pictures: &Self::Pictures<'_>,
        shape: &Shape,
        pixels: &Pixels,
        target: &mut Self::Buffer,
    ) -> Result<()>;

    /// Sets `buffer[range]` to zero.
    fn clear(&self, buffer: &mut Self::Buffer, range: Range<usize>) -> Result<()>;
    /// `to[range] += from[range]`
    fn add(&self, from: &Self::Buffer, to: &mut Self::Buffer, range: Range<usize>) -> Result<()>;

    /// Rounds `values[range]` to `symbols[range]` and writes the slopes d symbol / d value. The
    /// noise of value i is number i of the stream of `seed`, see [`crate::base::Rng::nth`].
    fn quantise(
        &self,
        rounding: Rounding,
        seed: u64,
        range: Range<usize>,
        values: &Self::Buffer,
        symbols: &mut Self::Buffer,
        slopes: &mut Self::Buffer,
    ) -> Result<()>;

    /// Hypernetworks, modulation (paper Eq. 2), sampling, network and loss, and with `grads` all of
    /// it backward, over the points and times of a step. `target` is as [`Backend::target`] makes it;
    /// pixels whose target is NaN do not count. `error` becomes the sum of squared errors (not
    /// weighted).
    fn train(
        &self,
        workspace: &mut Self::Workspace,
        shape: &Shape,
        step: &TrainStep,
        target: &Self::Buffer,
        params: &Params<Self::Buffer>,
        grads: Option<&mut Grads<Self::Buffer>>,
        error: Sum<Self::Buffer>,
    ) -> Result<()>;

    /// Sets `bits` to those of planes of symbols under an entropy model; with `grads` (of the symbols
    /// and of the model) adds `weight` times the gradient of the bits. No plane of one call may
    /// be another's [`RatePlane::before`]: their gradients are added up side by side.
    fn rate(
        &self,
        workspace: &mut Self::Workspace,
        entropy: &Entropy,
        planes: &[RatePlane],
        symbols: &Self::Buffer,
        model: &Self::Buffer,
        weight: f32,
        grads: Option<(&mut Self::Buffer, &mut Self::Buffer)>,
        bits: Sum<Self::Buffer>,
    ) -> Result<()>;

    /// Updates `values[range]` with the gradient `grads[range] * slopes[range]` and clears it.
    fn adam(
        &self,
        adam: &Adam,
        range: Range<usize>,
        values: &mut Self::Buffer,
        grads: &mut Self::Buffer,
        slopes: Option<&Self::Buffer>,
        moments: (&mut Self::Buffer, &mut Self::Buffer),
    ) -> Result<()>;

    /// Prepares a workspace for rendering these parameters; they stay as they are until the next
    /// load.
    fn load(
        &self,
        workspace: &mut Self::Workspace,
        shape: &Shape,
        params: &Params<Self::Buffer>,
    ) -> Result<()>;

    /// A surface for pictures of this format.
    fn surface(&self, format: PictureFormat) -> Result<Self::Surface>;

    /// Renders the time of a sample to the samples of a surface, at its size. Pictures smaller than
    /// the source average several points per pixel. Needs [`Backend::load`] with the same parameters.
    /// `stop` is asked between pieces of work that take a fraction of a second.
    ///
    /// # Errors
    /// [`crate::base::Error::Cancelled`] when `stop` says so; the surface then holds anything.
    fn render(
        &self,
        workspace: &mut Self::Workspace,
        shape: &Shape,
        sample: &Sample,
        params: &Params<Self::Buffer>,
        stop: &Stop,
        surface: &mut Self::Surface,
    ) -> Result<()>;

    /// Brings a rendered picture to the host, into a picture of the same format. What the surface
    /// holds afterwards is not said.
    fn download(&self, surface: &mut Self::Surface, out: &mut Picture) -> Result<()>;
}

/// Whether work should stop.
pub type Stop<'a> = dyn Fn() -> bool + Sync + 'a;

/// # Errors
/// [`Error::Cancelled`] when work should stop.
pub fn check_stop(stop: &Stop) -> Result<()> {
    if stop() { Err(Error::Cancelled) } else { Ok(()) }
}
