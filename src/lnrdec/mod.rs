// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::glib;
use gst::prelude::*;

mod decode;
mod imp;
mod input;
mod selection;
mod session;
mod settings;
mod size;
mod upstream;

glib::wrapper! {
    /// Decodes access units at the size downstream asks for.
    pub struct LnrDec(ObjectSubclass<imp::LnrDec>)
        @extends gst_video::VideoDecoder, gst::Element, gst::Object;
}

pub(super) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "lnrdec", gst::Rank::PRIMARY, LnrDec::static_type())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gst::subclass::prelude::*;
    use lnr::Error;

    /// Damage is worth a warning; what comes after a lost device cannot be decoded either.
    #[test]
    fn a_lost_device_is_an_element_error() {
        gst::init().expect("GStreamer");
        let (element, bus) = (glib::Object::new::<LnrDec>(), gst::Bus::new());
        element.set_bus(Some(&bus));
        assert!(element.imp().report(&Error::damaged("a bit")).is_ok());
        let lost = element.imp().report(&Error::Backend("CUDA: gone".into()));
        assert_eq!(lost, Err(gst::FlowError::Error));
        let types = [gst::MessageType::Warning, gst::MessageType::Error];
        let messages: Vec<_> = std::iter::from_fn(|| bus.pop_filtered(&types)).collect();
        assert_eq!(messages.len(), 2);
        assert!(matches!(messages[0].view(), gst::MessageView::Warning(_)));
        let gst::MessageView::Error(error) = messages[1].view() else { panic!("{messages:?}") };
        assert!(error.error().matches(gst::ResourceError::Failed));
        assert!(error.error().message().contains("CUDA: gone"));
    }
}
