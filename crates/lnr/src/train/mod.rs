// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training of one group, written once over the backend.

mod errors;
mod finish;
mod optimiser;
mod rates;
mod recipe;
mod run;
mod steering;
#[cfg(all(test, feature = "cuda"))]
mod tests;
mod trainer;
mod variable;
mod visits;

pub use recipe::{Points, Recipe};
pub use run::Report;
pub use trainer::{Quantised, Trained, Values, bytes, train};
