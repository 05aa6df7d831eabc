// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of kernels: twins of the structs in `kernels/`, field by field. Pointers are
//! addresses of the device.

use super::sizes::{MAX_LEVELS, MAX_TIMED, NO_LAYER};
use crate::backend::{Lattice, Network};

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
        cubic: u32,
        scale: u32,
        offset: u32,
        row: u32,
    }

    struct CanonicalPlane {
        offset: u32,
        place: u32,
    }

    struct Sources {
        canonical: [Level; MAX_LEVELS],
        timed: [Level; MAX_TIMED],
        planes: [[CanonicalPlane; MAX_LEVELS]; 2],
        motions: [u32; 2 * MAX_LEVELS],
        n_canonical: u32,
        n_motion: u32,
        n_residual: u32,
        n_blend: u32,
        n_motions: u32,
        n_places: u32,
        n_first_places: u32,
        blend_bias: f32,
    }

    struct Nodes {
        first: [u32; MAX_TIMED],
        second: [u32; MAX_TIMED],
        weight: [f32; MAX_TIMED],
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

    struct TimedPlanes {
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
