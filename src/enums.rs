// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enumerated properties.

use gst::glib;

use lnr::backend::Choice;
use lnr::codec::{self, SpeedPreset};

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstLnrBackend")]
pub enum Backend {
    /// A GPU where one opens, else the CPU.
    #[default]
    #[enum_value(name = "A GPU where one opens, else the CPU", nick = "auto")]
    Auto,
    /// An NVIDIA GPU.
    #[enum_value(name = "CUDA: an NVIDIA GPU", nick = "cuda")]
    Cuda,
    /// SIMD on all cores.
    #[enum_value(name = "CPU: SIMD on all cores", nick = "cpu")]
    Cpu,
    /// The naive scalar code that the others are checked against.
    #[enum_value(name = "Reference: naive scalar code (slow)", nick = "reference")]
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

/// Which model to train.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstLnrEncProfile")]
pub enum Profile {
    /// Canonical, motion and residual grids with a small modulated network.
    #[default]
    #[enum_value(name = "Warped feature grids and a small network", nick = "warp")]
    Warp,
    /// The paper's small model.
    #[enum_value(name = "The paper's small model (rank 50): slow, many bits", nick = "paper-s")]
    PaperS,
    /// The paper's medium model.
    #[enum_value(name = "The paper's medium model (rank 100): slow, many bits", nick = "paper-m")]
    PaperM,
    /// The paper's large model.
    #[enum_value(name = "The paper's large model (rank 200): slow, many bits", nick = "paper-l")]
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

/// How long to train.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstLnrEncSpeedPreset")]
pub enum Speed {
    /// For tests and previews.
    #[enum_value(name = "Ultrafast: tests and previews", nick = "ultrafast")]
    Ultrafast,
    /// About a third of the default's iterations.
    #[enum_value(name = "Fast: a third of the iterations of medium", nick = "fast")]
    Fast,
    /// The default.
    #[default]
    #[enum_value(name = "Medium", nick = "medium")]
    Medium,
    /// Twice the default's iterations.
    #[enum_value(name = "Slow: twice the iterations of medium", nick = "slow")]
    Slow,
    /// Four times the default's iterations.
    #[enum_value(name = "Veryslow: four times the iterations of medium", nick = "veryslow")]
    Veryslow,
}

impl From<Speed> for SpeedPreset {
    fn from(speed: Speed) -> Self {
        match speed {
            Speed::Ultrafast => Self::Ultrafast,
            Speed::Fast => Self::Fast,
            Speed::Medium => Self::Medium,
            Speed::Slow => Self::Slow,
            Speed::Veryslow => Self::Veryslow,
        }
    }
}
