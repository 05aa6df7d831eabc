// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::glib;
use gst::prelude::*;

mod announce;
mod bitrates;
mod byte_seeks;
mod gathered;
mod imp;
mod index;
mod patience;
mod state;
mod upstream;

glib::wrapper! {
    /// Frames a coded stream into access units with times, for players, decoders and muxers.
    pub struct LnrParse(ObjectSubclass<imp::LnrParse>)
        @extends gst_base::BaseParse, gst::Element, gst::Object;
}

pub(super) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "lnrparse", gst::Rank::PRIMARY, LnrParse::static_type())
}
