// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every layer shares: errors, pictures, colour, limits, time and random numbers.

mod color;
mod error;
mod hash;
pub mod limits;
mod metadata;
mod picture;
mod price;
mod rng;
mod space;
pub mod spec;
mod spec_check;
mod tau;

pub use color::{ChromaSite, Color, Matrix};
pub use error::{Error, Result};
pub use hash::{hash_entries, hash_vertices};
pub use metadata::{ContentLight, MasteringDisplay, Metadata, Orientation};
pub use picture::{Chroma, Picture, PictureFormat};
pub use price::Price;
pub use rng::Rng;
pub use space::Space;
pub use tau::Tau;
