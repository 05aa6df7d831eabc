// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which pixels each step of a training sees.

use super::recipe::Points;
use crate::backend::{Pixels, Shape};
use crate::base::Rng;

/// The steps of an epoch, in ever new order.
pub(super) struct Visits {
    all: Vec<Visit>,
    /// Patches between those of a step, both ways.
    stride: usize,
    /// Columns and rows of patches.
    size: (usize, usize),
    n_frames: usize,
}

#[derive(Clone, Copy)]
enum Visit {
    /// A frame at a random phase.
    Frame(usize),
    /// A phase of all frames.
    Phase((usize, usize)),
}

impl Visits {
    pub fn new(points: Points, shape: &Shape) -> Self {
        let all = shape.centres(1, (0, 0));
        let (size, n_frames) = ((all.nx, all.ny), shape.n_frames);
        match points {
            Points::OfAFrame(stride) => {
                let all = (0..n_frames).map(Visit::Frame).collect();
                Self { all, stride, size, n_frames }
            }
            Points::OfAllFrames(n) => {
                // Patches do not make an epoch shorter in steps.
                let n_pixels = (all.len() * shape.patch * shape.patch * n_frames) as f32;
                let stride = (n_pixels / n as f32).sqrt().round().max(1.0) as usize;
                let (nx, ny) = (stride.min(size.0), stride.min(size.1));
                let phases = (0..ny).flat_map(|y| (0..nx).map(move |x| Visit::Phase((x, y))));
                Self { all: phases.collect(), stride, size, n_frames }
            }
        }
    }

    /// Steps of an epoch.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Most points of a frame that a step sees.
    pub fn n_points(&self) -> usize {
        self.size.0.div_ceil(self.stride) * self.size.1.div_ceil(self.stride)
    }

    /// Most frames that a step sees.
    pub fn frames_per_step(&self) -> usize {
        match self.all.first() {
            Some(Visit::Phase(_)) => self.n_frames,
            _ => 1,
        }
    }

    /// Puts the steps of the next epoch into a random order.
    pub fn shuffle(&mut self, rng: &mut Rng) {
        rng.shuffle(&mut self.all);
    }

    /// The pixels of a step of the epoch.
    pub fn pixels(&self, index: usize, rng: &mut Rng) -> Pixels {
        let step = self.stride;
        match self.all[index] {
            Visit::Frame(frame) => {
                let phase = (rng.below(step.min(self.size.0)), rng.below(step.min(self.size.1)));
                Pixels { frames: frame..frame + 1, step, phase }
            }
            Visit::Phase(phase) => Pixels { frames: 0..self.n_frames, step, phase },
        }
    }
}
