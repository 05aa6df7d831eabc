// SPDX-License-Identifier: MIT OR Apache-2.0
//! A GPU through the CUDA driver, which is loaded when the first one is asked for.
#![allow(unsafe_code)]

mod graphs;
mod kernels;

use std::ffi::c_void;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;
use cudarc::driver::{CudaContext, CudaEvent, CudaSlice, CudaStream, DevicePtr, result, sys};

use self::graphs::{Graphs, Recorded};
use self::kernels::Kernels;
use super::capture::{self, Recorder};
use super::device::{Device, Launch, Memory};
use super::facts::{self, Facts};
use super::failed;
use super::pinned::Pinned;
#[cfg(feature = "internals")]
use super::spans::Spans;
#[cfg(doc)]
use crate::base::Error;
use crate::base::Result;

/// A GPU with its kernels and a stream.
pub struct Gpu {
    facts: Facts,
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    /// Whether the stream can record; the default stream cannot.
    records: bool,
    /// Copies to the host.
    copies: Arc<CudaStream>,
    graphs: Graphs,
    kernels: Kernels,
    #[cfg(feature = "internals")]
    spans: Spans,
    /// The kernels so far, while a step is recorded.
    recorded: Mutex<Option<Vec<&'static str>>>,
}

/// Does what opens a GPU; the bindings panic where the library lacks a function.
fn guarded(f: impl FnOnce() -> Result<Gpu>) -> Result<Gpu> {
    std::panic::catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|_| Err(facts::old_driver()))
}

impl Gpu {
    /// GPU number `ordinal`.
    ///
    /// # Errors
    /// [`Error::Backend`] when there is no driver, no such GPU, one that is too old, or one that is
    /// busy.
    pub fn new(ordinal: usize) -> Result<Self> {
        // SAFETY: looks for the library by its well-known names; loading it runs NVIDIA's own
        // initialisers only.
        if !unsafe { sys::is_culib_present() } {
            return Err(facts::no_driver());
        }
        guarded(|| Self::open(ordinal))
    }

    fn open(ordinal: usize) -> Result<Self> {
        result::init().map_err(failed("start"))?;
        let n_devices = CudaContext::device_count().map_err(failed("count devices"))?;
        if ordinal >= n_devices as usize {
            return Err(facts::no_device(ordinal, n_devices));
        }
        let context = CudaContext::new(ordinal).map_err(failed("open the device"))?;
        let stream = context.new_stream().map_err(failed("make a stream"))?;
        // SAFETY: context and stream are nobody else's.
        unsafe { Self::from_context(context, stream) }
    }

    /// In a context that is there: everything is given to this stream of it, so that what others give
    /// to the same stream afterwards may read surfaces.
    ///
    /// # Errors
    /// [`Error::Backend`] when the GPU is too old, or busy.
    ///
    /// # Safety
    /// The context's tracking of events is turned off: what others allocated in it through cudarc must
    /// be ordered by themselves where several streams use it.
    pub unsafe fn from_context(context: Arc<CudaContext>, stream: Arc<CudaStream>) -> Result<Self> {
        let facts = Facts::of(&context)?;
        context.bind_to_thread().map_err(failed("enter the context"))?;
        // SAFETY: every operation of a `Gpu` is given to its one stream, and what goes to the stream
        // of copies is ordered by events. The caller answers for others.
        unsafe { context.disable_event_tracking() };
        let copies = context.new_stream().map_err(failed("make a stream"))?;
        let kernels = Kernels::load(context.clone(), facts.max_shared)?;
        Ok(Self {
            facts,
            // The handles of the default stream are 0 and 1.
            records: stream.cu_stream() as usize > 1,
            context,
            stream,
            copies,
            graphs: Graphs::default(),
            kernels,
            #[cfg(feature = "internals")]
            spans: Spans::default(),
            recorded: Mutex::new(None),
        })
    }

    /// As [`Gpu::from_context`], from handles of the driver: a `CUcontext` of GPU number `ordinal` and
    /// a `CUstream` of that context, or null for its default stream. They stay the caller's. The
    /// context is made the calling thread's, there and in every operation.
    ///
    /// # Errors
    /// [`Error::Backend`] when there is no such GPU, or it is too old, or busy.
    ///
    /// # Safety
    /// The handles are what they should be, and alive until the GPU and all that was made from it is
    /// gone.
    #[cfg(feature = "internals")]
    pub unsafe fn from_raw(
        ordinal: usize,
        context: *mut c_void,
        stream: *mut c_void,
    ) -> Result<Self> {
        guarded(|| {
            result::init().map_err(failed("start"))?;
            let device = result::device::get(ordinal as i32).map_err(failed("find the device"))?;
            // SAFETY: the caller answers for the handles.
            let context = unsafe { CudaContext::from_raw_context(ordinal, device, context.cast()) };
            let context = context.map_err(failed("enter the context"))?;
            // The last owner would destroy the context: there is one that never goes.
            std::mem::forget(context.clone());
            // SAFETY: as above.
            let stream = unsafe { context.wrap_borrowed_stream(stream.cast()) };
            // SAFETY: nobody else uses this wrapper of the context.
            unsafe { Self::from_context(context, stream) }
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    #[cfg(feature = "internals")]
    pub(super) fn spans(&self) -> &Spans {
        &self.spans
    }

    /// Returns when everything is done.
    pub(super) fn wait(&self) -> Result<()> {
        self.stream.synchronize().map_err(failed("wait for the device"))
    }

    /// Whether launches are timed one by one.
    fn is_timed(&self) -> bool {
        #[cfg(feature = "internals")]
        return self.spans.is_on();
        #[cfg(not(feature = "internals"))]
        false
    }

    fn recorded(&self) -> std::sync::MutexGuard<'_, Option<Vec<&'static str>>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for Gpu {
    type Recording = Recorded;

    fn begin(&self) -> Result<()> {
        // Other threads may do what they like meanwhile.
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        self.stream.begin_capture(mode).map_err(failed("record a step"))?;
        *self.recorded() = Some(Vec::new());
        Ok(())
    }

    fn end(&self) -> Result<Recorded> {
        let kernels = self.recorded().take().unwrap_or_default();
        // SAFETY: the stream is alive and recording. Where this fails it records no longer, and there
        // is no graph.
        let graph = unsafe { result::stream::end_capture(self.stream.cu_stream()) };
        Ok(Recorded::new(graph.map_err(failed("record a step"))?, kernels))
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        // Nothing may run any more when graphs, kernels and memory go.
        let _ = self.stream.synchronize();
        let _ = self.copies.synchronize();
    }
}

impl Memory for (CudaSlice<u8>, Arc<CudaStream>) {
    fn address(&self) -> u64 {
        self.0.device_ptr(&self.1).0
    }
}

impl Device for Gpu {
    type Memory = (CudaSlice<u8>, Arc<CudaStream>);
    type Landing = Pinned;
    type Event = CudaEvent;

    fn n_processors(&self) -> usize {
        self.facts.n_processors
    }

    fn max_shared(&self) -> usize {
        self.facts.max_shared
    }

    fn free_bytes(&self) -> Result<usize> {
        Ok(self.context.mem_get_info().map_err(failed("ask for free memory"))?.0)
    }

    fn alloc(&self, bytes: usize) -> Result<Self::Memory> {
        let what = format!("take {bytes} bytes of the device's memory");
        let memory = self.stream.alloc_zeros::<u8>(bytes.max(1)).map_err(failed(&what))?;
        Ok((memory, self.stream.clone()))
    }

    fn landing(&self, bytes: usize) -> Result<Pinned> {
        let what = format!("take {bytes} bytes of pinned memory");
        // SAFETY: bytes of any value are bytes, and they are read after a copy to them only. Memory
        // that is not write-combined is quick to read.
        let bytes = unsafe { self.context.alloc_pinned_with_flags::<u8>(bytes.max(1), 0) };
        Ok(Pinned { bytes: bytes.map_err(failed(&what))?, copies: Vec::new() })
    }

    fn write(&self, memory: &mut Self::Memory, at: usize, bytes: &[u8]) -> Result<()> {
        let mut view = memory.0.slice_mut(at..at + bytes.len());
        self.stream.memcpy_htod(bytes, &mut view).map_err(failed("copy to the device"))
    }

    fn read(&self, memory: &Self::Memory, at: usize, bytes: &mut [u8]) -> Result<()> {
        let view = memory.0.slice(at..at + bytes.len());
        self.stream.memcpy_dtoh(&view, bytes).map_err(failed("copy from the device"))?;
        self.wait()
    }

    fn clear(&self, memory: &mut Self::Memory, range: Range<usize>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let mut view = memory.0.slice_mut(range);
        self.stream.memset_zeros(&mut view).map_err(failed("clear memory"))
    }

    fn record(&self) -> Result<CudaEvent> {
        self.stream.record_event(None).map_err(failed("mark a point in time"))
    }

    fn send(
        &self,
        memory: &Self::Memory,
        range: Range<usize>,
        after: &CudaEvent,
        landing: &mut Pinned,
    ) -> Result<()> {
        let failed = failed("copy from the device");
        self.copies.wait(after).map_err(&failed)?;
        let view = memory.0.slice(range.clone());
        let (from, _record) = view.device_ptr(&self.copies);
        let to = landing.bytes.as_mut_slice().map_err(&failed)?;
        // SAFETY: source and target are live and long enough (slicing checks both); the caller leaves
        // the source as it is, and the target is read and dropped after the event below.
        let copied = unsafe {
            result::memcpy_dtoh_async(&mut to[range.clone()], from, self.copies.cu_stream())
        };
        copied.map_err(&failed)?;
        let arrived = self.copies.record_event(None).map_err(&failed)?;
        landing.copies.push((range, arrived));
        Ok(())
    }

    fn launch(&self, kernel: &'static str, launch: Launch, args: &impl Pod) -> Result<()> {
        let function = self.kernels.function(kernel)?;
        self.context.bind_to_thread().map_err(failed(kernel))?;
        if let Some(recorded) = &mut *self.recorded() {
            recorded.push(kernel);
        }
        let Launch { grid: [x, y, z], threads, shared } = launch;
        #[cfg(feature = "internals")]
        let begin = self.spans.begin(&self.stream).map_err(failed(kernel))?;
        let mut params = [ptr::from_ref(args).cast_mut().cast::<c_void>()];
        // SAFETY: the driver copies the arguments before it returns; they are the twin of the
        // kernel's (the tests under the shim compare their sizes and use every field), and their
        // addresses those of live memory, see `Device::launch`.
        let launched = unsafe {
            result::launch_kernel(
                function,
                (x, y, z),
                (threads, 1, 1),
                shared as u32,
                self.stream.cu_stream(),
                &mut params,
            )
        };
        launched.map_err(failed(kernel))?;
        #[cfg(feature = "internals")]
        self.spans.end(kernel, begin, &self.stream).map_err(failed(kernel))?;
        Ok(())
    }

    fn together<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        if self.is_timed() || !self.records {
            return f();
        }
        let (value, recorded) = capture::record(self, f)?;
        self.graphs.run(recorded, &self.stream).map_err(failed("run a step"))?;
        Ok(value)
    }
}
