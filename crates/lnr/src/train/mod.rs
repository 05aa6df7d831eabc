// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training of one group, written once over the backend.

mod errors;
mod finish;
mod paper;
mod recipe;
mod run;
mod steering;
#[cfg(all(test, feature = "cuda"))]
mod tests;
mod trainer;
mod variable;

pub use paper::{paper_points, train_paper};
pub use recipe::Recipe;
pub use run::Report;
pub use trainer::{Trained, train};
