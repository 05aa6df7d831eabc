// SPDX-License-Identifier: MIT OR Apache-2.0
//! What reading and writing through GStreamer share.

use std::path::Path;

use gst::prelude::*;

use crate::exit::{Code, Failure, Outcome, input_name};

/// LNR1, as containers of the MP4 family name it.
pub const FOURCC: u32 = u32::from_le_bytes(*b"LNR1");

/// What is wrong with an input that nothing makes pictures of.
pub const NO_VIDEO: &str = "there is no video in it";

/// Starts GStreamer.
pub fn init() -> Outcome<()> {
    gst::init().map_err(|e| Failure::new(Code::Input, format!("GStreamer does not start: {e}")))
}

/// A new element.
///
/// # Errors
/// When its plugin is not installed; the message says which package has it.
pub fn element(name: &str) -> Outcome<gst::Element> {
    gst::ElementFactory::make(name).build().map_err(|_| {
        let package = match name {
            "filesrc" | "filesink" | "fakesink" | "queue" => "libgstreamer1.0-0",
            "appsrc" | "appsink" | "decodebin" | "videoconvert" => "gstreamer1.0-plugins-base",
            "x264enc" => "gstreamer1.0-plugins-ugly",
            "h264parse" | "mpegtsmux" => "gstreamer1.0-plugins-bad",
            _ => "gstreamer1.0-plugins-good",
        };
        Failure::new(
            Code::Input,
            format!("the GStreamer element {name} is missing: install {package}"),
        )
    })
}

/// Whether an element of this name can be made.
pub fn has(name: &str) -> bool {
    gst::ElementFactory::find(name).is_some()
}

/// The first error that the pipeline reported, as text.
pub fn error_of(pipeline: &gst::Pipeline) -> Option<String> {
    let message = pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
    let gst::MessageView::Error(e) = message.view() else {
        return None;
    };
    let debug = e.debug().map(|d| d.to_string()).unwrap_or_default();
    let is_missing = e.error().matches(gst::CoreError::MissingPlugin)
        || e.error().matches(gst::StreamError::CodecNotFound)
        || debug.contains("no suitable plugins");
    Some(match e.error() {
        _ if is_missing => NO_VIDEO.into(),
        e if e.matches(gst::StreamError::TypeNotFound) => "no video that GStreamer knows".into(),
        e => e.to_string(),
    })
}

/// Stops a pipeline when it goes out of scope.
pub struct Pipeline(pub gst::Pipeline);

impl Drop for Pipeline {
    fn drop(&mut self) {
        // A pipeline always reaches NULL.
        let _ = self.0.set_state(gst::State::Null);
    }
}

impl Pipeline {
    /// An empty pipeline.
    pub fn new() -> Outcome<Self> {
        init()?;
        Ok(Self(gst::Pipeline::new()))
    }

    /// Adds elements and links each to the next.
    ///
    /// # Errors
    /// When two of them do not fit.
    pub fn chain(&self, elements: &[&gst::Element]) -> Outcome<()> {
        let linked = self.0.add_many(elements).and_then(|()| gst::Element::link_many(elements));
        linked.map_err(|e| Failure::new(Code::Input, format!("GStreamer: {e}")))
    }

    /// # Errors
    /// When an element refuses; `path` names the file in question.
    pub fn play(&self, path: &Path, code: Code) -> Outcome<()> {
        self.0.set_state(gst::State::Playing).map(drop).map_err(|e| {
            let cause = error_of(&self.0).unwrap_or_else(|| e.to_string());
            Failure::new(code, format!("{}: {cause}", input_name(path)))
        })
    }
}

pub fn fraction((n, d): (u32, u32)) -> gst::Fraction {
    let max = i32::MAX as u32;
    gst::Fraction::new(n.min(max) as i32, d.clamp(1, max) as i32)
}

/// A ratio of a caps field; (0, 1) when it is not positive.
pub fn ratio(fraction: gst::Fraction) -> (u32, u32) {
    match (u32::try_from(fraction.numer()), u32::try_from(fraction.denom())) {
        (Ok(n), Ok(d @ 1..)) if n > 0 => (n, d),
        _ => (0, 1),
    }
}
