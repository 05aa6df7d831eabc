// SPDX-License-Identifier: MIT OR Apache-2.0
//! Access units in bytes that were gathered for another one, which turned out damaged.

use gst_base::prelude::*;
use gst_base::subclass::prelude::*;

use super::imp::{LnrParse, stamp};
use super::state::Look;
use crate::framing::{MAX_SKIP, MIN_UNIT};

/// Bytes from which on a look at all that the base class holds is dear: it copies them for every frame,
/// a few microseconds for so many.
const DEAR: usize = 64 << 10;

impl LnrParse {
    /// Whether the base class holds so many bytes of a damaged access unit that access units among
    /// them should not be pushed one by one, see [`LnrParse::push_all`].
    pub(super) fn is_dear(&self, n_bytes: usize, is_draining: bool) -> bool {
        let state = self.state.lock().unwrap();
        if n_bytes < DEAR || state.n_suspect == 0 || state.is_timed {
            return false;
        }
        drop(state);
        let obj = self.obj();
        // A file is not copied, but its end is read again for every look.
        if obj.sink_pad().mode() == gst::PadMode::Pull && !is_draining {
            return false;
        }
        // The base class plays backwards by itself, and must have sent what precedes buffers.
        let has_begun = obj.src_pad().sticky_event::<gst::event::Segment>(0).is_some();
        has_begun && obj.segment().rate() > 0.0
    }

    /// Pushes all access units of the bytes that the base class holds, in one look at them: a size that
    /// lies can make it gather megabytes of the smallest units. It takes one frame for a look, so the
    /// last one is given to it with the bytes of all, and the others go downstream directly.
    pub(super) fn push_all(
        &self,
        mut frame: gst_base::BaseParseFrame,
        is_draining: bool,
    ) -> Result<(gst::FlowSuccess, u32), gst::FlowError> {
        let all = frame.buffer().and_then(|b| b.copy_region(gst::BufferCopyFlags::MEMORY, ..).ok());
        let Some(data) = all.as_ref().and_then(|all| all.map_readable().ok()) else {
            return Err(gst::FlowError::Error);
        };
        let (mut at, mut last, mut needed) = (0, None, MIN_UNIT);
        while at < data.len() && (at < MAX_SKIP || last.is_some()) {
            let offset = frame.offset() + at as u64;
            let n = match self.look(&data[at..], offset, is_draining) {
                Look::Unit(len, timing) => {
                    if let Some(before) = last.take() {
                        self.push_directly(before)?;
                    }
                    if timing.is_key {
                        self.begin_group(offset, len);
                    }
                    let mut buffer = gst::Buffer::from_slice(data[at..at + len].to_vec());
                    stamp(buffer.make_mut(), &timing, false);
                    last = Some(buffer);
                    len
                }
                Look::Index(n, _) => n,
                Look::Drop(n, _) => n.min(MAX_SKIP),
                Look::Need(n) => {
                    needed = n;
                    break;
                }
            };
            self.state.lock().unwrap().consume(n);
            at += n;
        }
        drop(data);
        if at == 0 {
            return self.need(needed);
        }
        self.obj().set_min_frame_size(MIN_UNIT as u32);
        match last {
            Some(buffer) => {
                frame.set_output_buffer(buffer);
                self.obj().finish_frame(frame, at as u32).map(|flow| (flow, 0))
            }
            None => Ok((gst::FlowSuccess::Ok, at as u32)),
        }
    }

    fn push_directly(&self, buffer: gst::Buffer) -> Result<(), gst::FlowError> {
        match self.obj().src_pad().push(buffer) {
            // The base class goes on then, too.
            Ok(_) | Err(gst::FlowError::NotLinked) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
