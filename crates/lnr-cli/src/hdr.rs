// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rotation and HDR metadata in GStreamer's caps and tags.

use gst::prelude::*;
use lnr::stream::{Metadata, Orientation};
use lnr_gst::hdr::Hdr;
use lnr_gst::orientation;

/// What the caps and tags that arrived at a sink pad say.
pub fn read(pad: &gst::Pad) -> Metadata {
    let caps = pad.current_caps();
    let hdr = caps.as_ref().map(|caps| Hdr::from_caps(caps)).unwrap_or_default();
    Metadata {
        orientation: tagged_orientation(pad).unwrap_or_default(),
        mastering: hdr.mastering,
        light: hdr.light,
        ..Metadata::default()
    }
}

/// The tags of the stream win over those of the whole file.
fn tagged_orientation(pad: &gst::Pad) -> Option<Orientation> {
    let tags = (0..).map_while(|i| pad.sticky_event::<gst::event::Tag>(i));
    let turns = tags.filter_map(|event| {
        let turn = orientation::from_tags(event.tag())?;
        Some((event.tag().scope() == gst::TagScope::Stream, turn))
    });
    turns.max_by_key(|(is_own, _)| *is_own).map(|(_, turn)| turn)
}

/// Writes mastering display and content light into caps.
pub fn add_to_caps(metadata: &Metadata, caps: &mut gst::CapsRef) {
    Hdr::from(metadata).add_to_caps(caps);
}

/// The event that tells how pictures are to be turned, where they are.
pub fn tags(metadata: &Metadata) -> Option<gst::Event> {
    let turned = metadata.orientation != Orientation::default();
    turned.then(|| gst::event::Tag::new(orientation::tags(metadata.orientation)))
}
