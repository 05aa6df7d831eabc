// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between GStreamer's video formats and those of the codec.

use gst_video::{VideoFormat, VideoInfo};

use super::{caps, color};
use lnr::{Chroma, Color, Error, PictureFormat, Result};

/// What the encoder takes.
pub(super) const ENCODED: [VideoFormat; 16] = [
    VideoFormat::I420,
    VideoFormat::Nv12,
    VideoFormat::Y42b,
    VideoFormat::Y444,
    VideoFormat::I42010le,
    VideoFormat::I42210le,
    VideoFormat::Y44410le,
    VideoFormat::Rgb,
    VideoFormat::Bgr,
    VideoFormat::Rgbx,
    VideoFormat::Bgrx,
    VideoFormat::Xrgb,
    VideoFormat::Xbgr,
    VideoFormat::Gbr,
    VideoFormat::Gbr10le,
    VideoFormat::Gray8,
];

/// What the decoder makes: the stream decides which.
pub(super) const DECODED: [VideoFormat; 9] = [
    VideoFormat::I420,
    VideoFormat::Y42b,
    VideoFormat::Y444,
    VideoFormat::I42010le,
    VideoFormat::I42210le,
    VideoFormat::Y44410le,
    VideoFormat::Rgb,
    VideoFormat::Gbr10le,
    VideoFormat::Gray8,
];

/// The codec's format of such frames; [`color::from_caps`] tells its colours.
///
/// # Errors
/// [`Error::Unsupported`] for interlaced video, formats outside [`ENCODED`] and sizes the codec does
/// not have.
pub(super) fn picture_format(info: &VideoInfo) -> Result<PictureFormat> {
    let interlacing = info.interlace_mode();
    if interlacing != gst_video::VideoInterlaceMode::Progressive {
        return Err(Error::Unsupported(format!(
            "interlaced video (interlace-mode={}); put `deinterlace` before the encoder",
            interlacing.to_str()
        )));
    }
    if !ENCODED.contains(&info.format()) {
        return Err(Error::Unsupported(format!(
            "raw video format {}; put `videoconvert` before the encoder",
            info.format()
        )));
    }
    let chroma = match (info.is_rgb(), info.is_gray(), info.format_info().w_sub()) {
        (true, ..) => Chroma::Rgb,
        (_, true, _) => Chroma::Gray,
        (_, _, [_, 0, ..]) => Chroma::Yuv444,
        _ if info.format_info().h_sub()[1] == 0 => Chroma::Yuv422,
        _ => Chroma::Yuv420,
    };
    let par = info.par();
    let format = PictureFormat {
        width: info.width(),
        height: info.height(),
        chroma,
        depth: info.comp_depth(0) as u8,
        color: Color::default(),
        par: match (par.numer(), par.denom()) {
            (n @ 1.., d @ 1..) => (n as u32, d as u32),
            _ => (1, 1),
        },
    };
    format.validate()?;
    Ok(format)
}

/// Frames of this format at this rate as the decoder makes them.
///
/// # Errors
/// [`Error::Unsupported`] for depths that GStreamer has no format for.
pub(super) fn video_info(format: &PictureFormat, rate: gst::Fraction) -> Result<VideoInfo> {
    let (chroma, depth) = (format.chroma, format.depth);
    let video_format = match (chroma, depth) {
        (Chroma::Gray, 8) => VideoFormat::Gray8,
        (Chroma::Yuv420, 8) => VideoFormat::I420,
        (Chroma::Yuv422, 8) => VideoFormat::Y42b,
        (Chroma::Yuv444, 8) => VideoFormat::Y444,
        (Chroma::Yuv420, 10) => VideoFormat::I42010le,
        (Chroma::Yuv422, 10) => VideoFormat::I42210le,
        (Chroma::Yuv444, 10) => VideoFormat::Y44410le,
        (Chroma::Rgb, 8) => VideoFormat::Rgb,
        (Chroma::Rgb, 10) => VideoFormat::Gbr10le,
        _ => {
            return Err(Error::Unsupported(format!(
                "a stream of {chroma:?} pictures with {depth} bits per sample: no raw video format"
            )));
        }
    };
    let par = caps::pixel_aspect_ratio(format);
    let info = |builder: gst_video::VideoInfoBuilder| {
        builder.par(par).fps(rate).build().map_err(|_| {
            Error::Unsupported(format!("{}x{} {video_format}", format.width, format.height))
        })
    };
    let builder = || VideoInfo::builder(video_format, format.width, format.height);
    let default = info(builder())?;
    info(
        builder()
            .colorimetry(&color::colorimetry(&format.color, &default))
            .chroma_site(color::chroma_site(&format.color)),
    )
}
