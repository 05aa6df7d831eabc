// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which model a group gets: the profiles, and what overrides the paper's numbers.

use std::fmt;
use std::str::FromStr;

use super::Profile;
use crate::base::spec::{
    Bits, Extent, LatentSpec, ModelSpec, Modulation, NetworkSpec, Precision, SourceSpec,
};
use crate::base::{Error, Result};

/// Numbers of a paper profile that replace the paper's. As text: `key=value`, separated by commas,
/// with the names of the fields (`-` for `_`); `modulated` is a list such as `1+2+4`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ModelOptions {
    /// Rank of the modulation, 1 to 256.
    pub rank: Option<u32>,
    /// Width of the hidden layers, 1 to 512.
    pub width: Option<u32>,
    /// Layers of the base network, 2 to 16.
    pub layers: Option<u32>,
    /// Modulated layers, 0 = the first.
    pub modulated: Option<Vec<u32>>,
    /// Dimensions of a latent, 1 to 4096.
    pub latent: Option<u32>,
    /// Hidden layers of a hypernetwork, 0 to 16.
    pub hyper_layers: Option<u32>,
    /// Their width, 1 to 512.
    pub hyper_width: Option<u32>,
    /// Fourier features instead of hash grids.
    pub fourier: Option<bool>,
    /// Levels of the encoding, 1 to 24.
    pub levels: Option<u32>,
    /// Features per hash grid entry, 1 to 8.
    pub features: Option<u32>,
    /// Binary logarithm of the most entries of a hash grid level, 1 to 20.
    pub table: Option<u32>,
    /// Resolution of the coarsest level along the longer side.
    pub base: Option<u32>,
    /// Ratio of resolutions from level to level; 0 = up to a cell, or half a period, per pixel (or
    /// patch).
    pub growth: Option<f32>,
    /// Side of the patch that one point yields, 1 to 16 pixels.
    pub patch: Option<u32>,
    /// Bits per value of hash tables: 1 to 16, or 32 for plain floating point.
    pub bits_encoding: Option<u32>,
    /// Bits per value of the base network.
    pub bits_base: Option<u32>,
    /// Bits per value of the hypernetworks.
    pub bits_hyper: Option<u32>,
    /// Bits per value of the latents.
    pub bits_latents: Option<u32>,
}

impl FromStr for ModelOptions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut options = Self::default();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let Some((key, value)) = part.split_once('=') else {
                return Err(Error::InvalidSetting(format!("model option {part:?}: no '=' in it")));
            };
            options.set(key.trim(), value.trim())?;
        }
        Ok(options)
    }
}

/// The text that it is made from.
impl fmt::Display for ModelOptions {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let numbers = [
            ("rank", self.rank),
            ("width", self.width),
            ("layers", self.layers),
            ("latent", self.latent),
            ("hyper-layers", self.hyper_layers),
            ("hyper-width", self.hyper_width),
            ("levels", self.levels),
            ("features", self.features),
            ("table", self.table),
            ("base", self.base),
            ("patch", self.patch),
            ("bits-encoding", self.bits_encoding),
            ("bits-base", self.bits_base),
            ("bits-hyper", self.bits_hyper),
            ("bits-latents", self.bits_latents),
        ];
        let numbers = numbers.into_iter().filter_map(|(key, n)| Some(format!("{key}={}", n?)));
        let mut parts: Vec<String> = numbers.collect();
        parts.extend(self.growth.map(|v| format!("growth={v}")));
        let encoding = |fourier| if fourier { "encoding=fourier" } else { "encoding=hash" };
        parts.extend(self.fourier.map(|v| encoding(v).into()));
        if let Some(layers) = &self.modulated {
            let layers: Vec<String> = layers.iter().map(u32::to_string).collect();
            parts.push(format!("modulated={}", layers.join("+")));
        }
        f.write_str(&parts.join(","))
    }
}

impl ModelOptions {
    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let wrong =
            |what: &str| Error::InvalidSetting(format!("model option {key}={value}: {what}"));
        let number = || value.parse::<u32>().map_err(|_| wrong("a whole number is needed"));
        let field = match key {
            "rank" => &mut self.rank,
            "width" => &mut self.width,
            "layers" => &mut self.layers,
            "latent" => &mut self.latent,
            "hyper-layers" => &mut self.hyper_layers,
            "hyper-width" => &mut self.hyper_width,
            "levels" => &mut self.levels,
            "features" => &mut self.features,
            "table" => &mut self.table,
            "base" => &mut self.base,
            "patch" => &mut self.patch,
            "bits-encoding" => &mut self.bits_encoding,
            "bits-base" => &mut self.bits_base,
            "bits-hyper" => &mut self.bits_hyper,
            "bits-latents" => &mut self.bits_latents,
            "growth" => {
                let growth = value.parse().map_err(|_| wrong("a number is needed"))?;
                self.growth = Some(growth);
                return Ok(());
            }
            "encoding" => {
                self.fourier = Some(match value {
                    "hash" => false,
                    "fourier" => true,
                    _ => return Err(wrong("choose hash or fourier")),
                });
                return Ok(());
            }
            "modulated" => {
                let list: std::result::Result<Vec<_>, _> =
                    value.split('+').map(str::parse::<u32>).collect();
                let mut list = list.map_err(|_| wrong("layers such as 1 or 1+2+4 are needed"))?;
                list.sort_unstable();
                list.dedup();
                self.modulated = Some(list);
                return Ok(());
            }
            _ => return Err(wrong("no such option")),
        };
        *field = Some(number()?);
        Ok(())
    }
}

/// The model of a paper profile for a group. The base network has the 6 layers of 512 and the
/// hypernetworks the hidden layer of 128 of the paper's section 4.1, latents are those of B.3, and the
/// modulated layer is that of appendix A.
///
/// # Errors
/// [`Error::InvalidSetting`] when an option is out of range.
pub fn paper_spec(profile: Profile, options: &ModelOptions, extent: &Extent) -> Result<ModelSpec> {
    let o = options;
    let rank = match profile {
        Profile::Warp | Profile::PaperS => 50,
        Profile::PaperM => 100,
        Profile::PaperL => 200,
    };
    let patch = o.patch.unwrap_or(1);
    let fourier = o.fourier.unwrap_or(false);
    let (levels, base) = if fourier { (10, 1) } else { (16, 16) };
    let resolutions = resolutions(
        o.levels.unwrap_or(levels),
        o.base.unwrap_or(base),
        o.growth.unwrap_or(0.0),
        extent.width.max(extent.height).div_ceil(patch.max(1)),
    )?;
    let source = match fourier {
        true => SourceSpec::Fourier { resolutions },
        false => SourceSpec::Hash {
            features: o.features.unwrap_or(2),
            table: o.table.unwrap_or(14),
            resolutions,
        },
    };
    let spec = ModelSpec {
        sources: vec![source],
        latent: LatentSpec { dim: o.latent.unwrap_or(512), node_step: 1 },
        network: NetworkSpec {
            patch,
            width: o.width.unwrap_or(512),
            n_layers: o.layers.unwrap_or(6),
            skip: false,
            modulated: o.modulated.clone().unwrap_or_else(|| vec![1]),
            rank: o.rank.unwrap_or(rank),
            modulation: Modulation::Sigmoid,
            hyper_layers: o.hyper_layers.unwrap_or(1),
            hyper_width: o.hyper_width.unwrap_or(128),
        },
        precision: Precision::Uniform(Bits {
            sources: o.bits_encoding.unwrap_or(8),
            base: o.bits_base.unwrap_or(32),
            hyper: o.bits_hyper.unwrap_or(8),
            latents: o.bits_latents.unwrap_or(32),
        }),
    };
    // What the stream could not say is a wrong setting here.
    spec.check(extent).map_err(|e| match e {
        Error::Limit(text) | Error::Unsupported(text) => {
            Error::InvalidSetting(format!("model: {text}"))
        }
        e => Error::InvalidSetting(format!("model: {e}")),
    })?;
    Ok(spec)
}

/// A geometric series of resolutions.
fn resolutions(levels: u32, base: u32, growth: f32, finest: u32) -> Result<Vec<u32>> {
    if !(1..=crate::base::limits::MAX_RESOLUTIONS).contains(&levels) {
        return Err(Error::InvalidSetting(format!("model: {levels} levels: choose 1 to 24")));
    }
    if !(growth == 0.0 || (1.0..=8.0).contains(&growth)) {
        return Err(Error::InvalidSetting(format!("model: growth {growth}: choose 0, or 1 to 8")));
    }
    let base = base.max(1) as f32;
    let growth = match growth {
        0.0 => (finest as f32 / base).max(1.0).powf(1.0 / (levels.max(2) - 1) as f32),
        growth => growth,
    };
    let level = |l: u32| (base * growth.powi(l as i32) + 1e-3).floor().max(1.0) as u32;
    Ok((0..levels).map(level).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_one_text() {
        let text = "rank=8,width=64,bits-latents=16,growth=1.5,encoding=fourier,modulated=1+2";
        let options: ModelOptions = text.parse().unwrap();
        assert_eq!(options.to_string(), text);
        assert_eq!(ModelOptions::default().to_string(), "");
    }

    #[test]
    fn options_override_the_profile_and_wrong_ones_are_named() {
        let extent = Extent { width: 64, height: 36, n_frames: 5, n_out: 3 };
        let options: ModelOptions =
            "rank=7, modulated=3+1,growth=2,levels=3,bits-base=8".parse().unwrap();
        let spec = paper_spec(Profile::PaperL, &options, &extent).unwrap();
        let net = &spec.network;
        assert_eq!((net.rank, &net.modulated[..], net.width), (7, &[1, 3][..], 512));
        assert_eq!(spec.sources[0].levels(), [16, 32, 64]);
        let Precision::Uniform(bits) = spec.precision else { panic!("{:?}", spec.precision) };
        assert_eq!((bits.base, bits.latents), (8, 32));
        let spec = paper_spec(Profile::PaperL, &Default::default(), &extent).unwrap();
        let levels = spec.sources[0].levels();
        assert_eq!((spec.network.rank, levels[0], levels[15]), (200, 16, 64));
        for (text, word) in [
            ("rank", "'='"),
            ("rank=x", "rank=x"),
            ("colour=3", "colour"),
            ("encoding=cubic", "fourier"),
            ("modulated=1+b", "1+2+4"),
        ] {
            let error = text.parse::<ModelOptions>().unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
        for text in [
            "rank=0",
            "rank=999",
            "modulated=6",
            "bits-hyper=17",
            "levels=0",
            "growth=0.5",
            "patch=0",
            "layers=1",
        ] {
            let options = text.parse().unwrap();
            let error = paper_spec(Profile::PaperS, &options, &extent).unwrap_err();
            assert!(matches!(error, Error::InvalidSetting(_)), "{text}: {error:?}");
        }
    }
}
