// SPDX-License-Identifier: MIT OR Apache-2.0
//! What training begins with: first values of every parameter, and which planes predict which.

mod first_values;
#[cfg_attr(
    not(any(test, feature = "internals")),
    expect(dead_code, reason = "the choice between starts is still to come")
)]
mod level_fit;
#[cfg_attr(
    not(any(test, feature = "internals")),
    expect(dead_code, reason = "the choice between starts is still to come")
)]
mod motion_start;
mod planes;

pub use first_values::{entropy_parameters, grid_parameters, network_parameters};
pub use motion_start::FirstValues;
#[cfg(feature = "internals")]
pub use motion_start::motion_start;
pub use planes::{entropy, rate_planes};
