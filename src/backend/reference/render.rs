// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rendering, sample by sample.

use super::super::{Lattice, Params, Shape, cpu};
use super::{network, sample};
use crate::base::{Chroma, ChromaSite, Picture};

/// See [`super::super::Backend::render`].
pub fn render(shape: &Shape, tau: f32, params: &Params<Vec<f32>>, out: &mut Picture) {
    let format = *out.format();
    let source = (shape.width, shape.height);
    let (w, h) = (format.width as usize, format.height as usize);
    let points = cpu::points_per_pixel(source, (w, h));
    let l = Lattice::resized(source, (w * points, h * points));
    // Components of every pixel, the mean of its points.
    let mut pixels = vec![vec![0.0f32; shape.network.n_out]; w * h];
    for i in 0..l.ny {
        for j in 0..l.nx {
            let point = (l.x0 + l.dx * j as f32, l.y0 + l.dy * i as f32, tau);
            let features = sample::forward(shape, params, point).features;
            let values = network::forward(shape, params, &features).out;
            let pixel = &mut pixels[i / points * w + j / points];
            for (p, v) in pixel.iter_mut().zip(values) {
                *p += v / (points * points) as f32;
            }
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
                let columns: Vec<(isize, f32)> = match (sx, format.color.site) {
                    (0, _) => vec![(x as isize, 1.0)],
                    (_, ChromaSite::Center) => {
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
}
