// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tiny videos, encoded and decoded through the library, for the tests of the codec.
#![allow(dead_code)] // each test file uses a part

use lnr::stream::{Scan, scan};
use lnr::{
    AccessUnit, Chroma, Control, Decoder, DecoderSettings, Encoder, EncoderSettings, InputFrame,
    Picture, PictureFormat, Profile, Result,
};

/// Nanoseconds of a frame at 25 frames per second.
pub const FRAME: u64 = 40_000_000;

/// A soft pattern at time `t`, in any format.
pub fn picture(format: PictureFormat, t: usize) -> Picture {
    let mut picture = Picture::new(format).expect("a legal format");
    let max = f32::from(format.max_value());
    for plane in 0..format.chroma.n_planes() {
        let (w, h) = format.plane_size(plane);
        let (sx, sy) = if plane == 0 { (0, 0) } else { format.chroma.shifts() };
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let (u, v) = ((x << sx) as f32 - 0.6 * t as f32, (y << sy) as f32);
            let wave = (u * 0.19 + plane as f32).sin() + (v * 0.13 + u * 0.04).cos();
            picture.set_sample(plane, x, y, (max * (0.5 + 0.2 * wave)) as u16);
        }
    }
    picture
}

/// Frame `t` at 25 frames per second.
pub fn frame(format: PictureFormat, t: usize) -> InputFrame {
    let pts = FRAME * t as u64;
    InputFrame { picture: picture(format, t), pts, duration: FRAME, force_key: false }
}

/// Quick settings for this format.
pub fn config(format: PictureFormat) -> EncoderSettings {
    EncoderSettings::new(format).epochs(6).frame_rate((25, 1))
}

/// A tiny model of a paper profile.
pub const PAPER: &str =
    "width=16,layers=4,rank=3,latent=6,hyper-width=8,levels=5,features=2,table=8";

/// As [`config`], for [`PAPER`].
pub fn paper(format: PictureFormat) -> EncoderSettings {
    config(format).profile(Profile::PaperS).model(PAPER.parse().expect("legal options"))
}

/// Encodes frames in order.
pub fn encode(config: EncoderSettings, frames: Vec<InputFrame>) -> Result<Vec<AccessUnit>> {
    let mut encoder = Encoder::new(config)?;
    let mut control = Control::default();
    let mut units = Vec::new();
    for frame in frames {
        units.extend(encoder.push(frame, &mut control)?);
    }
    units.extend(encoder.finish(&mut control)?);
    Ok(units)
}

/// Encodes `n` frames of the pattern.
pub fn encode_pattern(config: EncoderSettings, n: usize) -> Vec<AccessUnit> {
    let format = config.format;
    encode(config, (0..n).map(|t| frame(format, t)).collect()).expect("encoding succeeds")
}

/// A decoder on one thread.
pub fn decoder() -> Decoder {
    Decoder::new(DecoderSettings::default().threads(1)).expect("the CPU backend is always there")
}

/// Decodes access units, each at the stream's own size.
pub fn decode<'a>(units: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Picture>> {
    let mut decoder = decoder();
    let mut out = Vec::new();
    for unit in units {
        let shown = decoder.push(unit)?;
        let format = decoder.header().expect("a group was decoded").format;
        let mut picture = Picture::new(format)?;
        decoder.render(shown.tau, &mut picture)?;
        out.push(picture);
    }
    Ok(out)
}

/// The access units of a file.
pub fn split(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = file;
    let mut units = Vec::new();
    while let Scan::Unit { len, .. } = scan(rest)
        && len <= rest.len()
    {
        let (unit, next) = rest.split_at(len);
        units.push(unit);
        rest = next;
    }
    units
}

/// PSNR of all samples of a plane.
pub fn psnr(a: &Picture, b: &Picture, plane: usize) -> f64 {
    assert_eq!(a.format(), b.format());
    let (w, h) = a.format().plane_size(plane);
    let error = |x, y| f64::from(a.sample(plane, x, y)) - f64::from(b.sample(plane, x, y));
    let sum: f64 = (0..h).flat_map(|y| (0..w).map(move |x| error(x, y).powi(2))).sum();
    let max = f64::from(a.format().max_value());
    10.0 * (max * max * (w * h) as f64 / sum.max(1e-9)).log10()
}

/// 8-bit 4:2:0.
pub fn yuv420(width: u32, height: u32) -> PictureFormat {
    PictureFormat::new(width, height, Chroma::Yuv420, 8)
}
