// SPDX-License-Identifier: MIT OR Apache-2.0
//! Dense optical flow: where the points of one picture are in another, and chains of such flows through
//! a group of frames.
//!
//! A pyramid of reduced lumas is searched from coarse to fine by small patches (the inverse search of
//! Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016), whose displacements are then
//! spread over the pixels. Both directions are searched together, each offering to the other what it
//! found. Results do not depend on the number of threads.

mod blur;
mod chain;
mod field;
mod gate;
mod pair;
mod plane;
mod pyramid;
mod search;
#[cfg(test)]
mod tests;

pub use chain::Chain;
pub use field::Field;
// For tests, and what else wants the flow of two pictures alone.
#[cfg(any(test, feature = "internals"))]
pub use pair::{Pair, between};
pub use plane::{Plane, around, halving_loss};
#[cfg(any(test, feature = "internals"))]
pub use pyramid::{Pyramid, reduction};
