// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rendering in bands of rows: while one is computed, the one before travels to the host and the one
//! before that is copied to the picture.

use super::device::{Device, Landing, Launch, Memory};
use super::memory::Scratch;
use super::{args, blocks};
use crate::base::{ChromaSite, Picture, PictureFormat, Result};

/// Bands of a picture, about, and points of a band at least.
const BANDS: usize = 4;
const MIN_POINTS: usize = 1 << 16;

/// Two bands in flight.
pub struct Bands<D: Device> {
    /// [planes, rows * points, width * points] f32
    values: Scratch<D::Memory>,
    // Landings wait for what is under way when they go, so they go before what it comes from.
    landings: [Option<(D::Landing, usize)>; 2],
    packed: [Scratch<D::Memory>; 2],
}

impl<D: Device> Default for Bands<D> {
    fn default() -> Self {
        Self { values: Scratch::default(), packed: Default::default(), landings: [None, None] }
    }
}

/// Some rows of a picture.
#[derive(Clone, Copy)]
struct Rows {
    first: usize,
    n: usize,
}

impl Rows {
    /// First row and number of rows in a plane.
    fn in_plane(&self, format: &PictureFormat, plane: usize) -> (usize, usize) {
        let shift = if plane == 0 { 0 } else { format.chroma.shifts().1 };
        (self.first >> shift, self.n.div_ceil(1 << shift))
    }

    fn plane_bytes(&self, format: &PictureFormat, plane: usize) -> usize {
        self.in_plane(format, plane).1 * format.plane_size(plane).0 * format.sample_bytes()
    }
}

/// Rows of points of one band: where the kernels put their values.
pub struct Band {
    /// Address of [planes, rows, columns] f32.
    pub values: u64,
    /// First row of points.
    pub first: usize,
    /// Rows of points.
    pub n: usize,
    /// Points of a row.
    pub columns: usize,
}

impl<D: Device> Bands<D> {
    /// Renders `out` from `points` x `points` points per pixel: `evaluate` starts the kernels that
    /// give the values of a band, whose rows are a multiple of `unit` (but for the last).
    pub fn render(
        &mut self,
        device: &D,
        points: usize,
        unit: usize,
        out: &mut Picture,
        evaluate: &mut dyn FnMut(&D, &Band) -> Result<()>,
    ) -> Result<()> {
        let format = *out.format();
        let (width, height) = (format.width as usize, format.height as usize);
        let least = MIN_POINTS.div_ceil(width * points * points);
        // Chroma rows come from pairs of rows.
        let unit = unit.next_multiple_of(2);
        let rows = height.div_ceil(BANDS).max(least).next_multiple_of(unit);
        let n_values = format.chroma.n_planes() * rows.min(height) * points * width * points;
        self.values.reserve(device, n_values * 4)?;
        let bands: Vec<Rows> = (0..height)
            .step_by(rows)
            .map(|first| Rows { first, n: rows.min(height - first) })
            .collect();
        for (i, band) in bands.iter().enumerate() {
            if i >= 2 {
                self.finish(i % 2, &bands[i - 2], out)?;
            }
            let values = self.values.address();
            let (first, n, columns) = (band.first * points, band.n * points, width * points);
            evaluate(device, &Band { values, first, n, columns })?;
            self.pack(device, i % 2, points, band, &format)?;
        }
        for i in bands.len().saturating_sub(2)..bands.len() {
            self.finish(i % 2, &bands[i], out)?;
        }
        Ok(())
    }

    /// Packs the values of a band and sends the samples to the host.
    fn pack(
        &mut self,
        device: &D,
        slot: usize,
        points: usize,
        rows: &Rows,
        format: &PictureFormat,
    ) -> Result<()> {
        let n_planes = format.chroma.n_planes();
        let mut offset = [0; 3];
        let mut bytes = 0;
        for (plane, offset) in offset.iter_mut().enumerate().take(n_planes) {
            *offset = bytes as u64;
            bytes += rows.plane_bytes(format, plane);
        }
        if let Some((landing, _)) = &self.landings[slot] {
            // An error may have left a copy under way, whose source must stay as it is.
            landing.bytes()?;
        }
        let packed = self.packed[slot].reserve(device, bytes)?;
        let (half_x, half_y) = format.chroma.shifts();
        let args = args::Pack {
            values: self.values.address(),
            out: packed.address(),
            offset,
            width: format.width,
            rows: rows.n as u32,
            points: points as u32,
            sample_bytes: format.sample_bytes() as u32,
            half_x,
            half_y,
            centred: (format.color.site == ChromaSite::Center).into(),
            max: format.max_value().into(),
        };
        let row = blocks(device, format.width as usize * rows.n) as u32;
        device.launch(
            "pack",
            Launch { grid: [row, n_planes as u32, 1], threads: 256, shared: 0 },
            &args,
        )?;
        if self.landings[slot].as_ref().is_none_or(|(_, len)| *len < bytes) {
            self.landings[slot] = None;
            self.landings[slot] = Some((device.landing(bytes)?, bytes));
        }
        let Some((landing, _)) = &mut self.landings[slot] else { return Ok(()) };
        device.send(packed, bytes, landing)
    }

    /// Waits for a band and copies it to the picture.
    fn finish(&self, slot: usize, rows: &Rows, out: &mut Picture) -> Result<()> {
        let Some((landing, _)) = &self.landings[slot] else { return Ok(()) };
        let mut bytes = landing.bytes()?;
        let format = *out.format();
        for (plane, to) in out.planes_mut().enumerate() {
            let n = rows.plane_bytes(&format, plane);
            let (band, rest) = bytes.split_at(n);
            let pitch = format.plane_size(plane).0 * format.sample_bytes();
            to[rows.in_plane(&format, plane).0 * pitch..][..n].copy_from_slice(band);
            bytes = rest;
        }
        Ok(())
    }
}
