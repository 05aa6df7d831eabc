// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entropy model of training.

use bytemuck::Zeroable;

use super::args::args;
use super::device::{Device, Launch};
use super::memory::Floats;
use super::sizes::{RATE_MAX_PLANES as MAX_PLANES, RATE_SUMS as N_SUMS};
use super::{sizes, unsupported};
use crate::backend::{Entropy, RatePlane, Sum};
use crate::base::Result;

/// Entries of a tile.
const TILE: (usize, usize) = (sizes::RATE_COLUMNS, sizes::RATE_ROWS);
/// Where there is no plane.
const NONE: u32 = sizes::RATE_NO_PLANE as u32;

args! {
    struct Plane {
        offset: u32,
        before: u32,
        extra: u32,
        width: i32,
        height: i32,
        extra_width: i32,
        extra_height: i32,
        ratio: i32,
        biases: u32,
        first_block: u32,
        n_blocks: u32,
        unused: u32,
    }

    struct Rate {
        symbols: u64,
        model: u64,
        d_symbols: u64,
        partials: u64,
        planes: [Plane; MAX_PLANES],
        n_planes: u32,
        has_before: u32,
        has_extra: u32,
        w2: u32,
        skip: u32,
        weight: f32,
    }

    struct Reduce {
        partials: u64,
        d_model: u64,
        bits: u64,
        planes: [Plane; MAX_PLANES],
        n_planes: u32,
        n_blocks: u32,
        has_before: u32,
        has_extra: u32,
        w2: u32,
        skip: u32,
    }
}

/// The bits that are asked for.
pub struct Query<'a> {
    pub entropy: &'a Entropy,
    pub planes: &'a [RatePlane],
    pub weight: f32,
}

/// Gradients of symbols and of the model.
type Pair<'a, T> = (&'a mut T, &'a mut T);

/// Blocks of a launch, about, so that four of a processor hide each other's waits; every plane has at
/// least one more.
fn n_blocks(device: &impl Device) -> usize {
    4 * device.n_processors()
}

/// Sums of all blocks, at most.
pub fn partials(device: &impl Device) -> usize {
    N_SUMS * (n_blocks(device) + MAX_PLANES)
}

/// The planes with their blocks, in proportion to their tiles; and the number of blocks.
fn planes(device: &impl Device, query: &Query) -> ([Plane; MAX_PLANES], usize) {
    let tiles = |p: &RatePlane| p.grid.width.div_ceil(TILE.0) * p.grid.height.div_ceil(TILE.1);
    let all: usize = query.planes.iter().map(tiles).sum();
    let per_block = all.div_ceil(n_blocks(device)).max(1);
    let mut planes = [Plane::zeroed(); MAX_PLANES];
    let mut first = 0;
    for (to, plane) in planes.iter_mut().zip(query.planes) {
        let n = tiles(plane).div_ceil(per_block);
        let extra = plane.extra.as_ref();
        *to = Plane {
            offset: plane.offset as u32,
            before: plane.before.map_or(NONE, |b| b as u32),
            extra: extra.map_or(NONE, |e| e.offset as u32),
            width: plane.grid.width as i32,
            height: plane.grid.height as i32,
            extra_width: extra.map_or(1, |e| e.grid.width as i32),
            extra_height: extra.map_or(1, |e| e.grid.height as i32),
            ratio: extra.map_or(1, |e| e.ratio as i32),
            biases: query.entropy.biases(plane.biases).start as u32,
            first_block: first as u32,
            n_blocks: n as u32,
            unused: 0,
        };
        first += n;
    }
    (planes, first)
}

/// See [`crate::backend::Backend::rate`]. `partials`: address of [`partials`] values.
pub fn rate<D: Device>(
    device: &D,
    partials: u64,
    query: &Query,
    symbols: &Floats<D::Memory>,
    model: &Floats<D::Memory>,
    grads: Option<Pair<Floats<D::Memory>>>,
    bits: Sum<Floats<D::Memory>>,
) -> Result<()> {
    if query.planes.len() > MAX_PLANES {
        return Err(unsupported("more planes than the format allows"));
    }
    let e = query.entropy;
    let (planes, n_blocks) = planes(device, query);
    let (d_symbols, d_model) = grads.map_or((0, 0), |(s, m)| (s.at(0), m.at(0)));
    let (has_before, has_extra) = (e.before.into(), e.extra.into());
    let (w2, skip) = (e.w2().start as u32, e.skip().start as u32);
    let n_planes = query.planes.len() as u32;
    if n_planes > 0 {
        let args = Rate {
            symbols: symbols.at(0),
            model: model.at(0),
            d_symbols,
            partials,
            planes,
            n_planes,
            has_before,
            has_extra,
            w2,
            skip,
            weight: query.weight,
        };
        let kernel = if d_symbols == 0 { "rate_bits" } else { "rate_train" };
        device.launch(
            kernel,
            Launch { shared: sizes::RATE_SHARED, ..Launch::row(n_blocks, 256) },
            &args,
        )?;
    }
    let args = Reduce {
        partials,
        d_model,
        bits: bits.buffer.at(2 * bits.index),
        planes,
        n_planes,
        n_blocks: n_blocks as u32,
        has_before,
        has_extra,
        w2,
        skip,
    };
    device.launch("rate_reduce", Launch::row(N_SUMS.div_ceil(8), 256), &args)
}
