// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::Path;

use lnr::convert::Turner;
use lnr::stream::Orientation;

use super::{Frame, Source, VideoInfo};
use crate::exit::{Failure, Outcome};

/// A video whose pictures are turned for display.
struct Turned {
    path: std::path::PathBuf,
    source: Box<dyn Source>,
    turner: Turner,
    info: VideoInfo,
}

/// `source` with its pictures turned as its metadata say, which say so no more; `path` is for messages.
pub fn turned(path: &Path, source: Box<dyn Source>) -> Box<dyn Source> {
    let mut info = source.info().clone();
    let orientation = std::mem::take(&mut info.metadata.orientation);
    if orientation == Orientation::default() {
        return source;
    }
    let turner = Turner::new(&info.format, orientation);
    info.format = *turner.format();
    Box::new(Turned { path: path.to_owned(), source, turner, info })
}

impl Source for Turned {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Outcome<Option<Frame>> {
        let Some(frame) = self.source.next()? else {
            return Ok(None);
        };
        let turned = self.turner.run(&frame.picture);
        let picture = turned.map_err(|e| Failure::codec(&self.path, e))?;
        Ok(Some(Frame { picture, ..frame }))
    }

    fn n_damaged(&self) -> u64 {
        self.source.n_damaged()
    }
}
