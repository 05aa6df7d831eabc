// SPDX-License-Identifier: MIT OR Apache-2.0
//! GStreamer elements: `lnrenc`, `lnrparse`, `lnrdec`, `lnrinterp`, `lnrembed`, and the typefinder.

use gst::glib;

mod caps;
mod clock;
mod engine;
mod enums;
mod error;
mod format;
mod frame;
mod framing;
mod lnrdec;
mod lnrembed;
mod lnrenc;
mod lnrinterp;
mod lnrparse;
pub mod meta;
mod metadata;
mod rates;
mod teacher;
mod typefind;

pub use enums::{Backend, EmbedFormat, Profile, Speed};
pub use lnrdec::LnrDec;
pub use lnrembed::LnrEmbed;
pub use lnrenc::LnrEnc;
pub use lnrinterp::LnrInterp;
pub use lnrparse::LnrParse;

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    meta::register();
    typefind::register(plugin)?;
    lnrenc::register(plugin)?;
    lnrparse::register(plugin)?;
    lnrdec::register(plugin)?;
    lnrinterp::register(plugin)?;
    lnrembed::register(plugin)
}

/// What GStreamer calls when it loads the plugin.
#[allow(missing_docs)]
mod plugin {
    use super::plugin_init;

    gst::plugin_define!(
        lnr,
        env!("CARGO_PKG_DESCRIPTION"),
        plugin_init,
        concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
        "MIT/X11",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_NAME"),
        "gst-plugin-lnr",
        env!("BUILD_REL_DATE")
    );
}

/// Registers the elements in this process, for programs that link the crate.
///
/// # Errors
/// When GStreamer refuses; it must have been initialised.
pub fn register_static() -> Result<(), glib::BoolError> {
    plugin::plugin_desc::plugin_register_static()
}
