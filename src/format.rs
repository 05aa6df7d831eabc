// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between GStreamer's video formats and those of the codec.

use gst_video::{VideoChromaSite, VideoColorMatrix, VideoColorRange, VideoFormat, VideoInfo};

use super::caps;
use lnr::{Chroma, ChromaSite, Color, Error, Matrix, PictureFormat, Result};

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

/// The codec's format of such frames.
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
        color: color(info),
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
    let builder = builder().colorimetry(&colorimetry(&format.color, &default));
    info(match format.color.site {
        ChromaSite::Unknown => builder,
        ChromaSite::Left => builder.chroma_site(VideoChromaSite::MPEG2),
        ChromaSite::Center => builder.chroma_site(VideoChromaSite::JPEG),
        ChromaSite::TopLeft => builder.chroma_site(VideoChromaSite::COSITED),
    })
}

fn color(info: &VideoInfo) -> Color {
    let colorimetry = info.colorimetry();
    let matrix = match colorimetry.matrix() {
        _ if info.is_rgb() => Matrix::Rgb,
        VideoColorMatrix::Unknown => Matrix::Unknown,
        matrix => Matrix::from_code(matrix.to_iso() as u8).unwrap_or(Matrix::Unknown),
    };
    let site = match info.chroma_site() {
        VideoChromaSite::MPEG2 => ChromaSite::Left,
        VideoChromaSite::JPEG => ChromaSite::Center,
        VideoChromaSite::COSITED => ChromaSite::TopLeft,
        _ => ChromaSite::Unknown,
    };
    Color {
        matrix,
        full_range: colorimetry.range() == VideoColorRange::Range0_255,
        primaries: colorimetry.primaries().to_iso() as u8,
        transfer: colorimetry.transfer().to_iso() as u8,
        site,
    }
}

/// What the stream leaves open is filled with GStreamer's default for the size.
fn colorimetry(color: &Color, default: &VideoInfo) -> gst_video::VideoColorimetry {
    let default = default.colorimetry();
    gst_video::VideoColorimetry::new(
        match color.full_range {
            true => VideoColorRange::Range0_255,
            false => VideoColorRange::Range16_235,
        },
        match color.matrix {
            Matrix::Unknown => default.matrix(),
            matrix => VideoColorMatrix::from_iso(matrix as u32),
        },
        gst_video::VideoTransferFunction::from_iso(color.transfer.into()),
        gst_video::VideoColorPrimaries::from_iso(color.primaries.into()),
    )
}
