// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::{Path, PathBuf};

use gst::prelude::*;
use gst_video::prelude::*;
use gst_video::{VideoBufferFlags, VideoFrameExt, VideoFrameRef, VideoInterlaceMode};
use lnr::stream::Metadata;
use lnr::{Chroma, Error, Picture, PictureFormat, Result};

use super::decoding::{Decoding, PATIENCE};
use super::{Frame, Source, VideoInfo, container, grid_time, is_repeatable, start_of};
use crate::console::Console;
use crate::exit::{Failure, Outcome, input_name};
use crate::gstreamer::ratio;
use crate::hdr;
use crate::raw::picture_format;

/// The first bytes of every GIF file.
const GIF: &[u8; 4] = b"GIF8";

/// The first video track of any file that GStreamer can decode, in its own chroma format, depth and
/// colorimetry.
pub struct Video {
    path: PathBuf,
    console: Console,
    decoding: Decoding,
    info: VideoInfo,
    /// Whether the container says so; else what was decoded tells.
    is_full_range: bool,
    /// The time that the last frame said.
    last_pts: Option<gst::ClockTime>,
    /// The frame whose duration is not known yet.
    pending: Option<Frame>,
}

impl Video {
    /// # Errors
    /// When the file has no progressive video that can be decoded.
    pub fn open(path: &Path, console: &Console) -> Outcome<Self> {
        let is_gif = start_of(path)?.starts_with(GIF);
        let mut video = Self {
            path: path.to_owned(),
            console: console.clone(),
            decoding: Decoding::start(path, is_gif, PATIENCE)?,
            info: VideoInfo {
                format: PictureFormat::new(1, 1, Chroma::Gray, 8),
                frame_rate: (0, 1),
                metadata: Metadata::default(),
                n_frames: None,
            },
            is_full_range: is_repeatable(path) && container::says_full_range(path)?,
            last_pts: None,
            pending: None,
        };
        let Some(first) = video.pull()? else {
            return Err(Failure::damaged(path, "there is no video in it"));
        };
        video.info.format = *first.picture.format();
        if video.decoding.has_alpha() {
            console.warn_once(&format!("{}: its alpha channel is left out", input_name(path)));
        }
        if let Some(pad) = video.decoding.sink.static_pad("sink") {
            let caps = pad.current_caps();
            if let Some(raw) = caps.and_then(|c| gst_video::VideoInfo::from_caps(&c).ok()) {
                video.info.frame_rate = ratio(raw.fps());
            }
            video.info.metadata = hdr::read(&pad);
        }
        video.info.n_frames = video.estimate();
        video.pending = Some(first);
        Ok(video)
    }

    /// Goes on with the frame that is shown so many ns after the first one, which was not read yet.
    ///
    /// # Errors
    /// When there is none.
    pub fn seek(&mut self, ns: u64) -> Outcome<()> {
        let first = self.pending.take().map_or(0, |frame| frame.pts);
        let time = gst::ClockTime::from_nseconds(first.saturating_add(ns));
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
        let pipeline = self.decoding.pipeline.as_ref();
        if pipeline.is_none_or(|p| p.0.seek_simple(flags, time).is_err()) {
            return Err(Failure::damaged(&self.path, "it cannot be sought in"));
        }
        self.last_pts = None;
        self.pending = self.pull()?;
        match self.pending {
            Some(_) => Ok(()),
            None => Err(Failure::damaged(&self.path, "there is no frame at the time asked for")),
        }
    }

    fn estimate(&self) -> Option<u64> {
        let pipeline = self.decoding.pipeline.as_ref()?;
        let duration = pipeline.0.query_duration::<gst::ClockTime>()?;
        let (n, d) = self.info.frame_rate;
        let frames = duration.nseconds() as f64 * f64::from(n) / (1e9 * f64::from(d));
        (n > 0).then_some(frames.round() as u64)
    }

    fn pull(&mut self) -> Outcome<Option<Frame>> {
        let sample = self.decoding.pull(&self.console)?;
        sample.map(|sample| self.frame_of(&sample)).transpose()
    }

    fn frame_of(&mut self, sample: &gst::Sample) -> Outcome<Frame> {
        let damaged = |cause: &str| Failure::damaged(&self.path, cause);
        let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else {
            return Err(damaged("a frame without a format"));
        };
        let raw = gst_video::VideoInfo::from_caps(caps)
            .map_err(|_| damaged("a frame without a format"))?;
        let is_interlaced = match raw.interlace_mode() {
            VideoInterlaceMode::Progressive => false,
            VideoInterlaceMode::Mixed => {
                buffer.video_flags().contains(VideoBufferFlags::INTERLACED)
            }
            _ => true,
        };
        if is_interlaced {
            return Err(damaged(
                "interlaced video is not supported: deinterlace it first (ffmpeg -vf bwdif)",
            ));
        }
        let mut format =
            picture_format(caps, &raw).ok_or_else(|| damaged("an unknown pixel format"))?;
        format.color.full_range |= self.is_full_range;
        let view = VideoFrameRef::from_buffer_ref_readable(buffer, &raw)
            .map_err(|_| damaged("a frame that cannot be read"))?;
        let picture = copy_picture(&view, &format).map_err(|e| Failure::codec(&self.path, e))?;
        let pts = buffer.pts().ok_or_else(|| damaged("a frame without a time"))?;
        let pts = self.decoding.time_of(pts, self.last_pts);
        let time = sample
            .segment()
            .and_then(|s| s.downcast_ref::<gst::ClockTime>())
            .and_then(|s| s.to_stream_time(pts))
            .unwrap_or(pts);
        let guess = match raw.fps() {
            fps if fps.numer() > 0 => grid_time(1, ratio(fps)),
            _ => 40_000_000,
        };
        let duration = buffer.duration().map_or(guess, gst::ClockTime::nseconds);
        self.last_pts = Some(pts);
        Ok(Frame { picture, pts: time.nseconds(), duration })
    }
}

fn copy_picture(view: &VideoFrameRef<&gst::BufferRef>, format: &PictureFormat) -> Result<Picture> {
    let mut picture = Picture::new(*format)?;
    for i in 0..format.chroma.n_planes() {
        let (width, height) = format.plane_size(i);
        let n = width * format.sample_bytes();
        // Components come in the order R, G, B or Y, U, V, whatever the order of the planes.
        let component = i as u32;
        let stride = view.comp_stride(component) as usize;
        let data = view.comp_data(component).map_err(|e| Error::damaged(e.to_string()))?;
        for y in 0..height {
            let row = data.get(y * stride..y * stride + n);
            let row = row.ok_or_else(|| Error::damaged("a short plane"))?;
            picture.row_mut(i, y).copy_from_slice(row);
        }
    }
    Ok(picture)
}

impl Source for Video {
    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn next(&mut self) -> Outcome<Option<Frame>> {
        let Some(mut frame) = self.pending.take() else {
            return Ok(None);
        };
        while let Some(next) = self.pull()? {
            if next.picture.format() != &self.info.format {
                let cause = "the video changes its size or format: cut it there";
                return Err(Failure::damaged(&self.path, cause));
            }
            if next.pts > frame.pts {
                frame.duration = next.pts - frame.pts;
                self.pending = Some(next);
                break;
            }
            let path = input_name(&self.path);
            let warning = format!("{path}: left out a frame whose time goes backwards");
            self.console.warn(&warning);
        }
        Ok(Some(frame))
    }
}
