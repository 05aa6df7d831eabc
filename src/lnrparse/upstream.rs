// SPDX-License-Identifier: MIT OR Apache-2.0
//! What upstream says of its buffers, and the base class forgets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gst::prelude::*;

/// Stands for no duration.
const NONE: u64 = u64::MAX;

/// How long the buffer lasts that arrived last, as upstream says. Where upstream gives one access unit
/// for each buffer, that is the one that is being parsed.
#[derive(Clone)]
pub(super) struct Durations(Arc<AtomicU64>);

impl Default for Durations {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(NONE)))
    }
}

impl Durations {
    /// Looks at all buffers that this sink pad gets.
    pub fn watch(&self, sink: &gst::Pad) {
        let last = self.0.clone();
        sink.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(gst::PadProbeData::Buffer(buffer)) = &info.data {
                let duration = buffer.duration().map_or(NONE, gst::ClockTime::nseconds);
                last.store(duration, Ordering::Relaxed);
            }
            gst::PadProbeReturn::Ok
        });
    }

    pub fn last(&self) -> Option<gst::ClockTime> {
        match self.0.load(Ordering::Relaxed) {
            NONE => None,
            ns => Some(gst::ClockTime::from_nseconds(ns)),
        }
    }
}
