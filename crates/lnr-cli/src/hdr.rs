// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rotation and HDR metadata in GStreamer's caps and tags.

use gst::prelude::*;
use gst_video::{
    VideoContentLightLevel, VideoMasteringDisplayInfo, VideoMasteringDisplayInfoCoordinate,
};
use lnr::stream::{ContentLight, MasteringDisplay, Metadata, Orientation};

/// What the caps and tags that arrived at a sink pad say.
pub fn read(pad: &gst::Pad) -> Metadata {
    let caps = pad.current_caps();
    let mastering = caps.as_ref().and_then(|c| VideoMasteringDisplayInfo::from_caps(c).ok());
    let light = caps.as_ref().and_then(|c| VideoContentLightLevel::from_caps(c).ok());
    let point = |c: VideoMasteringDisplayInfoCoordinate| (c.x, c.y);
    Metadata {
        orientation: orientation(pad).unwrap_or_default(),
        mastering: mastering.map(|info| MasteringDisplay {
            primaries: info.display_primaries().map(point),
            white: point(info.white_point()),
            max_luminance: info.max_display_mastering_luminance(),
            min_luminance: info.min_display_mastering_luminance(),
        }),
        light: light.map(|level| ContentLight {
            max_content: level.max_content_light_level(),
            max_frame_average: level.max_frame_average_light_level(),
        }),
        ..Metadata::default()
    }
}

/// The tags of the stream win over those of the whole file.
fn orientation(pad: &gst::Pad) -> Option<Orientation> {
    let tags = (0..).map_while(|i| pad.sticky_event::<gst::event::Tag>(i));
    let turns = tags.filter_map(|event| {
        let name = event.tag().get::<gst::tags::ImageOrientation>()?;
        let turn = Orientation::from_name(name.get())?;
        Some((event.tag().scope() == gst::TagScope::Stream, turn))
    });
    turns.max_by_key(|(is_own, _)| *is_own).map(|(_, turn)| turn)
}

/// Writes mastering display and content light into caps.
pub fn add_to_caps(metadata: &Metadata, caps: &mut gst::CapsRef) {
    if let Some(m) = &metadata.mastering {
        let point = |(x, y)| VideoMasteringDisplayInfoCoordinate { x, y };
        let primaries = m.primaries.map(point);
        let (max, min) = (m.max_luminance, m.min_luminance);
        VideoMasteringDisplayInfo::new(primaries, point(m.white), max, min).add_to_caps(caps);
    }
    if let Some(light) = &metadata.light {
        let (content, average) = (light.max_content, light.max_frame_average);
        VideoContentLightLevel::new(content, average).add_to_caps(caps);
    }
}

/// The event that tells how pictures are to be turned, where they are.
pub fn tags(metadata: &Metadata) -> Option<gst::Event> {
    let name = metadata.orientation.name();
    (metadata.orientation != Orientation::default()).then(|| {
        let mut tags = gst::TagList::new();
        tags.make_mut().add::<gst::tags::ImageOrientation>(&name, gst::TagMergeMode::Replace);
        gst::event::Tag::new(tags)
    })
}
