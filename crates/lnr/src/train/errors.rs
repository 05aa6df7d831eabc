// SPDX-License-Identifier: MIT OR Apache-2.0

use super::divergence::finite;
use crate::backend::{Backend, Sum, read_sums};
use crate::base::Result;

/// Steps whose errors are read together: enough that a GPU hardly waits, and progress is no more than so
/// many steps late.
const KEPT: usize = 8;

/// Errors of steps, which stay with the backend until several are read: reading waits for it.
pub(super) struct Errors<T> {
    sums: T,
    /// The loss over the sum of squared errors of each.
    weights: [f32; KEPT],
}

impl<T> Errors<T> {
    /// Values of its buffer.
    pub const LEN: usize = 2 * KEPT;

    pub fn new<B: Backend<Buffer = T>>(backend: &B) -> Result<Self> {
        Ok(Self { sums: backend.alloc(Self::LEN)?, weights: [0.0; KEPT] })
    }

    /// Where step `step` leaves its sum of squared errors; the loss is `weight` times it.
    pub fn place(&mut self, step: u32, weight: f32) -> Sum<'_, T> {
        let index = step as usize % KEPT;
        self.weights[index] = weight;
        Sum { buffer: &mut self.sums, index }
    }

    /// The mean squared errors of the last steps, if it is time to read them after step `step`.
    ///
    /// # Errors
    /// [`crate::base::Error::Diverged`] where one is no number.
    pub fn read<B: Backend<Buffer = T>>(
        &self,
        backend: &B,
        (step, n_steps): (u32, u32),
    ) -> Result<Vec<f32>> {
        let n = step as usize % KEPT + 1;
        if n < KEPT && step + 1 < n_steps {
            return Ok(Vec::new());
        }
        let sums = read_sums(backend, &self.sums, n)?;
        let error = |(sum, weight): (&f64, &f32)| {
            Ok(finite("the error", f64::from(*sum as f32 * weight))? as f32)
        };
        sums.iter().zip(&self.weights).map(error).collect()
    }
}
