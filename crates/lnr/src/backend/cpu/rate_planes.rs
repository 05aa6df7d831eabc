// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the entropy model of training reads: planes of symbols with a border of zeros.

use super::super::{Causal, Entropy, RatePlane};
use super::dense::Layer;

/// Zeros around a plane, so that every neighbour, at most two away, can be read.
pub const PAD: usize = 2;
/// Room behind a row for the last, partly used vector.
const TAIL: usize = 16;

/// A plane and its neighbours' planes, each [height + 2 PAD, pitch].
#[derive(Default)]
pub struct Bordered {
    pub width: usize,
    pub height: usize,
    pub pitch: usize,
    pub here: Vec<f32>,
    pub before: Vec<f32>,
    pub extra: Vec<f32>,
}

/// What every task reads.
pub struct RateCall<'a> {
    pub entropy: &'a Entropy,
    pub model: &'a [f32],
    /// The first layer; forward is from the hidden values to the inputs, as it is stored.
    pub first: Layer,
    /// From the mean to the inputs, as [`RateCall::first`].
    pub skip: Layer,
    pub weight: f32,
    pub with_grads: bool,
}

impl<'a> RateCall<'a> {
    /// Sums with gradients times `weight`, if they are wanted.
    pub fn new(entropy: &'a Entropy, model: &'a [f32], weight: f32, with_grads: bool) -> Self {
        let n = entropy.n_inputs();
        let first = Layer::new(&model[entropy.w1()], n, Entropy::HIDDEN);
        let skip = Layer::new(&model[entropy.skip()], n, 1);
        Self { entropy, model, first, skip, weight, with_grads }
    }
}

impl Bordered {
    pub fn index(&self, x: usize, y: usize) -> usize {
        (y + PAD) * self.pitch + x + PAD
    }

    /// Values of a row of a plane of this width, with its border.
    pub fn pitch(width: usize) -> usize {
        width.next_multiple_of(16) + 2 * PAD + TAIL
    }

    pub fn fill(&mut self, plane: &RatePlane, symbols: &[f32]) {
        let (w, h) = (plane.grid.width, plane.grid.height);
        (self.width, self.height) = (w, h);
        self.pitch = Self::pitch(w);
        let len = (h + 2 * PAD) * self.pitch;
        for (offset, to) in [(Some(plane.offset), 0), (plane.before, 1)] {
            let to = if to == 0 { &mut self.here } else { &mut self.before };
            to.clear();
            to.reserve_exact(len);
            to.resize(len, 0.0);
            let Some(offset) = offset else { continue };
            for y in 0..h {
                let at = (y + PAD) * self.pitch + PAD;
                to[at..at + w].copy_from_slice(&symbols[offset + y * w..][..w]);
            }
        }
        self.extra.clear();
        self.extra.reserve_exact(len);
        self.extra.resize(len, 0.0);
        if let Some(extra) = &plane.extra {
            for y in 0..h {
                let at = (y + PAD) * self.pitch + PAD;
                let last = extra.index(w - 1, y);
                let row = extra.index(0, y)..;
                for (to, from) in self.extra[at..at + w].chunks_mut(extra.ratio).zip(row) {
                    to.fill(symbols[from.min(last)]);
                }
            }
        }
    }
}

/// Offsets of the inputs taken from the plane itself and from the node before, in entries.
pub fn offsets(pitch: usize, before: bool) -> ([isize; 12], [isize; 5], usize) {
    let at = |(dy, dx): (isize, isize)| dy * pitch as isize + dx;
    (Causal::HERE.map(at), Causal::BEFORE.map(at), if before { 5 } else { 0 })
}
