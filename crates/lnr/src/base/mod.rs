// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every layer shares: errors, pictures, colour, limits, time and random numbers.

mod color;
mod error;
pub mod limits;
mod picture;
mod rng;
pub mod spec;
mod tau;

pub use color::{ChromaSite, Color, Matrix};
pub use error::{Error, Result};
pub use picture::{Chroma, Picture, PictureFormat};
pub use rng::Rng;
pub use tau::Tau;
