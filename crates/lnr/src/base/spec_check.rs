// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which descriptions of models are legal (FORMAT section 9), and which this decoder knows.

use std::ops::RangeInclusive;

use super::limits;
use super::spec::{Bits, Extent, LatentSpec, ModelSpec, Modulation, NetworkSpec};
use super::spec::{Precision, SourceSpec};
use super::{Error, Result};

/// Frames between time nodes.
const NODE_STEPS: RangeInclusive<u32> = 1..=limits::MAX_GROUP_FRAMES;

impl ModelSpec {
    /// Whether this is a legal model for a group of this extent, at a price that it may have.
    ///
    /// # Errors
    /// As [`ModelSpec::price`].
    pub fn check(&self, extent: &Extent) -> Result<()> {
        self.price(extent).map(|_| ())
    }

    /// Whether points are asked by coordinates (hash grid or Fourier features) and not by grids.
    pub fn is_coordinate(&self) -> bool {
        self.sources.iter().any(SourceSpec::is_coordinate)
    }

    /// Everything but the price.
    pub(super) fn check_fields(&self, extent: &Extent) -> Result<()> {
        in_range("width", extent.width, 1..=limits::MAX_SIDE)?;
        in_range("height", extent.height, 1..=limits::MAX_SIDE)?;
        in_range("frames of a group", extent.n_frames, 1..=limits::MAX_GROUP_FRAMES)?;
        in_range("components", extent.n_out, 1..=3)?;
        in_range("feature sources", self.sources.len() as u32, 1..=limits::MAX_SOURCES as u32)?;
        if self.sources.windows(2).any(|w| w[0].order() > w[1].order()) {
            return Err(Error::damaged("feature sources out of order"));
        }
        let is_motion = |s: &&SourceSpec| matches!(s, SourceSpec::Motion { .. });
        let n_motions = self.sources.iter().filter(is_motion).count() as u32;
        for source in &self.sources {
            source.check(n_motions)?;
        }
        self.check_anchors()?;
        if self.sources.iter().all(|s| s.n_features() == 0) {
            return Err(Error::limit("a model without features"));
        }
        self.latent.check()?;
        self.network.check()?;
        if let Precision::Uniform(bits) = self.precision {
            bits.check()?;
        }
        match self.is_coordinate() {
            true => self.check_coordinate(),
            false => self.check_grids(),
        }
    }

    /// Anchors are the only canonical grids of their model; only they are blended.
    fn check_anchors(&self) -> Result<()> {
        let is_canonical = |s: &&SourceSpec| matches!(s, SourceSpec::Canonical { .. });
        let is_blend = |s: &SourceSpec| matches!(s, SourceSpec::Blend { .. });
        let n_canonical = self.sources.iter().filter(is_canonical).count();
        match self.sources.iter().any(|s| s.anchors().is_some()) {
            true => known("anchors beside other canonical grids", n_canonical == 1),
            false if self.sources.iter().any(is_blend) => {
                Err(Error::damaged("blend grids, and nothing to blend"))
            }
            false => Ok(()),
        }
    }

    /// What coordinate models cannot be in this version.
    fn check_coordinate(&self) -> Result<()> {
        known("several sources beside a hash grid or Fourier features", self.sources.len() == 1)?;
        let net = &self.network;
        known("its modulation", net.modulation == Modulation::Sigmoid)?;
        known("a linear path from coordinates to pixels", !net.skip)?;
        known("its precision", matches!(self.precision, Precision::Uniform(_)))
    }

    /// What models of grids cannot be in this version.
    fn check_grids(&self) -> Result<()> {
        let net = &self.network;
        known("patches from grids", net.patch == 1)?;
        known("other than three layers after grids", net.n_layers == 3)?;
        known("other modulated layers than the first", net.modulated == [0])?;
        known("hidden layers of hypernetworks", net.hyper_layers == 0)?;
        known("grids without a linear path to pixels", net.skip)?;
        known("its modulation", net.modulation == Modulation::Centred)?;
        known("its precision", !matches!(self.precision, Precision::Uniform(_)))
    }
}

impl SourceSpec {
    /// Whether it is a function of the coordinates alone.
    fn is_coordinate(&self) -> bool {
        matches!(self, Self::Hash { .. } | Self::Fourier { .. })
    }

    /// `n_motions` is the number of motion sources of the model.
    fn check(&self, n_motions: u32) -> Result<()> {
        let n_levels = self.levels().len() as u32;
        if self.is_coordinate() {
            in_range("levels", n_levels, 1..=limits::MAX_RESOLUTIONS)?;
            for &r in self.levels() {
                in_range("resolution", r, 1..=limits::MAX_SIDE)?;
            }
        } else {
            in_range("levels", n_levels, 1..=limits::MAX_LEVELS as u32)?;
            for &s in self.levels() {
                in_range("stride", s, 1..=limits::MAX_STRIDE)?;
            }
            if self.levels().windows(2).any(|w| w[0] > w[1]) {
                return Err(Error::damaged("levels of a grid that are not finest first"));
            }
        }
        match self {
            Self::Canonical { cubic_up_to, margin, motion, anchors, .. } => {
                in_range("largest cubic stride", *cubic_up_to, 0..=limits::MAX_STRIDE)?;
                in_range("margin", *margin, 0..=limits::MAX_STRIDE)?;
                check_motion(motion, n_motions)?;
                match anchors {
                    Some(anchors) => {
                        in_range("frames between anchors", anchors.step, NODE_STEPS)?;
                        check_motion(&anchors.odd_motion, n_motions)
                    }
                    None => Ok(()),
                }
            }
            Self::Motion { node_step, .. }
            | Self::Residual { node_step, .. }
            | Self::Blend { node_step, .. } => {
                in_range("frames between time nodes", *node_step, NODE_STEPS)
            }
            Self::Hash { features, table, .. } => {
                in_range("features", *features, 1..=limits::MAX_FEATURES)?;
                in_range("table", *table, 1..=limits::MAX_TABLE)
            }
            Self::Fourier { .. } => Ok(()),
        }
    }
}

/// Whether a set of motion sources is ascending and of those that there are.
fn check_motion(motion: &[u32], n_motions: u32) -> Result<()> {
    if motion.windows(2).any(|w| w[0] >= w[1]) {
        return Err(Error::limit("motion sources of canonical grids must ascend"));
    }
    match motion.last() {
        Some(last) if *last >= n_motions => Err(Error::damaged(format!(
            "canonical grids are moved by motion source {last} of {n_motions}"
        ))),
        _ => Ok(()),
    }
}

impl LatentSpec {
    fn check(&self) -> Result<()> {
        in_range("latent dimensions", self.dim, 1..=limits::MAX_LATENT)?;
        in_range("frames between latents", self.node_step, NODE_STEPS)
    }
}

impl NetworkSpec {
    fn check(&self) -> Result<()> {
        in_range("patch", self.patch, 1..=limits::MAX_PATCH)?;
        in_range("network width", self.width, 1..=limits::MAX_WIDTH)?;
        in_range("layers", self.n_layers, 2..=limits::MAX_LAYERS)?;
        in_range("modulated layers", self.modulated.len() as u32, 1..=self.n_layers)?;
        if self.modulated.windows(2).any(|w| w[0] >= w[1]) {
            return Err(Error::limit("modulated layers must ascend"));
        }
        for &layer in &self.modulated {
            in_range("modulated layer", layer, 0..=self.n_layers - 1)?;
        }
        in_range("rank", self.rank, 1..=limits::MAX_RANK)?;
        in_range("hypernetwork layers", self.hyper_layers, 0..=limits::MAX_LAYERS)?;
        let least = u32::from(self.hyper_layers > 0);
        in_range("hypernetwork width", self.hyper_width, least..=limits::MAX_WIDTH)
    }
}

impl Bits {
    /// # Errors
    /// [`Error::Limit`] unless each is 1 to 16, or 32.
    pub fn check(&self) -> Result<()> {
        let Self { sources, base, hyper, latents } = *self;
        match [sources, base, hyper, latents].iter().find(|b| !matches!(b, 1..=16 | 32)) {
            None => Ok(()),
            Some(bits) => Err(Error::limit(format!("{bits} bits per value: 1 to 16, or 32"))),
        }
    }
}

fn in_range(what: &str, value: u32, range: RangeInclusive<u32>) -> Result<()> {
    if range.contains(&value) {
        return Ok(());
    }
    let (from, to) = (range.start(), range.end());
    Err(Error::limit(format!("{what}: {value} ({from} to {to} allowed)")))
}

fn known(what: &str, is_known: bool) -> Result<()> {
    match is_known {
        true => Ok(()),
        false => Err(Error::Unsupported(format!("this decoder does not know {what}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::Anchors;
    use super::super::spec::samples::{EXTENT, anchored, grids, hash};
    use super::*;

    fn errors(good: fn() -> ModelSpec, changes: &[fn(&mut ModelSpec)]) -> Vec<&'static str> {
        good().check(&EXTENT).unwrap();
        let kind = |change: &fn(&mut ModelSpec)| {
            let mut spec = good();
            change(&mut spec);
            match spec.check(&EXTENT) {
                Ok(()) => "ok",
                Err(Error::Limit(_)) => "limit",
                Err(Error::Damaged(_)) => "damaged",
                Err(Error::Unsupported(_)) => "unsupported",
                Err(_) => "other",
            }
        };
        changes.iter().map(kind).collect()
    }

    fn strides(s: &mut SourceSpec) -> &mut Vec<u32> {
        match s {
            SourceSpec::Canonical { strides, .. }
            | SourceSpec::Motion { strides, .. }
            | SourceSpec::Residual { strides, .. }
            | SourceSpec::Blend { strides, .. } => strides,
            SourceSpec::Hash { resolutions, .. } | SourceSpec::Fourier { resolutions } => {
                resolutions
            }
        }
    }

    fn anchors(m: &mut ModelSpec) -> &mut Anchors {
        match &mut m.sources[0] {
            SourceSpec::Canonical { anchors: Some(anchors), .. } => anchors,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_out_of_range_is_a_limit() {
        let changes: [fn(&mut ModelSpec); 22] = [
            |m| m.sources.clear(),
            |m| m.sources = vec![m.sources[1].clone()],
            |m| m.sources = vec![m.sources[2].clone(); 17],
            |m| strides(&mut m.sources[0]).clear(),
            |m| *strides(&mut m.sources[0]) = vec![1; 11],
            |m| strides(&mut m.sources[1])[0] = 0,
            |m| strides(&mut m.sources[1])[0] = 513,
            |m| m.sources[1] = SourceSpec::Motion { strides: vec![1], node_step: 0 },
            |m| m.sources[2] = SourceSpec::Residual { strides: vec![1], node_step: 257 },
            |m| m.latent.dim = 0,
            |m| m.latent.dim = u32::MAX,
            |m| m.latent.node_step = 0,
            |m| m.network.patch = 17,
            |m| m.network.width = 0,
            |m| m.network.width = u32::MAX,
            |m| m.network.n_layers = u32::MAX,
            |m| m.network.n_layers = 1,
            |m| m.network.modulated = vec![],
            |m| m.network.modulated = vec![3],
            |m| m.network.modulated = vec![1, 0],
            |m| m.network.rank = 257,
            |m| m.network.hyper_width = 513,
        ];
        assert_eq!(errors(grids, &changes), ["limit"; 22]);
        let changes: [fn(&mut ModelSpec); 9] = [
            |m| strides(&mut m.sources[0]).clear(),
            |m| *strides(&mut m.sources[0]) = vec![1; 25],
            |m| strides(&mut m.sources[0])[0] = 16_385,
            |m| m.sources[0] = SourceSpec::Hash { features: 9, table: 1, resolutions: vec![1] },
            |m| m.sources[0] = SourceSpec::Hash { features: 1, table: 0, resolutions: vec![1] },
            |m| m.sources[0] = SourceSpec::Hash { features: 1, table: 21, resolutions: vec![1] },
            |m| m.network.hyper_layers = 17,
            |m| m.network.hyper_width = 0,
            |m| {
                let bits = Bits { sources: 17, base: 8, hyper: 8, latents: 32 };
                m.precision = Precision::Uniform(bits);
            },
        ];
        assert_eq!(errors(hash, &changes), ["limit"; 9]);
        let changes: [fn(&mut ModelSpec); 5] = [
            |m| anchors(m).step = 0,
            |m| anchors(m).step = 257,
            |m| anchors(m).odd_motion = vec![2, 1],
            |m| m.sources[5] = SourceSpec::blend(&[513], 1),
            |m| m.sources[5] = SourceSpec::blend(&[8], 0),
        ];
        assert_eq!(errors(anchored, &changes), ["limit"; 5]);
    }

    #[test]
    fn contradictions_are_damage() {
        let changes: [fn(&mut ModelSpec); 4] = [
            |m| m.sources.swap(0, 1),
            |m| *strides(&mut m.sources[0]) = vec![4, 1],
            |m| m.sources[0] = SourceSpec::canonical(&[1, 4], 1, 8, &[1]),
            |m| m.sources.push(SourceSpec::blend(&[8], 1)),
        ];
        assert_eq!(errors(grids, &changes), ["damaged"; 4]);
        let changes: [fn(&mut ModelSpec); 3] = [
            |m| m.sources.swap(4, 5),
            |m| *anchors(m) = Anchors { step: 5, odd_motion: vec![3] },
            |m| m.sources[0] = SourceSpec::canonical(&[1, 4], 1, 8, &[0, 2]),
        ];
        assert_eq!(errors(anchored, &changes), ["damaged"; 3]);
    }

    #[test]
    fn what_later_versions_may_have_is_unsupported() {
        let changes: [fn(&mut ModelSpec); 8] = [
            |m| m.sources.push(SourceSpec::Fourier { resolutions: vec![1] }),
            |m| m.network.patch = 2,
            |m| m.network.n_layers = 4,
            |m| m.network.modulated = vec![0, 1],
            |m| (m.network.hyper_layers, m.network.hyper_width) = (1, 4),
            |m| m.network.skip = false,
            |m| m.network.modulation = Modulation::Sigmoid,
            |m| m.precision = hash().precision,
        ];
        assert_eq!(errors(grids, &changes), ["unsupported"; 8]);
        let changes: [fn(&mut ModelSpec); 4] = [
            |m| m.sources.push(m.sources[0].clone()),
            |m| m.network.skip = true,
            |m| m.network.modulation = Modulation::Centred,
            |m| m.precision = Precision::Steps,
        ];
        assert_eq!(errors(hash, &changes), ["unsupported"; 4]);
        let other: fn(&mut ModelSpec) =
            |m| m.sources.insert(1, SourceSpec::canonical(&[2], 0, 0, &[]));
        assert_eq!(errors(anchored, &[other]), ["unsupported"]);
    }

    #[test]
    fn several_canonical_grids_have_motions_of_their_own() {
        let mut spec = grids();
        let moves = spec.sources[1].clone();
        spec.sources.insert(1, SourceSpec::canonical(&[1, 4], 1, 8, &[0, 1]));
        spec.sources.insert(2, moves);
        spec.check(&EXTENT).unwrap();
    }
}
