// SPDX-License-Identifier: MIT OR Apache-2.0

use gst::prelude::*;
use gst_video::VideoInfo;

use crate::{caps, format};
use lnr::{PictureFormat, Result};

/// The output that downstream of `pad` prefers: the first of its structures that can be met, at the
/// size in it that is nearest to the native one. The format is the stream's, always.
pub(super) fn choose(
    pad: &gst::Pad,
    native: &PictureFormat,
    rate: gst::Fraction,
) -> Result<VideoInfo> {
    let native_info = format::video_info(native, rate)?;
    let peer = pad.peer_query_caps(Some(&caps::raw([native_info.format()])));
    for (structure, features) in peer.iter_with_features() {
        if features.contains(gst::CAPS_FEATURE_MEMORY_SYSTEM_MEMORY) || features.is_empty() {
            let (width, height) = nearest_size(structure, native);
            let wanted = native.resized(width, height);
            if wanted.validate().is_err() {
                continue;
            }
            let info = format::video_info(&wanted, rate)?;
            let offered = gst::Caps::from(structure.to_owned());
            if info.to_caps().is_ok_and(|caps| caps.can_intersect(&offered)) {
                return Ok(info);
            }
        }
    }
    // Nothing can be met: let negotiation with the native format fail, and say why.
    Ok(native_info)
}

/// A side that downstream leaves open follows the other one, so that pixels keep their shape.
fn nearest_size(structure: &gst::StructureRef, native: &PictureFormat) -> (u32, u32) {
    let (width, height) = (native.width, native.height);
    let mut s = structure.to_owned();
    let side = |s: &mut gst::Structure, name, target: u32| {
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
