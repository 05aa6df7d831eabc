// SPDX-License-Identifier: MIT OR Apache-2.0
//! Drawn scenes that the small CLIP in data/small-clip has words for.

use super::Workplace;

/// The model's directory.
pub const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/small-clip");
pub const WIDTH: usize = 64;
pub const HEIGHT: usize = 48;
/// Frames of each scene, at 25 in a second.
pub const FRAMES: usize = 5;

type Color = [f64; 3];

fn color(name: &str) -> Color {
    match name {
        "red" => [230.0, 25.0, 25.0],
        "green" => [25.0, 180.0, 40.0],
        "blue" => [30.0, 60.0, 230.0],
        "yellow" => [245.0, 225.0, 25.0],
        "white" => [250.0; 3],
        "black" => [8.0; 3],
        other => panic!("{other} has no colour here"),
    }
}

/// Y'CbCr of BT.601, limited range.
fn y_cb_cr([r, g, b]: Color) -> [u8; 3] {
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    let (cb, cr) = ((b - y) / 1.772, (r - y) / 1.402);
    [16.0 + y * 219.0 / 255.0, 128.0 + cb * 224.0 / 255.0, 128.0 + cr * 224.0 / 255.0]
        .map(|v| v.round() as u8)
}

/// A Y4M video of scenes, one after another: a large circle of the first colour before a background of the
/// second.
pub fn video(scenes: &[(&str, &str)]) -> Vec<u8> {
    let mut out = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 Ip A1:1 C444\n").into_bytes();
    for (shape, background) in scenes {
        let colors = [y_cb_cr(color(background)), y_cb_cr(color(shape))];
        for frame in 0..FRAMES {
            out.extend(b"FRAME\n");
            for plane in 0..3 {
                for y in 0..HEIGHT {
                    for x in 0..WIDTH {
                        let (dx, dy) = (x as f64 - 30.0 - frame as f64, y as f64 - 23.5);
                        let is_inside = dx * dx + dy * dy < 18.0 * 18.0;
                        out.push(colors[usize::from(is_inside)][plane]);
                    }
                }
            }
        }
    }
    out
}

/// A folder with red.lnr, green.lnr and blue.lnr, each of one scene, encoded with the model.
pub fn workplace() -> Workplace {
    let w = Workplace::new();
    for (name, background) in [("red", "white"), ("green", "black"), ("blue", "yellow")] {
        encode(&w, &format!("{name}.lnr"), &[(name, background)]);
    }
    w
}

/// Encodes scenes with the model, a group for each. The files are so small that vectors of the usual weight
/// would get few bits.
pub fn encode(w: &Workplace, output: &str, scenes: &[(&str, &str)]) {
    w.write("scenes.raw", &video(scenes));
    let groups = ["--key-int-max", &FRAMES.to_string(), "--no-scene-cut"];
    let meaning = ["--clip-model", MODEL, "--clip-weight", "1"];
    w.encode("scenes.raw", output, &[&groups[..], &meaning].concat());
    std::fs::remove_file(w.path("scenes.raw")).expect("removed");
}

/// Encodes a scene with vectors of a user's space.
pub fn encode_with_features(w: &Workplace, output: &str) {
    w.write("scenes.raw", &video(&[("red", "white")]));
    let mut npy = Vec::new();
    let values: Vec<f32> = (0..FRAMES).flat_map(|i| [1.0, i as f32, 0.5]).collect();
    lnr::align::write_npy(&mut npy, 3, &values).expect("an array");
    w.write("mine.npy", &npy);
    w.encode("scenes.raw", output, &["--features", "mine.npy", "--clip-weight", "1"]);
    std::fs::remove_file(w.path("scenes.raw")).expect("removed");
}
