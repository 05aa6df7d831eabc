// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernels were made for.

use super::device::MAX_SHARED;
use super::widths::{MAX_WIDTH, Width};
use super::{modulation, sizes, unsupported};
use crate::backend::{Encoding, Shape};
use crate::base::Result;
use crate::base::spec::Modulation;

/// See [`crate::backend::Backend::supports`].
pub fn supports(shape: &Shape) -> Result<()> {
    // Kernels count components and elements so.
    refuse(shape.n_out > 3, "more than three components")?;
    let n = shape.n_grid().max(shape.network.len());
    refuse(u32::try_from(n).is_err(), "more than 2^32 parameters")?;
    match shape.encoding() {
        None => grids(shape),
        Some(encoding) => coordinates(shape, encoding),
    }
}

fn refuse(lacks: bool, what: &str) -> Result<()> {
    if lacks { Err(unsupported(what)) } else { Ok(()) }
}

fn grids(shape: &Shape) -> Result<()> {
    let net = &shape.network;
    let one_hyper = matches!(&net.hyper[..], [h] if h.layer == 0 && h.layers.len() == 1);
    refuse(
        shape.patch != 1
            || net.layers.len() != 3
            || net.modulation != Modulation::Centred
            || !one_hyper,
        "a grid model whose network is not three layers with the first one modulated",
    )?;
    refuse(
        net.width() > MAX_WIDTH,
        &format!("a grid model with hidden layers wider than {MAX_WIDTH}"),
    )?;
    let Width { width, n_features, .. } = *Width::of(shape);
    refuse(
        net.n_features() > n_features,
        &format!("more than {n_features} features for hidden layers of up to {width}"),
    )?;
    refuse(
        shape.n_canonical_levels() > sizes::MAX_LEVELS,
        &format!("more than {} canonical levels", sizes::MAX_LEVELS),
    )?;
    let n_timed: usize = shape.timed().map(|(_, g)| g.levels.len()).sum();
    refuse(
        n_timed > sizes::MAX_TIMED,
        &format!("more than {} levels of motion, residual and blend grids", sizes::MAX_TIMED),
    )?;
    refuse(
        modulation::backward_shared(net) > MAX_SHARED,
        "a hypernetwork that is larger than a block takes",
    )?;
    refuse(!Width::of(shape).fits(shape), "more sources than a block takes")
}

fn coordinates(shape: &Shape, encoding: &Encoding) -> Result<()> {
    let net = &shape.network;
    refuse(
        shape.sources.len() != 1 || net.skip.is_some() || net.modulation != Modulation::Sigmoid,
        "a coordinate network that is not one encoding, plain layers and Eq. 2",
    )?;
    let hyper_layers = net.hyper.iter().flat_map(|h| &h.layers);
    let mut layers = net.layers.iter().chain(hyper_layers);
    refuse(!layers.all(|l| l.has_bias), "layers of a coordinate network without biases")?;
    refuse(shape.n_frames > sizes::MAX_TIMES, "more frames than the format allows")?;
    let (n, most) = match encoding {
        Encoding::Hash { levels, .. } => (levels.len(), sizes::MAX_HASH_LEVELS),
        Encoding::Fourier { frequencies } => (frequencies.len(), sizes::MAX_FREQUENCIES),
    };
    refuse(n > most, &format!("an encoding of more than {most} levels"))
}
