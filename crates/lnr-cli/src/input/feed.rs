// SPDX-License-Identifier: MIT OR Apache-2.0

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::prelude::*;
use gst_app::AppSrc;

use super::pipe;
use crate::exit::Outcome;
use crate::gstreamer::element;

/// Bytes that are read at once, and bytes that wait for the pipeline at most.
const BLOCK: usize = 1 << 16;
const MAX_QUEUED: u64 = 1 << 20;

/// What yields the bytes of a file or a pipe.
pub struct Feed {
    pub element: gst::Element,
    /// Whether nothing can come because a pipe brings nothing.
    pub is_waiting: Arc<AtomicBool>,
}

impl Feed {
    /// # Errors
    /// When the element is missing or the pipe has been read.
    pub fn open(path: &Path) -> Outcome<Self> {
        match super::is_repeatable(path) {
            true => Self::file(super::local(path)?.as_ref()),
            false => Self::pipe(path),
        }
    }

    /// # Errors
    /// When the element is missing.
    pub fn file(path: &Path) -> Outcome<Self> {
        let element = element("filesrc")?;
        element.set_property("location", path);
        Ok(Self { element, is_waiting: Arc::default() })
    }

    /// Reads the pipe on a thread of its own, which ends with the pipeline, or with the process while
    /// it waits for a writer.
    fn pipe(path: &Path) -> Outcome<Self> {
        let mut pipe = pipe::take(path)?;
        let source = AppSrc::builder().block(true).max_bytes(MAX_QUEUED).build();
        let is_waiting = Arc::<AtomicBool>::default();
        let (sink, flag) = (source.clone(), is_waiting.clone());
        std::thread::spawn(move || {
            let mut block = vec![0; BLOCK];
            loop {
                flag.store(true, Ordering::SeqCst);
                let read = pipe.read(&mut block);
                flag.store(false, Ordering::SeqCst);
                // An end and a failure to read look alike to a demuxer, which tells of what is missing.
                let Ok(n @ 1..) = read else { break };
                if sink.push_buffer(gst::Buffer::from_slice(block[..n].to_vec())).is_err() {
                    return;
                }
            }
            // Whoever stopped the pipeline wants no more.
            let _ = sink.end_of_stream();
        });
        Ok(Self { element: source.upcast(), is_waiting })
    }
}
