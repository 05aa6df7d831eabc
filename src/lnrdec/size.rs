// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::prelude::*;
use gst_video::VideoInfo;

use crate::{caps, format, rates};
use lnr::{Error, PictureFormat, Result};

/// Fields that tell how pixels are written, not how many there are and when.
const CONVERTED: [&str; 3] = ["format", "colorimetry", "chroma-site"];

/// The output that downstream of `pad` prefers: the size in the first of its structures whose size can be met,
/// the nearest to the native one; the first format of the stream's that is taken at that size. A converter
/// lists first what is wanted behind it, so the format of that structure does not count.
///
/// # Errors
/// [`Error::Unsupported`] that says what is asked for and cannot be met.
pub(super) fn choose(
    pad: &gst::Pad,
    native: &PictureFormat,
    rate: gst::Fraction,
) -> Result<VideoInfo> {
    format::native(native)?;
    let formats = format::decoded(native.chroma, native.depth);
    let peer = pad.peer_query_caps(Some(&caps::raw_of_any_format()));
    for (structure, features) in peer.iter_with_features() {
        if features.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY) || features.is_empty() {
            let (width, height) = nearest_size(structure, native);
            let wanted = native.resized(width, height);
            if wanted.validate().is_err() {
                continue;
            }
            let mut offered = structure.to_owned();
            offered.remove_fields(CONVERTED);
            let offered = gst::Caps::from(offered);
            for &video_format in formats {
                let info = format::video_info(&wanted, video_format, rate)?;
                let is_taken =
                    |caps: gst::Caps| caps.can_intersect(&offered) && caps.can_intersect(&peer);
                if info.to_caps().is_ok_and(is_taken) {
                    return Ok(info);
                }
            }
        }
    }
    Err(Error::Unsupported(match rates::rate_of(&peer) {
        Some(asked) if asked != rate => {
            let ratio = rates::ratio(rate, asked);
            let is_reachable = ratio.is_some_and(|ratio| rates::FACTORS.contains(&ratio));
            let way =
                if is_reachable { "`lnrinterp` before lnrdec" } else { "`videorate` behind it" };
            let (asked, rate) = (rates::text(asked), rates::text(rate));
            format!("frame rate {asked}, the stream has {rate}: put {way}")
        }
        _ => format!(
            "what follows lnrdec takes {peer}, and the stream is {} at {}: put `videoconvert` behind lnrdec",
            formats[0],
            rates::text(rate)
        ),
    }))
}

/// A side that downstream leaves open follows the other one, so that pixels keep their shape.
fn nearest_size(structure: &gst::StructureRef, native: &PictureFormat) -> (u32, u32) {
    let (width, height) = (native.width, native.height);
    let mut s = structure.to_owned();
    let side = |s: &mut gst::Structure, name, target: u32| {
        if !s.has_field(name) {
            return target;
        }
        s.fixate_field_nearest_int(name, target as i32);
        let fixed = s.get::<i32>(name).ok().and_then(|v| u32::try_from(v).ok());
        fixed.unwrap_or(target).max(1)
    };
    let scaled = |side: u32, to: u32, from: u32| {
        let value =
            (u64::from(side) * u64::from(to) + u64::from(from) / 2) / u64::from(from.max(1));
        value.clamp(1, i32::MAX as u64) as u32
    };
    if structure.get::<i32>("height").is_ok() {
        let h = side(&mut s, "height", height);
        return (side(&mut s, "width", scaled(width, h, height)), h);
    }
    let w = side(&mut s, "width", width);
    (w, side(&mut s, "height", scaled(height, w, width)))
}
