// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training of one group, written once over the backend.

mod coded_source;
mod divergence;
mod errors;
mod finish;
mod group;
mod optimiser;
mod rates;
mod recipe;
mod run;
mod shrink;
mod steering;
#[cfg(test)]
mod tests;
mod touched;
mod trained;
mod trainer;
mod trial;
mod variable;
mod visits;
mod worth;

pub use group::train;
pub use recipe::{MANY_VISITS, Points, Recipe};
pub use run::Report;
pub use trained::{Quantised, Trained, Values};
pub use trainer::bytes;
pub use trial::trial;
pub use worth::Worth;
