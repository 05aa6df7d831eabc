// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one mapping from the codec's errors to GStreamer's.

use gst::prelude::*;

use lnr::Error;

/// What an element was doing when something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Encoding,
    Decoding,
    Embedding,
}

/// The element error that tells what `error` tells. GStreamer's own texts tell users nothing, so the
/// codec's takes their place.
pub(super) fn message(task: Task, error: &Error) -> gst::ErrorMessage {
    match error {
        Error::Unsupported(_) => gst::error_msg!(gst::StreamError::Format, ("{error}")),
        Error::InvalidSetting(_) => gst::error_msg!(gst::LibraryError::Settings, ("{error}")),
        Error::Damaged(_) | Error::Limit(_) | Error::Diverged(_) => match task {
            Task::Encoding => {
                gst::error_msg!(gst::StreamError::Encode, ("could not encode: {error}"))
            }
            Task::Decoding => {
                gst::error_msg!(gst::StreamError::Decode, ("could not decode: {error}"))
            }
            Task::Embedding => {
                gst::error_msg!(gst::StreamError::Failed, ("could not embed: {error}"))
            }
        },
        // Not there, lost while working, or out of memory.
        Error::Backend(_) => gst::error_msg!(gst::ResourceError::Failed, ("{error}")),
        Error::Model(_) => gst::error_msg!(gst::ResourceError::OpenRead, ("{error}")),
        _ => gst::error_msg!(gst::CoreError::Failed, ("{error}")),
    }
}

/// Posts `error` on the bus, unless it only says that the element was asked to stop; returns what the
/// streaming thread must return.
pub(super) fn post(element: &impl IsA<gst::Element>, task: Task, error: &Error) -> gst::FlowError {
    match error {
        Error::Cancelled => gst::FlowError::Flushing,
        Error::Unsupported(_) => {
            element.post_error_message(message(task, error));
            gst::FlowError::NotNegotiated
        }
        _ => {
            element.post_error_message(message(task, error));
            gst::FlowError::Error
        }
    }
}

/// Warns of an access unit that cannot be used; `consequence` says what becomes of the stream. What
/// this version does not know is told apart from damage.
pub(super) fn warn(element: &impl IsA<gst::Element>, consequence: &str, error: &Error) {
    match error {
        Error::Unsupported(_) => gst::element_warning!(
            element,
            gst::StreamError::NotImplemented,
            ("{consequence}: {error}")
        ),
        _ => gst::element_warning!(element, gst::StreamError::Decode, ("{consequence}: {error}")),
    }
}

/// The usual consequence.
pub(super) const DROPPING: &str = "dropping access units until the next group";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_domain_and_keeps_its_text() {
        gst::init().expect("GStreamer");
        let bus = gst::Bus::new();
        let bin = gst::Bin::new();
        bin.set_bus(Some(&bus));
        let posted_by = |task, error: Error| {
            let flow = post(&bin, task, &error);
            let message = bus.pop_filtered(&[gst::MessageType::Error]);
            let text = message.map(|m| match m.view() {
                gst::MessageView::Error(e) => e.error(),
                _ => panic!("{m:?}"),
            });
            let text_is_kept = |t: &gst::glib::Error| t.message().ends_with(&error.to_string());
            assert!(text.as_ref().is_none_or(text_is_kept), "{text:?}");
            (flow, text)
        };
        let posted = |error| posted_by(Task::Encoding, error);
        let diverged = Error::Diverged("loss NaN at iteration 7".into());
        let (flow, error) = posted(diverged);
        assert_eq!(flow, gst::FlowError::Error);
        assert!(error.is_some_and(|e| e.matches(gst::StreamError::Encode)));
        let (flow, error) = posted(Error::Unsupported("a section 99".into()));
        assert_eq!(flow, gst::FlowError::NotNegotiated);
        assert!(error.is_some_and(|e| e.matches(gst::StreamError::Format)));
        let (_, error) = posted(Error::limit("512 MiB"));
        assert!(error.as_ref().is_some_and(|e| e.matches(gst::StreamError::Encode)));
        assert!(error.is_some_and(|e| e.message().starts_with("could not encode: ")));
        let (_, error) = posted_by(Task::Decoding, Error::limit("512 MiB"));
        assert!(error.as_ref().is_some_and(|e| e.matches(gst::StreamError::Decode)));
        assert!(error.is_some_and(|e| e.message().starts_with("could not decode: ")));
        let (_, error) = posted_by(Task::Embedding, Error::limit("512 MiB"));
        assert!(error.as_ref().is_some_and(|e| e.matches(gst::StreamError::Failed)));
        assert!(error.is_some_and(|e| e.message().starts_with("could not embed: ")));
        let (_, error) = posted(Error::InvalidSetting("x".into()));
        assert!(error.is_some_and(|e| e.matches(gst::LibraryError::Settings)));
        assert_eq!(posted(Error::Cancelled), (gst::FlowError::Flushing, None));
    }

    #[test]
    fn what_is_not_known_is_no_damage() {
        gst::init().expect("GStreamer");
        let bus = gst::Bus::new();
        let bin = gst::Bin::new();
        bin.set_bus(Some(&bus));
        let warned = |error: Error| {
            warn(&bin, DROPPING, &error);
            let message = bus.pop_filtered(&[gst::MessageType::Warning]).expect("a warning");
            let gst::MessageView::Warning(w) = message.view() else { panic!("{message:?}") };
            assert!(w.error().message().contains(&error.to_string()));
            w.error()
        };
        let unknown = warned(Error::Unsupported("section 99".into()));
        assert!(unknown.matches(gst::StreamError::NotImplemented));
        assert!(warned(Error::damaged("a bit")).matches(gst::StreamError::Decode));
    }
}
