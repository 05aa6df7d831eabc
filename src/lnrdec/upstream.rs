// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::prelude::*;

use crate::caps;

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
    wanted
}
