// SPDX-License-Identifier: MIT OR Apache-2.0
//! What reading takes, in units of work (FORMAT section 9).

/// A decision by a slot alone, with what surrounds it. One unit of work is about a nanosecond of one
/// core of 2020: these numbers were measured (`tests/compression.rs`).
pub(super) const DECISION: u64 = 7;
/// What a mixed decision takes on top.
pub(super) const MIXED: u32 = 12;
/// What a symbol of a plane that is not quiet takes besides its decisions: neighbours, predictors.
pub(super) const SYMBOL: u32 = 80;
/// What the opinion of an entropy model takes on top of that.
pub(super) const OPINION: u32 = 45;
