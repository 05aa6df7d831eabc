// SPDX-License-Identifier: MIT OR Apache-2.0
//! Motion grids that begin at what optical flow found, instead of at zero.

use super::first_values::MOTION_STEP;
use crate::backend::{Grid, Grids, Shape};
use crate::flow::{Chain, Field, Plane};

/// Values that a part of the grid buffer begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstValues {
    /// Where they lie in the grid buffer.
    pub offset: usize,
    /// The values, in symbols.
    pub values: Vec<f32>,
}

impl FirstValues {
    /// Writes them to the grid buffer.
    pub fn put(&self, grids: &mut [f32]) {
        grids[self.offset..][..self.values.len()].copy_from_slice(&self.values);
    }
}

/// First values of every motion source. `reference` says which frame the canonical that a motion source
/// (counted from 0) leads to shows, at the time of each frame.
///
/// # Panics
/// When there is no such frame in the chain.
pub fn motion_start(
    shape: &Shape,
    chain: &Chain,
    reference: &dyn Fn(usize, usize) -> usize,
) -> Vec<FirstValues> {
    let start = |(number, (_, source)): (usize, (usize, &Grids))| {
        let frames: Vec<usize> = (0..shape.n_frames).map(|f| reference(number, f)).collect();
        let motion = nodes(source, chain, &frames);
        let values = motion.iter().flat_map(|field| fit(source, field, chain.reduction));
        FirstValues { offset: source.offset, values: values.collect() }
    };
    shape.motion().enumerate().map(start).collect()
}

/// The motion at the time nodes of a source. `references`: of every frame.
fn nodes(source: &Grids, chain: &Chain, references: &[usize]) -> Vec<Field> {
    let (step, last) = (source.nodes.step, references.len() - 1);
    let frames: Vec<usize> = (0..source.nodes.n).map(|n| (n * step).min(last)).collect();
    let mut fields = along(chain, &frames, references);
    let beyond = (source.nodes.n - 1) * step;
    if beyond > last {
        // The last node stands beyond the last frame: as far beyond as makes the last frame right.
        let before = beyond - step;
        let from = chain.motion(&[before], references[last]).remove(0);
        let share = step as f32 / (last - before) as f32;
        let extend = |to: &mut Plane, from: &Plane| {
            let both = to.samples.iter_mut().zip(&from.samples);
            both.for_each(|(t, f)| *t = f + share * (*t - f));
        };
        if let Some(to) = fields.last_mut() {
            extend(&mut to.x, &from.x);
            extend(&mut to.y, &from.y);
        }
    }
    fields
}

/// The motion of ascending frames to the reference of each: those in a row that have one share its chain.
fn along(chain: &Chain, frames: &[usize], references: &[usize]) -> Vec<Field> {
    let shared = frames.chunk_by(|&a, &b| references[a] == references[b]);
    shared.flat_map(|frames| chain.motion(frames, references[frames[0]])).collect()
}

/// A node whose levels, summed, are near to a field of `reduction` pixels a sample: the coarsest level
/// takes what it can, finer ones what is left.
fn fit(source: &Grids, field: &Field, reduction: usize) -> Vec<f32> {
    let mut values = vec![0.0; source.node_len];
    for (component, plane) in [&field.x, &field.y].into_iter().enumerate() {
        let mut left = plane.clone();
        let symbols = reduction as f32 / MOTION_STEP;
        left.samples.iter_mut().for_each(|v| *v *= symbols);
        for (number, level) in source.levels.iter().enumerate().rev() {
            let out = &mut values[source.local_plane(number, component)];
            LevelFit::new(level.grid, plane, reduction as f32).take(&mut left, out);
        }
    }
    values
}

/// A bilinear grid laid over the samples of a field.
struct LevelFit {
    grid: Grid,
    /// For each column and line of samples, the entries before and after it, and the share of the
    /// second.
    columns: Vec<(usize, usize, f32)>,
    lines: Vec<(usize, usize, f32)>,
}

impl LevelFit {
    fn new(grid: Grid, plane: &Plane, reduction: f32) -> Self {
        let axis = |n: usize, entries: usize| {
            let place = |i: usize| {
                let pixel = (i as f32 + 0.5) * reduction - 0.5;
                let at = grid.coordinate(pixel).clamp(0.0, (entries - 1) as f32);
                let first = at as usize;
                (first, (first + 1).min(entries - 1), at - first as f32)
            };
            (0..n).map(place).collect()
        };
        Self {
            grid,
            columns: axis(plane.width, grid.width),
            lines: axis(plane.height, grid.height),
        }
    }

    /// Moves what the grid can hold of the samples that are left to its entries.
    fn take(&self, left: &mut Plane, entries: &mut [f32]) {
        /// Each halves what is wrong, and more: the fourth changes less than rounding does.
        const ROUNDS: usize = 4;
        let mut ones = Plane::new(left.width, left.height);
        ones.samples.fill(1.0);
        let totals = self.gather(&ones);
        for _ in 0..ROUNDS {
            let mut change = self.gather(left);
            // Entries that no sample sees stay.
            change.iter_mut().zip(&totals).for_each(|(c, t)| *c /= t.max(1e-3));
            entries.iter_mut().zip(&change).for_each(|(e, c)| *e += c);
            self.subtract(&change, left);
        }
    }

    /// For each entry, the sum of the samples that it adds to, by how much.
    fn gather(&self, plane: &Plane) -> Vec<f32> {
        let n = self.grid.width;
        let mut sums = vec![0.0; self.grid.len()];
        for (line, &(y0, y1, fy)) in plane.samples.chunks_exact(plane.width).zip(&self.lines) {
            for (&v, &(x0, x1, fx)) in line.iter().zip(&self.columns) {
                let (above, below) = (v * (1.0 - fy), v * fy);
                sums[y0 * n + x0] += above * (1.0 - fx);
                sums[y0 * n + x1] += above * fx;
                sums[y1 * n + x0] += below * (1.0 - fx);
                sums[y1 * n + x1] += below * fx;
            }
        }
        sums
    }

    fn subtract(&self, entries: &[f32], plane: &mut Plane) {
        let n = self.grid.width;
        let width = plane.width;
        for (line, &(y0, y1, fy)) in plane.samples.chunks_exact_mut(width).zip(&self.lines) {
            for (v, &(x0, x1, fx)) in line.iter_mut().zip(&self.columns) {
                let at = |y: usize| entries[y * n + x0] * (1.0 - fx) + entries[y * n + x1] * fx;
                *v -= at(y0) * (1.0 - fy) + at(y1) * fy;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::spec::{Extent, LatentSpec, ModelSpec, NetworkSpec, Precision, SourceSpec};
    use crate::base::{Chroma, Picture, PictureFormat};

    const SIZE: (u32, u32) = (96, 64);
    const N_FRAMES: u32 = 6;

    /// Ripples that move to the right, the more the lower.
    fn pictures() -> Vec<Picture> {
        let draw = |t: u32| {
            let format = PictureFormat::new(SIZE.0, SIZE.1, Chroma::Gray, 8);
            let mut picture = Picture::new(format).unwrap();
            for y in 0..SIZE.1 as usize {
                let moved = t as f32 * (1.0 + y as f32 / 64.0);
                for (x, sample) in picture.row_mut(0, y).iter_mut().enumerate() {
                    let x = x as f32 - moved;
                    let wave = (0.5 * x).sin() * (0.4 * y as f32).cos() + (0.21 * x + 1.0).sin();
                    *sample = (128.0 + 50.0 * wave) as u8;
                }
            }
            picture
        };
        (0..N_FRAMES).map(draw).collect()
    }

    fn shape(node_step: u32) -> Shape {
        let model = ModelSpec {
            sources: vec![
                SourceSpec::canonical(&[1, 4], 1, 0, Some(0)),
                SourceSpec::motion(&[8, 16, 32], node_step),
                SourceSpec::motion(&[16], node_step),
                SourceSpec::residual(&[8], 1),
            ],
            latent: LatentSpec { dim: 2, node_step: 4 },
            network: NetworkSpec::of_grids(16, 1),
            precision: Precision::Steps,
        };
        let extent = Extent { width: SIZE.0, height: SIZE.1, n_frames: N_FRAMES, n_out: 1 };
        Shape::new(&model, &extent).unwrap()
    }

    /// The displacement to the right, in pixels, that the grids hold at a pixel and a time.
    fn displacement(source: &Grids, grids: &[f32], (x, y): (f32, f32), tau: f32) -> f32 {
        let mut sum = 0.0;
        for (node, share) in source.nodes.at(tau).shares() {
            for (number, level) in source.levels.iter().enumerate() {
                let grid = level.grid;
                let entries = &grids[source.plane(node, number, 0)];
                let axis = |pixel: f32, n: usize| {
                    let at = grid.coordinate(pixel).clamp(0.0, (n - 1) as f32);
                    (at as usize, (at as usize + 1).min(n - 1), at.fract())
                };
                let ((x0, x1, fx), (y0, y1, fy)) = (axis(x, grid.width), axis(y, grid.height));
                let line = |y: usize| {
                    let row = &entries[y * grid.width..];
                    row[x0] * (1.0 - fx) + row[x1] * fx
                };
                sum += share * (line(y0) * (1.0 - fy) + line(y1) * fy);
            }
        }
        sum * MOTION_STEP
    }

    #[test]
    fn grids_begin_with_the_motion_of_the_flow() {
        let pictures = pictures();
        let pictures: Vec<&Picture> = pictures.iter().collect();
        let chain = Chain::new(&pictures, &|| Ok(())).unwrap();
        for step in [1, 2, 4] {
            let shape = shape(step);
            // The second source leads to another frame.
            let start = motion_start(&shape, &chain, &|source, _| [2, 0][source]);
            let mut grids = vec![0.0; shape.n_grid()];
            start.iter().for_each(|s| s.put(&mut grids));
            for ((_, source), reference) in shape.motion().zip([2.0, 0.0]) {
                for (tau, y) in [(0.0, 20.0), (2.0, 40.0), (5.0, 32.0)] {
                    let expected = (reference - tau) * (1.0 + y / 64.0);
                    let got = displacement(source, &grids, (48.0, y), tau);
                    let allowed = 0.15 + 0.2 * expected.abs();
                    assert!((got - expected).abs() < allowed, "{step} {tau}: {got}, {expected}");
                }
            }
            let motion: Vec<_> = shape.motion().map(|(_, s)| s.range()).collect();
            let outside =
                grids.iter().enumerate().filter(|(i, _)| !motion.iter().any(|r| r.contains(i)));
            assert!(outside.into_iter().all(|(_, v)| *v == 0.0));
        }
    }

    #[test]
    fn references_may_change_within_a_group() {
        let pictures = pictures();
        let pictures: Vec<&Picture> = pictures.iter().collect();
        let chain = Chain::new(&pictures, &|| Ok(())).unwrap();
        let shape = shape(1);
        let start = motion_start(&shape, &chain, &|_, frame| if frame < 3 { 0 } else { 5 });
        let mut grids = vec![0.0; shape.n_grid()];
        start.iter().for_each(|s| s.put(&mut grids));
        let (_, source) = shape.motion().next().unwrap();
        let at = |tau: f32| displacement(source, &grids, (48.0, 32.0), tau);
        assert_eq!((at(0.0), at(5.0)), (0.0, 0.0));
        assert!(
            (at(2.0) + 3.0).abs() < 0.7 && (at(3.0) - 3.0).abs() < 0.7,
            "{} {}",
            at(2.0),
            at(3.0)
        );
    }
}
