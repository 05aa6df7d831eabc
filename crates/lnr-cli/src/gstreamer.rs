// SPDX-License-Identifier: MIT OR Apache-2.0
//! What reading and writing through GStreamer share.

use std::path::Path;

use gst::prelude::*;
use gst_video::{VideoChromaSite, VideoColorMatrix, VideoColorRange, VideoFormat, VideoInfo};
use lnr::{Chroma, ChromaSite, Color, Matrix, PictureFormat};

use crate::exit::{Code, Failure, Outcome, input_name};

/// LNR1, as containers of the MP4 family name it.
pub const FOURCC: u32 = u32::from_le_bytes(*b"LNR1");

/// The raw formats that pictures are read from and written to: planar, native byte order.
pub const FORMATS: [(VideoFormat, Chroma, u8); 15] = [
    (VideoFormat::I420, Chroma::Yuv420, 8),
    (VideoFormat::Y42b, Chroma::Yuv422, 8),
    (VideoFormat::Y444, Chroma::Yuv444, 8),
    (VideoFormat::Gray8, Chroma::Gray, 8),
    (VideoFormat::Gbr, Chroma::Rgb, 8),
    (VideoFormat::I42010le, Chroma::Yuv420, 10),
    (VideoFormat::I42210le, Chroma::Yuv422, 10),
    (VideoFormat::Y44410le, Chroma::Yuv444, 10),
    (VideoFormat::Gbr10le, Chroma::Rgb, 10),
    (VideoFormat::I42012le, Chroma::Yuv420, 12),
    (VideoFormat::I42212le, Chroma::Yuv422, 12),
    (VideoFormat::Y44412le, Chroma::Yuv444, 12),
    (VideoFormat::Gbr12le, Chroma::Rgb, 12),
    (VideoFormat::Y44416le, Chroma::Yuv444, 16),
    (VideoFormat::Gray16Le, Chroma::Gray, 16),
];

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
    Some(match is_missing {
        true => "there is no video in it, or what decodes it is missing: install \
                 gstreamer1.0-libav and gstreamer1.0-plugins-bad"
            .into(),
        false => e.error().to_string(),
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

/// The picture format of raw video, if it is one of [`FORMATS`].
pub fn picture_format(info: &VideoInfo) -> Option<PictureFormat> {
    let &(_, chroma, depth) = FORMATS.iter().find(|f| f.0 == info.format())?;
    let mut format = PictureFormat::new(info.width(), info.height(), chroma, depth);
    let c = info.colorimetry();
    format.color = Color {
        matrix: match c.matrix() {
            VideoColorMatrix::Rgb => Matrix::Rgb,
            VideoColorMatrix::Bt709 => Matrix::Bt709,
            VideoColorMatrix::Fcc => Matrix::Fcc,
            VideoColorMatrix::Bt601 => Matrix::Bt601,
            VideoColorMatrix::Smpte240m => Matrix::Smpte240m,
            VideoColorMatrix::Bt2020 => Matrix::Bt2020,
            _ => Matrix::Unknown,
        },
        full_range: c.range() == VideoColorRange::Range0_255,
        primaries: c.primaries().to_iso() as u8,
        transfer: c.transfer().to_iso() as u8,
        site: match info.chroma_site() {
            s if s.contains(VideoChromaSite::H_COSITED | VideoChromaSite::V_COSITED) => {
                ChromaSite::TopLeft
            }
            s if s.contains(VideoChromaSite::H_COSITED) => ChromaSite::Left,
            s if s.contains(VideoChromaSite::NONE) => ChromaSite::Center,
            _ => ChromaSite::Unknown,
        },
    };
    let par = info.par();
    if let (Ok(n @ 1..), Ok(d @ 1..)) = (u32::try_from(par.numer()), u32::try_from(par.denom())) {
        format.par = (n, d);
    }
    Some(format)
}

/// The raw video of pictures of this format, or none when GStreamer has no such format.
pub fn video_info(format: &PictureFormat, frame_rate: (u32, u32)) -> Option<VideoInfo> {
    let wanted = (format.chroma, format.depth);
    let &(video_format, ..) = FORMATS.iter().find(|f| (f.1, f.2) == wanted)?;
    let c = &format.color;
    let matrix = match c.matrix {
        Matrix::Rgb => VideoColorMatrix::Rgb,
        Matrix::Bt709 => VideoColorMatrix::Bt709,
        Matrix::Unknown if format.height >= 720 => VideoColorMatrix::Bt709,
        Matrix::Unknown | Matrix::Bt601 => VideoColorMatrix::Bt601,
        Matrix::Fcc => VideoColorMatrix::Fcc,
        Matrix::Smpte240m => VideoColorMatrix::Smpte240m,
        Matrix::Bt2020 => VideoColorMatrix::Bt2020,
    };
    let range = match c.full_range {
        true => VideoColorRange::Range0_255,
        false => VideoColorRange::Range16_235,
    };
    let colorimetry = gst_video::VideoColorimetry::new(
        range,
        matrix,
        gst_video::VideoTransferFunction::from_iso(c.transfer.into()),
        gst_video::VideoColorPrimaries::from_iso(c.primaries.into()),
    );
    let site = match c.site {
        ChromaSite::Unknown | ChromaSite::Left => VideoChromaSite::MPEG2,
        ChromaSite::Center => VideoChromaSite::JPEG,
        ChromaSite::TopLeft => VideoChromaSite::COSITED,
    };
    let mut builder = VideoInfo::builder(video_format, format.width, format.height)
        .fps(fraction(frame_rate))
        .par(fraction(format.par))
        .colorimetry(&colorimetry);
    if format.chroma.shifts() != (0, 0) {
        builder = builder.chroma_site(site);
    }
    builder.build().ok()
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
