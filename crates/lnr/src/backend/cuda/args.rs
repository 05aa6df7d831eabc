// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of kernels: twins of the structs in `kernels/`, field by field. Pointers are
//! addresses of the device.

use bytemuck::Zeroable;

use super::sizes::{MAX_LEVELS, MAX_MOTIONS, NO_LAYER};
use super::widths::{n_places, place};
use crate::backend::{self, Grids, Kernel, Lattice, Network, Sample, Shape};

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
        place: u32,
        scale: u32,
    }

    struct Sources {
        canonical: [Level; MAX_LEVELS],
        motion: [Level; MAX_LEVELS],
        residual: [Level; MAX_LEVELS],
        n_canonical: u32,
        n_motion: u32,
        n_residual: u32,
        n_motions: u32,
        n_places: u32,
        first: [u32; MAX_MOTIONS + 2],
        unused: u32,
    }

    struct Nodes {
        first: [u32; 2 * MAX_LEVELS],
        second: [u32; 2 * MAX_LEVELS],
        weight: [f32; 2 * MAX_LEVELS],
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
        nodes: Nodes,
    }

    struct UpsampleBwd {
        d_rows: u64,
        timed: u64,
        network: u64,
        d_grids: u64,
        partials: u64,
        sources: Sources,
        nodes: Nodes,
        lattice: Points,
        gain: f32,
        unused: u32,
    }

    struct ScaleBwd {
        partials: u64,
        d_network: u64,
        sources: Sources,
        n_blocks: u32,
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
        scales: [u32; MAX_LEVELS],
        gain: f32,
        adds: u32,
    }

    struct Target {
        picture: u64,
        target: u64,
        picture_bytes: u64,
        offset: [u64; 3],
        width: [u32; 3],
        height: [u32; 3],
        n_planes: u32,
        sample_bytes: u32,
        half_x: u32,
        half_y: u32,
        centred: u32,
        patch: u32,
        step: u32,
        x: u32,
        y: u32,
        nx: u32,
        ny: u32,
        gain: f32,
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

fn level(of: &backend::Level, offset: usize, place: usize, scale: usize) -> Level {
    Level {
        stride: of.grid.stride,
        margin: of.grid.margin,
        width: of.grid.width as i32,
        height: of.grid.height as i32,
        offset: offset as u32,
        cubic: (of.kernel == Kernel::Cubic).into(),
        place: place as u32,
        scale: scale as u32,
    }
}

/// The levels of a timed source whose planes of one time begin at `base`.
fn levels(source: &Grids, base: usize, place: usize) -> impl Iterator<Item = Level> {
    let one = move |(i, l): (usize, &backend::Level)| {
        level(l, base + l.offset, place, source.first_scale + i)
    };
    source.levels.iter().enumerate().map(one)
}

/// The first levels, which kernels count, and zeros behind them.
fn fill(levels: impl Iterator<Item = Level>) -> ([Level; MAX_LEVELS], u32) {
    let (mut all, mut n) = ([Level::zeroed(); MAX_LEVELS], 0);
    for (to, level) in all.iter_mut().zip(levels) {
        *to = level;
        n += 1;
    }
    (all, n)
}

impl Sources {
    /// The levels of a shape.
    pub fn new(shape: &Shape) -> Self {
        let n_motions = shape.motion().count();
        // Canonical grids of a group have one node.
        let canonical = shape.canonical_levels(&shape.sample(0.0));
        let canonical = canonical
            .iter()
            .map(|c| level(&c.level, c.offset, place(shape, c).unwrap_or(n_motions), c.scale));
        // In the planes of one time all motion sources come before all residual ones.
        let n_moving: usize = shape.motion().map(|(_, g)| g.node_len).sum();
        let based = |mut base: usize| {
            move |g: &Grids| {
                base += g.node_len;
                base - g.node_len
            }
        };
        let (mut of_motion, mut of_residual) = (based(0), based(n_moving));
        let motion = shape.motion().enumerate().flat_map(|(k, (_, g))| levels(g, of_motion(g), k));
        let residual = shape.residual().flat_map(|(_, g)| levels(g, of_residual(g), 0));
        let (mut first, mut end) = ([0; MAX_MOTIONS + 2], 0);
        let lens = shape.motion().map(|(_, g)| g.levels.len() as u32);
        for (to, len) in first[1..].iter_mut().zip(lens.chain(std::iter::repeat(0))) {
            end += len;
            *to = end;
        }
        let (canonical, n_canonical) = fill(canonical);
        let (motion, n_motion) = fill(motion);
        let (residual, n_residual) = fill(residual);
        Self {
            canonical,
            motion,
            residual,
            n_canonical,
            n_motion,
            n_residual,
            n_motions: n_motions as u32,
            n_places: n_places(shape) as u32,
            first,
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

impl Nodes {
    /// The nodes of a shape at a time.
    pub fn new(shape: &Shape, sample: &Sample) -> Self {
        let mut nodes = Self::zeroed();
        let mut next = 0;
        for (i, source) in shape.motion().chain(shape.residual()) {
            let at = sample.sources[i];
            for level in 0..source.levels.len() {
                let plane = |node| source.plane(node, level, 0).start as u32;
                nodes.first[next] = plane(at.first);
                nodes.second[next] = plane(at.second);
                nodes.weight[next] = at.weight;
                next += 1;
            }
        }
        nodes
    }
}

/// Where the layers after the first begin in the network buffer.
pub struct Layers {
    pub w2: u32,
    pub b2: u32,
    pub w3: u32,
    pub b3: u32,
    pub skip: u32,
}

impl Layers {
    /// Those of a network of three layers.
    pub fn new(net: &Network) -> Self {
        let at = |layer: usize| {
            let layer = &net.layers[layer];
            (layer.weights().start as u32, layer.bias().start as u32)
        };
        let ((w2, b2), (w3, b3)) = (at(1), at(2));
        let skip = net.skip.map_or(NO_LAYER, |s| s.offset);
        Self { w2, b2, w3, b3, skip: skip as u32 }
    }
}
