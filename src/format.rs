// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between GStreamer's video formats and those of the codec.

use gst_video::{VideoFormat, VideoInfo};

use lnr_gst::color;

use super::caps;
use lnr::{Chroma, Color, Error, PictureFormat, Result};

/// What the encoder takes: what comes first is what a source that makes anything will make. Of those with
/// alpha, that is dropped.
pub(super) const ENCODED: [VideoFormat; 55] = [
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
    VideoFormat::Yv12,
    VideoFormat::Nv21,
    VideoFormat::A420,
    VideoFormat::Nv16,
    VideoFormat::Nv61,
    VideoFormat::Yuy2,
    VideoFormat::Uyvy,
    VideoFormat::Yvyu,
    VideoFormat::Vyuy,
    VideoFormat::Nv24,
    VideoFormat::Ayuv,
    VideoFormat::Vuya,
    VideoFormat::P01010le,
    VideoFormat::A42010le,
    VideoFormat::A42210le,
    VideoFormat::A44410le,
    VideoFormat::I42012le,
    VideoFormat::P012Le,
    VideoFormat::I42212le,
    VideoFormat::Y44412le,
    VideoFormat::P016Le,
    VideoFormat::Y44416le,
    VideoFormat::Ayuv64,
    VideoFormat::Rgba,
    VideoFormat::Bgra,
    VideoFormat::Argb,
    VideoFormat::Abgr,
    VideoFormat::Rgbp,
    VideoFormat::Bgrp,
    VideoFormat::Gbra,
    VideoFormat::Gbra10le,
    VideoFormat::Gbr12le,
    VideoFormat::Gbra12le,
    VideoFormat::Argb64,
    VideoFormat::Argb64Le,
    VideoFormat::Rgba64Le,
    VideoFormat::Bgra64Le,
    VideoFormat::Abgr64Le,
    VideoFormat::Gray16Le,
];

/// What the decoder makes of a stream: its own format first, then what holds the same samples in another
/// order.
pub(super) fn decoded(chroma: Chroma, depth: u8) -> &'static [VideoFormat] {
    use VideoFormat::*;
    match (chroma, depth) {
        (Chroma::Gray, 8) => &[Gray8],
        (Chroma::Gray, 16) => &[Gray16Le],
        (Chroma::Yuv420, 8) => &[I420, Nv12, Yv12, Nv21],
        (Chroma::Yuv420, 10) => &[I42010le, P01010le],
        (Chroma::Yuv420, 12) => &[I42012le, P012Le],
        (Chroma::Yuv420, 16) => &[P016Le],
        (Chroma::Yuv422, 8) => &[Y42b, Nv16, Yuy2, Uyvy],
        (Chroma::Yuv422, 10) => &[I42210le],
        (Chroma::Yuv422, 12) => &[I42212le],
        (Chroma::Yuv444, 8) => &[Y444, Nv24],
        (Chroma::Yuv444, 10) => &[Y44410le],
        (Chroma::Yuv444, 12) => &[Y44412le],
        (Chroma::Yuv444, 16) => &[Y44416le],
        (Chroma::Rgb, 8) => &[Rgb, Bgr, Rgbx, Bgrx, Xrgb, Xbgr, Gbr],
        (Chroma::Rgb, 10) => &[Gbr10le],
        (Chroma::Rgb, 12) => &[Gbr12le],
        (Chroma::Rgb, 16) => &[Rgba64Le, Argb64Le, Bgra64Le, Abgr64Le],
        _ => &[],
    }
}

/// All that the decoder can make.
pub(super) fn all_decoded() -> Vec<VideoFormat> {
    let chromas = [Chroma::Yuv420, Chroma::Yuv422, Chroma::Yuv444, Chroma::Rgb, Chroma::Gray];
    let of = |depth| chromas.into_iter().map(move |chroma| decoded(chroma, depth));
    let native = [8, 10, 12, 16].into_iter().flat_map(of).filter_map(|formats| formats.first());
    let others = [8, 10, 12, 16].into_iter().flat_map(of).filter_map(|formats| formats.get(1..));
    native.chain(others.flatten()).copied().collect()
}

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
    whole_format(info)
}

/// As [`picture_format`], with both fields of interlaced video in one picture.
///
/// # Errors
/// [`Error::Unsupported`] for formats outside [`ENCODED`] and sizes the codec does not have.
pub(super) fn whole_format(info: &VideoInfo) -> Result<PictureFormat> {
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

/// Frames of this format at this rate, as `video_format`, which must be one of [`decoded`].
///
/// # Errors
/// [`Error::Unsupported`] for sizes that GStreamer does not have.
pub(super) fn video_info(
    format: &PictureFormat,
    video_format: VideoFormat,
    rate: gst::Fraction,
) -> Result<VideoInfo> {
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
            .colorimetry(&color::colorimetry(&format.color, default.colorimetry().matrix()))
            .chroma_site(color::chroma_site(&format.color)),
    )
}

/// The decoder's own format for such streams.
///
/// # Errors
/// [`Error::Unsupported`] for depths that GStreamer has no format for.
pub(super) fn native(format: &PictureFormat) -> Result<VideoFormat> {
    decoded(format.chroma, format.depth).first().copied().ok_or_else(|| {
        Error::Unsupported(format!(
            "a stream of {:?} pictures with {} bits per sample: no raw video format",
            format.chroma, format.depth
        ))
    })
}
