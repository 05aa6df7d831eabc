// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::Range;

use super::device::{Device, Memory};
use crate::base::Result;

/// A buffer of f32 on a device.
pub struct Floats<M> {
    pub(super) memory: M,
    pub(super) len: usize,
}

impl<M: Memory> Floats<M> {
    /// Address of element `at`.
    pub(super) fn at(&self, at: usize) -> u64 {
        debug_assert!(at <= self.len);
        self.memory.address() + at as u64 * 4
    }
}

/// Bytes of a range of f32.
pub(super) fn bytes_of(range: &Range<usize>) -> Range<usize> {
    range.start * 4..range.end * 4
}

/// Memory that becomes larger when more is needed.
pub(super) struct Scratch<M>(Option<(M, usize)>);

impl<M> Default for Scratch<M> {
    fn default() -> Self {
        Self(None)
    }
}

impl<M: Memory> Scratch<M> {
    /// At least so many bytes; what they hold is lost when there were fewer.
    pub fn reserve(&mut self, device: &impl Device<Memory = M>, bytes: usize) -> Result<&M> {
        if self.0.as_ref().is_none_or(|(_, len)| *len < bytes) {
            // The old memory goes first, so that both never stand side by side.
            self.0 = None;
            self.0 = Some((device.alloc(bytes)?, bytes));
        }
        match &self.0 {
            Some((memory, _)) => Ok(memory),
            None => Err(crate::base::Error::Backend("CUDA: no memory".into())),
        }
    }

    /// The address of what was reserved; 0 when nothing was.
    pub fn address(&self) -> u64 {
        self.0.as_ref().map_or(0, |(memory, _)| memory.address())
    }
}
