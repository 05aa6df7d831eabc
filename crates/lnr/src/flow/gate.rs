// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a flow is believed, and what is left of it where it is not.

use super::field::Field;
use super::plane::Plane;

/// Widths of blurs, as shares of the longer side: of differences that tell whether a flow fits, of errors
/// that tell what it saves, and of the motion itself.
const FIT_BLUR: f32 = 1.0 / 160.0;
const GAIN_BLUR: f32 = 3.0 / 160.0;
const MOTION_BLUR: f32 = 1.0 / 10.0;
/// The difference, in 8-bit code values, at which a flow is hardly believed any more.
const MISFIT: f32 = 16.0;
/// Texture, in squared code values, that tells half of what a strong one does.
const FLAT: f32 = 20.0;
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
/// of its samples stands for [`SPACING`] of theirs. What stays where it is counts as much as what moves.
pub fn smooth(motion: &Field, belief: &Plane, (from, reference): (&Plane, &Plane)) -> Field {
    let side = longer_side(from) / SPACING as f32;
    let errors = |mut plane: Plane| {
        plane.samples.iter_mut().zip(&from.samples).for_each(|(v, l)| *v = (*v - l) * (*v - l));
        spaced(&plane).blurred(GAIN_BLUR * side)
    };
    let (still, moved) = (errors(reference.clone()), errors(motion.warp(reference)));
    let texture = spaced(&texture(from)).blurred(GAIN_BLUR * side);
    // How much a sample knows, and how much of its motion pays.
    let (mut known, mut paid) = (texture, still);
    for ((k, p), m) in known.samples.iter_mut().zip(&mut paid.samples).zip(&moved.samples) {
        let gain = ((*p - m - PRICE) / (*p + PRICE)).clamp(0.0, 1.0);
        *k /= *k + m + FLAT;
        *p = *k * gain;
    }
    let blurred = |plane: &Plane, weight: &Plane| {
        let mut plane = spaced(plane);
        plane.samples.iter_mut().zip(&weight.samples).for_each(|(v, w)| *v *= w);
        plane.blurred(MOTION_BLUR * side)
    };
    let total = blurred(belief, &known);
    let mean = |plane: &Plane| {
        let mut believed = plane.clone();
        believed.samples.iter_mut().zip(&belief.samples).for_each(|(v, b)| *v *= b);
        let mut mean = blurred(&believed, &paid);
        let scale = SPACING as f32;
        mean.samples.iter_mut().zip(&total.samples).for_each(|(v, t)| *v /= (t + DOUBT) * scale);
        mean
    };
    Field { x: mean(&motion.x), y: mean(&motion.y) }
}

/// The squared slopes of a luma: where there are none, nothing tells where it moves.
fn texture(luma: &Plane) -> Plane {
    let (width, height) = (luma.width, luma.height);
    let mut samples = Vec::with_capacity(luma.samples.len());
    for y in 0..height {
        let row = |y: usize| &luma.samples[y * width..][..width];
        let (here, above, below) = (row(y), row(y.saturating_sub(1)), row((y + 1).min(height - 1)));
        samples.extend((0..width).map(|x| {
            let dx = here[(x + 1).min(width - 1)] - here[x.saturating_sub(1)];
            let dy = below[x] - above[x];
            0.25 * (dx * dx + dy * dy)
        }));
    }
    Plane { width, height, samples }
}

/// A sample for each block of [`SPACING`] both ways, their mean.
fn spaced(plane: &Plane) -> Plane {
    (0..SPACING.ilog2()).fold(plane.clone(), |plane, _| plane.halved())
}
