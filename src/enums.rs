// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enumerated properties.

use gst::glib;

use lnr::{BackendChoice, SpeedPreset};

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstLnrBackend")]
pub enum Backend {
    /// A GPU where one opens, else the CPU.
    #[default]
    #[enum_value(name = "A GPU where one opens, else the CPU", nick = "auto")]
    Auto,
    /// An NVIDIA GPU.
    #[enum_value(name = "An NVIDIA GPU", nick = "cuda")]
    Cuda,
    /// SIMD on all cores.
    #[enum_value(name = "SIMD on all cores", nick = "cpu")]
    Cpu,
    /// The naive scalar code that the others are checked against.
    #[enum_value(name = "Naive scalar code (slow)", nick = "reference")]
    Reference,
}

impl From<Backend> for BackendChoice {
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

impl From<Profile> for lnr::Profile {
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
    /// An eighth of the default's iterations, or less.
    #[enum_value(name = "An eighth of the iterations of medium or less", nick = "ultrafast")]
    Ultrafast,
    /// A third of the default's iterations, or less.
    #[enum_value(name = "A third of the iterations of medium or less", nick = "fast")]
    Fast,
    /// The default.
    #[default]
    #[enum_value(name = "The default", nick = "medium")]
    Medium,
    /// Twice the default's iterations.
    #[enum_value(name = "Twice the iterations of medium", nick = "slow")]
    Slow,
    /// Four times the default's iterations.
    #[enum_value(name = "Four times the iterations of medium", nick = "veryslow")]
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

/// What `lnrembed` makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstLnrEmbedFormat")]
pub enum EmbedFormat {
    /// The frames as they come, each with its meta.
    #[default]
    #[enum_value(name = "The frames as they come, each with its meta", nick = "meta")]
    Meta,
    /// A line of JSON instead of each frame.
    #[enum_value(name = "A line of JSON instead of each frame", nick = "jsonl")]
    Jsonl,
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst::prelude::*;

    /// Nick, text and what the codec gets for each value, and the default's nick.
    fn values<T, U>() -> (Vec<(String, String, U)>, String)
    where
        T: StaticType + Default + Into<U> + gst::glib::value::ToValue,
        T: for<'a> gst::glib::value::FromValue<'a>,
    {
        let class = glib::EnumClass::with_type(T::static_type()).expect("an enum");
        let value = |v: &glib::EnumValue| {
            let value = v.to_value(&class).get::<T>().expect("a value of this type");
            (v.nick().to_owned(), v.name().to_owned(), value.into())
        };
        let default = T::default().to_value();
        let (_, default) = glib::EnumValue::from_value(&default).expect("a value");
        (class.values().iter().map(value).collect(), default.nick().to_owned())
    }

    #[test]
    fn names_meanings_and_defaults_are_those_of_the_library() {
        macro_rules! check {
            ($ours:ty, $theirs:ty) => {
                let text = |v: &$theirs| (v.name().to_owned(), v.meaning().to_owned(), *v);
                let all: Vec<_> = <$theirs>::ALL.iter().map(text).collect();
                let default = <$theirs>::default().name().to_owned();
                assert_eq!(values::<$ours, $theirs>(), (all, default));
            };
        }
        check!(Backend, BackendChoice);
        check!(Profile, lnr::Profile);
        check!(Speed, SpeedPreset);
    }
}
