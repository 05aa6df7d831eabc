// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the options of several commands may say.

use std::str::FromStr;
use std::thread::available_parallelism;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use lnr::limits::MAX_THREADS;
use lnr::{
    BackendChoice, DecoderSettings, EncoderSettings, Error, ModelOptions, Profile, SpeedPreset,
};

/// More threads than this for a core only cost memory.
const THREADS_PER_CORE: usize = 4;

/// What to compute with.
#[derive(Clone, Copy, clap::Args)]
pub struct Compute {
    /// Threads of the CPU, at most 4 for each core; 0: all cores.
    #[arg(long, default_value_t = 0, value_parser = parse_threads)]
    pub threads: usize,
    /// Where to compute.
    #[arg(long, default_value_t = BackendChoice::default(), value_parser = backends())]
    pub backend: BackendChoice,
    /// Number of the GPU, from 0.
    #[arg(long, default_value_t = 0)]
    pub device: u8,
    /// Memory to stay below in MiB, of the GPU where that computes: groups get shorter for it, fewer are
    /// trained at once, and files that need more are refused; 0: no bound.
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
    let n_cores = available_parallelism().map_or(1, |n| n.get());
    let most = (n_cores * THREADS_PER_CORE).min(MAX_THREADS);
    let n = text.parse().ok().filter(|n| (0..=most).contains(n));
    n.ok_or_else(|| {
        let cores = if n_cores == 1 { "core" } else { "cores" };
        format!("expected 0 to {most}: at most {THREADS_PER_CORE} for each of {n_cores} {cores}")
    })
}

pub fn parse_jobs(text: &str) -> Result<usize, String> {
    let n = text.parse().ok().filter(|n| (0..=MAX_THREADS).contains(n));
    n.ok_or_else(|| format!("expected 0 to {MAX_THREADS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked() {
        assert_eq!((parse_threads("0"), parse_threads("4")), (Ok(0), Ok(4)));
        let most = (4 * available_parallelism().map_or(1, |n| n.get())).min(MAX_THREADS);
        assert_eq!(parse_threads(&most.to_string()), Ok(most));
        for n in [most + 1, MAX_THREADS + 1, 100_000] {
            let message = parse_threads(&n.to_string()).unwrap_err();
            assert!(message.contains(&format!("0 to {most}")), "{message}");
        }
    }
}
