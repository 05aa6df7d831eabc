// SPDX-License-Identifier: MIT OR Apache-2.0

use lnr::stream::Orientation;
use lnr_gst::orientation;

/// The orientation that upstream tells by tags: of the stream, else of everything.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TaggedOrientation {
    stream: Option<Orientation>,
    global: Option<Orientation>,
}

impl TaggedOrientation {
    /// Follows the events of a sink pad.
    pub fn update(&mut self, event: &gst::event::Event) {
        match event.view() {
            gst::EventView::StreamStart(_) => *self = Self::default(),
            gst::EventView::Tag(tag) => {
                let slot = match tag.tag().scope() {
                    gst::TagScope::Stream => &mut self.stream,
                    _ => &mut self.global,
                };
                // Later lists may be about other things alone.
                *slot = orientation::from_tags(tag.tag()).or(*slot);
            }
            _ => {}
        }
    }

    /// What holds now.
    pub fn get(self) -> Orientation {
        self.stream.or(self.global).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_own_tag_wins_and_other_tags_change_nothing() {
        gst::init().expect("GStreamer");
        let mut tagged = TaggedOrientation::default();
        let tell = |tagged: &mut TaggedOrientation, scope, turns: Option<u8>| {
            let mut tags = turns.map_or_else(gst::TagList::new, |turns| {
                orientation::tags(Orientation::new(turns, false))
            });
            tags.make_mut().set_scope(scope);
            tagged.update(&gst::event::Tag::new(tags));
            tagged.get().turns()
        };
        assert_eq!(tell(&mut tagged, gst::TagScope::Global, Some(1)), 1);
        assert_eq!(tell(&mut tagged, gst::TagScope::Stream, Some(2)), 2);
        assert_eq!(tell(&mut tagged, gst::TagScope::Stream, None), 2);
        assert_eq!(tell(&mut tagged, gst::TagScope::Global, Some(3)), 2);
        tagged.update(&gst::event::StreamStart::new("other"));
        assert_eq!(tagged.get(), Orientation::default());
    }
}
