// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::Range;

use crate::backend::{Adam, Backend};
use crate::base::Result;

/// Values with gradient and moments.
pub(super) struct Variable<T> {
    pub values: T,
    pub grads: T,
    m: T,
    v: T,
}

impl<T> Variable<T> {
    pub fn new<B: Backend<Buffer = T>>(backend: &B, values: Vec<f32>) -> Result<Self> {
        let n = values.len();
        Ok(Self {
            values: backend.upload(values)?,
            grads: backend.alloc(n)?,
            m: backend.alloc(n)?,
            v: backend.alloc(n)?,
        })
    }

    /// The values, read from the backend.
    pub fn read<B: Backend<Buffer = T>>(
        &self,
        backend: &B,
        range: Range<usize>,
    ) -> Result<Vec<f32>> {
        let mut values = vec![0.0; range.len()];
        backend.read(&self.values, range.start, &mut values)?;
        Ok(values)
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
