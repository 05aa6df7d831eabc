// SPDX-License-Identifier: MIT OR Apache-2.0
//! The element `lnrparse`, in pieces of any size.

use std::sync::Once;

use gst::prelude::*;
use gst_check::Harness;
use lnr::stream::parse_group_header;

use super::repair;

/// What is told of a buffer: bytes, time, duration, flags.
type Told = (Vec<u8>, Option<gst::ClockTime>, Option<gst::ClockTime>, gst::BufferFlags);

/// The first byte says how many sizes of pieces follow, and whether checksums are repaired; then come
/// the sizes, then the stream.
pub fn target(data: &[u8]) {
    let Some((&how, data)) = data.split_first() else { return };
    let Some((sizes, data)) = data.split_at_checked(usize::from(how & 7)) else { return };
    let data = if how & 8 == 0 { repair::stream(data) } else { data.to_vec() };
    let whole = parsed(&data, &[]);
    let pieces = parsed(&data, sizes);
    let times =
        |all: &[Told]| -> Vec<_> { all.iter().map(|t| (t.0.len(), t.1, t.2, t.3)).collect() };
    assert!(
        pieces == whole,
        "pieces of {sizes:?} give {:?}\nall at once gives {:?}",
        times(&pieces),
        times(&whole)
    );
    for (bytes, pts, duration, flags) in whole {
        assert!(pts.is_some() && duration.is_some());
        let is_key = !flags.contains(gst::BufferFlags::DELTA_UNIT);
        assert_eq!(parse_group_header(&bytes).is_ok(), is_key);
    }
}

/// Pushes pieces of these sizes, again and again; all at once where there are none.
fn parsed(data: &[u8], sizes: &[u8]) -> Vec<Told> {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        gst::init().expect("GStreamer");
        gstlnr::register_static().expect("the plugin registers");
    });
    let element = gst::ElementFactory::make("lnrparse").build().expect("the element");
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    let mut harness = Harness::with_element(&element, Some("sink"), Some("src"));
    harness.play();
    harness.push_event(gst::event::StreamStart::new("fuzz"));
    harness
        .push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::format::Bytes>::new()));
    let (mut rest, mut sizes) = (data, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |&n| 1 + usize::from(n));
        let (piece, next) = rest.split_at(size.min(rest.len()));
        rest = next;
        if harness.push(gst::Buffer::from_slice(piece.to_vec())).is_err() {
            break;
        }
    }
    harness.push_event(gst::event::Eos::new());
    let buffers = std::iter::from_fn(|| (harness.buffers_in_queue() > 0).then(|| harness.pull()));
    // The others tell of memory, and of pieces.
    let kept = gst::BufferFlags::DELTA_UNIT
        | gst::BufferFlags::DROPPABLE
        | gst::BufferFlags::CORRUPTED
        | gst::BufferFlags::HEADER;
    let told = |b: gst::Buffer| {
        let bytes = b.map_readable().expect("readable").to_vec();
        (bytes, b.pts(), b.duration(), b.flags() & kept)
    };
    let told = buffers.flatten().map(told).collect();
    // Bindings turn a panic into a message.
    while let Some(message) = bus.pop_filtered(&[gst::MessageType::Error]) {
        let gst::MessageView::Error(error) = message.view() else { continue };
        let text = error.error().to_string();
        assert!(!text.to_lowercase().contains("panic"), "{text}");
    }
    // Messages that wait there would keep the element alive.
    bus.set_flushing(true);
    told
}
