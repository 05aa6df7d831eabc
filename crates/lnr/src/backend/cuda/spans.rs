// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events around launches, for profiles.

use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::sys::CUevent_flags;
use cudarc::driver::{CudaEvent, CudaStream, DriverError};

use super::failed;
use crate::base::Result;

/// A launch between two events.
pub struct Span {
    pub kernel: &'static str,
    begin: CudaEvent,
    end: CudaEvent,
}

impl Span {
    /// How long it took; it has ended.
    pub fn seconds(&self) -> Result<f64> {
        let milliseconds = self.begin.elapsed_ms(&self.end).map_err(failed("read the time"))?;
        Ok(f64::from(milliseconds) * 1e-3)
    }
}

/// Events around every launch, while they are wanted.
#[derive(Default)]
pub struct Spans(Mutex<Option<Vec<Span>>>);

impl Spans {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Span>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Launches are timed from now on.
    pub fn start(&self) {
        *self.lock() = Some(Vec::new());
    }

    /// The launches since the start; they are not timed any more.
    pub fn stop(&self) -> Vec<Span> {
        self.lock().take().unwrap_or_default()
    }

    /// Whether launches are timed.
    pub fn is_on(&self) -> bool {
        self.lock().is_some()
    }

    /// The begin of a launch.
    pub fn begin(
        &self,
        stream: &Arc<CudaStream>,
    ) -> std::result::Result<Option<CudaEvent>, DriverError> {
        if !self.is_on() {
            return Ok(None);
        }
        stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).map(Some)
    }

    /// The end of a launch that began with `begin`.
    pub fn end(
        &self,
        kernel: &'static str,
        begin: Option<CudaEvent>,
        stream: &Arc<CudaStream>,
    ) -> std::result::Result<(), DriverError> {
        if let (Some(spans), Some(begin)) = (&mut *self.lock(), begin) {
            let end = stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT))?;
            spans.push(Span { kernel, begin, end });
        }
        Ok(())
    }
}
