// SPDX-License-Identifier: MIT OR Apache-2.0
//! A blur near to a Gaussian one, at a cost that does not depend on its width.

use super::plane::Plane;

/// Boxes one after another: three are near enough to a Gaussian.
const N_BOXES: usize = 3;

impl Plane {
    /// Blurred by `sigma` samples both ways; what is outside reads the edge.
    pub(super) fn blurred(&self, sigma: f32) -> Self {
        let line = Mean::of_variance(sigma * sigma / N_BOXES as f32);
        self.lines_mixed(line).transposed().lines_mixed(line).transposed()
    }

    fn lines_mixed(&self, line: Mean) -> Self {
        let mut plane = line.lines(self);
        for _ in 1..N_BOXES {
            plane = line.lines(&plane);
        }
        plane
    }

    fn transposed(&self) -> Self {
        let column = |x: usize| self.samples.iter().skip(x).step_by(self.width.max(1));
        let samples = (0..self.width).flat_map(column).copied().collect();
        Self { width: self.height, height: self.width, samples }
    }
}

/// A mean over neighbours: all of them up to `radius` samples away, the next ones in part.
#[derive(Clone, Copy)]
struct Mean {
    radius: usize,
    part: f32,
}

impl Mean {
    fn of_variance(variance: f32) -> Self {
        let radius = (0.5 * (1.0 + 12.0 * variance).sqrt() - 0.5) as usize;
        let r = radius as f32;
        let (n, squares) = (2.0 * r + 1.0, r * (r + 1.0) * (2.0 * r + 1.0) / 3.0);
        let part = (variance * n - squares) / (2.0 * ((r + 1.0) * (r + 1.0) - variance));
        Self { radius, part }
    }

    /// Every line becomes the mean of its neighbours.
    fn lines(self, plane: &Plane) -> Plane {
        let last = plane.height - 1;
        let line = |y: isize| {
            let y = y.clamp(0, last as isize) as usize;
            &plane.samples[y * plane.width..][..plane.width]
        };
        let (r, share) =
            (self.radius as isize, 1.0 / (2.0 * (self.radius as f32 + self.part) + 1.0));
        let mut sum = vec![0.0f32; plane.width];
        for y in -r..=r {
            sum.iter_mut().zip(line(y)).for_each(|(s, v)| *s += v);
        }
        let mut samples = Vec::with_capacity(plane.samples.len());
        for y in 0..=last as isize {
            let (before, after) = (line(y - r - 1), line(y + r + 1));
            let mixed = sum.iter().zip(before).zip(after);
            samples.extend(mixed.map(|((s, b), a)| share * (s + self.part * (b + a))));
            let moved = sum.iter_mut().zip(line(y - r)).zip(after);
            moved.for_each(|((s, out), new)| *s += new - out);
        }
        Plane { width: plane.width, height: plane.height, samples }
    }
}
