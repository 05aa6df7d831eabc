// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a group's model consists of: its shape, its first parameters, and which planes predict which.

mod init;
mod paper;
mod planes;
mod spec;

pub use init::{entropy_parameters, network_parameters};
pub use paper::{EncodingSpec, PaperSpec, paper_parameters};
pub use planes::{Source, rate_planes};
pub use spec::{Spec, TimedSpec};
