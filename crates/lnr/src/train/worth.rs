// SPDX-License-Identifier: MIT OR Apache-2.0

/// What a trained group is worth: the less of both, the better.
#[derive(Clone, Copy, Debug)]
pub struct Worth {
    /// Mean squared error.
    pub mse: f64,
    /// lambda * bits per pixel.
    pub rate: f64,
}
