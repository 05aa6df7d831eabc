// SPDX-License-Identifier: MIT OR Apache-2.0
//! Latent-INR video codec: a group of frames is one small neural network with a latent vector per
//! frame, decodable at any size and any time.
//!
//! The layers depend on each other in one direction only:
//! `codec -> train -> model -> backend -> base` and `codec -> bitstream -> base`.

pub mod backend;
pub mod base;
pub mod bitstream;
pub mod codec;
pub mod model;
pub mod train;
