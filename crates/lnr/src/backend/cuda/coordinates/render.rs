// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decoding: points in chunks that stay in the cache from layer to layer, what does not depend on
//! time kept from frame to frame.

use super::super::args::Points;
use super::super::blocks;
use super::super::device::{Device, Launch, Memory};
use super::super::memory::{Arena, Floats, Region};
use super::super::surface::{Band, Rendering, Surface};
use super::fused::Fused;
use super::layers::{self, Batch, Output, Rows};
use super::networks::{Networks, Which};
use super::train::encode;
use super::{Addresses, args, padded};
use crate::backend::points_per_pixel;
use crate::backend::{Lattice, Params, Sample, Shape, Stop};
use crate::base::Result;

/// Points that go through all layers together: two layers of 512 units are then 64 MiB.
const CHUNK: usize = 1 << 15;

/// Where everything but the prefix lies.
struct RenderPlaces {
    networks: Networks,
    /// Values of two layers in turn: [chunk, units] f16
    units: [u64; 2],
    /// [chunk, n_values] f32
    values: u64,
}

impl RenderPlaces {
    /// Relative to memory of [`Arena::len`] bytes.
    fn new(arena: &mut Arena, shape: &Shape) -> Self {
        let networks = Networks::new(arena, shape, 1, false);
        let widest = shape.network.layers.iter().map(|l| padded(l.n_in)).max().unwrap_or(0);
        let units = [0; 2].map(|_| arena.halves(CHUNK * widest));
        let values = arena.floats(CHUNK * padded(shape.n_values()));
        Self { networks, units, values }
    }

    /// The same with addresses of the device.
    fn at(self, base: u64) -> Self {
        Self {
            networks: self.networks.at(base, false),
            units: self.units.map(|u| u + base),
            values: self.values + base,
        }
    }
}

/// Bytes of what is kept of a point.
fn prefix_pitch(shape: &Shape) -> usize {
    let layers = &shape.network.layers;
    2 * layers.get(shape.n_prefix()).map_or(0, |l| padded(l.n_in))
}

/// Bytes of what is kept: as many of the points of a picture of the source's size as may be.
fn prefix_bytes(shape: &Shape, max_prefix: usize) -> usize {
    let pitch = prefix_pitch(shape);
    let most = max_prefix.checked_div(pitch).unwrap_or(0);
    shape.centres(1, (0, 0)).len().min(most) * pitch
}

/// Scratch memory.
pub struct RenderScratch<D: Device> {
    places: RenderPlaces,
    /// Whether the layers that are not modulated were loaded.
    is_loaded: bool,
    /// What holds the places.
    _memory: D::Memory,
    /// Inputs of the first modulated layer for the first points of a lattice.
    prefix: Region<D::Memory>,
    /// How many points there is room for.
    n_kept: usize,
    /// The lattice whose prefix is there.
    kept: Option<Lattice>,
}

/// What a [`RenderScratch`] takes.
pub fn render_bytes(shape: &Shape, max_prefix: usize) -> usize {
    let mut arena = Arena::default();
    RenderPlaces::new(&mut arena, shape);
    arena.len + prefix_bytes(shape, max_prefix)
}

impl<D: Device> RenderScratch<D> {
    pub fn new(device: &D, shape: &Shape, max_prefix: usize) -> Result<Self> {
        let mut arena = Arena::default();
        let places = RenderPlaces::new(&mut arena, shape);
        let memory = device.alloc(arena.len)?;
        let n_bytes = prefix_bytes(shape, max_prefix);
        Ok(Self {
            places: places.at(memory.address()),
            is_loaded: false,
            _memory: memory,
            prefix: Region::new(device, n_bytes)?,
            n_kept: n_bytes.checked_div(prefix_pitch(shape)).unwrap_or(0),
            kept: None,
        })
    }

    /// What was loaded and kept is of other parameters.
    pub fn forget(&mut self) {
        self.is_loaded = false;
        self.kept = None;
    }
}

/// What the chunks of a picture have in common.
struct View<'a, D: Device> {
    device: &'a D,
    scratch: &'a RenderScratch<D>,
    shape: &'a Shape,
    params: Addresses,
    lattice: Lattice,
    encode: args::Encode,
    /// Whether the prefix is there.
    is_kept: bool,
}

impl<D: Device> View<'_, D> {
    /// Through a layer; the last one's outputs are the values.
    fn layer(&self, l: usize, n_points: usize, x: Rows, y: Rows) -> Result<()> {
        let layers = &self.shape.network.layers;
        let is_last = l + 1 == layers.len();
        let y = if is_last { Output::Values(y) } else { Output::Hidden(y) };
        let batch = Batch { n_points, n_frames: 1 };
        let weights = &self.scratch.places.networks.weights[l];
        layers::forward(self.device, batch, weights, x, self.params.bias(&layers[l]), &y)
    }

    /// The values of points `first..first + n`.
    fn chunk(&self, first: usize, n: usize) -> Result<()> {
        let (shape, scratch) = (self.shape, self.scratch);
        let (begin, layers) = (shape.n_prefix(), &shape.network.layers);
        let pitch = |l: usize| match layers.get(l) {
            Some(layer) => padded(layer.n_in),
            None => padded(shape.n_values()),
        };
        let is_room = first + n <= scratch.n_kept;
        let kept = scratch.prefix.address() + 2 * (first * pitch(begin)) as u64;
        // Layers alternate between the two buffers; the prefix ends where it is kept.
        let place = |l: usize| match l {
            _ if l == begin && is_room => kept,
            _ if l == layers.len() => scratch.places.values,
            _ => scratch.places.units[l % 2],
        };
        let rows = |l: usize| Rows { address: place(l), frame: 0, pitch: pitch(l) };
        if !(self.is_kept && is_room) {
            let (first, n_points) = (first as u32, n as u32);
            let features = rows(0).address;
            encode(self.device, &args::Encode { features, first, n_points, ..self.encode })?;
            for l in 0..begin {
                self.layer(l, n, rows(l), rows(l + 1))?;
            }
        }
        if let Some(fused) = Fused::of(self.device, shape) {
            let (x, y) = (rows(begin), rows(layers.len()));
            let weights = &scratch.places.networks.weights;
            return fused.launch(self.device, shape, weights, self.params, n, x, y);
        }
        for l in begin..layers.len() {
            self.layer(l, n, rows(l), rows(l + 1))?;
        }
        Ok(())
    }

    /// The values of a band: of all patches that reach into it.
    fn band(&self, band: &Band) -> Result<()> {
        let (patch, across) = (self.shape.patch, self.lattice.nx);
        let begin = band.first / patch * across;
        let end = (band.first + band.n).div_ceil(patch) * across;
        for first in (begin..end).step_by(CHUNK) {
            let n = CHUNK.min(end - first);
            self.chunk(first, n)?;
            let args = args::Place {
                values: self.scratch.places.values,
                planes: band.values,
                first: (first - begin) as u32,
                n_points: n as u32,
                across: across as u32,
                above: (band.first % patch) as u32,
                patch: patch as u32,
                n_out: self.shape.n_out as u32,
                pitch: padded(self.shape.n_values()) as u32,
                rows: band.n as u32,
                columns: band.columns as u32,
                unused: 0,
            };
            let n_blocks = blocks(self.device, n * self.shape.n_values());
            self.device.launch("place", Launch::row(n_blocks, 256), &args)?;
        }
        Ok(())
    }
}

/// See [`crate::backend::Backend::render`].
pub fn render<D: Device>(
    device: &D,
    scratch: &mut RenderScratch<D>,
    shape: &Shape,
    sample: &Sample,
    params: &Params<Floats<D::Memory>>,
    stop: &Stop,
    surface: &mut Surface<D>,
) -> Result<()> {
    let size = surface.size();
    let points = points_per_pixel((shape.width, shape.height), size);
    let lattice = shape.centres_of((size.0 * points, size.1 * points));
    let params = Addresses::new(params);
    let networks = &scratch.places.networks;
    if !scratch.is_loaded {
        networks.load(device, shape, params, Which::Shared)?;
        scratch.is_loaded = true;
    }
    networks.latents(device, shape, std::slice::from_ref(sample), params)?;
    networks.modulation(device, shape, params)?;
    networks.load(device, shape, params, Which::Modulated)?;
    let is_kept = scratch.kept.take() == Some(lattice);
    let encode = args::Encode {
        tables: params.tables,
        lattice: Points::rows(&lattice, 0, lattice.ny),
        pitch: padded(shape.network.n_features()) as u32,
        ..args::Encode::new(shape)
    };
    let view = View { device, scratch, shape, params, lattice, encode, is_kept };
    let work: usize = shape.network.layers.iter().map(|l| padded(l.n_in) * padded(l.n_out)).sum();
    // A patch is a point, and has that many points of pixels.
    let how = Rendering { points, work: work / (shape.patch * shape.patch), stop };
    surface.render(device, &how, &mut |band| view.band(band))?;
    scratch.kept = Some(lattice);
    Ok(())
}
