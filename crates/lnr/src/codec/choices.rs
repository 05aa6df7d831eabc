// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings that are one of a few names. Every program that offers them takes the names and what
//! they mean from here.

use std::fmt;
use std::str::FromStr;

use crate::base::{Error, Result};

/// Which model to train.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Grids sampled through motion and a small modulated network: the default.
    #[default]
    Warp,
    /// The paper's small model: modulation of rank 50.
    PaperS,
    /// The paper's medium model: modulation of rank 100.
    PaperM,
    /// The paper's large model: modulation of rank 200.
    PaperL,
}

/// How long to train.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpeedPreset {
    /// An eighth of the default's iterations, or less.
    Ultrafast,
    /// A third of the default's iterations, or less.
    Fast,
    /// The default.
    #[default]
    Medium,
    /// Twice the default's iterations.
    Slow,
    /// Four times the default's iterations.
    Veryslow,
}

/// Which backend to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendChoice {
    /// A GPU where one opens, else the CPU.
    #[default]
    Auto,
    /// An NVIDIA GPU.
    Cuda,
    /// SIMD on all cores.
    Cpu,
    /// The naive scalar code that the others are checked against (slow).
    Reference,
}

/// Names and meanings of an enum's values, in the order in which they are offered.
macro_rules! named {
    ($kind:literal, $type:ident: $($value:ident = $name:literal $meaning:literal),+ $(,)?) => {
        impl $type {
            /// All values, in the order in which programs offer them.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// Its name on the command line and in properties.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name),+
                }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$value => $meaning),+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = Error;

            /// # Errors
            /// [`Error::InvalidSetting`] that lists the names, when it is none of them.
            fn from_str(name: &str) -> Result<Self> {
                let found = Self::ALL.iter().copied().find(|v| v.name() == name);
                found.ok_or_else(|| refused($kind, name, &[$($name),+]))
            }
        }
    };
}

named!("profile", Profile:
    Warp = "warp" "Warped feature grids and a small network",
    PaperS = "paper-s" "The paper's small model (rank 50): slow, many bits",
    PaperM = "paper-m" "The paper's medium model (rank 100): slow, many bits",
    PaperL = "paper-l" "The paper's large model (rank 200): slow, many bits",
);

named!("preset", SpeedPreset:
    Ultrafast = "ultrafast" "An eighth of the iterations of medium or less",
    Fast = "fast" "A third of the iterations of medium or less",
    Medium = "medium" "The default",
    Slow = "slow" "Twice the iterations of medium",
    Veryslow = "veryslow" "Four times the iterations of medium",
);

named!("backend", BackendChoice:
    Auto = "auto" "A GPU where one opens, else the CPU",
    Cuda = "cuda" "An NVIDIA GPU",
    Cpu = "cpu" "SIMD on all cores",
    Reference = "reference" "Naive scalar code (slow)",
);

fn refused(kind: &str, name: &str, names: &[&str]) -> Error {
    let (last, others) = names.split_last().unwrap_or((&"", &[]));
    Error::InvalidSetting(format!("{kind} {name:?}: choose {} or {last}", others.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_read_from_its_name() {
        for profile in Profile::ALL {
            assert_eq!(profile.to_string().parse::<Profile>().unwrap(), *profile);
        }
        for preset in SpeedPreset::ALL {
            assert_eq!(preset.to_string().parse::<SpeedPreset>().unwrap(), *preset);
        }
        for backend in BackendChoice::ALL {
            assert_eq!(backend.to_string().parse::<BackendChoice>().unwrap(), *backend);
        }
        let error = "gpu".parse::<BackendChoice>().unwrap_err().to_string();
        assert_eq!(error, "invalid setting: backend \"gpu\": choose auto, cuda, cpu or reference");
    }
}
