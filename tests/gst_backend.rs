// SPDX-License-Identifier: MIT OR Apache-2.0
//! The properties `backend` and `device`, with and without a GPU.

mod elements;

use gst::prelude::*;
use lnr::{BackendChoice, Decoder, DecoderSettings};

fn has_gpu() -> bool {
    Decoder::new(DecoderSettings::default().backend(BackendChoice::Cuda)).is_ok()
}

/// Says what is missing and what to do instead.
fn is_refusal(text: &str) -> bool {
    text.contains("CUDA: ") && text.contains("backend=cpu")
}

/// Takes an element from NULL to READY; the error it posts where that fails.
fn open(element: &gst::Element) -> Option<gst::glib::Error> {
    let bus = gst::Bus::new();
    element.set_bus(Some(&bus));
    let is_ready = element.set_state(gst::State::Ready).is_ok();
    let first = bus.pop_filtered(&[gst::MessageType::Error]);
    element.set_state(gst::State::Null).expect("NULL");
    element.set_bus(None);
    assert_eq!(is_ready, first.is_none(), "{first:?}");
    let first = first?;
    let gst::MessageView::Error(e) = first.view() else { panic!("{first:?}") };
    Some(e.error())
}

#[test]
fn a_missing_gpu_is_an_error_at_ready() {
    elements::init();
    for name in ["lnrenc", "lnrdec"] {
        for (device, is_there) in [(0u32, has_gpu()), (255, false)] {
            let element = gst::ElementFactory::make(name)
                .property_from_str("backend", "cuda")
                .property("device", device)
                .build()
                .unwrap();
            let error = open(&element);
            assert_eq!(error.is_none(), is_there, "{name} device={device}: {error:?}");
            if let Some(error) = error {
                assert!(error.matches(gst::ResourceError::Failed), "{name}: {error}");
                assert!(is_refusal(error.message()), "{name}: {error}");
            }
            // What is chosen next works.
            element.set_property_from_str("backend", "cpu");
            assert!(open(&element).is_none(), "{name}");
        }
    }
}

#[test]
fn a_backend_chosen_in_ready_counts() {
    elements::init();
    for name in ["lnrenc", "lnrdec"] {
        let element = gst::ElementFactory::make(name).build().unwrap();
        element.set_property_from_str("backend", "cpu");
        element.set_state(gst::State::Ready).unwrap();
        element.set_property_from_str("backend", "cuda");
        element.set_property("device", 255u32);
        assert!(element.set_state(gst::State::Paused).is_err(), "{name}");
        element.set_property_from_str("backend", "cpu");
        assert!(element.set_state(gst::State::Paused).is_ok(), "{name}");
        element.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn the_property_device() {
    elements::init();
    for name in ["lnrenc", "lnrdec"] {
        let element = gst::ElementFactory::make(name).build().unwrap();
        assert_eq!(element.property::<u32>("device"), 0, "{name}");
        element.set_property("device", 3u32);
        assert_eq!(element.property::<u32>("device"), 3, "{name}");
        let spec = element.find_property("device").unwrap();
        let spec = spec.downcast::<gst::glib::ParamSpecUInt>().unwrap();
        assert_eq!((spec.minimum(), spec.maximum(), spec.default_value()), (0, 255, 0));
    }
}
