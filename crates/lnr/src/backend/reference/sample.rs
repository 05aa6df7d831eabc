// SPDX-License-Identifier: MIT OR Apache-2.0
//! Feature sources at one point: canonical grids through motion, two of them mixed where they are anchors,
//! then residual grids.

use super::super::{At, Grads, Grid, Grids, Kernel, Params, Sample, Shape};

/// One entry that a sample reads: its index, its weight, and the weight's derivatives with respect
/// to the pixel coordinates.
pub struct Tap {
    pub index: usize,
    pub weight: f32,
    pub slope: [f32; 2],
}

/// Along one axis: entry, weight, derivative of the weight with respect to the pixel coordinate.
fn axis(grid: &Grid, kernel: Kernel, pixel: f32, n: usize) -> Vec<(usize, f32, f32)> {
    let raw = grid.coordinate(pixel);
    let p = raw.clamp(0.0, (n - 1) as f32);
    let inside = if raw == p { 1.0 / grid.stride } else { 0.0 };
    let i = (p as usize).min(n.saturating_sub(2));
    let f = p - i as f32;
    let (first, weights, slopes) = match kernel {
        Kernel::Linear => (0, vec![1.0 - f, f], vec![-1.0, 1.0]),
        Kernel::Cubic => {
            let g = 1.0 - f;
            let inner = |f: f32| 2.0 / 3.0 - f * f + f * f * f / 2.0;
            let d_inner = |f: f32| -2.0 * f + 1.5 * f * f;
            (
                -1,
                vec![g * g * g / 6.0, inner(f), inner(g), f * f * f / 6.0],
                vec![-g * g / 2.0, d_inner(f), -d_inner(g), f * f / 2.0],
            )
        }
    };
    let entry = |k: usize| (i as isize + first + k as isize).clamp(0, n as isize - 1) as usize;
    (0..weights.len()).map(|k| (entry(k), weights[k], slopes[k] * inside)).collect()
}

/// Every entry that the sample at pixel (x, y) reads.
pub fn taps(grid: &Grid, kernel: Kernel, x: f32, y: f32) -> Vec<Tap> {
    let columns = axis(grid, kernel, x, grid.width);
    let rows = axis(grid, kernel, y, grid.height);
    let mut taps = Vec::new();
    for &(row, wy, sy) in &rows {
        for &(column, wx, sx) in &columns {
            taps.push(Tap {
                index: row * grid.width + column,
                weight: wx * wy,
                slope: [sx * wy, wx * sy],
            });
        }
    }
    taps
}

/// What a component of a level of a timed source reads at a point: calls `visit(index in the grid
/// buffer, weight including scale and time)`.
fn timed(
    source: &Grids,
    at: At,
    scale: f32,
    (level, component): (usize, usize),
    (x, y): (f32, f32),
    visit: &mut dyn FnMut(usize, f32),
) {
    for tap in taps(&source.levels[level].grid, Kernel::Linear, x, y) {
        for (node, share) in at.shares() {
            let index = source.plane(node, level, component).start + tap.index;
            visit(index, tap.weight * share * scale.exp());
        }
    }
}

/// One sampled point.
pub struct Point {
    pub features: Vec<f32>,
    /// Where canonical grids are read, in pixels: [`Shape::places`].
    places: Vec<[f32; 2]>,
    /// The canonical levels there, those of both sets where anchors are mixed.
    canonical: Vec<f32>,
    /// The second set's share of the features.
    gate: f32,
}

/// The features of a point (x, y).
pub fn forward(
    shape: &Shape,
    sample: &Sample,
    params: &Params<Vec<f32>>,
    point: (f32, f32),
) -> Point {
    let value = |(i, source): (usize, &Grids), level: usize, component: usize| {
        let (at, scale) = (sample.sources[i], params.network[source.first_scale + level]);
        let mut sum = 0.0;
        timed(source, at, scale, (level, component), point, &mut |i, w| sum += w * params.grids[i]);
        sum
    };
    let sum = |source: (usize, &Grids), component| -> f32 {
        (0..source.1.levels.len()).map(|level| value(source, level, component)).sum()
    };
    let displacements: Vec<[f32; 2]> = shape.motion().map(|s| [sum(s, 0), sum(s, 1)]).collect();
    let place = |motion: &Vec<usize>| {
        let moved = |axis: usize| motion.iter().map(|&m| displacements[m][axis]).sum::<f32>();
        [point.0 + moved(0), point.1 + moved(1)]
    };
    let places: Vec<[f32; 2]> = shape.places.iter().map(place).collect();
    let mut canonical = Vec::new();
    for c in shape.canonical_levels(sample) {
        let [x, y] = places[c.place];
        let taps = taps(&c.level.grid, c.level.kernel, x, y);
        let sum: f32 = taps.iter().map(|t| t.weight * params.grids[c.offset + t.index]).sum();
        canonical.push(params.network[c.scale].exp() * sum);
    }
    let n = shape.n_canonical_levels();
    let mut features = canonical[..n].to_vec();
    let mut gate = 0.0;
    if shape.has_anchors {
        let logit = shape.blend_bias(sample) + shape.blend().map(|s| sum(s, 0)).sum::<f32>();
        gate = 1.0 / (1.0 + (-logit).exp());
        features.iter_mut().zip(&canonical[n..]).for_each(|(f, odd)| *f += gate * (odd - *f));
    }
    for source in shape.residual() {
        features.extend((0..source.1.levels.len()).map(|level| value(source, level, 0)));
    }
    Point { features, places, canonical, gate }
}

/// Adds the gradients of grids and scales, given those of the features.
pub fn backward(
    shape: &Shape,
    sample: &Sample,
    params: &Params<Vec<f32>>,
    point: (f32, f32),
    sampled: &Point,
    d_features: &[f32],
    grads: &mut Grads<Vec<f32>>,
) {
    let Grads { grids: d_grids, network: d_network } = grads;
    let mut d_places = vec![[0.0; 2]; sampled.places.len()];
    let n = shape.n_canonical_levels();
    let mut d_logit = 0.0;
    for (i, c) in shape.canonical_levels(sample).iter().enumerate() {
        let d = match (shape.has_anchors, i < n) {
            (false, _) => d_features[i],
            (true, true) => d_features[i] * (1.0 - sampled.gate),
            (true, false) => {
                let difference = sampled.canonical[i] - sampled.canonical[i - n];
                d_logit += d_features[i - n] * difference * sampled.gate * (1.0 - sampled.gate);
                d_features[i - n] * sampled.gate
            }
        };
        let g = d * params.network[c.scale].exp();
        d_network[c.scale] += d * sampled.canonical[i];
        let place = c.place;
        let [x, y] = sampled.places[place];
        for tap in taps(&c.level.grid, c.level.kernel, x, y) {
            let index = c.offset + tap.index;
            d_grids[index] += g * tap.weight;
            for (d, slope) in d_places[place].iter_mut().zip(tap.slope) {
                *d += g * slope * params.grids[index];
            }
        }
    }
    let mut add = |(i, source): (usize, &Grids), level: usize, component: usize, d: f32| {
        let (at, scale) = (sample.sources[i], source.first_scale + level);
        timed(source, at, params.network[scale], (level, component), point, &mut |i, w| {
            d_grids[i] += d * w;
            d_network[scale] += d * w * params.grids[i];
        });
    };
    for (m, source) in shape.motion().enumerate() {
        for component in 0..source.1.n_components {
            let moved = shape.places.iter().zip(&d_places).filter(|(p, _)| p.contains(&m));
            let d: f32 = moved.map(|(_, d)| d[component]).sum();
            (0..source.1.levels.len()).for_each(|level| add(source, level, component, d));
        }
    }
    for source in shape.blend() {
        (0..source.1.levels.len()).for_each(|level| add(source, level, 0, d_logit));
    }
    let mut d_residual = d_features[n..].iter();
    for source in shape.residual() {
        for (level, d) in (0..source.1.levels.len()).zip(&mut d_residual) {
            add(source, level, 0, *d);
        }
    }
}
