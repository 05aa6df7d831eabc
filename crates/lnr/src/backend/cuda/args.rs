// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of kernels: twins of the structs in `kernels/`, field by field. Pointers are
//! addresses of the device.

use bytemuck::Zeroable;

use super::super::{Canonical, Grid, Kernel, Lattice, Shape, Timed};
use crate::base::limits;

/// A struct of plain numbers, laid out as in C++.
macro_rules! args {
    ($($(#[$doc:meta])* struct $name:ident { $($field:ident: $type:ty,)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
        #[repr(C)]
        pub struct $name { $(pub $field: $type,)* }
    )* };
}
pub(super) use args;

args! {
    struct Level {
        stride: f32,
        margin: f32,
        width: i32,
        height: i32,
        offset: u32,
        cubic: u32,
    }

    struct Sources {
        canonical: [Level; limits::MAX_LEVELS],
        motion: [Level; limits::MAX_LEVELS],
        residual: [Level; limits::MAX_LEVELS],
        n_canonical: u32,
        n_motion: u32,
        n_residual: u32,
        unused: u32,
    }

    struct Points {
        x0: f32,
        dx: f32,
        y0: f32,
        dy: f32,
        nx: u32,
        ny: u32,
        row: u32,
        unused: u32,
    }

    struct Moment {
        first: [u32; 2],
        second: [u32; 2],
        weight: [f32; 2],
        len: [u32; 2],
        scales: [u32; 2],
    }

    struct Add {
        from: u64,
        to: u64,
        n: u64,
    }

    struct Quantise {
        values: u64,
        symbols: u64,
        slopes: u64,
        n: u64,
        first: u64,
        seed: u64,
        inv_t: f32,
        gain: f32,
        noise: f32,
        unused: u32,
    }

    struct AdamStep {
        values: u64,
        grads: u64,
        slopes: u64,
        m: u64,
        v: u64,
        n: u64,
        rate: f32,
        correct2: f32,
        beta1: f32,
        beta2: f32,
    }

    struct Modulate {
        network: u64,
        modulated: u64,
        d_modulated: u64,
        d_network: u64,
        width: u32,
        n_features: u32,
        rank: u32,
        d_latent: u32,
        w1: u32,
        b1: u32,
        hyper: u32,
        first: u32,
        second: u32,
        weight: f32,
    }

    struct Blend {
        grids: u64,
        network: u64,
        timed: u64,
        sources: Sources,
        moment: Moment,
    }

    struct UpsampleBwd {
        d_rows: u64,
        timed: u64,
        network: u64,
        d_grids: u64,
        partials: u64,
        sources: Sources,
        moment: Moment,
        lattice: Points,
        gain: f32,
        unused: u32,
    }

    struct ScaleBwd {
        partials: u64,
        d_network: u64,
        n_motion: u32,
        n_residual: u32,
        n_blocks: u32,
        scales: [u32; 2],
        unused: u32,
    }

    struct Fixed {
        sums: u64,
        grads: u64,
        n: u64,
        gain: f32,
        unused: u32,
    }

    struct Frame {
        grids: u64,
        network: u64,
        modulated: u64,
        timed: u64,
        target: u64,
        d_rows: u64,
        d_canonical: u64,
        partials: u64,
        values: u64,
        sources: Sources,
        lattice: Points,
        n_features: u32,
        width: u32,
        n_out: u32,
        w2: u32,
        b2: u32,
        w3: u32,
        b3: u32,
        skip: u32,
        form: [f32; 9],
        unused: u32,
    }

    struct FrameReduce {
        partials: u64,
        d_network: u64,
        d_modulated: u64,
        error: u64,
        n_blocks: u32,
        n_features: u32,
        width: u32,
        n_out: u32,
        n_canonical: u32,
        w2: u32,
        b2: u32,
        w3: u32,
        b3: u32,
        skip: u32,
        gain: f32,
        unused: u32,
    }

    struct Target {
        picture: u64,
        target: u64,
        offset: [u64; 3],
        width: [u32; 3],
        height: [u32; 3],
        n_planes: u32,
        sample_bytes: u32,
        half_x: u32,
        half_y: u32,
        centred: u32,
        step: u32,
        x: u32,
        y: u32,
        nx: u32,
        ny: u32,
        gain: f32,
        unused: u32,
    }

    struct Pack {
        values: u64,
        out: u64,
        offset: [u64; 3],
        width: u32,
        rows: u32,
        points: u32,
        sample_bytes: u32,
        half_x: u32,
        half_y: u32,
        centred: u32,
        max: f32,
    }
}

fn level(grid: &Grid, offset: usize, kernel: Kernel) -> Level {
    Level {
        stride: grid.stride,
        margin: grid.margin,
        width: grid.width as i32,
        height: grid.height as i32,
        offset: offset as u32,
        cubic: (kernel == Kernel::Cubic).into(),
    }
}

impl Sources {
    /// The levels of a shape, at most [`limits::MAX_LEVELS`] per source.
    pub fn new(shape: &Shape) -> Self {
        let fill = |all: &mut dyn Iterator<Item = Level>| {
            std::array::from_fn(|_| all.next().unwrap_or(Level::zeroed()))
        };
        let canonical = |c: &Canonical| level(&c.grid, c.offset, c.kernel);
        let timed = |t: &Timed, offset: usize| {
            fill(&mut t.levels.iter().map(|l| level(&l.grid, offset + l.offset, Kernel::Linear)))
        };
        Self {
            canonical: fill(&mut shape.canonical.iter().map(canonical)),
            motion: timed(&shape.motion, 0),
            residual: timed(&shape.residual, shape.motion.node_len),
            n_canonical: shape.canonical.len() as u32,
            n_motion: shape.motion.levels.len() as u32,
            n_residual: shape.residual.levels.len() as u32,
            unused: 0,
        }
    }
}

impl Points {
    /// Rows `first..first + n` of a lattice.
    pub fn rows(lattice: &Lattice, first: usize, n: usize) -> Self {
        Self {
            x0: lattice.x0,
            dx: lattice.dx,
            y0: lattice.y0,
            dy: lattice.dy,
            nx: lattice.nx as u32,
            ny: n as u32,
            row: first as u32,
            unused: 0,
        }
    }
}

impl Moment {
    /// The nodes of a shape around a time.
    pub fn new(shape: &Shape, tau: f32) -> Self {
        let sources = [&shape.motion, &shape.residual];
        let at = sources.map(|t| {
            let (a, b, w) = t.nodes.at(tau);
            ((t.offset + a * t.node_len) as u32, (t.offset + b * t.node_len) as u32, w)
        });
        Self {
            first: at.map(|a| a.0),
            second: at.map(|a| a.1),
            weight: at.map(|a| a.2),
            len: sources.map(|t| t.node_len as u32),
            scales: [1, 2].map(|k| shape.network.scales(k).start as u32),
        }
    }
}
