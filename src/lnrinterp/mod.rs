// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::glib;
use gst::prelude::*;

mod imp;

glib::wrapper! {
    /// Raises the frame rate by inserting access units that show times between frames.
    pub struct LnrInterp(ObjectSubclass<imp::LnrInterp>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

pub(super) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "lnrinterp", gst::Rank::NONE, LnrInterp::static_type())
}
