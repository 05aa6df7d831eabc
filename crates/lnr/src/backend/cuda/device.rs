// SPDX-License-Identifier: MIT OR Apache-2.0
//! What runs kernels: a GPU, or in tests this machine under the SIMT shim.

use std::ops::Range;

use bytemuck::Pod;

use crate::base::Result;

/// How many threads run a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Blocks.
    pub grid: [u32; 3],
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of shared memory of a block: at most [`MAX_SHARED`], or what [`Device::max_shared`] says.
    pub shared: usize,
}

/// Bytes of shared memory that a block has on every supported GPU.
pub const MAX_SHARED: usize = 99 << 10;

impl Launch {
    /// Blocks in a row.
    pub fn row(blocks: usize, threads: u32) -> Self {
        Self { grid: [blocks.max(1) as u32, 1, 1], threads, shared: 0 }
    }
}

/// Memory of a device.
pub trait Memory: Send + Sync {
    /// Address of its first byte on the device, a multiple of 256.
    fn address(&self) -> u64;
}

/// A point in what a device was given to do.
pub trait Event: Send {
    /// Returns when everything before it is done.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn wait(&self) -> Result<()>;
}

/// Memory of the host that a device copies to while it works.
pub trait Landing: Send {
    /// Some of its bytes, once everything that was copied to them has arrived.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn bytes(&mut self, range: Range<usize>) -> Result<&[u8]>;
    /// Returns when everything that was copied to it has arrived.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn settle(&mut self) -> Result<()>;
}

/// A device: operations run in the order they are given in, and may still run when a call returns.
pub trait Device: Send + Sync {
    /// Its memory.
    type Memory: Memory;
    /// Memory of the host for [`Device::send`].
    type Landing: Landing;
    /// A point in its work.
    type Event: Event;

    /// Processors that work at the same time.
    fn n_processors(&self) -> usize;
    /// Bytes of shared memory that a block may have here.
    fn max_shared(&self) -> usize;
    /// Bytes that are free, about.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn free_bytes(&self) -> Result<usize>;
    /// Memory of zeros.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when memory is short.
    fn alloc(&self, bytes: usize) -> Result<Self::Memory>;
    /// Memory of the host.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when memory is short.
    fn landing(&self, bytes: usize) -> Result<Self::Landing>;
    /// Copies to `memory[at..]`.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn write(&self, memory: &mut Self::Memory, at: usize, bytes: &[u8]) -> Result<()>;
    /// Copies `memory[at..]` and waits for it.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn read(&self, memory: &Self::Memory, at: usize, bytes: &mut [u8]) -> Result<()>;
    /// Sets bytes to zero.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn clear(&self, memory: &mut Self::Memory, range: Range<usize>) -> Result<()>;
    /// The point that is now reached when everything so far is done.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn record(&self) -> Result<Self::Event>;
    /// Copies `memory[range]` to `landing[range]` when `after` is reached, while the device goes on
    /// with what follows it. The memory must stay as it is until [`Landing::bytes`] of that range was
    /// asked for, or [`Landing::settle`].
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn send(
        &self,
        memory: &Self::Memory,
        range: Range<usize>,
        after: &Self::Event,
        landing: &mut Self::Landing,
    ) -> Result<()>;
    /// Runs a kernel. `args` is the twin of its argument in C++; its addresses lie in memory that
    /// lives until the device has finished.
    ///
    /// # Errors
    /// [`crate::base::Error::Backend`] when the device fails.
    fn launch(&self, kernel: &'static str, launch: Launch, args: &impl Pod) -> Result<()>;
    /// Hands over the operations of `f` at once: launches and clears, nothing else.
    ///
    /// # Errors
    /// Those of `f`; [`crate::base::Error::Backend`] when the device fails.
    fn together<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R>;
}
