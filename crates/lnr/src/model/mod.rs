// SPDX-License-Identifier: MIT OR Apache-2.0
//! What training begins with: first values of every parameter, and which planes predict which.

mod first_values;
mod level_fit;
mod motion_start;
mod planes;

pub use first_values::{entropy_parameters, grid_parameters, network_parameters};
pub use motion_start::{FirstValues, motion_start};
pub use planes::{entropy, rate_planes};
