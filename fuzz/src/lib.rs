// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the fuzz targets do with bytes. Every test run does the same with the files of `corpus`.

pub mod coordinates;
pub mod grids;
mod group;
pub mod headers;
pub mod join;
pub mod latents;
pub mod parser;
mod repair;
mod split;
pub mod units;

/// A target: panics where a promise is broken, whatever the bytes are.
pub type Target = fn(&[u8]);

/// All targets, by the names of their folders in `corpus`.
pub const TARGETS: [(&str, Target); 7] = [
    ("units", units::target),
    ("headers", headers::target),
    ("grids", grids::target),
    ("coordinates", coordinates::target),
    ("latents", latents::target),
    ("join", join::target),
    ("parser", parser::target),
];
