// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::glib;
use gst::prelude::*;

mod imp;
mod line;
mod pictures;
mod settings;

glib::wrapper! {
    /// Attaches to each frame's buffer what the frame means.
    pub struct LnrEmbed(ObjectSubclass<imp::LnrEmbed>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

pub(super) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "lnrembed", gst::Rank::NONE, LnrEmbed::static_type())
}
