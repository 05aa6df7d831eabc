// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a model costs, known from its description alone and checked before anything is allocated
//! (FORMAT section 9).

use super::hash::hash_entries;
use super::limits;
use super::spec::{Extent, ModelSpec, Modulation, NetworkSpec, SourceSpec, n_nodes};
use super::{Error, Result};

/// What a model costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// Parameters of the base network and the hypernetworks, with the scales of grid levels.
    pub n_network: u64,
    /// Parameters of the latents.
    pub n_latents: u64,
    /// Parameters of hash tables.
    pub n_hash: u64,
    /// Grid entries: planes times time nodes times entries.
    pub n_grid: u64,
    /// Multiplications of the base network for each pixel.
    pub mults_per_pixel: u64,
    /// Multiplications of hypernetworks and modulation for each frame.
    pub mults_per_frame: u64,
}

impl Price {
    /// Parameters of networks, latents and hash tables.
    pub fn n_parameters(&self) -> u64 {
        self.n_network.saturating_add(self.n_latents).saturating_add(self.n_hash)
    }

    /// Everything that is stored: parameters and grid entries.
    pub fn n_values(&self) -> u64 {
        self.n_parameters().saturating_add(self.n_grid)
    }

    /// # Errors
    /// [`Error::Limit`] naming the number and the limit.
    fn check(&self, extent: &Extent) -> Result<()> {
        let at_most = |what: &str, n: u64, most: u64| match n <= most {
            true => Ok(()),
            false => Err(Error::limit(format!("{n} {what} ({most} allowed)"))),
        };
        at_most("parameters", self.n_parameters(), limits::MAX_PARAMETERS)?;
        if self.n_grid > 0 {
            let pixels = u64::from(extent.width).saturating_mul(extent.height.into());
            let per_size = pixels.saturating_mul(limits::MAX_GRID_PER_PIXEL);
            let most = per_size.saturating_add(limits::MAX_GRID_BASE);
            at_most("network parameters", self.n_network, limits::MAX_GRID_NETWORK)?;
            at_most("grid entries", self.n_grid, most)?;
        }
        Ok(())
    }
}

impl ModelSpec {
    /// What the model costs for a group of this extent.
    ///
    /// # Errors
    /// [`Error::Limit`] naming the number and the limit when something is out of its range or costs
    /// more than it may, [`Error::Unsupported`] when this decoder does not know such a model.
    pub fn price(&self, extent: &Extent) -> Result<Price> {
        self.check_fields(extent)?;
        let n_features = self.sources.iter().map(SourceSpec::n_features).sum();
        let mut price = Price {
            n_latents: u64::from(n_nodes(extent.n_frames, self.latent.node_step))
                .saturating_mul(self.latent.dim.into()),
            ..Price::default()
        };
        for source in &self.sources {
            price.add_source(source, extent);
        }
        price.add_network(&self.network, n_features, extent.n_out, self.latent.dim);
        price.check(extent)?;
        Ok(price)
    }
}

impl Price {
    fn add_source(&mut self, source: &SourceSpec, extent: &Extent) {
        let n_nodes = u64::from(source.n_nodes(extent.n_frames));
        let entries = |strides: &[u32], margin: u32| {
            let n = |side: u32, stride: u32| {
                (u64::from(side) + 2 * u64::from(margin)).div_ceil(u64::from(stride.max(1)))
            };
            let level = |&s: &u32| n(extent.width, s).saturating_mul(n(extent.height, s));
            strides.iter().map(level).fold(0, u64::saturating_add)
        };
        let (n_grid, n_scales) = match source {
            SourceSpec::Canonical { strides, margin, .. } => {
                (n_nodes.saturating_mul(entries(strides, *margin)), strides.len())
            }
            SourceSpec::Motion { strides, .. } => {
                (n_nodes.saturating_mul(2 * entries(strides, 0)), strides.len())
            }
            SourceSpec::Residual { strides, .. } | SourceSpec::Blend { strides, .. } => {
                (n_nodes.saturating_mul(entries(strides, 0)), strides.len())
            }
            SourceSpec::Hash { features, table, resolutions } => {
                let level = |&r: &u32| hash_entries(extent, r, *table);
                let entries = resolutions.iter().map(level).fold(0, u64::saturating_add);
                self.n_hash =
                    self.n_hash.saturating_add(entries.saturating_mul((*features).into()));
                (0, 0)
            }
            SourceSpec::Fourier { .. } => (0, 0),
        };
        self.n_grid = self.n_grid.saturating_add(n_grid);
        self.n_network = self.n_network.saturating_add(n_scales as u64);
    }

    fn add_network(&mut self, net: &NetworkSpec, n_features: u64, n_out: u32, dim: u32) {
        let pixels_of_patch = u64::from(net.patch) * u64::from(net.patch);
        let outputs = u64::from(n_out).saturating_mul(pixels_of_patch);
        let inputs_and_outputs = |layer: u32| {
            let n_in = if layer == 0 { n_features } else { net.width.into() };
            let n_out = if layer + 1 == net.n_layers { outputs } else { net.width.into() };
            (n_in, n_out)
        };
        let mut base = 0u64;
        for layer in 0..net.n_layers {
            let (n_in, n_out) = inputs_and_outputs(layer);
            base += n_in * n_out;
            self.n_network += n_out;
        }
        if net.skip {
            base += n_features * outputs;
        }
        self.n_network += base;
        self.mults_per_pixel += base.div_ceil(pixels_of_patch.max(1));
        for &layer in &net.modulated {
            let (n_in, n_out) = inputs_and_outputs(layer);
            let rank = u64::from(net.rank);
            let (biases, shifts) = match net.modulation {
                Modulation::Sigmoid => (1, 0),
                Modulation::Centred => (0, n_out),
            };
            let mut from = u64::from(dim);
            let hidden = (0..net.hyper_layers).map(|_| u64::from(net.hyper_width));
            for to in hidden.chain([shifts + rank * (n_in + n_out)]) {
                self.n_network += (from + biases) * to;
                self.mults_per_frame += from * to;
                from = to;
            }
            // P Q, and its product with W.
            self.mults_per_frame += (rank + 1) * n_in * n_out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::samples::{EXTENT, grids, hash};
    use super::*;

    #[test]
    fn parameters_are_counted() {
        let price = grids().price(&EXTENT).unwrap();
        // Canonical of strides 1 and 4 with a margin of 8; 5 nodes of motion of stride 16; 9 of
        // residual of stride 4.
        assert_eq!(price.n_grid, 336 * 196 + 84 * 49 + 5 * 2 * 20 * 12 + 9 * 80 * 45);
        assert_eq!(price.n_latents, 3 * 4);
        // 3 features, width 16, 3 outputs, rank 2.
        let base = 3 * 16 + 16 * 16 + 16 * 3 + 3 * 3;
        assert_eq!(price.mults_per_pixel, base);
        assert_eq!(price.n_network, 4 + base + 16 + 16 + 3 + (16 + 2 * 19) * 4);
        assert_eq!(price.mults_per_frame, (16 + 2 * 19) * 4 + 3 * 3 * 16);

        let price = hash().price(&EXTENT).unwrap();
        assert_eq!(price.n_hash, 2 * (18 * 11 + 1024));
        assert_eq!((price.n_latents, price.n_grid), (9 * 8, 0));
        let base = 4 * 32 + 32 * 32 + 32 * 12;
        assert_eq!(price.mults_per_pixel, base / 4);
        let hyper = 9 * 5 + 6 * (2 * 64) + 9 * 5 + 6 * (2 * 44);
        assert_eq!(price.n_network, base + 32 + 32 + 12 + hyper);
    }

    #[test]
    fn too_much_is_refused_by_number_and_limit() {
        let refused = |spec: &ModelSpec, extent: &Extent| match spec.price(extent) {
            Err(Error::Limit(text)) => text,
            other => panic!("{other:?}"),
        };
        let large = Extent { width: 8192, height: 8192, n_frames: 256, n_out: 3 };
        let mut spec = grids();
        spec.sources.truncate(2);
        spec.sources.push(SourceSpec::Residual { strides: vec![1], node_step: 1 });
        let text = refused(&spec, &large);
        assert!(text.ends_with("grid entries (553648128 allowed)"), "{text}");
        let mut spec = grids();
        (spec.network.width, spec.network.rank, spec.latent.dim) = (512, 64, 64);
        let text = refused(&spec, &EXTENT);
        assert!(text.ends_with("network parameters (1048576 allowed)"), "{text}");
        let mut spec = hash();
        (spec.network.width, spec.network.rank, spec.latent.dim) = (512, 256, 4096);
        (spec.network.hyper_layers, spec.network.hyper_width) = (1, 512);
        let text = refused(&spec, &EXTENT);
        assert!(text.ends_with("parameters (50000000 allowed)"), "{text}");
    }
}
