// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one mapping from the codec's errors to GStreamer's.

use gst::prelude::*;

use lnr::Error;

/// The element error that tells what `error` tells.
pub(super) fn message(error: &Error) -> gst::ErrorMessage {
    match error {
        Error::Unsupported(_) => gst::error_msg!(gst::StreamError::Format, ["{error}"]),
        Error::InvalidSetting(_) => gst::error_msg!(gst::LibraryError::Settings, ["{error}"]),
        Error::Damaged(_) | Error::Limit(_) => {
            gst::error_msg!(gst::StreamError::Decode, ["{error}"])
        }
        // Not there, lost while working, or out of memory. GStreamer's own text for this code tells
        // users nothing.
        Error::Backend(_) => gst::error_msg!(gst::ResourceError::Failed, ("{error}")),
        _ => gst::error_msg!(gst::CoreError::Failed, ["{error}"]),
    }
}

/// Posts `error` on the bus, unless it only says that the element was asked to stop; returns what the
/// streaming thread must return.
pub(super) fn post(element: &impl IsA<gst::Element>, error: &Error) -> gst::FlowError {
    match error {
        Error::Cancelled => gst::FlowError::Flushing,
        Error::Unsupported(_) => {
            element.post_error_message(message(error));
            gst::FlowError::NotNegotiated
        }
        _ => {
            element.post_error_message(message(error));
            gst::FlowError::Error
        }
    }
}
