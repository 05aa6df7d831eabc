// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the options of several commands may say.

use clap::ValueEnum;
use lnr::backend::Choice;
use lnr::codec::{self, DecoderConfig, EncoderConfig, ModelOptions, SpeedPreset};

#[derive(Clone, Copy, ValueEnum)]
pub enum Profile {
    /// Grids sampled through motion and a small network.
    Warp,
    /// The paper's small model, rank 50.
    PaperS,
    /// The paper's medium model, rank 100.
    PaperM,
    /// The paper's large model, rank 200.
    PaperL,
}

impl From<Profile> for codec::Profile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Warp => Self::Warp,
            Profile::PaperS => Self::PaperS,
            Profile::PaperM => Self::PaperM,
            Profile::PaperL => Self::PaperL,
        }
    }
}

pub fn parse_model(text: &str) -> Result<ModelOptions, String> {
    text.parse().map_err(|e: lnr::base::Error| e.to_string())
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Preset {
    Ultrafast,
    Fast,
    Medium,
    Slow,
    Veryslow,
}

impl From<Preset> for SpeedPreset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Ultrafast => Self::Ultrafast,
            Preset::Fast => Self::Fast,
            Preset::Medium => Self::Medium,
            Preset::Slow => Self::Slow,
            Preset::Veryslow => Self::Veryslow,
        }
    }
}

/// What to compute with.
#[derive(Clone, Copy, clap::Args)]
pub struct Compute {
    /// Threads of the CPU; 0: all cores.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "auto")]
    pub backend: Backend,
    /// Number of the GPU, from 0.
    #[arg(long, default_value_t = 0)]
    pub device: u8,
}

impl Compute {
    /// An encoder's settings with these.
    pub fn encoder(self, config: EncoderConfig) -> EncoderConfig {
        let DecoderConfig { backend, device, threads } = self.decoder();
        EncoderConfig { backend, device, threads, ..config }
    }

    /// A decoder's settings.
    pub fn decoder(self) -> DecoderConfig {
        DecoderConfig {
            backend: self.backend.into(),
            device: self.device.into(),
            threads: self.threads,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Backend {
    /// A GPU where one opens, else the CPU.
    Auto,
    /// An NVIDIA GPU.
    Cuda,
    /// SIMD on all cores.
    Cpu,
    /// The naive scalar oracle (slow).
    Reference,
}

impl From<Backend> for Choice {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Auto => Self::Auto,
            Backend::Cuda => Self::Cuda,
            Backend::Cpu => Self::Cpu,
            Backend::Reference => Self::Reference,
        }
    }
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
        assert!(parse_seconds("-1").is_err() && parse_seconds("NaN").is_err());
    }
}
