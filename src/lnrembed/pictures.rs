// SPDX-License-Identifier: MIT OR Apache-2.0

use gst_video::{VideoFrameRef, VideoInfo};

use crate::meta::Embedding;
use crate::{format, frame};
use lnr::align::Teacher;
use lnr::{Error, PictureFormat, Result};
use lnr_gst::color;

/// What a model says of raw pictures.
pub(super) struct Pictures {
    teacher: Teacher,
    /// As the caps say.
    format: Option<(VideoInfo, PictureFormat)>,
    /// When the last picture that was looked at is shown, in ns, and what it means.
    last: Option<(u64, Vec<f32>)>,
}

impl Pictures {
    pub fn new(teacher: Teacher) -> Self {
        Self { teacher, format: None, last: None }
    }

    /// Pictures are of these caps from now on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for formats and sizes that the codec does not have.
    pub fn set_caps(&mut self, caps: &gst::CapsRef) -> Result<()> {
        self.format = None;
        let info = VideoInfo::from_caps(caps).map_err(|e| Error::Unsupported(e.to_string()))?;
        let mut format = format::whole_format(&info)?;
        format.color = color::from_caps(caps, &info);
        self.format = Some((info, format));
        Ok(())
    }

    /// Forgets what was looked at (after a seek).
    pub fn reset(&mut self) {
        self.last = None;
    }

    /// What the picture means. One less than `interval` ns from the last one that was looked at means the same.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the buffer does not hold what its caps promise; [`Error::Model`] when the
    /// model fails.
    pub fn embedding(&mut self, buffer: &gst::BufferRef, interval: u64) -> Result<Embedding> {
        let pts = buffer.pts();
        let known = match (&self.last, pts) {
            (Some((at, vector)), Some(pts)) if pts.nseconds().abs_diff(*at) < interval => {
                Some(vector.clone())
            }
            _ => None,
        };
        let vector = known.map_or_else(|| self.look(buffer), Ok)?;
        Ok(Embedding { pts, ..Embedding::new(vector, Some(self.teacher.space())) })
    }

    fn look(&mut self, buffer: &gst::BufferRef) -> Result<Vec<f32>> {
        let unreadable = || Error::Unsupported("a frame that cannot be read".into());
        let (info, format) = self.format.as_ref().ok_or_else(unreadable)?;
        let mapped = VideoFrameRef::from_buffer_ref_readable(buffer, info);
        let picture = frame::to_picture(&mapped.map_err(|_| unreadable())?, format)?;
        let pts = buffer.pts().map(gst::ClockTime::nseconds);
        // A model goes by the picture alone, so its number does not matter.
        let vector = self.teacher.embed((0, pts.unwrap_or_default()), &picture)?;
        self.last = pts.map(|pts| (pts, vector.clone()));
        Ok(vector)
    }
}
