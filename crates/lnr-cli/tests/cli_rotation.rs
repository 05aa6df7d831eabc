// SPDX-License-Identifier: MIT OR Apache-2.0
//! Video that lies on its side: `lnr` turns its pictures, or keeps what says how.
#![cfg(feature = "gstreamer")]

mod common;

use common::Workplace;
use common::pipeline::launch;
use serde_json::json;

/// What GStreamer 1.22 reads from a track's matrix (a, b, c, d).
const READ: [(&str, [i32; 4]); 3] =
    [("rotate-90", [0, 1, -1, 0]), ("rotate-180", [-1, 0, 0, -1]), ("rotate-270", [0, -1, 1, 0])];

/// A video of 48 x 32 with this display matrix, as a phone writes it. GStreamer 1.22 writes none.
fn phone_video(w: &Workplace, name: &str, format: &str, encoder: &str, [a, b, c, d]: [i32; 4]) {
    launch(
        w,
        &format!(
            "videotestsrc num-buffers=3 ! video/x-raw,format={format},width=48,height=32,\
             framerate=25/1 ! {encoder} ! qtmux ! filesink location=OUT/flat.mov"
        ),
    );
    let mut bytes = w.read("flat.mov");
    let at = bytes.windows(4).position(|b| b == b"tkhd").unwrap() + 44;
    let one = 0x10000;
    for (i, v) in [a * one, b * one, 0, c * one, d * one].into_iter().enumerate() {
        bytes[at + 4 * i..][..4].copy_from_slice(&v.to_be_bytes());
    }
    w.write(name, &bytes);
}

#[test]
fn pictures_are_turned_as_players_turn_them() {
    let w = Workplace::new();
    for (name, matrix) in READ {
        phone_video(&w, "in.mov", "I420", "jpegenc", matrix);
        launch(
            &w,
            "filesrc location=OUT/in.mov ! qtdemux ! jpegdec ! videoconvert \
             ! video/x-raw,format=I420 ! videoflip video-direction=auto ! avenc_ffv1 \
             ! matroskamux ! filesink location=OUT/player.mkv",
        );
        let j = w.json(&["compare", "player.mkv", "in.mov"]);
        assert_eq!((&j["psnr_y"], &j["psnr_yuv611"]), (&100.0.into(), &100.0.into()), "{name}");
        let (width, height) = if name == "rotate-180" { (48, 32) } else { (32, 48) };
        assert_eq!((&j["width"], &j["height"]), (&width.into(), &height.into()), "{name}");
        // So is what is encoded, and nothing says that it is to be turned once more.
        let j = w.encode("in.mov", "a.lnr", &["--bitrate", "4000"]);
        assert_eq!((&j["width"], &j["height"]), (&width.into(), &height.into()), "{name}");
        assert_eq!(w.json(&["info", "a.lnr"])["metadata"]["orientation"], "rotate-0");
        assert_eq!(w.json(&["compare", "in.mov", "a.lnr"])["width"], width);
    }
}

#[test]
fn what_is_kept_as_stored_is_turned_when_it_is_decoded() {
    let w = Workplace::new();
    phone_video(&w, "in.mov", "I420", "x264enc ! h264parse", READ[0].1);
    w.encode("in.mov", "turned.lnr", &["--size", "16x24"]);
    assert_eq!(w.json(&["info", "turned.lnr"])["width"], 16);
    w.encode("in.mov", "a.lnr", &["--no-rotate"]);
    let info = w.json(&["info", "a.lnr"]);
    assert_eq!(
        (&info["width"], &info["metadata"]["orientation"]),
        (&48.into(), &json!("rotate-90"))
    );
    assert!(w.ok(&["info", "a.lnr"]).out.contains("orientation rotate-90"));
    for to in ["b.mp4", "c.lnr"] {
        w.encode("a.lnr", to, &["--no-rotate"]);
        let info = w.json(&["info", to]);
        assert_eq!(info["metadata"]["orientation"], "rotate-90", "{to}");
    }
    for name in ["d.mov", "d.mkv", "d.y4m"] {
        let j = w.json(&["decode", "a.lnr", name]);
        assert_eq!((&j["width"], &j["height"]), (&32.into(), &48.into()), "{name}");
        // Compared the same way round: they differ by what the other codec loses.
        let j = w.json(&["compare", "a.lnr", name]);
        assert_eq!((&j["width"], &j["height"]), (&32.into(), &48.into()), "{name}");
        assert!(j["psnr_y"].as_f64().unwrap() > 35.0, "{name}: {j}");
    }
    let j = w.json(&["decode", "a.lnr", "e.y4m", "--no-rotate"]);
    assert_eq!(j["width"], 48);
    // A size is that of the turned picture.
    let j = w.json(&["decode", "a.lnr", "f.y4m", "--size", "64x96"]);
    assert_eq!((&j["width"], &j["height"]), (&64.into(), &96.into()));
    assert!(w.read("f.y4m").starts_with(b"YUV4MPEG2 W64 H96 "));
    let j = w.json(&["compare", "in.mov", "a.lnr", "--size", "16x24"]);
    assert_eq!((&j["width"], &j["height"]), (&16.into(), &24.into()));
}

#[test]
fn chroma_that_cannot_be_turned_gets_in_full() {
    let w = Workplace::new();
    phone_video(&w, "in.mov", "UYVY", "identity", READ[0].1);
    for (args, chroma) in [(&[][..], "yuv444"), (&["--no-rotate"], "yuv422")] {
        w.encode("in.mov", "a.lnr", args);
        assert_eq!(w.json(&["info", "a.lnr"])["chroma"], chroma);
    }
}

#[test]
fn parts_that_lie_on_different_sides_are_not_shown_sideways() {
    let w = Workplace::new();
    phone_video(&w, "in.mov", "I420", "jpegenc", READ[0].1);
    w.encode("in.mov", "a.lnr", &["--no-rotate"]);
    w.encode("flat.mov", "b.lnr", &[]);
    let strip = |name: &str| {
        let bytes = w.read(name);
        let start = bytes.windows(8).position(|b| *b == lnr::stream::MAGIC).unwrap();
        bytes[start..].to_vec()
    };
    w.write("both.lnr", &[strip("a.lnr"), strip("b.lnr")].concat());
    w.lnr(&["decode", "both.lnr", "d.y4m"]).failed(3, "turned another way");
    assert_eq!(w.json(&["decode", "both.lnr", "e.y4m", "--no-rotate"])["frames"], 6);
}
