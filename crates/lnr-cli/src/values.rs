// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the options of several commands may say.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use lnr::limits::MAX_THREADS;
use lnr::{
    BackendChoice, DecoderSettings, EncoderSettings, Error, ModelOptions, Profile, SpeedPreset,
};

/// What to compute with.
#[derive(Clone, Copy, clap::Args)]
pub struct Compute {
    /// Threads of the CPU; 0: all cores.
    #[arg(long, default_value_t = 0, value_parser = parse_threads)]
    pub threads: usize,
    /// Where to compute.
    #[arg(long, default_value_t = BackendChoice::default(), value_parser = backends())]
    pub backend: BackendChoice,
    /// Number of the GPU, from 0.
    #[arg(long, default_value_t = 0)]
    pub device: u8,
    /// Memory to stay below in MiB, of the GPU where that computes: groups get shorter for it, and
    /// files that need more are refused; 0: no bound.
    #[arg(long, default_value_t = 0)]
    pub max_memory: u32,
}

impl Compute {
    /// An encoder's settings with these.
    pub fn encoder(self, settings: EncoderSettings) -> EncoderSettings {
        settings
            .backend(self.backend)
            .device(self.device.into())
            .threads(self.threads)
            .max_memory(self.max_bytes())
    }

    /// A decoder's settings.
    pub fn decoder(self) -> DecoderSettings {
        DecoderSettings::default()
            .backend(self.backend)
            .device(self.device.into())
            .threads(self.threads)
            .max_memory(self.max_bytes())
    }

    fn max_bytes(self) -> u64 {
        u64::from(self.max_memory) << 20
    }
}

/// Takes the names of all profiles.
pub fn profiles() -> impl TypedValueParser<Value = Profile> {
    named(Profile::ALL.iter().map(|p| (p.name(), p.meaning())))
}

/// Takes the names of all speed presets.
pub fn presets() -> impl TypedValueParser<Value = SpeedPreset> {
    named(SpeedPreset::ALL.iter().map(|p| (p.name(), p.meaning())))
}

/// Takes the names of all backends.
fn backends() -> impl TypedValueParser<Value = BackendChoice> {
    named(BackendChoice::ALL.iter().map(|b| (b.name(), b.meaning())))
}

/// Takes names, each with its meaning.
fn named<T>(
    values: impl Iterator<Item = (&'static str, &'static str)>,
) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    let values = values.map(|(name, meaning)| PossibleValue::new(name).help(meaning));
    PossibleValuesParser::new(values).try_map(|name| name.parse::<T>())
}

pub fn parse_model(text: &str) -> Result<ModelOptions, String> {
    text.parse().map_err(|e: Error| e.to_string())
}

pub fn parse_threads(text: &str) -> Result<usize, String> {
    let n = text.parse().ok().filter(|n| (0..=MAX_THREADS).contains(n));
    n.ok_or_else(|| format!("expected 0 to {MAX_THREADS}"))
}

pub fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once(['x', 'X']);
    parts
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)))
        .filter(|&(w, h)| w > 0 && h > 0)
        .ok_or_else(|| "expected WIDTHxHEIGHT, such as 320x180".into())
}

pub fn parse_rate(text: &str) -> Result<(u32, u32), String> {
    let (n, d) = text.split_once('/').unwrap_or((text, "1"));
    match (n.parse(), d.parse()) {
        (Ok(n @ 1..), Ok(d @ 1..)) => Ok((n, d)),
        _ => Err("expected a frame rate such as 50 or 60000/1001".into()),
    }
}

pub fn parse_seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok();
    seconds
        .filter(|s| (0.0..1e9).contains(s))
        .ok_or_else(|| "expected seconds, such as 2 or 0.5".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked() {
        assert_eq!(parse_size("320x180"), Ok((320, 180)));
        assert!(parse_size("0x4").is_err() && parse_size("320").is_err());
        assert_eq!(parse_rate("60000/1001"), Ok((60_000, 1001)));
        assert!(parse_rate("0").is_err() && parse_rate("25/0").is_err());
        assert_eq!((parse_threads("0"), parse_threads("256")), (Ok(0), Ok(256)));
        assert!(parse_threads("257").is_err() && parse_threads("100000").is_err());
        assert!(parse_seconds("-1").is_err() && parse_seconds("NaN").is_err());
    }
}
