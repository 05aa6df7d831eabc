// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr compare` on Y4M files.
mod common;

use common::{Workplace, y4m};

#[test]
fn identical_videos() {
    let w = Workplace::new();
    let video = y4m(48, 32, 3, "420mpeg2");
    w.write("a.y4m", &video);
    for sampling in ["422", "444", "mono", "420p10"] {
        w.write(&format!("{sampling}.y4m"), &y4m(48, 32, 3, sampling));
        let name = format!("{sampling}.y4m");
        let j = w.json(&["compare", &name, &name]);
        assert_eq!((&j["psnr_rgb"], &j["psnr_y"]), (&100.0.into(), &100.0.into()));
        assert_eq!(j["psnr_yuv611"].is_null(), sampling == "mono");
    }
    let j = w.json(&["compare", "a.y4m", "a.y4m"]);
    assert_eq!(j["frames"], 3);
    assert_eq!(j["bytes"], video.len());
    let bpp = video.len() as f64 * 8.0 / (48.0 * 32.0 * 3.0);
    assert!((j["bpp"].as_f64().unwrap() - bpp).abs() < 1e-5);
    assert_eq!(j["ms_ssim_scales"], 2);
    assert!((j["ssim"].as_f64().unwrap() - 1.0).abs() < 1e-6);
    let text = w.ok(&["compare", "a.y4m", "a.y4m"]).out;
    assert!(text.contains("BT.601") && text.contains("3 frames"), "{text}");
}

#[test]
fn parts_sizes_and_sheets() {
    let w = Workplace::new();
    w.write("long.y4m", &y4m(48, 32, 6, "420mpeg2"));
    // Its frames are the last two of the other.
    let whole = y4m(48, 32, 6, "420mpeg2");
    let frame = 6 + 48 * 32 * 3 / 2;
    let header = whole.len() - 6 * frame;
    let tail = [&whole[..header], &whole[whole.len() - 2 * frame..]].concat();
    w.write("tail.y4m", &tail);
    let j = w.json(&["compare", "long.y4m", "tail.y4m", "--start", "4"]);
    assert_eq!((&j["frames"], &j["psnr_y"]), (&2.into(), &100.0.into()));
    let j = w.json(&["compare", "long.y4m", "tail.y4m"]);
    assert!(j["psnr_y"].as_f64().unwrap() < 50.0);

    let sheet = ["--sheet", "s.png", "--also", "tail.y4m", "--rows", "2"];
    let small = ["compare", "long.y4m", "long.y4m", "--size", "24x16"];
    let j = w.json(&[&small[..], &sheet].concat());
    assert_eq!((&j["width"], &j["psnr_y"]), (&24.into(), &100.0.into()));
    let decoder = png::Decoder::new(std::io::Cursor::new(w.read("s.png")));
    let info = decoder.read_info().unwrap();
    // Three columns of the widest picture, two rows, gaps of 4.
    assert_eq!(info.info().size(), (3 * 48 + 8, 2 * 32 + 4));

    w.lnr(&["compare", "long.y4m", "tail.y4m", "--start", "9"]).failed(1, "it has 6 frames");
    let shorter = w.lnr(&["compare", "tail.y4m", "long.y4m"]);
    shorter.failed(0, "ends 4 frames before");
}
