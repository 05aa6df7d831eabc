// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the parser tells downstream: caps and tags.

use gst::subclass::prelude::*;
use gst_base::prelude::*;

use super::imp::{CAT, LnrParse};
use crate::caps;
use lnr_gst::hdr::Hdr;
use lnr_gst::orientation;

impl LnrParse {
    /// Sets the source pad's caps and the tags when what they say has changed.
    ///
    /// A group begins with a unit of `len` bytes.
    pub(super) fn announce(&self, len: usize) {
        let (what, is_new, orientation, has_turned, has_rates) = {
            let state = &mut *self.state.lock().unwrap();
            let Some(header) = state.clock.header() else {
                return;
            };
            let format = header.format;
            state.bitrates.add_group(len, header);
            let has_rates = state.bitrates.has_news();
            let rate = state.upstream_rate.or_else(|| state.clock.unit_rate());
            let metadata = state.clock.metadata();
            let orientation = metadata.orientation;
            let what = (format, rate, Hdr::from(metadata).or(state.upstream_hdr));
            let is_new = state.announced.replace(what) != Some(what);
            let has_turned = state.turn(orientation);
            (what, is_new, state.orientation, has_turned, has_rates)
        };
        let obj = self.obj();
        if is_new {
            let (format, rate, hdr) = what;
            let caps = caps::for_pad(obj.src_pad(), &format, rate, &hdr);
            gst::debug!(CAT, imp = self, "caps {caps}");
            if let Some(rate) = rate.filter(|rate| rate.numer() > 0) {
                obj.set_frame_rate(rate, 0, 0);
            }
            obj.src_pad().push_event(gst::event::Caps::new(&caps));
        }
        if is_new || has_turned || has_rates {
            // They replace those that were told before.
            let mut tags = orientation.map(orientation::tags).unwrap_or_default();
            self.describe(tags.make_mut());
            obj.merge_tags(Some(&tags), gst::TagMergeMode::Replace);
        }
    }

    /// Codec and bit rates, as far as they are known. What is not told here the base class measures by
    /// the access unit, of which the first one of a group has everything, and tells of each that is
    /// larger than all before; [`LnrParse::push_unit`] keeps it from that where a container knows more.
    fn describe(&self, tags: &mut gst::TagListRef) {
        let mode = gst::TagMergeMode::Replace;
        tags.add::<gst::tags::VideoCodec>(&caps::CODEC_NAME, mode);
        let state = self.state.lock().unwrap();
        if let Some(mean) = state.bitrates.mean().filter(|_| !state.bitrates.upstream_tells) {
            tags.add::<gst::tags::Bitrate>(&mean, mode);
        }
        if let Some((least, most)) = state.bitrates.range().filter(|_| !state.is_timed) {
            tags.add::<gst::tags::MinimumBitrate>(&least, mode);
            tags.add::<gst::tags::MaximumBitrate>(&most, mode);
        }
    }

    /// Remembers whether upstream knows the bit rate.
    pub(super) fn note_tags(&self, tags: &gst::TagListRef) {
        if tags.get::<gst::tags::Bitrate>().is_some() {
            self.state.lock().unwrap().bitrates.upstream_tells = true;
        }
    }
}
