// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures on the device. They are rendered in bands of rows; while one is computed, those before
//! travel to the host and are copied to the picture.

use super::device::{Device, Event, Landing, Launch, Memory};
use super::{args, blocks, unsupported};
use crate::backend::Stop;
use crate::backend::shape::MAX_POINTS_PER_AXIS;
use crate::base::{Error, Picture, PictureFormat, Result};

/// Bands of a picture at least: what the way of the last one to the host costs is that part of the
/// picture.
const BANDS: usize = 4;
/// Points of a band at least per processor, where the picture has them: eight warps of 64 points keep
/// one busy.
const MIN_POINTS: usize = 512;
/// Points of a band at most, but for the two rows that chroma needs: their values are then a few MiB,
/// which stay in the cache until they are packed.
const MAX_POINTS: usize = 1 << 19;
/// Multiplications of a band at most, about: a tenth of a second where 10^12 of them take one, which
/// small supported GPUs reach.
const MAX_WORK: usize = 100_000_000_000;
/// Bands that may wait for the device: so many are computed in vain when work is to stop.
const IN_FLIGHT: usize = 4;

/// A picture on the device, as samples.
pub struct Surface<D: Device> {
    // It waits for what is under way when it goes, so it goes before what that comes from.
    landing: D::Landing,
    /// The planes, one after the other.
    packed: D::Memory,
    /// Values of a band: [planes, rows * points, width * points] f32
    values: D::Memory,
    format: PictureFormat,
    /// The bands of the picture, and when each is packed.
    bands: Vec<(RowRange, D::Event)>,
}

/// Some rows of a picture.
#[derive(Clone, Copy)]
struct RowRange {
    first: usize,
    n: usize,
}

impl RowRange {
    /// Where the bytes of a plane's rows lie among those of all planes.
    fn bytes(&self, format: &PictureFormat, plane: usize) -> std::ops::Range<usize> {
        let size = |p: usize| {
            let (w, h) = format.plane_size(p);
            (w * format.sample_bytes(), h)
        };
        let base: usize = (0..plane).map(size).map(|(pitch, h)| pitch * h).sum();
        let (pitch, height) = size(plane);
        let shift = if plane == 0 { 0 } else { format.chroma.shifts().1 };
        let (first, end) = (self.first >> shift, (self.first + self.n).div_ceil(1 << shift));
        base + first * pitch..base + end.min(height) * pitch
    }
}

/// How a picture is rendered.
pub struct Rendering<'a> {
    /// Points per pixel and axis.
    pub points: usize,
    /// Multiplications per point, about.
    pub work: usize,
    /// Whether to stop.
    pub stop: &'a Stop<'a>,
}

/// RowRange of points of one band: where the kernels put their values.
pub struct Band {
    /// Address of [planes, rows, columns] f32.
    pub values: u64,
    /// First row of points.
    pub first: usize,
    /// RowRange of points.
    pub n: usize,
    /// Points of a row.
    pub columns: usize,
}

/// Points of a band at most.
fn capacity(format: &PictureFormat) -> usize {
    let (width, height) = (format.width as usize, format.height as usize);
    let least = 2 * width * MAX_POINTS_PER_AXIS * MAX_POINTS_PER_AXIS;
    let all = width * height * MAX_POINTS_PER_AXIS * MAX_POINTS_PER_AXIS;
    MAX_POINTS.max(least).min(all)
}

impl<D: Device> Surface<D> {
    pub(super) fn new(device: &D, format: PictureFormat) -> Result<Self> {
        let n_planes = format.chroma.n_planes();
        Ok(Self {
            landing: device.landing(format.n_bytes())?,
            packed: device.alloc(format.n_bytes())?,
            values: device.alloc(4 * n_planes * capacity(&format))?,
            format,
            bands: Vec::new(),
        })
    }

    /// Format of the picture.
    #[cfg(feature = "internals")]
    pub fn format(&self) -> &PictureFormat {
        &self.format
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.format.width as usize, self.format.height as usize)
    }

    /// Address on the device of a plane's first sample, and bytes from one row to the next. The
    /// picture is complete when everything is done that the device's stream was given until then.
    #[cfg(feature = "internals")]
    pub fn plane(&self, plane: usize) -> (u64, usize) {
        let rows = RowRange { first: 0, n: self.format.height as usize };
        let at = rows.bytes(&self.format, plane).start as u64;
        let pitch = self.format.plane_size(plane).0 * self.format.sample_bytes();
        (self.packed.address() + at, pitch)
    }

    /// RowRange of a band, even but for the last.
    fn rows(&self, device: &D, how: &Rendering) -> usize {
        let (width, height) = self.size();
        let row = width * how.points * how.points;
        let most = capacity(&self.format).min(MAX_WORK / how.work.max(1));
        let wanted = height.div_ceil(BANDS).max((MIN_POINTS * device.n_processors()).div_ceil(row));
        // Chroma rows come from pairs of rows.
        (wanted.min(most / row) / 2 * 2).max(2)
    }

    /// Renders a picture: `evaluate` starts the kernels that give the values of a band.
    pub(super) fn render(
        &mut self,
        device: &D,
        how: &Rendering,
        evaluate: &mut dyn FnMut(&Band) -> Result<()>,
    ) -> Result<()> {
        // An error may have left a copy under way, whose source must stay as it is.
        self.landing.settle()?;
        self.bands.clear();
        let (width, height) = self.size();
        let (rows, points) = (self.rows(device, how), how.points);
        for first in (0..height).step_by(rows) {
            let before = self.bands.len().checked_sub(IN_FLIGHT);
            if let Some((_, packed)) = before.map(|i| &self.bands[i]) {
                packed.wait()?;
            }
            if (how.stop)() {
                self.bands.clear();
                return Err(Error::Cancelled);
            }
            let rows = RowRange { first, n: rows.min(height - first) };
            let band = Band {
                values: self.values.address(),
                first: first * points,
                n: rows.n * points,
                columns: width * points,
            };
            evaluate(&band)?;
            self.pack(device, points, &rows)?;
            self.bands.push((rows, device.record()?));
        }
        Ok(())
    }

    /// From values to samples.
    fn pack(&self, device: &D, points: usize, rows: &RowRange) -> Result<()> {
        let format = &self.format;
        let n_planes = format.chroma.n_planes();
        let mut offset = [0; 3];
        for (plane, offset) in offset.iter_mut().enumerate().take(n_planes) {
            *offset = rows.bytes(format, plane).start as u64;
        }
        let (half_x, half_y) = format.chroma.shifts();
        let args = args::Pack {
            values: self.values.address(),
            out: self.packed.address(),
            offset,
            width: format.width,
            rows: rows.n as u32,
            points: points as u32,
            sample_bytes: format.sample_bytes() as u32,
            half_x,
            half_y,
            centred: format.color.site.is_between_columns().into(),
            max: format.max_value().into(),
        };
        let row = blocks(device, format.width as usize * rows.n) as u32;
        let grid = [row, n_planes as u32, 1];
        device.launch("pack", Launch { grid, threads: 256, shared: 0 }, &args)
    }

    /// See [`crate::backend::Backend::download`].
    pub(super) fn download(&mut self, device: &D, out: &mut Picture) -> Result<()> {
        let format = self.format;
        if *out.format() != format {
            return Err(unsupported("a picture of another format than its surface"));
        }
        let planes = 0..format.chroma.n_planes();
        for (rows, packed) in &self.bands {
            for plane in planes.clone() {
                let range = rows.bytes(&format, plane);
                device.send(&self.packed, range, packed, &mut self.landing)?;
            }
        }
        for (rows, _) in &self.bands {
            let mut begin = 0;
            for (plane, to) in out.planes_mut().enumerate() {
                let range = rows.bytes(&format, plane);
                let bytes = self.landing.bytes(range.clone())?;
                to[range.start - begin..range.end - begin].copy_from_slice(bytes);
                begin += to.len();
            }
        }
        Ok(())
    }
}
