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

/// Memory for one thing, or none.
pub(super) struct Region<M>(Option<M>);

impl<M: Memory> Region<M> {
    /// So many bytes.
    pub fn new(device: &impl Device<Memory = M>, bytes: usize) -> Result<Self> {
        let memory = if bytes > 0 { Some(device.alloc(bytes)?) } else { None };
        Ok(Self(memory))
    }

    /// Where it begins; 0 where there is none.
    pub fn address(&self) -> u64 {
        self.0.as_ref().map_or(0, Memory::address)
    }
}

/// Hands out places in memory that is allocated when all are known.
#[derive(Default)]
pub(super) struct Arena {
    /// Bytes so far.
    pub len: usize,
}

impl Arena {
    /// Where so many bytes begin, aligned for every kernel.
    pub fn take(&mut self, bytes: usize) -> u64 {
        let at = self.len;
        self.len = (at + bytes).next_multiple_of(256);
        at as u64
    }

    /// So many values of f32.
    pub fn floats(&mut self, n: usize) -> u64 {
        self.take(4 * n)
    }

    /// So many values of f16.
    pub fn halves(&mut self, n: usize) -> u64 {
        self.take(2 * n)
    }
}
