// SPDX-License-Identifier: MIT OR Apache-2.0
//! Caps of the coded stream, and its disguises inside MP4 and MOV.

use gst::prelude::*;

use lnr::{Chroma, PictureFormat, limits};
use lnr_gst::hdr::Hdr;

/// The coded stream. `parsed=true` promises one whole access unit per buffer.
pub(super) const LNR: &str = "video/x-lnr";
/// What `qtdemux` makes of a track with our four-character code.
pub(super) const FROM_DEMUXER: &str = "video/x-gst-fourcc-LNR1";
/// What `mp4mux` and `qtmux` take for a codec they do not know.
pub(super) const PARTS: [&str; 2] = ["video/x-mp4-part", "video/x-qt-part"];
/// What tags call the codec.
pub(super) const CODEC_NAME: &str = "LNR (latent neural representation)";
/// What our own caps say, and those for muxers do not.
const OWN_FIELDS: [&str; 3] = ["parsed", "chroma-format", "bit-depth-luma"];
/// "LNR1" as the muxers want it.
pub(super) const FOURCC: u32 = u32::from_le_bytes(*b"LNR1");

/// The templates of an element that always has a sink pad and a source pad of these caps.
pub(super) fn pad_templates(sink: gst::Caps, src: gst::Caps) -> Vec<gst::PadTemplate> {
    [("sink", gst::PadDirection::Sink, sink), ("src", gst::PadDirection::Src, src)]
        .into_iter()
        .filter_map(|(name, direction, caps)| {
            gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
        })
        .collect()
}

/// `video/x-lnr`, framed or not.
pub(super) fn any_lnr() -> gst::Caps {
    gst::Caps::new_empty_simple(LNR)
}

/// `video/x-lnr` with one access unit per buffer.
pub(super) fn parsed_lnr() -> gst::Caps {
    gst::Caps::builder(LNR).field("parsed", true).build()
}

/// Text of one JSON object per line, a line per buffer.
pub(super) fn json_lines() -> gst::Caps {
    gst::Caps::new_empty_simple("application/x-ndjson")
}

/// The caps under which MP4 and MOV muxers take the stream.
pub(super) fn parts() -> gst::Caps {
    PARTS
        .map(|name| gst::Structure::builder(name).field("format", FOURCC).build())
        .into_iter()
        .collect()
}

/// What an element that makes access units can offer.
pub(super) fn produced() -> gst::Caps {
    let mut caps = parsed_lnr();
    caps.merge(parts());
    caps
}

/// What a parser makes: under the demuxer's name, too, see [`for_pad`].
pub(super) fn parsed() -> gst::Caps {
    let mut caps = produced();
    caps.merge(gst::Caps::builder(FROM_DEMUXER).field("parsed", true).build());
    caps
}

/// Everything a decoder takes.
pub(super) fn decodable() -> gst::Caps {
    let mut caps = any_lnr();
    caps.merge(gst::Caps::new_empty_simple(FROM_DEMUXER));
    caps
}

/// Everything a parser can make access units of.
pub(super) fn parsable() -> gst::Caps {
    let mut caps = any_lnr();
    caps.merge(parts());
    caps.merge(gst::Caps::new_empty_simple(FROM_DEMUXER));
    caps
}

/// Caps of access units of this format on `pad`: our own where its peer takes them, else those of a
/// muxer. What comes from a demuxer and goes to a decoder keeps its name: by that, `GstDiscoverer` sees
/// that it is one stream.
pub(super) fn for_pad(
    pad: &gst::Pad,
    format: &PictureFormat,
    rate: Option<gst::Fraction>,
    hdr: &Hdr,
) -> gst::Caps {
    let allowed = pad.allowed_caps().filter(|caps| !caps.is_empty());
    let names: Vec<_> = allowed.iter().flat_map(|c| c.iter()).map(|s| s.name()).collect();
    let part = match names.iter().any(|name| *name == LNR) {
        true => None,
        false => PARTS.into_iter().find(|part| names.iter().any(|n| n == part)),
    };
    let builder = match part {
        Some(name) => gst::Caps::builder(name).field("format", FOURCC),
        None => gst::Caps::builder(if keeps_name(pad) { FROM_DEMUXER } else { LNR })
            .field("parsed", true)
            .field("chroma-format", chroma_name(format.chroma))
            .field("bit-depth-luma", u32::from(format.depth)),
    };
    let mut caps = builder
        .field("width", format.width as i32)
        .field("height", format.height as i32)
        .field("pixel-aspect-ratio", pixel_aspect_ratio(format))
        .field_if_some("framerate", rate)
        .build();
    hdr.add_to_caps(caps.make_mut());
    caps
}

/// Whether upstream of the element of this source pad has the demuxer's name for the stream, and the
/// peer names it, too.
fn keeps_name(pad: &gst::Pad) -> bool {
    let is_named = |caps: &gst::Caps| {
        !caps.is_any() && caps.iter().any(|structure| structure.name() == FROM_DEMUXER)
    };
    let sink = pad.parent_element().and_then(|element| element.static_pad("sink"));
    let upstream = sink.and_then(|sink| sink.current_caps());
    upstream.is_some_and(|caps| is_named(&caps)) && is_named(&pad.peer_query_caps(None))
}

/// The shape of a pixel; square where the stream says what GStreamer cannot.
pub(super) fn pixel_aspect_ratio(format: &PictureFormat) -> gst::Fraction {
    match (i32::try_from(format.par.0), i32::try_from(format.par.1)) {
        (Ok(n @ 1..), Ok(d @ 1..)) => gst::Fraction::new(n, d),
        _ => gst::Fraction::new(1, 1),
    }
}

/// A frame rate, or 0/1 for one that varies, is unknown, or is beyond what GStreamer can say.
pub(super) fn frame_rate((n, d): (u32, u32)) -> gst::Fraction {
    match (i32::try_from(n), i32::try_from(d)) {
        (Ok(n), Ok(d @ 1..)) => gst::Fraction::new(n, d),
        _ => gst::Fraction::new(0, 1),
    }
}

/// Raw video of these formats at every size the codec has.
pub(super) fn raw(formats: impl IntoIterator<Item = gst_video::VideoFormat>) -> gst::Caps {
    gst_video::VideoCapsBuilder::new()
        .format_list(formats)
        .width_range(1..=limits::MAX_SIDE as i32)
        .height_range(1..=limits::MAX_SIDE as i32)
        .build()
}

/// `video/x-lnr` of one access unit per buffer under the names by which muxers take it.
pub(super) fn muxed(structure: &gst::StructureRef) -> Vec<gst::Structure> {
    let rename = |name: &str| {
        let mut structure = structure.to_owned();
        structure.set_name(name);
        structure.remove_fields(OWN_FIELDS);
        structure.set("format", FOURCC);
        structure
    };
    PARTS.map(rename).into()
}

/// The reverse of [`muxed`]; our own caps stay as they are.
pub(super) fn unmuxed(structure: &gst::StructureRef) -> gst::Structure {
    let mut structure = structure.to_owned();
    if structure.name() != LNR {
        structure.set_name(LNR);
        structure.remove_field("format");
        structure.set("parsed", true);
    }
    structure
}

/// Raw video of any format in system memory.
pub(super) fn raw_of_any_format() -> gst::Caps {
    gst::Caps::new_empty_simple("video/x-raw")
}

fn chroma_name(chroma: Chroma) -> &'static str {
    match chroma {
        Chroma::Gray => "4:0:0",
        Chroma::Yuv420 => "4:2:0",
        Chroma::Yuv422 => "4:2:2",
        Chroma::Yuv444 => "4:4:4",
        Chroma::Rgb => "rgb",
    }
}
