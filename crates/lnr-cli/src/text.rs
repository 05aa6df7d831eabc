// SPDX-License-Identifier: MIT OR Apache-2.0

use lnr::{Chroma, Matrix, PictureFormat};
use serde_json::{Value, json};

/// Rounds for JSON: as many digits as mean something.
pub fn rounded(value: f64, digits: i32) -> Value {
    let scale = 10f64.powi(digits);
    json!((value * scale).round() / scale)
}

pub fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// Bits per pixel of `bytes` for so many frames of this format.
pub fn bits_per_pixel(bytes: u64, format: &PictureFormat, n_frames: u64) -> f64 {
    bytes as f64 * 8.0 / (format.n_pixels() as f64 * n_frames.max(1) as f64)
}

/// Mean bit rate in kbit/s; 0 when nothing has a duration.
pub fn kbit_per_second(bytes: u64, ns: u64) -> f64 {
    match ns {
        0 => 0.0,
        _ => bytes as f64 * 8e6 / ns as f64,
    }
}

/// Such as `2 damaged parts`, as [`crate::input::Damage`] counts them.
pub fn damaged_parts(n: u64) -> String {
    match n {
        1 => "1 damaged part".into(),
        _ => format!("{n} damaged parts"),
    }
}

pub fn chroma(chroma: Chroma) -> &'static str {
    match chroma {
        Chroma::Gray => "gray",
        Chroma::Yuv420 => "yuv420",
        Chroma::Yuv422 => "yuv422",
        Chroma::Yuv444 => "yuv444",
        Chroma::Rgb => "rgb",
    }
}

pub fn matrix(matrix: Matrix) -> &'static str {
    match matrix {
        Matrix::Rgb => "RGB",
        Matrix::Bt709 => "BT.709",
        Matrix::Unknown => "unknown",
        Matrix::Fcc => "FCC",
        Matrix::Bt601 => "BT.601",
        Matrix::Smpte240m => "SMPTE 240M",
        Matrix::Bt2020 => "BT.2020",
    }
}

/// Such as `320x180 yuv420 8 bits, 25 fps`.
pub fn video(format: &PictureFormat, frame_rate: (u32, u32)) -> String {
    let (w, h, depth) = (format.width, format.height, format.depth);
    let chroma = chroma(format.chroma);
    let rate = match frame_rate {
        (0, _) => "variable frame rate".into(),
        (n, 1) => format!("{n} fps"),
        (n, d) => format!("{n}/{d} fps"),
    };
    format!("{w}x{h} {chroma} {depth} bits, {rate}")
}
