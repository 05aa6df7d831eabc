// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::prelude::*;

use crate::caps;

/// How a seek wants to be played.
#[derive(Clone, Copy)]
pub(super) struct Sought {
    seqnum: gst::Seqnum,
    hints: gst::SegmentFlags,
}

impl Sought {
    pub fn new(event: &gst::event::Seek) -> Self {
        let (_, flags, ..) = event.get();
        let hints = [
            (gst::SeekFlags::TRICKMODE, gst::SegmentFlags::TRICKMODE),
            (gst::SeekFlags::TRICKMODE_KEY_UNITS, gst::SegmentFlags::TRICKMODE_KEY_UNITS),
            (
                gst::SeekFlags::TRICKMODE_FORWARD_PREDICTED,
                gst::SegmentFlags::TRICKMODE_FORWARD_PREDICTED,
            ),
        ];
        let asked = hints.into_iter().filter(|(seek, _)| flags.contains(*seek));
        let hints = asked.map(|(_, segment)| segment).collect();
        Self { seqnum: event.seqnum(), hints }
    }

    /// The segment that the seek led to, if its hints were lost on the way: parsers over push sources
    /// such as HTTP make one without them.
    pub fn complete(self, event: &gst::event::Segment) -> Option<gst::Event> {
        let segment = event.segment();
        if event.seqnum() != self.seqnum || segment.flags().contains(self.hints) {
            return None;
        }
        let mut segment = segment.clone();
        segment.set_flags(segment.flags() | self.hints);
        let offset = event.running_time_offset();
        let builder = gst::event::Segment::builder(&segment).seqnum(self.seqnum);
        Some(builder.running_time_offset(offset).build())
    }
}

/// What the sink pad takes: streams of every size, at a rate that downstream of `src` takes. An element
/// that can make another rate learns of it here.
pub(super) fn wanted(src: &gst::Pad) -> gst::Caps {
    let peer = src.peer_query_caps(Some(&caps::raw_of_any_format()));
    let any_rate = || gst::FractionRange::new((0, 1), (i32::MAX, 1)).to_send_value();
    let sides = gst::IntRange::new(1, i32::MAX);
    let with_rate = |rate: gst::glib::SendValue| {
        let mut structure =
            gst::Structure::builder(caps::LNR).field("width", sides).field("height", sides).build();
        structure.set_value("framerate", rate);
        structure
    };
    let rates = peer.iter().map(|s| s.value("framerate").ok().cloned().unwrap_or_else(any_rate));
    let mut wanted = gst::Caps::new_empty();
    rates.map(with_rate).for_each(|structure| wanted.merge_structure(structure));
    if wanted.is_empty() {
        wanted.merge_structure(with_rate(any_rate()));
    }
    let renamed = |structure: &gst::StructureRef| {
        let mut structure = structure.to_owned();
        structure.set_name(caps::FROM_DEMUXER);
        structure
    };
    let muxed: Vec<_> = wanted.iter().map(renamed).collect();
    muxed.into_iter().for_each(|structure| wanted.merge_structure(structure));
    wanted
}
