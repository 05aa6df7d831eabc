// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decoding: points in chunks that stay in the cache from layer to layer, what does not depend on
//! time kept from frame to frame.

use super::super::args::Points;
use super::super::blocks;
use super::super::device::{Device, Launch, Memory};
use super::super::memory::{self, Floats};
use super::super::pack::{Band, Bands};
use super::fused::Fused;
use super::layers::{self, Extent, Output, Rows};
use super::networks::{Networks, Which};
use super::train::encode;
use super::{Arena, args, padded};
use crate::backend::Lattice;
use crate::backend::cpu::points_per_pixel;
use crate::backend::paper::PaperShape;
use crate::base::{Picture, Result};

/// Points that go through all layers together: two layers of 512 units are then 64 MiB.
const CHUNK: usize = 1 << 15;

/// Scratch memory.
pub struct Scratch<D: Device> {
    max_prefix: usize,
    networks: Networks,
    /// Whether the layers that are not modulated were loaded.
    is_loaded: bool,
    /// Values of two layers in turn: [chunk, units] f16
    units: [u64; 2],
    /// [chunk, n_values] f32
    values: u64,
    /// What holds all of the above.
    _memory: D::Memory,
    /// Inputs of the first modulated layer for every point of a lattice.
    prefix: memory::Scratch<D::Memory>,
    /// The lattice whose prefix is there.
    kept: Option<Lattice>,
    bands: Bands<D>,
}

impl<D: Device> Scratch<D> {
    pub fn new(device: &D, shape: &PaperShape, max_prefix: usize) -> Result<Self> {
        let mut arena = Arena::default();
        let networks = Networks::new(&mut arena, shape, 1, false);
        let widest = shape.layers.iter().map(|l| padded(l.n_in)).max().unwrap_or(0);
        let units = [0; 2].map(|_| arena.halves(CHUNK * widest));
        let values = arena.floats(CHUNK * padded(shape.n_values()));
        let memory = device.alloc(arena.len)?;
        let base = memory.address();
        Ok(Self {
            max_prefix,
            networks: networks.at(base, false),
            is_loaded: false,
            units: units.map(|u| u + base),
            values: values + base,
            _memory: memory,
            prefix: memory::Scratch::default(),
            kept: None,
            bands: Bands::default(),
        })
    }
}

/// What the chunks of a picture have in common.
struct Job<'a, D: Device> {
    scratch: &'a Scratch<D>,
    shape: &'a PaperShape,
    params: u64,
    lattice: Lattice,
    encode: args::Encode,
    /// Where the prefix of all points is kept, if it is; and whether it is there.
    prefix: Option<u64>,
    is_kept: bool,
}

impl<D: Device> Job<'_, D> {
    /// Through a layer; the last one's outputs are the values.
    fn layer(&self, device: &D, l: usize, n_points: usize, x: Rows, y: Rows) -> Result<()> {
        let layer = &self.shape.layers[l];
        let is_last = l + 1 == self.shape.layers.len();
        let y = if is_last { Output::Values(y) } else { Output::Hidden(y) };
        let bias = (self.params + 4 * layer.bias().start as u64, layer.n_out);
        let extent = Extent { n_points, n_frames: 1 };
        layers::forward(device, extent, &self.scratch.networks.weights[l], x, bias, &y)
    }

    /// The values of points `first..first + n`.
    fn chunk(&self, device: &D, first: usize, n: usize) -> Result<()> {
        let begin = self.shape.n_prefix();
        let pitch = |l: usize| match self.shape.layers.get(l) {
            Some(layer) => padded(layer.n_in),
            None => padded(self.shape.n_values()),
        };
        let kept = self.prefix.map(|p| p + 2 * (first * pitch(begin)) as u64);
        // Layers alternate between the two buffers; the prefix ends where it is kept.
        let place = |l: usize| match kept {
            Some(address) if l == begin => address,
            _ if l == self.shape.layers.len() => self.scratch.values,
            _ => self.scratch.units[l % 2],
        };
        let rows = |l: usize| Rows { address: place(l), frame: 0, pitch: pitch(l) };
        if !self.is_kept {
            let (first, n_points) = (first as u32, n as u32);
            let features = rows(0).address;
            encode(device, &args::Encode { features, first, n_points, ..self.encode })?;
            for l in 0..begin {
                self.layer(device, l, n, rows(l), rows(l + 1))?;
            }
        }
        if let Some(fused) = Fused::of(device, self.shape) {
            let values = rows(self.shape.layers.len());
            let weights = &self.scratch.networks.weights;
            return fused.launch(device, self.shape, weights, self.params, n, rows(begin), values);
        }
        for l in begin..self.shape.layers.len() {
            self.layer(device, l, n, rows(l), rows(l + 1))?;
        }
        Ok(())
    }

    fn band(&self, device: &D, band: &Band) -> Result<()> {
        let (patch, across) = (self.shape.patch, self.lattice.nx);
        let begin = band.first / patch * across;
        let end = (band.first + band.n).div_ceil(patch) * across;
        for first in (begin..end).step_by(CHUNK) {
            let n = CHUNK.min(end - first);
            self.chunk(device, first, n)?;
            let args = args::Place {
                values: self.scratch.values,
                planes: band.values,
                first: (first - begin) as u32,
                n_points: n as u32,
                across: across as u32,
                patch: patch as u32,
                n_out: self.shape.n_out as u32,
                pitch: padded(self.shape.n_values()) as u32,
                rows: band.n as u32,
                columns: band.columns as u32,
            };
            let n_blocks = blocks(device, n * self.shape.n_values());
            device.launch("place", Launch::row(n_blocks, 256), &args)?;
        }
        Ok(())
    }
}

/// See [`crate::backend::paper::PaperBackend::paper_render`].
pub fn render<D: Device>(
    device: &D,
    scratch: &mut Scratch<D>,
    shape: &PaperShape,
    tau: f32,
    params: &Floats<D::Memory>,
    out: &mut Picture,
) -> Result<()> {
    let size = (out.format().width as usize, out.format().height as usize);
    let points = points_per_pixel((shape.width, shape.height), size);
    let lattice = shape.centres_of((size.0 * points, size.1 * points));
    let params = params.at(0);
    if !scratch.is_loaded {
        scratch.networks.load(device, shape, params, Which::Shared)?;
        scratch.is_loaded = true;
    }
    scratch.networks.latent(device, shape, tau, params)?;
    scratch.networks.modulation(device, shape, scratch.networks.z, params)?;
    scratch.networks.load(device, shape, params, Which::Modulated)?;
    let bytes = 2 * lattice.len() * padded(shape.layers[shape.n_prefix()].n_in);
    let keeps = bytes <= scratch.max_prefix;
    let is_kept = keeps && scratch.kept == Some(lattice);
    scratch.kept = None;
    let prefix = if keeps { Some(scratch.prefix.reserve(device, bytes)?.address()) } else { None };
    let encode = args::Encode {
        params,
        lattice: Points::rows(&lattice, 0, lattice.ny),
        pitch: padded(shape.n_features()) as u32,
        ..args::Encode::new(shape)?
    };
    let mut bands = std::mem::take(&mut scratch.bands);
    let job = Job { scratch, shape, params, lattice, encode, prefix, is_kept };
    let outcome =
        bands.render(device, points, shape.patch, out, &mut |device, band| job.band(device, band));
    scratch.bands = bands;
    outcome?;
    scratch.kept = keeps.then_some(lattice);
    Ok(())
}
