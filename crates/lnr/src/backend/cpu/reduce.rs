// SPDX-License-Identifier: MIT OR Apache-2.0
//! Adds what the bands of a training step found to the gradients, in the order of the bands.

use super::super::{Grads, Params, Shape, Tensor, Timed};
use super::simd::Isa;
use super::workspace::{Band, Workspace};

/// See the module.
pub fn reduce(
    isa: Isa,
    workspace: &mut Workspace,
    shape: &Shape,
    tau: f32,
    params: &Params<Vec<f32>>,
    grads: &mut Grads<Vec<f32>>,
) {
    let net = &shape.network;
    let planes = &workspace.planes;
    for band in &mut workspace.bands {
        canonical(band, planes, shape, params, grads);
        for (k, source) in [&shape.motion, &shape.residual].into_iter().enumerate() {
            timed(
                source,
                net.scales(k + 1).start,
                tau,
                &band.d_timed[k],
                &workspace.timed[k],
                params,
                grads,
            );
        }
        let lanes = isa.lanes();
        let n = net.width * net.n_features;
        let (w1, rest) = grads.modulated.split_at_mut(n);
        band.layers[0].reduce(lanes, w1, &mut rest[..net.width]);
        for (layer, w, b) in [
            (1, Tensor::W2, Some(Tensor::B2)),
            (2, Tensor::W3, Some(Tensor::B3)),
            (3, Tensor::Skip, None),
        ] {
            // In the buffer a bias follows its weights.
            let w = net.range(w);
            let b = b.map_or(w.end..w.end, |b| net.range(b));
            let (weights, bias) = grads.network[w.start..b.end].split_at_mut(w.len());
            band.layers[layer].reduce(lanes, weights, bias);
        }
    }
}

fn canonical(
    band: &mut Band,
    planes: &[super::planes::Padded],
    shape: &Shape,
    params: &Params<Vec<f32>>,
    grads: &mut Grads<Vec<f32>>,
) {
    let scales = shape.network.scales(0);
    for (i, (level, plane)) in shape.canonical.iter().zip(planes).enumerate() {
        let rows = band.rows[i].start..band.rows[i].end.min(plane.height + 3);
        if rows.is_empty() {
            continue;
        }
        plane.fold(&mut band.d_canonical, &rows);
        let scale = params.network[scales.start + i].exp();
        let w = plane.width;
        let mut d_scale = 0.0;
        // Folding moved the border's gradients to the rows next to it.
        let first = rows.start.clamp(1, plane.height) - 1;
        for y in first..(rows.end - 1).clamp(first + 1, plane.height) {
            let from = plane.offset + plane.index(0, y);
            let at = level.offset + y * w..level.offset + (y + 1) * w;
            let symbols = &params.grids[at.clone()];
            for ((g, &d), &q) in
                grads.grids[at].iter_mut().zip(&band.d_canonical[from..from + w]).zip(symbols)
            {
                *g += scale * d;
                d_scale += scale * d * q;
            }
        }
        grads.network[scales.start + i] += d_scale;
        let pitch = plane.pitch();
        band.d_canonical[plane.offset..][rows.start * pitch..rows.end * pitch].fill(0.0);
        // The rows that received the border's share.
        for y in [1, plane.height] {
            band.d_canonical[plane.offset + y * pitch..][..pitch].fill(0.0);
        }
    }
}

fn timed(
    source: &Timed,
    first_scale: usize,
    tau: f32,
    d_planes: &[f32],
    planes: &[f32],
    params: &Params<Vec<f32>>,
    grads: &mut Grads<Vec<f32>>,
) {
    let (a, b, w) = source.nodes.at(tau);
    for (i, level) in source.levels.iter().enumerate() {
        let range = level.offset..level.offset + level.grid.len() * source.n_components;
        let scale = params.network[first_scale + i].exp();
        let (d, p) = (&d_planes[range.clone()], &planes[range.clone()]);
        for (node, weight) in [(a, 1.0 - w), (b, w)] {
            if weight > 0.0 {
                let start = source.node(node).start;
                let g = &mut grads.grids[start + range.start..start + range.end];
                g.iter_mut().zip(d).for_each(|(g, d)| *g += scale * weight * d);
            }
        }
        grads.network[first_scale + i] += d.iter().zip(p).map(|(d, p)| d * p).sum::<f32>();
    }
}
