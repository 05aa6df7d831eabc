// SPDX-License-Identifier: MIT OR Apache-2.0
//! What training yields.

#[cfg(doc)]
use crate::backend::Shape;
#[cfg(doc)]
use crate::base::spec::Precision;

/// A tensor as integers and the binary exponent of its step: value = integer / 2^exponent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantised {
    /// The integers.
    pub values: Vec<i32>,
    /// The exponent.
    pub exponent: u32,
}

/// The parameters of a trained group, in the form that [`Precision`] asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Of [`Precision::Steps`].
    Steps {
        /// Symbols of all grids. [`Shape::n_grid`]
        symbols: Vec<i16>,
        /// The network's tensors, in the order of [`crate::backend::Network::tensors`].
        tensors: Vec<Quantised>,
        /// The parts of the entropy model of each grid source, in their order.
        entropy: Vec<Vec<Quantised>>,
    },
    /// Of [`Precision::Uniform`], not quantised yet.
    Plain {
        /// [`Shape::n_grid`]
        grids: Vec<f32>,
        /// [`crate::backend::Network::len`]
        network: Vec<f32>,
    },
}

/// A trained group.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Its parameters.
    pub values: Values,
    /// Steps done.
    pub n_steps: u32,
    /// The price of a bit: the geometric mean where it followed a target.
    pub lambda: f32,
}
