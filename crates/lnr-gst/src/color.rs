// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colorimetry and chroma sites between GStreamer's caps and the codec.

use gst_video::{
    VideoChromaSite, VideoColorMatrix, VideoColorPrimaries, VideoColorRange, VideoColorimetry,
    VideoInfo, VideoTransferFunction,
};
use lnr::{ChromaSite, Color, Matrix};

const SITES: [(VideoChromaSite, ChromaSite); 6] = [
    (VideoChromaSite::MPEG2, ChromaSite::Left),
    (VideoChromaSite::JPEG, ChromaSite::Center),
    (VideoChromaSite::COSITED, ChromaSite::TopLeft),
    (VideoChromaSite::V_COSITED, ChromaSite::Top),
    (VideoChromaSite::DV, ChromaSite::Dv),
    (VideoChromaSite::ALT_LINE, ChromaSite::AltLine),
];

/// What the caps of raw video say, of which `info` was made. That has GStreamer's defaults for all, the
/// range and the chroma site too, where the caps leave the matrix open.
pub fn from_caps(caps: &gst::CapsRef, info: &VideoInfo) -> Color {
    let field = |name: &str| caps.structure(0).and_then(|s| s.get::<String>(name).ok());
    let said = field("colorimetry").and_then(|text| text.parse::<VideoColorimetry>().ok());
    let colorimetry = said.unwrap_or_else(|| info.colorimetry());
    let range = match colorimetry.range() {
        VideoColorRange::Unknown => info.colorimetry().range(),
        range => range,
    };
    let matrix = match colorimetry.matrix() {
        _ if info.is_rgb() => Matrix::Rgb,
        VideoColorMatrix::Unknown => Matrix::Unknown,
        matrix => Matrix::from_code(matrix.to_iso() as u8).unwrap_or(Matrix::Unknown),
    };
    let site = field("chroma-site").map(|text| VideoChromaSite::from_string(&text));
    let named = SITES.iter().find(|(theirs, _)| Some(*theirs) == site);
    Color {
        matrix,
        full_range: range == VideoColorRange::Range0_255,
        primaries: colorimetry.primaries().to_iso() as u8,
        transfer: colorimetry.transfer().to_iso() as u8,
        site: named.map_or(ChromaSite::Unknown, |(_, ours)| *ours),
    }
}

/// As caps say it; `unstated` stands for a matrix that the stream leaves open. One must be stated, or
/// else GStreamer puts its defaults in the place of everything.
pub fn colorimetry(color: &Color, unstated: VideoColorMatrix) -> VideoColorimetry {
    VideoColorimetry::new(
        match color.full_range {
            true => VideoColorRange::Range0_255,
            false => VideoColorRange::Range16_235,
        },
        match color.matrix {
            Matrix::Unknown => unstated,
            matrix => VideoColorMatrix::from_iso(matrix as u32),
        },
        VideoTransferFunction::from_iso(color.transfer.into()),
        VideoColorPrimaries::from_iso(color.primaries.into()),
    )
}

/// No site at all where the stream states none.
pub fn chroma_site(color: &Color) -> VideoChromaSite {
    let named = SITES.iter().find(|(_, ours)| *ours == color.site);
    named.map_or(VideoChromaSite::empty(), |(theirs, _)| *theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &str) -> Color {
        gst::init().expect("GStreamer");
        let text = format!("video/x-raw,width=32,height=24,framerate=25/1,{fields}");
        let caps: gst::Caps = text.parse().expect("caps");
        from_caps(&caps, &VideoInfo::from_caps(&caps).expect("raw video"))
    }

    #[test]
    fn every_field_that_is_known_is_kept() {
        use ChromaSite::{Left, Unknown};
        let color = |matrix, full_range, transfer, primaries, site| Color {
            matrix,
            full_range,
            primaries,
            transfer,
            site,
        };
        for (fields, expected) in [
            ("format=I420,colorimetry=1:0:0:0", color(Matrix::Unknown, true, 2, 2, Unknown)),
            (
                "format=I420,colorimetry=1:0:0:0,chroma-site=mpeg2",
                color(Matrix::Unknown, true, 2, 2, Left),
            ),
            ("format=I420,colorimetry=2:0:5:1", color(Matrix::Unknown, false, 1, 1, Unknown)),
            ("format=I420,colorimetry=0:3:5:1", color(Matrix::Bt709, false, 1, 1, Unknown)),
            ("format=I420,colorimetry=2:4:7:1", color(Matrix::Bt601, false, 13, 1, Unknown)),
            ("format=I420,colorimetry=bt2100-pq", color(Matrix::Bt2020, false, 16, 9, Unknown)),
            ("format=GRAY8,colorimetry=1:0:0:0", color(Matrix::Unknown, true, 2, 2, Unknown)),
            ("format=RGB,colorimetry=2:4:7:1", color(Matrix::Rgb, false, 13, 1, Unknown)),
            ("format=RGB", color(Matrix::Rgb, true, 13, 1, Unknown)),
            ("format=I420,chroma-site=mpeg2", color(Matrix::Bt601, false, 6, 6, Left)),
        ] {
            assert_eq!(read(fields), expected, "{fields}");
        }
    }

    #[test]
    fn chroma_sites_keep_their_names() {
        gst::init().expect("GStreamer");
        for (_, ours) in SITES {
            let color = Color { site: ours, ..Color::default() };
            let name = chroma_site(&color).to_string();
            let caps = format!("format=I420,colorimetry=2:0:0:0,chroma-site=(string){name}");
            assert_eq!(read(&caps).site, ours, "{name}");
        }
        assert_eq!(read("format=I420,colorimetry=bt601,chroma-site=dv").site, ChromaSite::Dv);
        assert!(chroma_site(&Color::default()).is_empty());
    }
}
