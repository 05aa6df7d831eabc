// SPDX-License-Identifier: MIT OR Apache-2.0
//! HDR metadata in caps.

use gst_video::{
    VideoContentLightLevel, VideoMasteringDisplayInfo, VideoMasteringDisplayInfoCoordinate,
};
use lnr::stream::{ContentLight, MasteringDisplay, Metadata};

/// What caps say of a stream beyond its format. Both sides count in the same units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hdr {
    /// The display that the pictures were mastered on.
    pub mastering: Option<MasteringDisplay>,
    /// How bright the content is.
    pub light: Option<ContentLight>,
}

impl Hdr {
    /// What these caps say.
    pub fn from_caps(caps: &gst::CapsRef) -> Self {
        let mastering = VideoMasteringDisplayInfo::from_caps(caps).ok().map(|info| {
            let point = |c: VideoMasteringDisplayInfoCoordinate| (c.x, c.y);
            MasteringDisplay {
                primaries: info.display_primaries().map(point),
                white: point(info.white_point()),
                max_luminance: info.max_display_mastering_luminance(),
                min_luminance: info.min_display_mastering_luminance(),
            }
        });
        let light = VideoContentLightLevel::from_caps(caps).ok().map(|level| ContentLight {
            max_content: level.max_content_light_level(),
            max_frame_average: level.max_frame_average_light_level(),
        });
        Self { mastering, light }
    }

    /// This, and what `other` says where this says nothing.
    pub fn or(self, other: Self) -> Self {
        Self { mastering: self.mastering.or(other.mastering), light: self.light.or(other.light) }
    }

    /// Writes it into caps.
    pub fn add_to_caps(&self, caps: &mut gst::CapsRef) {
        if let Some(m) = &self.mastering {
            let point = |(x, y)| VideoMasteringDisplayInfoCoordinate { x, y };
            let primaries = m.primaries.map(point);
            let (max, min) = (m.max_luminance, m.min_luminance);
            VideoMasteringDisplayInfo::new(primaries, point(m.white), max, min).add_to_caps(caps);
        }
        if let Some(light) = &self.light {
            let (content, average) = (light.max_content, light.max_frame_average);
            VideoContentLightLevel::new(content, average).add_to_caps(caps);
        }
    }
}

impl From<&Metadata> for Hdr {
    fn from(metadata: &Metadata) -> Self {
        Self { mastering: metadata.mastering, light: metadata.light }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_say_what_streams_say() {
        gst::init().expect("GStreamer");
        let text = "video/x-raw, mastering-display-info=(string)\
                    35400:14600:8500:39850:6550:2300:15635:16450:10000000:50, \
                    content-light-level=(string)1000:400";
        let caps: gst::Caps = text.parse().expect("caps");
        let hdr = Hdr::from_caps(&caps);
        assert_eq!(
            hdr.mastering.map(|m| (m.primaries[1], m.white)),
            Some(((8500, 39_850), (15_635, 16_450)))
        );
        assert_eq!(
            hdr.mastering.map(|m| (m.max_luminance, m.min_luminance)),
            Some((10_000_000, 50))
        );
        assert_eq!(hdr.light, Some(ContentLight { max_content: 1000, max_frame_average: 400 }));
        let mut written = gst::Caps::new_empty_simple("video/x-raw");
        hdr.add_to_caps(written.make_mut());
        assert_eq!(written, caps);
        let light = Hdr { mastering: None, ..hdr };
        assert_eq!((light.or(hdr), Hdr::default().or(light)), (hdr, light));
    }
}
