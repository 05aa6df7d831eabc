// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a flow is believed, and what is left of it where it is not.

use super::field::Field;
use super::plane::Plane;

/// Widths of blurs, as shares of the longer side: of differences that tell whether a flow fits, of errors
/// that tell what it saves, and of the motion itself.
const FIT_BLUR: f32 = 1.0 / 160.0;
const GAIN_BLUR: f32 = 3.0 / 160.0;
const MOTION_BLUR: f32 = 1.0 / 20.0;
/// The difference, in 8-bit code values, at which a flow is hardly believed any more.
const MISFIT: f32 = 16.0;
/// What motion must save, in squared code values, to be worth its bits.
const PRICE: f32 = 20.0;
/// Samples of a luma per sample of a smooth field, both ways, a power of two: the blur is wider.
pub const SPACING: usize = 4;
/// Belief that pulls to zero motion where there is less of it.
const DOUBT: f32 = 0.1;

fn longer_side(plane: &Plane) -> f32 {
    plane.width.max(plane.height) as f32
}

/// How far to believe a flow between two lumas, 0..=1: by whether the other direction's leads back, by
/// whether the pictures fit, and not outside of the picture.
pub fn belief(flow: &Field, back: &Field, (from, to): (&Plane, &Plane)) -> Plane {
    let (width, height) = flow.size();
    let returned = flow.warp_field(back);
    let mut misfit = flow.warp(to);
    misfit.samples.iter_mut().zip(&from.samples).for_each(|(m, l)| *m = (*m - l).abs());
    let mut belief = misfit.blurred(FIT_BLUR * longer_side(from));
    for (i, (b, (end_x, end_y))) in belief.samples.iter_mut().zip(flow.ends()).enumerate() {
        let inside = |v: f32, n: usize| v >= -0.5 && v <= n as f32 - 0.5;
        let (x, y) = (flow.x.samples[i], flow.y.samples[i]);
        let (dx, dy) = (x + returned.x.samples[i], y + returned.y.samples[i]);
        // Half a sample is a miss; where things are fast, more.
        let miss = (dx * dx + dy * dy) / (0.25 + 0.02 * (x * x + y * y));
        let fit = *b / MISFIT;
        let all = inside(end_x, width) && inside(end_y, height);
        *b = if all { (-miss - fit * fit).exp() } else { 0.0 };
    }
    belief
}

/// A smooth field of what is believed of the motion from a luma to that of its reference, and pays; one
/// of its samples stands for [`SPACING`] of theirs.
pub fn smooth(motion: &Field, belief: &Plane, (from, reference): (&Plane, &Plane)) -> Field {
    let side = longer_side(from) / SPACING as f32;
    let squares = |mut plane: Plane| {
        plane.samples.iter_mut().zip(&from.samples).for_each(|(v, l)| *v = (*v - l) * (*v - l));
        spaced(&plane).blurred(GAIN_BLUR * side)
    };
    let (still, moved) = (squares(reference.clone()), squares(motion.warp(reference)));
    let mut gain = still;
    gain.samples.iter_mut().zip(&moved.samples).for_each(|(g, moved)| {
        let still = *g;
        let saved = ((still - moved - PRICE) / (still + PRICE)).clamp(0.0, 1.0);
        *g = saved * saved;
    });
    let weighted = |plane: &Plane| {
        let mut plane = spaced(plane);
        plane.samples.iter_mut().zip(&gain.samples).for_each(|(v, g)| *v *= g);
        plane.blurred(MOTION_BLUR * side)
    };
    let total = weighted(belief);
    let mean = |plane: &Plane| {
        let mut believed = plane.clone();
        believed.samples.iter_mut().zip(&belief.samples).for_each(|(v, b)| *v *= b);
        let mut mean = weighted(&believed);
        mean.samples
            .iter_mut()
            .zip(&total.samples)
            .for_each(|(v, t)| *v /= (t + DOUBT) * SPACING as f32);
        mean
    };
    Field { x: mean(&motion.x), y: mean(&motion.y) }
}

/// A sample for each block of [`SPACING`] both ways, their mean.
fn spaced(plane: &Plane) -> Plane {
    (0..SPACING.ilog2()).fold(plane.clone(), |plane, _| plane.halved())
}
