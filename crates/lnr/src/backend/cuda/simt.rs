// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels on this machine, for tests: compiled by g++ with the SIMT shim of `kernels/simt.h`.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytemuck::Pod;
use libloading::{Library, Symbol};

use super::device::{Device, Event, Landing, Launch, MAX_SHARED, Memory};
use crate::base::{Error, Result};

/// Bytes around memory that nothing may touch: more than any vector that a kernel reads at once.
const GUARD: usize = 256;
const GUARD_BYTE: u8 = 0xA5;

// SAFETY: what a call must keep to stands at the call.
type Kernel = unsafe extern "C" fn(*const u8, usize, *const u32, u32, u32, u64) -> i32;

/// Runs every kernel with its threads in an order of its own.
pub struct Simt {
    /// 0 keeps threads in order.
    seed: u64,
    n_launches: AtomicU64,
    /// Bytes of its memory that is alive.
    taken: Arc<AtomicUsize>,
}

impl Simt {
    /// Threads and blocks in an order that comes of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, n_launches: AtomicU64::new(0), taken: Arc::default() }
    }

    /// Counts the bytes of memory that is alive.
    pub fn taken(&self) -> Arc<AtomicUsize> {
        self.taken.clone()
    }
}

/// Compiles the kernels, once per process.
fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let kernels = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../kernels");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("kernels.so");
        let status = Command::new("g++")
            .args(["-std=c++17", "-O2", "-march=native", "-ffp-contract=off", "-Wall", "-Wextra"])
            .args(["-Werror", "-Wno-unknown-pragmas", "-Wno-unused-function", "-fPIC", "-shared"])
            .args(["-fsanitize=alignment,bounds,shift,integer-divide-by-zero"])
            .args(["-fno-sanitize-recover=all", "-o"])
            .arg(&path)
            .arg(kernels.join("simt.cpp"))
            .status()
            .expect("g++ starts: install it (package g++)");
        assert!(status.success(), "the kernels do not compile for the SIMT shim");
        // SAFETY: the library was just made from this repository's kernels; loading runs nothing.
        unsafe { Library::new(&path) }.expect("the kernels' library loads")
    })
}

/// What the library says of the numbers in `kernels/sizes.h`.
pub fn sizes() -> Vec<(String, usize)> {
    // SAFETY: of calls: simt.cpp gives it this signature. A name is null or ends in zero, and stays
    // while the library does.
    type Name = unsafe extern "C" fn(u32) -> *const std::ffi::c_char;
    // SAFETY: of calls: simt.cpp gives it this signature, for numbers that have a name.
    type Size = unsafe extern "C" fn(u32) -> u64;
    // SAFETY: the functions have these signatures, and a name is asked for before its number is.
    unsafe {
        let name: Symbol<Name> = library().get(b"lnr_size_name").expect("the names of sizes");
        let size: Symbol<Size> = library().get(b"lnr_size").expect("sizes");
        let one = |i: u32| {
            let name = name(i);
            let text = || CStr::from_ptr(name).to_string_lossy().into_owned();
            (!name.is_null()).then(|| (text(), size(i) as usize))
        };
        (0..).map_while(one).collect()
    }
}

/// Memory between guards, aligned as a GPU's is.
pub struct HostMemory {
    taken: Arc<AtomicUsize>,
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl HostMemory {
    fn new(len: usize, taken: Arc<AtomicUsize>) -> Self {
        taken.fetch_add(len, Ordering::Relaxed);
        let mut bytes = vec![GUARD_BYTE; len + 2 * GUARD + 256];
        let start =
            (bytes.as_ptr() as usize + GUARD).next_multiple_of(256) - bytes.as_ptr() as usize;
        bytes[start..start + len].fill(0);
        Self { taken, bytes, start, len }
    }

    fn inner(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }

    fn inner_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.len, Ordering::Relaxed);
        let (before, rest) = self.bytes.split_at(self.start);
        let mut guards = before.iter().chain(&rest[self.len..]);
        if !std::thread::panicking() {
            assert!(guards.all(|&b| b == GUARD_BYTE), "a kernel wrote beside {} bytes", self.len);
        }
    }
}

impl Memory for HostMemory {
    fn address(&self) -> u64 {
        self.inner().as_ptr() as u64
    }
}

/// Everything is done when a call returns.
pub struct Done;

impl Event for Done {
    fn wait(&self) -> Result<()> {
        Ok(())
    }
}

/// Memory that copies reach as late as they may: when it is asked for.
pub struct Late {
    bytes: Vec<u8>,
    /// Where each copy goes, and the address that it comes from.
    copies: Vec<(Range<usize>, u64)>,
}

impl Landing for Late {
    fn bytes(&mut self, range: Range<usize>) -> Result<&[u8]> {
        self.settle()?;
        Ok(&self.bytes[range])
    }

    fn settle(&mut self) -> Result<()> {
        for (range, address) in self.copies.drain(..) {
            let from = std::ptr::with_exposed_provenance(address as usize);
            // SAFETY: the address is that of as many bytes of live memory, which stays as it is until
            // now, see `Device::send`.
            let from = unsafe { std::slice::from_raw_parts(from, range.len()) };
            self.bytes[range].copy_from_slice(from);
        }
        Ok(())
    }
}

impl Device for Simt {
    type Memory = HostMemory;
    type Landing = Late;
    type Event = Done;

    fn n_processors(&self) -> usize {
        3
    }

    fn max_shared(&self) -> usize {
        MAX_SHARED
    }

    fn free_bytes(&self) -> Result<usize> {
        Ok(1 << 30)
    }

    fn alloc(&self, bytes: usize) -> Result<HostMemory> {
        Ok(HostMemory::new(bytes, self.taken.clone()))
    }

    fn landing(&self, bytes: usize) -> Result<Late> {
        Ok(Late { bytes: vec![0; bytes], copies: Vec::new() })
    }

    fn write(&self, memory: &mut HostMemory, at: usize, bytes: &[u8]) -> Result<()> {
        memory.inner_mut()[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read(&self, memory: &HostMemory, at: usize, bytes: &mut [u8]) -> Result<()> {
        bytes.copy_from_slice(&memory.inner()[at..at + bytes.len()]);
        Ok(())
    }

    fn clear(&self, memory: &mut HostMemory, range: Range<usize>) -> Result<()> {
        memory.inner_mut()[range].fill(0);
        Ok(())
    }

    fn record(&self) -> Result<Done> {
        Ok(Done)
    }

    fn send(
        &self,
        memory: &HostMemory,
        range: Range<usize>,
        _: &Done,
        landing: &mut Late,
    ) -> Result<()> {
        let from = memory.inner()[range.clone()].as_ptr().expose_provenance();
        landing.copies.push((range, from as u64));
        Ok(())
    }

    fn launch(&self, kernel: &'static str, launch: Launch, args: &impl Pod) -> Result<()> {
        assert!(launch.shared <= MAX_SHARED, "{kernel}: {} bytes of shared memory", launch.shared);
        assert!(launch.grid[1].max(launch.grid[2]) < 1 << 16, "{kernel}: {:?}", launch.grid);
        let number = self.n_launches.fetch_add(1, Ordering::Relaxed);
        let seed = if self.seed == 0 { 0 } else { self.seed.wrapping_add(number << 8) | 1 };
        let args = bytemuck::bytes_of(args);
        let Launch { grid, threads, shared } = launch;
        // SAFETY: simt.h gives every kernel this signature, copies the arguments after it has
        // checked their size, and reads three numbers of the grid. The addresses in the arguments
        // are those of live memory, see `Device::launch`.
        let status = unsafe {
            let entry: Symbol<Kernel> = library()
                .get(kernel.as_bytes())
                .map_err(|e| Error::Backend(format!("kernel {kernel}: {e}")))?;
            entry(args.as_ptr(), args.len(), grid.as_ptr(), threads, shared as u32, seed)
        };
        assert_eq!(
            status, 0,
            "kernel {kernel}: 1 is another size of arguments, 2 too many threads"
        );
        Ok(())
    }

    fn together<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        f()
    }
}
