// SPDX-License-Identifier: MIT OR Apache-2.0
//! The codec's operations on a device: coarse enough that each can be one fused kernel. Buffers are
//! flat, of f32, and belong to the caller; their layout is a [`Shape`].

pub mod cpu;
#[cfg(feature = "cuda")]
pub mod cuda;
mod entropy;
mod modulation;
pub mod paper;
pub mod pixels;
pub mod reference;
mod shape;

use std::ops::Range;

use crate::base::{Picture, Result};

pub use entropy::{Causal, Entropy, Extra, RatePlane};
#[cfg(test)]
mod tests;

pub use shape::{
    Canonical, Grid, Kernel, Lattice, Network, Nodes, Shape, Tensor, Timed, TimedLevel,
};

/// How grid values become symbols.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rounding {
    /// Nearest integer; slope 1.
    Hard,
    /// r(r(x) + noise) with the soft rounding r of this temperature, and uniform noise of this
    /// width around zero; slope r'(x) r'(r(x) + noise).
    Soft {
        /// Temperature, 0.05..=1: the smaller, the nearer to [`Rounding::Hard`].
        temperature: f32,
        /// Width of the noise, 0..=1.
        noise: f32,
    },
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

/// One fused training step: the points of `lattice` at time `tau`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainStep {
    /// Time in frames.
    pub tau: f32,
    /// Which points.
    pub lattice: Lattice,
    /// The squared error of a point is sum_ij form[i][j] d_i d_j with d = pixel - target.
    pub form: [[f32; 3]; 3],
    /// The loss is this times the sum of squared errors over the points.
    pub weight: f32,
}

/// Parameters that an operation reads.
pub struct Params<'a, T> {
    /// Quantised grids. [`Shape::n_grid`]
    pub grids: &'a T,
    /// Network tensors. [`Network::len`]
    pub network: &'a T,
    /// Output of [`Backend::modulate`]. [`Network::modulated_len`]
    pub modulated: &'a T,
}

/// Gradients that an operation adds to.
pub struct Grads<'a, T> {
    /// As [`Params::grids`].
    pub grids: &'a mut T,
    /// As [`Params::network`].
    pub network: &'a mut T,
    /// Of the modulated weights and bias; the factors' part stays untouched.
    pub modulated: &'a mut T,
}

/// What a workspace is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Every operation.
    Train,
    /// Rendering only.
    Render,
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

/// The operations. They may return before they are done; only [`Backend::read`] and rendering wait.
/// None allocates; `*_bwd` and gradients add to their outputs.
pub trait Backend: Send + Sync {
    /// Flat memory of the device.
    type Buffer: Send + Sync;
    /// Scratch memory for groups of one shape.
    type Workspace: Send;
    /// The pictures of a group.
    type Pictures<'a>: Send;

    /// Runs many operations in a row where handing each of them over would cost.
    fn scope<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        f()
    }

    /// Hands over the operations of `f` at once, where each on its own would cost. None of them may
    /// be [`Backend::read`] or [`Backend::write`].
    ///
    /// # Errors
    /// Those of `f`; [`crate::base::Error::Backend`] when the device fails.
    fn together<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        f()
    }

    /// A buffer of zeros.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when memory is short.
    fn alloc(&self, len: usize) -> Result<Self::Buffer>;
    /// Copies `values` to `buffer[at..]`.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn write(&self, buffer: &mut Self::Buffer, at: usize, values: &[f32]) -> Result<()>;
    /// Copies `buffer[at..]` to `values`.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn read(&self, buffer: &Self::Buffer, at: usize, values: &mut [f32]) -> Result<()>;
    /// Scratch memory for [`Backend::render`], and [`Backend::train`] where that is the purpose.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when memory is short.
    fn workspace(&self, shape: &Shape, purpose: Purpose) -> Result<Self::Workspace>;

    /// Takes the pictures of a group, all of one format.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when memory is short.
    fn pictures<'a>(&self, pictures: &[&'a Picture]) -> Result<Self::Pictures<'a>>;
    /// Components of every `step`-th pixel both ways of a picture, from `phase` (x, y) on: [planes,
    /// rows, columns] from the beginning of `target`, scaled to 0..=1, chroma interpolated.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn target(
        &self,
        pictures: &Self::Pictures<'_>,
        frame: usize,
        step: usize,
        phase: (usize, usize),
        target: &mut Self::Buffer,
    ) -> Result<()>;

    /// Sets `buffer[range]` to zero.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn clear(&self, buffer: &mut Self::Buffer, range: Range<usize>) -> Result<()>;
    /// to[range] += from[range]
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn add(&self, from: &Self::Buffer, to: &mut Self::Buffer, range: Range<usize>) -> Result<()>;

    /// Rounds `values[range]` to `symbols[range]` and writes the slopes d symbol / d value. The
    /// noise of value i is number i of the stream of `seed`, see [`crate::base::Rng::nth`].
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn quantise(
        &self,
        rounding: Rounding,
        seed: u64,
        range: Range<usize>,
        values: &Self::Buffer,
        symbols: &mut Self::Buffer,
        slopes: &mut Self::Buffer,
    ) -> Result<()>;

    /// Hypernetwork and modulation at time `tau` (paper Eq. 2, times 2 so that P Q = 0 changes
    /// nothing): v, P, Q = Hyper z(tau); W = 2 sigmoid(P Q) * W1; b = b1 + v.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn modulate(
        &self,
        shape: &Shape,
        tau: f32,
        network: &Self::Buffer,
        modulated: &mut Self::Buffer,
    ) -> Result<()>;
    /// Adds to the gradients of W1, b1, Hyper and the latents around `tau`.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn modulate_bwd(
        &self,
        shape: &Shape,
        tau: f32,
        network: &Self::Buffer,
        modulated: &Self::Buffer,
        d_modulated: &Self::Buffer,
        d_network: &mut Self::Buffer,
    ) -> Result<()>;

    /// Forward and loss, and with `grads` backward, over the points of a step. `target` is [n_out,
    /// lattice points]. `error` becomes the sum of squared errors (not weighted).
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
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

    /// Sets `bits` to those of planes of symbols under an entropy model; with `grads` (of the symbols and of the
    /// model) adds `weight` times the gradient of the bits.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
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
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn adam(
        &self,
        adam: &Adam,
        range: Range<usize>,
        values: &mut Self::Buffer,
        grads: &mut Self::Buffer,
        slopes: Option<&Self::Buffer>,
        moments: (&mut Self::Buffer, &mut Self::Buffer),
    ) -> Result<()>;

    /// Prepares a workspace for rendering: call when the grids or the network change.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn load(
        &self,
        workspace: &mut Self::Workspace,
        shape: &Shape,
        params: &Params<Self::Buffer>,
    ) -> Result<()>;

    /// Renders time `tau` to the samples of `out`, at its size. Pictures smaller than the source
    /// average several points per pixel. Needs [`Backend::load`] with the same grids and network.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn render(
        &self,
        workspace: &mut Self::Workspace,
        shape: &Shape,
        tau: f32,
        params: &Params<Self::Buffer>,
        out: &mut Picture,
    ) -> Result<()>;
}
