// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::glib;
use gst::prelude::*;

mod imp;
mod session;
mod size;

glib::wrapper! {
    /// Decodes access units at the size downstream asks for.
    pub struct LnrDec(ObjectSubclass<imp::LnrDec>)
        @extends gst_video::VideoDecoder, gst::Element, gst::Object;
}

pub(super) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "lnrdec", gst::Rank::PRIMARY, LnrDec::static_type())
}
