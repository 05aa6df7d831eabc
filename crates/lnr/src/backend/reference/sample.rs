// SPDX-License-Identifier: MIT OR Apache-2.0
//! Feature sources at one point: canonical grids through motion, then residual grids.

use super::super::{Grid, Kernel, Params, Shape, Timed};

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

/// The sum over levels of a component of a timed source, or its gradient when `d` is given: calls
/// `visit(level, index in the grid buffer, weight including scale and time)`.
fn timed(
    source: &Timed,
    scales: &[f32],
    level: usize,
    component: usize,
    (x, y, tau): (f32, f32, f32),
    visit: &mut dyn FnMut(usize, f32),
) {
    let (a, b, w) = source.nodes.at(tau);
    for tap in taps(&source.levels[level].grid, Kernel::Linear, x, y) {
        for (node, share) in [(a, 1.0 - w), (b, w)] {
            if share > 0.0 {
                let index = source.plane(node, level, component).start + tap.index;
                visit(index, tap.weight * share * scales[level].exp());
            }
        }
    }
}

/// One sampled point.
pub struct Point {
    pub features: Vec<f32>,
    /// Where the canonical grids were read, in pixels.
    pub at: [f32; 2],
}

pub fn forward(shape: &Shape, params: &Params<Vec<f32>>, point: (f32, f32, f32)) -> Point {
    let net = &shape.network;
    let scales = |source| &params.network[net.scales(source)];
    let mut at = [point.0, point.1];
    for (component, at) in at.iter_mut().enumerate() {
        for level in 0..shape.motion.levels.len() {
            timed(&shape.motion, scales(1), level, component, point, &mut |i, w| {
                *at += w * params.grids[i];
            });
        }
    }
    let mut features = Vec::new();
    for (level, scale) in shape.canonical.iter().zip(scales(0)) {
        let taps = taps(&level.grid, level.kernel, at[0], at[1]);
        let sum: f32 = taps.iter().map(|t| t.weight * params.grids[level.offset + t.index]).sum();
        features.push(scale.exp() * sum);
    }
    for level in 0..shape.residual.levels.len() {
        let mut sum = 0.0;
        timed(&shape.residual, scales(2), level, 0, point, &mut |i, w| sum += w * params.grids[i]);
        features.push(sum);
    }
    Point { features, at }
}

/// Adds the gradients of grids and scales, given those of the features.
pub fn backward(
    shape: &Shape,
    params: &Params<Vec<f32>>,
    point: (f32, f32, f32),
    sampled: &Point,
    d_features: &[f32],
    d_grids: &mut [f32],
    d_network: &mut [f32],
) {
    let net = &shape.network;
    let mut d_at = [0.0; 2];
    for (i, level) in shape.canonical.iter().enumerate() {
        let at = net.scales(0).start + i;
        let g = d_features[i] * params.network[at].exp();
        d_network[at] += d_features[i] * sampled.features[i];
        for tap in taps(&level.grid, level.kernel, sampled.at[0], sampled.at[1]) {
            let index = level.offset + tap.index;
            d_grids[index] += g * tap.weight;
            d_at[0] += g * tap.slope[0] * params.grids[index];
            d_at[1] += g * tap.slope[1] * params.grids[index];
        }
    }
    let n = shape.canonical.len();
    let outputs = [(&shape.motion, 1, &d_at[..1], 0), (&shape.motion, 1, &d_at[1..], 1)];
    for (source, k, d, component) in outputs {
        for level in 0..source.levels.len() {
            add(source, k, level, component, d[0], params, net, point, d_grids, d_network);
        }
    }
    for level in 0..shape.residual.levels.len() {
        let d = d_features[n + level];
        add(&shape.residual, 2, level, 0, d, params, net, point, d_grids, d_network);
    }
}

fn add(
    source: &Timed,
    kind: usize,
    level: usize,
    component: usize,
    d: f32,
    params: &Params<Vec<f32>>,
    net: &super::super::Network,
    point: (f32, f32, f32),
    d_grids: &mut [f32],
    d_network: &mut [f32],
) {
    let scales = net.scales(kind);
    let at = scales.start + level;
    timed(source, &params.network[scales], level, component, point, &mut |i, w| {
        d_grids[i] += d * w;
        d_network[at] += d * w * params.grids[i];
    });
}
