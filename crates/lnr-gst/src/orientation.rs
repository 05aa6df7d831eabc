// SPDX-License-Identifier: MIT OR Apache-2.0
//! How pictures are to be turned, in tags.

use lnr::stream::Orientation;

/// The orientation in these tags, if they speak of it.
pub fn from_tags(tags: &gst::TagListRef) -> Option<Orientation> {
    tags.get::<gst::tags::ImageOrientation>().and_then(|tag| Orientation::from_name(tag.get()))
}

/// Tags that say this orientation.
pub fn tags(orientation: Orientation) -> gst::TagList {
    let mut tags = gst::TagList::new();
    let name = orientation.name();
    tags.make_mut().add::<gst::tags::ImageOrientation>(&name, gst::TagMergeMode::Replace);
    tags
}
