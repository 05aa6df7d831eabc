// SPDX-License-Identifier: MIT OR Apache-2.0
//! Gradients of the reference against finite differences, and every other backend against the
//! reference.

pub mod cases;
pub mod coordinates;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod gradients;
pub mod parity;
