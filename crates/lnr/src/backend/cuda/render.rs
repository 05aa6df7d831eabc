// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rendering of grid models.

use super::device::Device;
use super::frame::{self, Pass};
use super::memory::Floats;
use super::surface::{Rendering, Surface};
use super::widths::Mode;
use super::workspace::GridScratch;
use crate::backend::points_per_pixel;
use crate::backend::{Lattice, Params, Sample, Shape, Stop};
use crate::base::Result;

/// Multiplications of a point, about: the layers, and sixteen taps per canonical plane.
fn work(shape: &Shape) -> usize {
    let layers = shape.network.layers.iter().map(|l| l.n_in * l.n_out).sum::<usize>();
    layers + 16 * shape.n_sets() * shape.n_canonical_levels()
}

/// See [`crate::backend::Backend::render`].
pub fn render<D: Device>(
    device: &D,
    scratch: &GridScratch<D>,
    shape: &Shape,
    sample: &Sample,
    params: &Params<Floats<D::Memory>>,
    stop: &Stop,
    surface: &mut Surface<D>,
) -> Result<()> {
    let source = (shape.width, shape.height);
    let size = surface.size();
    let points = points_per_pixel(source, size);
    let lattice = Lattice::resized(source, (size.0 * points, size.1 * points));
    let (sources, _) = frame::prepare(device, scratch, shape, sample, params)?;
    let how = Rendering { points, work: work(shape), stop };
    surface.render(device, &how, &mut |band| {
        let pass = Pass {
            mode: Mode::Render,
            lattice: &lattice,
            first: band.first,
            n: band.n,
            form: [[0.0; 3]; 3],
            pixels: band.values,
            sources: &sources,
        };
        frame::pass(device, scratch, shape, params, &pass).map(|_| ())
    })
}
