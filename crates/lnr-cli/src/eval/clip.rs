// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use lnr::{DecoderSettings, PictureFormat};

use super::args::AblationArgs;
use crate::compare::{matrices, with_matrix};
use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::input::{self, Frame, Options, Resized};
use crate::numbers::{Size, Start};

/// The frames that all experiments are made with.
pub struct Clip {
    pub path: PathBuf,
    pub frames: Vec<Frame>,
    pub format: PictureFormat,
    pub frame_rate: (u32, u32),
}

impl Clip {
    /// # Errors
    /// When the video cannot be read or has no frames where they are asked for.
    pub fn read(args: &AblationArgs, console: &Console) -> Outcome<Self> {
        let part = (args.video.as_path(), args.start, args.frames);
        Self::read_part(part, (args.size, args.compute.decoder()), console)
    }

    /// At most so many frames of a video from a place on, scaled if that is asked for.
    ///
    /// # Errors
    /// As [`Clip::read`].
    pub fn read_part(
        (path, start, n_frames): (&Path, Start, u32),
        (size, decoder): (Option<Size>, DecoderSettings),
        console: &Console,
    ) -> Outcome<Self> {
        let mut source = input::open(path, Options { decoder, ..Options::default() }, console)?;
        // Small pictures of a large video keep its colours.
        let own = source.info().format;
        let [matrix, _] = matrices(&own, &own);
        if let Some(size) = size {
            source = Box::new(Resized::new(path.to_owned(), source, size.of(&own))?);
        }
        let frame_rate = source.info().frame_rate;
        let mut frames: Vec<Frame> = Vec::new();
        let mut first = 0;
        let mut source = input::begin_at(source, path, start, console)?;
        for _ in 0..n_frames {
            console.check()?;
            let Some(frame) = source.next()? else { break };
            if frames.is_empty() {
                first = frame.pts;
            }
            let frame = with_matrix(frame, matrix).map_err(|e| Failure::codec(path, e))?;
            frames.push(Frame { pts: frame.pts.saturating_sub(first), ..frame });
        }
        let Some(frame) = frames.first() else {
            let cause = "there are no frames to measure (see --start)";
            return Err(Failure::damaged(path, cause));
        };
        let format = *frame.picture.format();
        Ok(Self { path: path.to_owned(), frames, format, frame_rate })
    }

    /// Pixels of `n_frames` frames.
    pub fn n_pixels(&self, n_frames: usize) -> f64 {
        self.format.n_pixels() as f64 * n_frames as f64
    }
}
