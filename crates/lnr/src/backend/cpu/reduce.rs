// SPDX-License-Identifier: MIT OR Apache-2.0
//! Adds what the bands of a training step found to the gradients, in the order of the bands.

use super::super::{At, CanonicalLevel, Grads, Grids, Params, Sample, Shape};
use super::simd::Isa;
use super::workspace::{Band, GridScratch};

/// See the module.
pub fn reduce(
    isa: Isa,
    workspace: &mut GridScratch,
    shape: &Shape,
    (sample, levels): (&Sample, &[CanonicalLevel]),
    params: &Params<Vec<f32>>,
    grads: &mut Grads<Vec<f32>>,
) {
    let net = &shape.network;
    let GridScratch { planes, bands, timed: planes_of, d_modulated, .. } = workspace;
    for band in bands {
        canonical(band, planes, levels, params, grads);
        for (k, (i, source)) in shape.timed().enumerate() {
            let (d, planes) = (&band.d_timed[k], &planes_of[k]);
            timed(source, sample.sources[i], d, planes, params, grads);
        }
        let lanes = isa.lanes();
        let (w1, rest) = d_modulated.split_at_mut(net.width() * net.n_features());
        band.layers[0].reduce(lanes, w1, &mut rest[..net.width()]);
        let [_, second, output] = [0, 1, 2].map(|l| Some(net.layers[l]));
        for (layer, dense) in [(1, second), (2, output), (3, net.skip)] {
            let Some(dense) = dense else { continue };
            let (weights, bias) =
                grads.network[dense.range()].split_at_mut(dense.n_in * dense.n_out);
            band.layers[layer].reduce(lanes, weights, bias);
        }
    }
}

fn canonical(
    band: &mut Band,
    planes: &[super::planes::Padded],
    levels: &[CanonicalLevel],
    params: &Params<Vec<f32>>,
    grads: &mut Grads<Vec<f32>>,
) {
    for (i, (level, plane)) in levels.iter().zip(planes).enumerate() {
        let rows = band.rows[i].start..band.rows[i].end.min(plane.height + 3);
        if rows.is_empty() {
            continue;
        }
        plane.fold(&mut band.d_canonical, &rows);
        let scale = params.network[level.scale].exp();
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
        grads.network[level.scale] += d_scale;
        let pitch = plane.pitch();
        band.d_canonical[plane.offset..][rows.start * pitch..rows.end * pitch].fill(0.0);
        // The rows that received the border's share.
        for y in [1, plane.height] {
            band.d_canonical[plane.offset + y * pitch..][..pitch].fill(0.0);
        }
    }
}

fn timed(
    source: &Grids,
    at: At,
    d_planes: &[f32],
    planes: &[f32],
    params: &Params<Vec<f32>>,
    grads: &mut Grads<Vec<f32>>,
) {
    for (level, scale_at) in source.levels.iter().zip(source.scales()) {
        let range = level.offset..level.offset + level.grid.len() * source.n_components;
        let scale = params.network[scale_at].exp();
        let (d, p) = (&d_planes[range.clone()], &planes[range.clone()]);
        for (node, weight) in at.shares() {
            let start = source.node(node).start;
            let g = &mut grads.grids[start + range.start..start + range.end];
            g.iter_mut().zip(d).for_each(|(g, d)| *g += scale * weight * d);
        }
        grads.network[scale_at] += d.iter().zip(p).map(|(d, p)| d * p).sum::<f32>();
    }
}
