// SPDX-License-Identifier: MIT OR Apache-2.0

use std::time::{Duration, Instant};

use gst::prelude::*;

/// What a player takes to start its elements, many times over, and nothing beside what a user notices.
const LONG_ENOUGH: Duration = Duration::from_millis(20);
/// How often it looks whether the wait is over.
const STEP: Duration = Duration::from_millis(2);

/// Waits before the first buffer of a stream leaves by `pad`. playbin3 up to 1.22 at least starts sources
/// before decodebin3: a parser that is quick finds elements there that are not started, they refuse the
/// buffer, and nothing follows it for ever. Seeks and the way to READY end the wait.
pub(super) fn let_others_start(pad: &gst::Pad) {
    let begin = Instant::now();
    let is_flushing = || pad.pad_flags().contains(gst::PadFlags::FLUSHING);
    while begin.elapsed() < LONG_ENOUGH && !is_flushing() {
        std::thread::sleep(STEP);
    }
}
