// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::glib;
use gst::prelude::*;

mod imp;
mod output;
mod progress;
mod session;
mod settings;

glib::wrapper! {
    /// Trains a network for each group of frames.
    pub struct LnrEnc(ObjectSubclass<imp::LnrEnc>)
        @extends gst_video::VideoEncoder, gst::Element, gst::Object, @implements gst::Preset;
}

pub(super) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "lnrenc", gst::Rank::PRIMARY, LnrEnc::static_type())
}
