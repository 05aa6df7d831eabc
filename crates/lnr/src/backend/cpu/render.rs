// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rendering: rows of points through sampling and network, averaged where the picture is smaller
//! than the source, then packed to samples.

use rayon::prelude::*;

use super::super::{Lattice, Params, Sample, Shape, Stop, check_stop, points_per_pixel};
use super::dense::TILE;
use super::frame::Sampler;
use super::mix::Mix;
use super::network::{Tiles, Weights};
use super::pack::{Packer, RowBands};
use super::simd::{Isa, Simd, Task};
use super::workspace::{Band, GridScratch};
use crate::base::{Picture, PictureFormat, Result};

struct BandTask<'a, 'b> {
    sampler: &'a Sampler<'a>,
    stop: &'a Stop<'a>,
    lattice: &'a Lattice,
    points: usize,
    format: &'a PictureFormat,
    band: &'a mut Band,
    /// First picture row, and the samples of the band's rows.
    first: usize,
    out: RowBands<'b>,
}

impl Task for BandTask<'_, '_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { sampler, stop, lattice, points, format, band, first, out } = self;
        let n_out = sampler.shape.n_out;
        let mut tiles = Tiles::new(&sampler.shape.network);
        let mut mix = Mix::new(sampler.shape);
        let mut places = sampler.places();
        let len = lattice.nx.next_multiple_of(TILE);
        let mut lines = vec![vec![0.0f32; len]; n_out];
        let n_rows = out.n_rows;
        let mut packer = Packer::new(format, out);
        for row in 0..n_rows {
            if stop() {
                break;
            }
            packer.begin_row();
            for sub in 0..points {
                let y = lattice.y0 + lattice.dy * ((first + row) * points + sub) as f32;
                sampler.prepare_row(s, y, &mut band.stretch, &mut band.row);
                for p in (0..lattice.nx).step_by(TILE) {
                    let (x, row) = ((lattice.x0, lattice.dx), &band.row);
                    sampler.coordinates(s, x, y, p, row, &mut places);
                    sampler.features(s, p, &places, row, (&mut tiles.x, &mut mix), None);
                    sampler.weights.forward(s, &mut tiles);
                    for (line, y) in lines.iter_mut().zip(&tiles.y) {
                        line[p..p + TILE].copy_from_slice(&y[..]);
                    }
                }
                packer.add(&lines, points);
            }
            packer.end_row();
        }
        for stretch in band.stretch.iter_mut().flatten() {
            stretch.restart();
        }
    }
}

/// See [`super::super::Backend::render`].
pub fn render(
    isa: Isa,
    workspace: &mut GridScratch,
    shape: &Shape,
    sample: &Sample,
    params: &Params<Vec<f32>>,
    stop: &Stop,
    out: &mut Picture,
) -> Result<()> {
    let format = *out.format();
    let source = (shape.width, shape.height);
    let size = (format.width as usize, format.height as usize);
    let points = points_per_pixel(source, size);
    let lattice = Lattice::resized(source, (size.0 * points, size.1 * points));
    let levels = shape.canonical_levels(sample);
    workspace.keep_canonical(&levels, params);
    workspace.load_timed(shape, sample, params);
    workspace.set_lattice(shape, &lattice);
    let weights = Weights::new(&shape.network, params.network, &workspace.modulated);
    let parts = workspace.parts();
    let sampler = Sampler::new(shape, (sample, &levels), &parts, &weights);
    let bands = RowBands::split(out, parts.bands.len());
    parts.bands.par_iter_mut().zip(bands).for_each(|(band, (first, out))| {
        let (sampler, lattice, format) = (&sampler, &lattice, &format);
        isa.run(BandTask { sampler, stop, lattice, points, format, band, first, out });
    });
    check_stop(stop)
}
