// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that GStreamer makes or reads, for the tests of containers.

use gst::prelude::*;

use super::Workplace;

/// Runs a pipeline of GStreamer's own elements to its end; `OUT` stands for the test's folder. Returns
/// the caps that an element named `sink` saw, if there is one.
///
/// # Panics
/// When an element is not there: `tests/install.sh` installs all that the tests need. When it fails.
pub fn launch(w: &Workplace, pipeline: &str) -> String {
    gst::init().expect("GStreamer");
    let pipeline = pipeline.replace("OUT", w.path("").to_str().expect("a path that is text"));
    let made = gst::parse::launch(&pipeline).unwrap_or_else(|e| {
        let advice = match e.kind() {
            Some(gst::ParseError::NoSuchElement) => ": run tests/install.sh, which installs it",
            _ => "",
        };
        panic!("{e}{advice}\n{pipeline}")
    });
    made.set_state(gst::State::Playing).expect("a pipeline that starts");
    let types = [gst::MessageType::Eos, gst::MessageType::Error];
    let bus = made.bus().expect("the bus of a pipeline");
    let message = bus.timed_pop_filtered(gst::ClockTime::NONE, &types);
    let sink = made.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("sink"));
    let caps = sink.and_then(|s| s.static_pad("sink")).and_then(|pad| pad.current_caps());
    made.set_state(gst::State::Null).expect("a pipeline that stops");
    let message = message.expect("a message");
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}\n{pipeline}");
    caps.map(|c| c.to_string()).unwrap_or_default()
}
