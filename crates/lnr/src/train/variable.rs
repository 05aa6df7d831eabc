// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::Range;

use crate::backend::{Adam, Backend, Entropy};
use crate::base::Result;
use crate::model::Source;

/// Values with gradient and moments.
pub(super) struct Variable<T> {
    pub values: T,
    pub grads: T,
    m: T,
    v: T,
}

impl<T> Variable<T> {
    pub fn new<B: Backend<Buffer = T>>(backend: &B, values: &[f32]) -> Result<Self> {
        let n = values.len();
        let mut buffer = backend.alloc(n)?;
        backend.write(&mut buffer, 0, values)?;
        Ok(Self {
            values: buffer,
            grads: backend.alloc(n)?,
            m: backend.alloc(n)?,
            v: backend.alloc(n)?,
        })
    }

    pub fn step<B: Backend<Buffer = T>>(
        &mut self,
        backend: &B,
        adam: &Adam,
        range: Range<usize>,
        slopes: Option<&T>,
    ) -> Result<()> {
        let moments = (&mut self.m, &mut self.v);
        backend.adam(adam, range, &mut self.values, &mut self.grads, slopes, moments)
    }
}

/// The entropy model of a source.
pub(super) struct EntropyState<T> {
    pub source: Source,
    pub entropy: Entropy,
    pub variable: Variable<T>,
    /// Steps of the optimiser so far.
    pub steps: u32,
}
