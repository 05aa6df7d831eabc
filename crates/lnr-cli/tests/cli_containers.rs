// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr` with files that GStreamer reads and writes.
#![cfg(feature = "gstreamer")]

mod common;

use common::pipeline::launch;
use common::{Workplace, y4m, y4m_frames};

#[test]
fn any_video_is_read_in_its_own_format() {
    let w = Workplace::new();
    // GStreamer 1.22's FFV1 encoder takes no RGB; Matroska holds that as it is.
    for (format, chroma, depth, encoder) in [
        ("I420", "yuv420", 8, "avenc_ffv1"),
        ("Y444", "yuv444", 8, "avenc_ffv1"),
        ("I422_10LE", "yuv422", 10, "avenc_ffv1"),
        ("GRAY8", "gray", 8, "avenc_ffv1"),
        ("RGB", "rgb", 8, "identity"),
    ] {
        launch(
            &w,
            &format!(
                "videotestsrc num-buffers=4 ! video/x-raw,format={format},width=48,height=32,\
                 framerate=30000/1001 ! {encoder} ! matroskamux ! filesink location=OUT/in.mkv"
            ),
        );
        let j = w.encode("in.mkv", "a.lnr", &["--frames", "3"]);
        assert_eq!(j["frames"], 3, "{format}");
        let info = w.json(&["info", "a.lnr"]);
        assert_eq!((&info["chroma"], &info["depth"]), (&chroma.into(), &depth.into()), "{format}");
        assert_eq!(info["frame_rate"], "30000/1001");
        // Matroska rounds times to milliseconds; the nominal grid is found again.
        assert_eq!(info["groups"][0]["frame_durations_ns"][0], 33_366_666, "{format}");
        let j = w.json(&["compare", "in.mkv", "in.mkv"]);
        assert_eq!((&j["frames"], &j["psnr_rgb"]), (&4.into(), &100.0.into()));
    }
}

#[test]
fn lnr_video_in_mp4_and_mov() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(48, 32, 6, "420mpeg2"));
    let args = ["--key-int-max", "3", "--no-scene-cut"];
    w.encode("in.y4m", "a.lnr", &args);
    w.ok(&["decode", "a.lnr", "a.y4m"]);
    for name in ["a.mp4", "a.mov"] {
        let j = w.encode("in.y4m", name, &args);
        assert_eq!((&j["frames"], &j["groups"]), (&6.into(), &2.into()));
        let info = w.json(&["info", name]);
        assert_eq!(
            (&info["frames"], &info["groups"][1]["pts_ns"]),
            (&6.into(), &120_000_000.into())
        );
        w.ok(&["decode", name, "b.y4m"]);
        assert!(w.read("a.y4m") == w.read("b.y4m"), "{name}");
        let j = w.json(&["compare", "in.y4m", name]);
        assert_eq!(j["frames"], 6);
    }
}

#[test]
fn pictures_go_to_containers() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(64, 48, 6, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &[]);
    w.ok(&["decode", "a.lnr", "a.y4m", "--size", "128x96", "--fps", "50"]);
    for name in ["a.mp4", "a.mkv", "a.webm"] {
        w.ok(&["decode", "a.lnr", name, "--size", "128x96", "--fps", "50"]);
        let j = w.json(&["compare", "a.y4m", name]);
        assert_eq!(j["frames"], 12, "{name}");
        assert!(j["psnr_y"].as_f64().unwrap() > 30.0, "{name}: {j}");
    }
    w.lnr(&["decode", "a.lnr", "a.xyz"]).failed(1, ".mkv");
    w.lnr(&["decode", "a.lnr", "none/a.mkv"]).failed(4, "none/a.mkv");
    assert_eq!(y4m_frames(&w.path("a.y4m")).0, 12);
}

#[test]
fn interlaced_and_broken_videos_are_refused() {
    let w = Workplace::new();
    launch(
        &w,
        "videotestsrc num-buffers=4 ! video/x-raw,format=I420,width=64,height=64,framerate=25/1,\
         interlace-mode=interleaved,field-order=top-field-first ! x264enc interlaced=true ! \
         matroskamux ! filesink location=OUT/laced.mkv",
    );
    w.lnr(&["encode", "laced.mkv", "a.lnr"]).failed(3, "deinterlace");
    launch(&w, "audiotestsrc num-buffers=4 ! wavenc ! filesink location=OUT/sound.wav");
    w.lnr(&["encode", "sound.wav", "a.lnr"]).failed(3, "no video in it");
    w.write("broken.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom and then nothing sensible follows");
    w.lnr(&["encode", "broken.mp4", "a.lnr"]).failed(3, "broken.mp4");
}
