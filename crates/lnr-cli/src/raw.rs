// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between GStreamer's raw video and pictures.

use gst_video::{VideoColorMatrix, VideoFormat, VideoInfo};
use lnr::{Chroma, PictureFormat};
use lnr_gst::color;

use crate::gstreamer::fraction;

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

/// The picture format of raw video with these caps, of which `info` was made; none when it is not one
/// of [`FORMATS`].
pub fn picture_format(caps: &gst::CapsRef, info: &VideoInfo) -> Option<PictureFormat> {
    let &(_, chroma, depth) = FORMATS.iter().find(|f| f.0 == info.format())?;
    let mut format = PictureFormat::new(info.width(), info.height(), chroma, depth);
    format.color = color::from_caps(caps, info);
    let par = info.par();
    if let (Ok(n @ 1..), Ok(d @ 1..)) = (u32::try_from(par.numer()), u32::try_from(par.denom())) {
        format.par = (n, d);
    }
    Some(format)
}

/// The raw video of pictures of this format, or none when GStreamer has no such format. A matrix that is
/// not stated is what it counts as: without one, GStreamer would put its defaults in the place of the
/// range too.
pub fn video_info(format: &PictureFormat, frame_rate: (u32, u32)) -> Option<VideoInfo> {
    let wanted = (format.chroma, format.depth);
    let &(video_format, ..) = FORMATS.iter().find(|f| (f.1, f.2) == wanted)?;
    let c = &format.color;
    let unstated = VideoColorMatrix::from_iso(c.matrix.at(format.height) as u32);
    VideoInfo::builder(video_format, format.width, format.height)
        .fps(fraction(frame_rate))
        .par(fraction(format.par))
        .colorimetry(&color::colorimetry(c, unstated))
        .chroma_site(color::chroma_site(c))
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::{ChromaSite, Color, Matrix};

    #[test]
    fn colours_survive_caps() {
        gst::init().expect("GStreamer");
        for site in [ChromaSite::Left, ChromaSite::Dv] {
            for (full_range, transfer) in [(true, 2), (false, 16)] {
                let mut format = PictureFormat::new(32, 24, Chroma::Yuv420, 8);
                format.color = Color { full_range, transfer, site, ..format.color };
                let caps = video_info(&format, (25, 1)).and_then(|i| i.to_caps().ok());
                let caps = caps.expect("caps");
                let info = VideoInfo::from_caps(&caps).expect("raw video");
                format.color.matrix = Matrix::Bt601;
                assert_eq!(picture_format(&caps, &info), Some(format), "{caps}");
            }
        }
    }

    #[test]
    fn unknown_stays_unknown_and_the_range_stays_full() {
        gst::init().expect("GStreamer");
        let caps = "video/x-raw,format=I420,width=32,height=24,framerate=25/1,\
                    colorimetry=1:0:0:0,chroma-site=mpeg2";
        let caps: gst::Caps = caps.parse().expect("caps");
        let info = VideoInfo::from_caps(&caps).expect("raw video");
        let color = picture_format(&caps, &info).expect("a format").color;
        let expected = Color { full_range: true, site: ChromaSite::Left, ..Color::default() };
        assert_eq!(color, expected);
    }
}
