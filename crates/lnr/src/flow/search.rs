// SPDX-License-Identifier: MIT OR Apache-2.0
//! The search on one level: patches, then pixels.

use super::field::Field;
use super::pyramid::{BORDER, Level, PATCH};

/// Samples from a patch to the next: patches overlap, and a pixel hears several of them.
const STRIDE: usize = 3;
/// Most steps of a patch's search.
const MAX_STEPS: usize = 12;
/// Added to the squared slopes of a patch, so that flat ones stay where they are: a tenth of a code
/// value.
const FLAT: f32 = 0.064;
const N: f32 = (PATCH * PATCH) as f32;

/// A displacement in samples, to the right and down.
type Step = (f32, f32);

/// Sums over a patch of d = second picture where it was moved to - first picture.
#[derive(Clone, Copy)]
struct Sums {
    d: f32,
    /// d times the slopes of the first picture.
    slopes: Step,
    /// Sum of squares without the mean: brightness may change.
    cost: f32,
}

/// Where patches stand along a side of `n` samples; the last one ends with it.
fn places(n: usize) -> Vec<usize> {
    (0..(n - PATCH).div_ceil(STRIDE) + 1).map(|i| (i * STRIDE).min(n - PATCH)).collect()
}

struct Search<'a> {
    from: &'a Level,
    to: &'a Level,
}

/// The flow from a level to another of the same size. `offers`: displacements to begin with.
pub fn search(from: &Level, to: &Level, offers: &[Field; 2]) -> Field {
    let search = Search { from, to };
    let (xs, ys) = (places(from.width), places(from.height));
    let found = search.patches(&xs, &ys, offers);
    search.spread(&xs, &ys, &found)
}

impl Search<'_> {
    /// The displacement of every patch. Two passes: each patch first hears its left and upper
    /// neighbours, then the right and lower ones.
    fn patches(&self, xs: &[usize], ys: &[usize], offers: &[Field; 2]) -> Vec<Step> {
        let n = xs.len();
        let mut found = vec![(0.0, 0.0); n * ys.len()];
        for (j, &y) in ys.iter().enumerate() {
            for (i, &x) in xs.iter().enumerate() {
                let centre = (y + PATCH / 2) * self.from.width + x + PATCH / 2;
                let offer = |o: &Field| (o.x.samples[centre], o.y.samples[centre]);
                let [first, second] = [offer(&offers[0]), offer(&offers[1])];
                let left = if i > 0 { found[j * n + i - 1] } else { first };
                let above = if j > 0 { found[(j - 1) * n + i] } else { first };
                let best = self.best((x, y), first, &[second, left, above]);
                found[j * n + i] = self.descend((x, y), best);
            }
        }
        for (j, &y) in ys.iter().enumerate().rev() {
            for (i, &x) in xs.iter().enumerate().rev() {
                let now = found[j * n + i];
                let right = if i + 1 < n { found[j * n + i + 1] } else { now };
                let below = if j + 1 < ys.len() { found[(j + 1) * n + i] } else { now };
                let best = self.best((x, y), now, &[right, below]);
                if best != now {
                    found[j * n + i] = self.descend((x, y), best);
                }
            }
        }
        found
    }

    /// The candidate of least cost; the first where they are equal.
    fn best(&self, patch: (usize, usize), first: Step, others: &[Step]) -> Step {
        if others.iter().all(|&o| o == first) {
            return first;
        }
        let mut best = (self.sums::<false>(patch, first).cost, first);
        for &step in others.iter().filter(|&&o| o != first) {
            let cost = self.sums::<false>(patch, step).cost;
            if cost < best.0 {
                best = (cost, step);
            }
        }
        best.1
    }

    /// Where in the samples of `to` a patch moved by `step` begins, and how far between them; a patch
    /// that leaves the border stays at its edge.
    #[inline(always)]
    fn place(&self, (x, y): (usize, usize), step: Step) -> (usize, f32, f32) {
        let axis = |at: usize, by: f32, n: usize| {
            let first = 2 - BORDER as isize;
            let last = (n + BORDER - PATCH - 2) as f32;
            let v = (at as f32 + by).clamp(first as f32, last) + BORDER as f32;
            (v as usize, v - (v as usize) as f32)
        };
        let (x, fx) = axis(x, step.0, self.to.width);
        let (y, fy) = axis(y, step.1, self.to.height);
        (y * self.to.pitch + x, fx, fy)
    }

    /// The sums over a patch; `cost` alone without `SLOPES`.
    #[inline(always)]
    fn sums<const SLOPES: bool>(&self, patch: (usize, usize), step: Step) -> Sums {
        let (a, b) = (self.from, self.to);
        let (x, y) = patch;
        let (start, fx, fy) = self.place(patch, step);
        let weights = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
        let mut sums = [[0.0f32; PATCH]; 4];
        for r in 0..PATCH {
            let own = row::<PATCH>(&a.samples, (y + r + BORDER) * a.pitch + x + BORDER);
            let above = row::<{ PATCH + 1 }>(&b.samples, start + r * b.pitch);
            let below = row::<{ PATCH + 1 }>(&b.samples, start + (r + 1) * b.pitch);
            let slope = (y + r) * a.width + x;
            let slope_x = row::<PATCH>(&a.slopes[0], slope);
            let slope_y = row::<PATCH>(&a.slopes[1], slope);
            for i in 0..PATCH {
                let upper = weights[0] * above[i] + weights[1] * above[i + 1];
                let lower = weights[2] * below[i] + weights[3] * below[i + 1];
                let d = upper + lower - own[i];
                sums[0][i] += d;
                sums[1][i] += d * d;
                if SLOPES {
                    sums[2][i] += d * slope_x[i];
                    sums[3][i] += d * slope_y[i];
                }
            }
        }
        let [d, squares, x, y] = sums.map(|s| total(&s));
        Sums { d, slopes: (x, y), cost: squares - d * d / N }
    }

    /// The patch moves along its slopes while that makes it fit better.
    fn descend(&self, patch: (usize, usize), start: Step) -> Step {
        let mut state = self.sums::<true>(patch, start);
        let (hessian, mean) = self.hessian(patch);
        let [xx, xy, yy] = hessian;
        let determinant = (xx * yy - xy * xy).max(1e-6);
        let (mut best, mut current) = (start, start);
        for _ in 0..MAX_STEPS {
            let (x, y) = (state.slopes.0 - state.d * mean.0, state.slopes.1 - state.d * mean.1);
            let (dx, dy) = ((yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant);
            current = (current.0 - dx, current.1 - dy);
            // Further than a patch it would be another place, not this one found better.
            if (current.0 - start.0).abs().max((current.1 - start.1).abs()) > PATCH as f32 {
                break;
            }
            let next = self.sums::<true>(patch, current);
            if next.cost >= state.cost {
                break;
            }
            best = current;
            let gain = state.cost - next.cost;
            state = next;
            if gain < 0.002 * state.cost && dx * dx + dy * dy < 1e-3 {
                break;
            }
        }
        best
    }

    /// Sums of products of the slopes of a patch without their means (xx, xy, yy), and these means.
    fn hessian(&self, (x, y): (usize, usize)) -> ([f32; 3], Step) {
        let a = self.from;
        let mut sums = [[0.0f32; PATCH]; 5];
        for r in 0..PATCH {
            let slope = (y + r) * a.width + x;
            let slope_x = row::<PATCH>(&a.slopes[0], slope);
            let slope_y = row::<PATCH>(&a.slopes[1], slope);
            for i in 0..PATCH {
                let (x, y) = (slope_x[i], slope_y[i]);
                for (sum, v) in sums.iter_mut().zip([x * x, x * y, y * y, x, y]) {
                    sum[i] += v;
                }
            }
        }
        let [xx, xy, yy, x, y] = sums.map(|s| total(&s));
        let hessian = [xx - x * x / N + FLAT, xy - x * y / N, yy - y * y / N + FLAT];
        (hessian, (x / N, y / N))
    }

    /// The mean of what the patches say of each pixel, by how well it fits there.
    fn spread(&self, xs: &[usize], ys: &[usize], found: &[Step]) -> Field {
        let (a, b) = (self.from, self.to);
        let (width, height) = (a.width, a.height);
        let mut field = Field::zero(width, height);
        let mut total = vec![0.0f32; width * height];
        let patches = ys.iter().flat_map(|&y| xs.iter().map(move |&x| (x, y)));
        for (patch, &step) in patches.zip(found) {
            let (start, fx, fy) = self.place(patch, step);
            let (x, y) = patch;
            for r in 0..PATCH {
                let own = row::<PATCH>(&a.samples, (y + r + BORDER) * a.pitch + x + BORDER);
                let above = row::<{ PATCH + 1 }>(&b.samples, start + r * b.pitch);
                let below = row::<{ PATCH + 1 }>(&b.samples, start + (r + 1) * b.pitch);
                let out = (y + r) * width + x..(y + r) * width + x + PATCH;
                let (sum_x, sum_y) =
                    (&mut field.x.samples[out.clone()], &mut field.y.samples[out.clone()]);
                let total = &mut total[out];
                for i in 0..PATCH {
                    let upper = above[i] + (above[i + 1] - above[i]) * fx;
                    let lower = below[i] + (below[i + 1] - below[i]) * fx;
                    let weight = 1.0 / (upper + (lower - upper) * fy - own[i]).abs().max(1.0);
                    sum_x[i] += weight * step.0;
                    sum_y[i] += weight * step.1;
                    total[i] += weight;
                }
            }
        }
        // Every pixel is in a patch, so no total is zero.
        let planes = field.x.samples.iter_mut().zip(&mut field.y.samples);
        planes.zip(&total).for_each(|((x, y), t)| (*x, *y) = (*x / t, *y / t));
        field
    }
}

/// `L` samples from `start` on.
#[inline(always)]
fn row<const L: usize>(samples: &[f32], start: usize) -> &[f32; L] {
    samples[start..].first_chunk().expect("a patch lies within the level and its border")
}

/// The sum of a row, by halves.
#[inline(always)]
fn total(row: &[f32; PATCH]) -> f32 {
    let quarter = |i: usize| row[i] + row[i + 4];
    (quarter(0) + quarter(2)) + (quarter(1) + quarter(3))
}
