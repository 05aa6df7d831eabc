// SPDX-License-Identifier: MIT OR Apache-2.0

use std::io::Read;
use std::path::Path;

use gst::prelude::*;
use gst_app::AppSrc;

use super::pipe;
use crate::exit::Outcome;
use crate::gstreamer::element;

/// Bytes that are read at once, and bytes that wait for the pipeline at most.
const BLOCK: usize = 1 << 16;
const MAX_QUEUED: u64 = 1 << 20;

/// The element that yields the bytes of `path`, a file or a pipe.
///
/// # Errors
/// When it is missing or the pipe has been read.
pub fn source(path: &Path) -> Outcome<gst::Element> {
    if pipe::is_pipe(path) && !pipe::is_copied(path) {
        return feed(path);
    }
    let source = element("filesrc")?;
    source.set_property("location", super::local(path)?.as_ref());
    Ok(source)
}

/// Reads the pipe on a thread of its own, which ends with the pipeline, or with the process while it
/// waits for a writer.
fn feed(path: &Path) -> Outcome<gst::Element> {
    let mut pipe = pipe::take(path)?;
    let source = AppSrc::builder().block(true).max_bytes(MAX_QUEUED).build();
    let sink = source.clone();
    std::thread::spawn(move || {
        let mut block = vec![0; BLOCK];
        // An end and a failure to read look alike to a demuxer, which tells of what is missing.
        while let Ok(n @ 1..) = pipe.read(&mut block) {
            if sink.push_buffer(gst::Buffer::from_slice(block[..n].to_vec())).is_err() {
                return;
            }
        }
        // Whoever stopped the pipeline wants no more.
        let _ = sink.end_of_stream();
    });
    Ok(source.upcast())
}
