// SPDX-License-Identifier: MIT OR Apache-2.0

use super::device::Device;
use super::frame::{self, Mode, Pass};
use super::memory::Floats;
use super::workspace::Workspace;
use crate::backend::cpu::points_per_pixel;
use crate::backend::{Lattice, Params, Shape};
use crate::base::{Picture, Result};

/// See [`crate::backend::Backend::render`].
pub fn render<D: Device>(
    device: &D,
    workspace: &mut Workspace<D>,
    shape: &Shape,
    tau: f32,
    params: &Params<Floats<D::Memory>>,
    out: &mut Picture,
) -> Result<()> {
    let source = (shape.width, shape.height);
    let size = (out.format().width as usize, out.format().height as usize);
    let points = points_per_pixel(source, size);
    let lattice = Lattice::resized(source, (size.0 * points, size.1 * points));
    frame::blend(device, workspace, shape, tau, params)?;
    let mut bands = std::mem::take(&mut workspace.bands);
    let outcome = bands.render(device, points, 2, out, &mut |device, band| {
        let pass = Pass {
            mode: Mode::Render,
            lattice: &lattice,
            first: band.first,
            n: band.n,
            form: [[0.0; 3]; 3],
            pixels: band.values,
        };
        frame::pass(device, workspace, shape, params, &pass).map(|_| ())
    });
    workspace.bands = bands;
    outcome
}
