// SPDX-License-Identifier: MIT OR Apache-2.0
//! Experiments.
#![allow(missing_docs)]
pub fn env(name: &str, default: f32) -> f32 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}
