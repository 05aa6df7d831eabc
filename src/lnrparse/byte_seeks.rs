// SPDX-License-Identifier: MIT OR Apache-2.0
//! Seeks that the base class turns into seeks to bytes, and what it and souphttpsrc make of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use gst::prelude::*;

/// Most seeks whose answer is waited for: one that scrubs sends some tens in a second.
const MOST: usize = 256;

/// Seeks to bytes that left and were not answered by a segment.
#[derive(Clone, Default)]
pub(super) struct ByteSeeks(Arc<Mutex<VecDeque<(gst::Seqnum, u64)>>>);

impl ByteSeeks {
    /// Notes the seeks that leave by this sink pad, and takes their end from them: the base class stops
    /// at the end of its own segment, and does not need it; souphttpsrc up to 1.22 at least takes it for
    /// the end of the file, and finds nothing behind it any more.
    pub fn watch(&self, sink: &gst::Pad) {
        let seeks = self.clone();
        sink.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            if let Some(gst::PadProbeData::Event(event)) = &mut info.data
                && let gst::EventView::Seek(seek) = event.view()
                && let (rate, flags, kind, gst::GenericFormattedValue::Bytes(Some(start)), _, _) =
                    seek.get()
            {
                let seqnum = event.seqnum();
                seeks.left(seqnum, *start);
                let (set, end) = (gst::SeekType::Set, gst::format::Bytes::NONE);
                let open = gst::event::Seek::builder(rate, flags, kind, start, set, end);
                *event = open.seqnum(seqnum).build();
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn left(&self, seqnum: gst::Seqnum, offset: u64) {
        let mut seeks = self.0.lock().unwrap();
        if seeks.len() == MOST {
            seeks.pop_front();
        }
        seeks.push_back((seqnum, offset));
    }

    /// The seek came to nothing.
    pub fn failed(&self, seqnum: gst::Seqnum) {
        self.0.lock().unwrap().retain(|(other, _)| *other != seqnum);
    }

    /// A segment answers the seek of this number to byte `offset`. Returns how many seeks to there it
    /// settles, at least 1: those before it were overtaken, so that no segment will come for them. The
    /// base class finds seeks by their offset, the oldest first, and all of a group have the same: it
    /// must be told of the segment for each, or answers one too late from then on.
    pub fn settle(&self, seqnum: gst::Seqnum, offset: u64) -> usize {
        let mut seeks = self.0.lock().unwrap();
        let Some(last) = seeks.iter().position(|&seek| seek == (seqnum, offset)) else {
            return 1;
        };
        let before = seeks.drain(..=last);
        before.filter(|&(_, other)| other == offset).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overtaken_seeks_are_settled_with_the_one_that_is_answered() {
        gst::init().expect("GStreamer");
        let seeks = ByteSeeks::default();
        let numbers: Vec<_> = (0..5).map(|_| gst::Seqnum::next()).collect();
        for (&number, offset) in numbers.iter().zip([70, 70, 900, 70, 70]) {
            seeks.left(number, offset);
        }
        assert_eq!(seeks.settle(numbers[0], 70), 1);
        seeks.failed(numbers[1]);
        assert_eq!(seeks.settle(numbers[4], 70), 2);
        assert_eq!(seeks.settle(numbers[4], 70), 1, "it is told again");
        (0..2 * MOST).for_each(|_| seeks.left(numbers[0], 1));
        assert_eq!(seeks.0.lock().unwrap().len(), MOST);
    }
}
