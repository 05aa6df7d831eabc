// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rendering, sample by sample.

use super::super::{
    Lattice, Params, Sample, Shape, Stop, check_stop, modulation, points_per_pixel,
};
use super::{network, sample};
use crate::base::{Chroma, Picture, Result};

/// See [`super::super::Backend::render`].
pub fn render(
    shape: &Shape,
    sample: &Sample,
    params: &Params<Vec<f32>>,
    stop: &Stop,
    out: &mut Picture,
) -> Result<()> {
    let source = (shape.width, shape.height);
    let net = &shape.network;
    let mut modulated = vec![0.0; net.modulated_len()];
    modulation::forward(net, sample.latent, params.network, &mut modulated);
    pack_with(source, shape.n_out, out, &mut |size| {
        let l = Lattice::resized(source, size);
        let mut planes = vec![vec![0.0; l.len()]; shape.n_out];
        for i in 0..l.ny {
            check_stop(stop)?;
            for j in 0..l.nx {
                let point = (l.x0 + l.dx * j as f32, l.y0 + l.dy * i as f32);
                let features = sample::forward(shape, sample, params, point).features;
                let values = network::forward(net, params.network, &modulated, &features).out;
                planes.iter_mut().zip(values).for_each(|(p, v)| p[i * l.nx + j] = v);
            }
        }
        Ok(planes)
    })
}

/// What evaluates a picture of so many points: a plane per component.
pub type Evaluate<'a> = dyn FnMut((usize, usize)) -> Result<Vec<Vec<f32>>> + 'a;

/// Averages and packs what `evaluate` gives.
pub fn pack_with(
    source: (usize, usize),
    n_out: usize,
    out: &mut Picture,
    evaluate: &mut Evaluate,
) -> Result<()> {
    let format = *out.format();
    let (w, h) = (format.width as usize, format.height as usize);
    let points = points_per_pixel(source, (w, h));
    let planes = evaluate((w * points, h * points))?;
    // Components of every pixel, the mean of its points.
    let mut pixels = vec![vec![0.0f32; n_out]; w * h];
    for (component, plane) in planes.iter().enumerate() {
        for (i, v) in plane.iter().enumerate() {
            let (x, y) = (i % (w * points) / points, i / (w * points) / points);
            pixels[y * w + x][component] += v / (points * points) as f32;
        }
    }
    let max = f32::from(format.max_value());
    for plane in 0..format.chroma.n_planes() {
        let (pw, ph) = format.plane_size(plane);
        let (sx, sy) = if plane == 0 { (0, 0) } else { format.chroma.shifts() };
        for y in 0..ph {
            for x in 0..pw {
                let mut rows = vec![y << sy];
                if sy == 1 && (y << 1) + 1 < h {
                    rows.push((y << 1) + 1);
                }
                let columns: Vec<(isize, f32)> = match (sx, format.color.site.is_between_columns())
                {
                    (0, _) => vec![(x as isize, 1.0)],
                    (_, true) => {
                        vec![(2 * x as isize, 0.5), (2 * x as isize + 1, 0.5)]
                    }
                    _ => (-1..=1)
                        .map(|d| (2 * x as isize + d, [0.5, 0.25][(d & 1) as usize]))
                        .collect(),
                };
                let mut sum = 0.0;
                for &row in &rows {
                    for (column, weight) in &columns {
                        let column = (*column).clamp(0, w as isize - 1) as usize;
                        sum += weight * pixels[row * w + column][plane] / rows.len() as f32;
                    }
                }
                let value = (sum * max + 0.5).clamp(0.0, max) as u16;
                out.set_sample(plane, x, y, value);
            }
        }
    }
    debug_assert!(format.chroma != Chroma::Gray || format.chroma.n_planes() == 1);
    Ok(())
}
