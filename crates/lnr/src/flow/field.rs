// SPDX-License-Identifier: MIT OR Apache-2.0

use super::plane::{Plane, Spot};

/// Displacements, in samples of the field: what is at p in one picture is at p + (x, y)(p) in another.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// To the right.
    pub x: Plane,
    /// Down.
    pub y: Plane,
}

impl Field {
    /// Nothing moves.
    pub fn zero(width: usize, height: usize) -> Self {
        Self { x: Plane::new(width, height), y: Plane::new(width, height) }
    }

    /// Samples of a line, and lines.
    pub fn size(&self) -> (usize, usize) {
        (self.x.width, self.x.height)
    }

    /// The displacements to the right, then those down.
    pub fn samples_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        self.x.samples.iter_mut().chain(&mut self.y.samples)
    }

    /// Where the points of the samples are in the other picture, line after line.
    pub fn ends(&self) -> impl Iterator<Item = (f32, f32)> + '_ {
        let width = self.x.width.max(1);
        let all = self.x.samples.iter().zip(&self.y.samples).enumerate();
        all.map(move |(i, (x, y))| ((i % width) as f32 + x, (i / width) as f32 + y))
    }

    /// What a plane of the same size holds where the points went.
    pub fn warp(&self, plane: &Plane) -> Plane {
        let size = self.size();
        let read = |(x, y): (f32, f32)| Spot::new(size, x, y).read(&plane.samples);
        Plane { width: size.0, height: size.1, samples: self.ends().map(read).collect() }
    }

    /// This displacement, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let mut moved = self.warp_field(next);
        let add = |to: &mut Plane, by: &Plane| {
            to.samples.iter_mut().zip(&by.samples).for_each(|(t, b)| *t += b);
        };
        add(&mut moved.x, &self.x);
        add(&mut moved.y, &self.y);
        moved
    }

    /// What the other direction's flow says of this one: where the points went, the way back, reversed.
    pub(super) fn reversed(&self, back: &Self) -> Self {
        let mut moved = self.warp_field(back);
        moved.samples_mut().for_each(|v| *v = -*v);
        moved
    }

    /// Both planes of a field where the points of this one went.
    pub(super) fn warp_field(&self, other: &Self) -> Self {
        let size = self.size();
        let mut out = Self::zero(size.0, size.1);
        let planes = out.x.samples.iter_mut().zip(&mut out.y.samples);
        for ((x, y), end) in planes.zip(self.ends()) {
            let spot = Spot::new(size, end.0, end.1);
            (*x, *y) = (spot.read(&other.x.samples), spot.read(&other.y.samples));
        }
        out
    }

    /// The same motion on a level twice as fine.
    pub(super) fn finer(&self, width: usize, height: usize) -> Self {
        let double = |plane: &Plane| {
            let mut plane = plane.resized(width, height);
            plane.samples.iter_mut().for_each(|v| *v *= 2.0);
            plane
        };
        Self { x: double(&self.x), y: double(&self.y) }
    }
}
