// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use super::PictureSink;
use crate::console::Console;
use crate::exit::{Outcome, output_name};
use crate::input::{Frame, VideoInfo, grid_time};

/// Warns, once, when frames do not come at the rate that is all their file can say.
pub struct ConstantRate {
    path: PathBuf,
    inner: Box<dyn PictureSink>,
    frame_rate: (u32, u32),
    console: Console,
    first: Option<u64>,
    n_written: u64,
    has_warned: bool,
}

impl ConstantRate {
    /// In front of `inner`, which warns by itself where no rate is known.
    pub fn new(
        path: &Path,
        inner: Box<dyn PictureSink>,
        info: &VideoInfo,
        console: &Console,
    ) -> Self {
        Self {
            path: path.to_owned(),
            inner,
            frame_rate: info.frame_rate,
            console: console.clone(),
            first: None,
            n_written: 0,
            has_warned: info.frame_rate.0 == 0,
        }
    }

    /// Whether it would be shown more than half a frame off its time.
    fn is_off(&mut self, frame: &Frame) -> bool {
        let first = *self.first.get_or_insert(frame.pts);
        let shown = grid_time(self.n_written, self.frame_rate);
        frame.pts.saturating_sub(first).abs_diff(shown) > grid_time(1, self.frame_rate) / 2
    }
}

impl PictureSink for ConstantRate {
    fn write(&mut self, frame: Frame) -> Outcome<()> {
        if !self.has_warned && self.is_off(&frame) {
            self.has_warned = true;
            let (n, d) = self.frame_rate;
            self.console.warn(&format!(
                "{}: the frame rate varies, which this kind of file cannot express: every frame is \
                 shown for 1/{} s; choose a constant rate with --fps, or write .mp4 or .mkv",
                output_name(&self.path),
                if d == 1 { n.to_string() } else { format!("({n}/{d})") },
            ));
        }
        self.n_written += 1;
        self.inner.write(frame)
    }

    fn finish(&mut self) -> Outcome<()> {
        self.inner.finish()
    }
}
