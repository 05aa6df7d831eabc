// SPDX-License-Identifier: MIT OR Apache-2.0
//! The codec's operations on a device.

/// Which backend to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The fastest there is.
    #[default]
    Auto,
    /// SIMD on all cores.
    Cpu,
    /// The naive scalar oracle (slow).
    Reference,
}
