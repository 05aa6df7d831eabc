// SPDX-License-Identifier: MIT OR Apache-2.0
//! The training of one group, written once over the backend.

mod finish;
mod recipe;
mod source;
mod steering;
mod trainer;
mod variable;

pub use recipe::Recipe;
pub use source::PixelSource;
pub use trainer::{Report, Trained, train};
