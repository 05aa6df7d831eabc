// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::PathBuf;

use lnr::convert::Scaler;

use super::{Frame, Source, VideoInfo};
use crate::exit::{Failure, Outcome};

/// A video brought to another size.
pub struct Resized {
    path: PathBuf,
    source: Box<dyn Source>,
    scaler: Scaler,
    info: VideoInfo,
}

impl Resized {
    /// `path` is for messages.
    ///
    /// # Errors
    /// When the size is out of range.
    pub fn new(path: PathBuf, source: Box<dyn Source>, size: (u32, u32)) -> Outcome<Self> {
        let mut info = source.info().clone();
        let scaler = Scaler::new(&info.format, size.0, size.1)
            .map_err(|e| Failure::usage(format!("--size: {e}")))?;
        info.format = *scaler.format();
        Ok(Self { path, source, scaler, info })
    }
}

impl Source for Resized {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Outcome<Option<Frame>> {
        let Some(frame) = self.source.next()? else {
            return Ok(None);
        };
        let scaled = self.scaler.run(&frame.picture);
        let picture = scaled.map_err(|e| Failure::codec(&self.path, e))?;
        Ok(Some(Frame { picture, ..frame }))
    }

    fn n_damaged(&self) -> u64 {
        self.source.n_damaged()
    }
}
