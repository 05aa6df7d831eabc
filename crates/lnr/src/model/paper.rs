// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::backend::paper::{Dense, Encoding, HashLevel, Hyper, PaperShape};
use crate::base::{Error, Result, Rng, limits};

/// The positional encoding of a paper profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodingSpec {
    /// Hash grids.
    Hash {
        /// Features per entry.
        features: u32,
        /// Binary logarithm of the largest number of entries of a level.
        table: u32,
    },
    /// Fourier features (paper B.1).
    Fourier,
}

/// The numbers that define a model of the paper's profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperSpec {
    /// Width of the source in pixels.
    pub width: u32,
    /// Height of the source in pixels.
    pub height: u32,
    /// Frames of the group.
    pub n_frames: u32,
    /// Components of a pixel, 1 or 3.
    pub n_out: usize,
    /// Side of the patch that a point yields, in pixels.
    pub patch: u32,
    /// Positional encoding.
    pub encoding: EncodingSpec,
    /// Cells (hash) or half periods (Fourier) of each level along the frame's longer side.
    pub resolutions: Vec<u32>,
    /// Width of the hidden layers.
    pub hidden: u32,
    /// Layers of the base network, the output layer too.
    pub n_layers: u32,
    /// Modulated layers, ascending, 0 = the first.
    pub modulated: Vec<u32>,
    /// Rank of the modulation.
    pub rank: u32,
    /// Dimensions of a latent.
    pub d_latent: u32,
    /// Hidden layers of each hypernetwork.
    pub hyper_layers: u32,
    /// Their width.
    pub hyper_width: u32,
}

/// Hands out places in the parameters.
#[derive(Default)]
struct Places(usize);

impl Places {
    fn take(&mut self, n: usize) -> usize {
        let start = self.0;
        self.0 += n;
        start
    }

    fn dense(&mut self, n_in: usize, n_out: usize) -> Dense {
        Dense { n_in, n_out, offset: self.take((n_in + 1) * n_out) }
    }

    fn chain(&mut self, sizes: &[usize]) -> Vec<Dense> {
        sizes.windows(2).map(|w| self.dense(w[0], w[1])).collect()
    }
}

impl PaperSpec {
    /// Where every parameter lies.
    ///
    /// # Errors
    /// [`Error::Limit`] when a number is out of range or there are more than
    /// 2^28 parameters, roughly counted.
    pub fn shape(&self) -> Result<PaperShape> {
        self.check()?;
        let mut places = Places::default();
        let side = self.width.max(self.height) as f32;
        let (encoding, n_features) = match self.encoding {
            EncodingSpec::Fourier => {
                let frequencies: Vec<_> = self.resolutions.iter().map(|&r| r as f32).collect();
                let n = 4 * frequencies.len();
                (Encoding::Fourier { frequencies }, n)
            }
            EncodingSpec::Hash { features, table } => {
                let n_features = features as usize;
                let level = |&resolution: &u32| {
                    let scale = resolution as f32 / side;
                    let vertices = |n: u32| (n as f32 * scale) as usize + 2;
                    let (width, height) = (vertices(self.width), vertices(self.height));
                    let n_entries = (width * height).min(1 << table);
                    let offset = places.take(n_entries * n_features);
                    HashLevel { scale, width, height, n_entries, offset }
                };
                let levels: Vec<_> = self.resolutions.iter().map(level).collect();
                let n = levels.len() * n_features;
                (Encoding::Hash { levels, n_features }, n)
            }
        };
        let patch = self.patch as usize;
        let mut sizes = vec![self.hidden as usize; self.n_layers as usize + 1];
        sizes[0] = n_features;
        sizes[self.n_layers as usize] = self.n_out * patch * patch;
        let layers = places.chain(&sizes);
        let d_latent = self.d_latent as usize;
        let hyper = |&layer: &u32| {
            let (layer, rank) = (layer as usize, self.rank as usize);
            let mut sizes = vec![self.hyper_width as usize; self.hyper_layers as usize + 2];
            sizes[0] = d_latent;
            sizes[self.hyper_layers as usize + 1] =
                rank * (layers[layer].n_in + layers[layer].n_out);
            Hyper { layer, rank, layers: places.chain(&sizes) }
        };
        let hyper = self.modulated.iter().map(hyper).collect();
        let n_frames = self.n_frames as usize;
        let latents = places.take(n_frames * d_latent);
        Ok(PaperShape {
            width: self.width as usize,
            height: self.height as usize,
            n_frames,
            n_out: self.n_out,
            patch,
            encoding,
            layers,
            hyper,
            d_latent,
            latents,
        })
    }

    fn check(&self) -> Result<()> {
        let in_range = |name: &str, value: u32, range: std::ops::RangeInclusive<u32>| {
            if range.contains(&value) {
                return Ok(());
            }
            let (from, to) = (range.start(), range.end());
            Err(Error::limit(format!("{name} {value}: {from} to {to} is possible")))
        };
        in_range("patch", self.patch, 1..=limits::MAX_PATCH)?;
        in_range("levels", self.resolutions.len() as u32, 1..=limits::MAX_RESOLUTIONS)?;
        for &r in &self.resolutions {
            in_range("resolution", r, 1..=limits::MAX_SIDE)?;
        }
        if let EncodingSpec::Hash { features, table } = self.encoding {
            in_range("features", features, 1..=limits::MAX_FEATURES)?;
            in_range("table", table, 1..=limits::MAX_TABLE)?;
        }
        in_range("width", self.hidden, 1..=limits::MAX_WIDTH)?;
        in_range("layers", self.n_layers, 2..=limits::MAX_LAYERS)?;
        in_range("number of modulated layers", self.modulated.len() as u32, 1..=self.n_layers)?;
        for pair in self.modulated.windows(2) {
            in_range("modulated layer", pair[1], pair[0] + 1..=self.n_layers - 1)?;
        }
        in_range("modulated layer", self.modulated[0], 0..=self.n_layers - 1)?;
        in_range("rank", self.rank, 1..=limits::MAX_RANK)?;
        in_range("latent", self.d_latent, 1..=limits::MAX_LATENT)?;
        in_range("hyper-layers", self.hyper_layers, 0..=limits::MAX_LAYERS)?;
        in_range("hyper-width", self.hyper_width, 1..=limits::MAX_WIDTH)?;
        let n = self.n_parameters();
        // Several times the limit: layers count as if all were the widest.
        let most = 1 << 28;
        if n > most {
            return Err(Error::limit(format!("{n} parameters ({most} allowed)")));
        }
        Ok(())
    }

    /// Parameters, at most: hash levels count as full.
    fn n_parameters(&self) -> u64 {
        let n = u64::from;
        let levels = self.resolutions.len() as u64;
        let (features, table) = match self.encoding {
            EncodingSpec::Fourier => (4 * levels, 0),
            EncodingSpec::Hash { features, table } => {
                (levels * n(features), levels * (n(features) << table))
            }
        };
        let widest = n(self.hidden).max(features).max(3 * n(self.patch * self.patch));
        let base = n(self.n_layers) * widest * (widest + 1);
        let (hyper, outputs) = (n(self.hyper_width), 2 * widest * n(self.rank));
        let first = n(self.d_latent).max(hyper) + 1;
        let each = n(self.hyper_layers) * first * hyper + outputs * first;
        table + base + self.modulated.len() as u64 * each + n(self.n_frames) * n(self.d_latent)
    }
}

/// First values: tables near zero, layers so that signals keep their size. Modulated layers begin
/// twice as large, because sigmoid(0) = 1/2 (paper Eq. 2). Latents are normal with a small deviation
/// (paper section 3.3).
pub fn paper_parameters(shape: &PaperShape, rng: &mut Rng) -> Vec<f32> {
    const LATENT_DEVIATION: f32 = 0.1;
    let mut values = vec![0.0; shape.len()];
    let mut normal = |range: std::ops::Range<usize>, deviation: f32| {
        values[range].iter_mut().for_each(|v| *v = deviation * rng.normal());
    };
    if let Encoding::Hash { .. } = shape.encoding {
        normal(0..shape.n_encoding(), 1e-2);
    }
    for (i, layer) in shape.layers.iter().enumerate() {
        let is_modulated = shape.hyper_of(i).is_some();
        let gain = if i + 1 == shape.layers.len() { 0.1 } else { 2.0f32.sqrt() };
        let gain = if is_modulated { 2.0 * gain } else { gain };
        normal(layer.weights(), gain / (layer.n_in as f32).sqrt());
    }
    for hyper in &shape.hyper {
        for layer in &hyper.layers {
            normal(layer.weights(), 1.0 / (layer.n_in as f32).sqrt());
        }
    }
    normal(shape.latents..shape.len(), LATENT_DEVIATION);
    if let Some(last) = shape.layers.last() {
        values[last.bias()].fill(0.5);
    }
    values
}
