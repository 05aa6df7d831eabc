// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::prelude::*;

/// Takes the end from seeks to bytes that leave by this sink pad. The base class stops at the end of its
/// own segment, and does not need it; souphttpsrc up to 1.22 at least takes it for the end of the file,
/// and finds nothing behind it any more.
pub(super) fn leave_seeks_open(sink: &gst::Pad) {
    sink.add_probe(gst::PadProbeType::EVENT_UPSTREAM, |_, info| {
        if let Some(gst::PadProbeData::Event(event)) = &mut info.data
            && let Some(open) = without_end(event)
        {
            *event = open;
        }
        gst::PadProbeReturn::Ok
    });
}

fn without_end(event: &gst::Event) -> Option<gst::Event> {
    let gst::EventView::Seek(seek) = event.view() else { return None };
    let (rate, flags, start_type, start, _, stop) = seek.get();
    let gst::GenericFormattedValue::Bytes(start) = start else { return None };
    if !matches!(stop, gst::GenericFormattedValue::Bytes(Some(_))) {
        return None;
    }
    let end = gst::format::Bytes::NONE;
    let open = gst::event::Seek::builder(rate, flags, start_type, start, gst::SeekType::Set, end);
    Some(open.seqnum(event.seqnum()).build())
}
