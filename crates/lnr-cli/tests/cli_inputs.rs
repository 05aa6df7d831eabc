// SPDX-License-Identifier: MIT OR Apache-2.0
//! Videos that GStreamer decodes in ways of its own: alpha, GIF, tracks that are none of video.
#![cfg(feature = "gstreamer")]

mod common;

use common::Workplace;
use common::gif::gif;
use common::pipeline::launch;

/// Encodes it; exactly one line on standard error says that alpha is left out.
fn without_alpha(w: &Workplace, name: &str, chroma: &str) {
    w.write("a.lnr", b"");
    let run = w.ok(&["encode", name, "a.lnr", "--preset", "ultrafast", "--epochs", "1", "--force"]);
    assert_eq!(run.err.matches("alpha channel is left out").count(), 1, "{name}: {}", run.err);
    let info = w.json(&["info", "a.lnr"]);
    assert_eq!((&info["frames"], &info["chroma"]), (&4.into(), &chroma.into()), "{name}");
}

#[test]
fn alpha_is_left_out_and_said_once() {
    let w = Workplace::new();
    let video = |format: &str| {
        format!(
            "videotestsrc num-buffers=4 ! video/x-raw,format={format},width=48,height=32,framerate=25/1"
        )
    };
    launch(&w, &format!("{} ! pngenc ! qtmux ! filesink location=OUT/png.mov", video("RGBA")));
    without_alpha(&w, "png.mov", "rgb");
    // VP8 with alpha, four frames.
    w.write("vp8.webm", include_bytes!("data/alpha.webm"));
    without_alpha(&w, "vp8.webm", "yuv420");
    // What is under the alpha channel is what the codec has.
    launch(
        &w,
        "filesrc location=OUT/png.mov ! qtdemux ! pngdec ! videoconvert ! video/x-raw,format=RGB \
         ! matroskamux ! filesink location=OUT/rgb.mkv",
    );
    let run = w.ok(&["compare", "rgb.mkv", "png.mov"]);
    assert_eq!(run.err.matches("alpha channel").count(), 1, "{}", run.err);
    let j = w.json(&["compare", "rgb.mkv", "png.mov"]);
    assert_eq!((&j["frames"], &j["psnr_rgb"]), (&4.into(), &100.0.into()));
}

#[test]
fn gif_ends_and_keeps_its_times() {
    let w = Workplace::new();
    w.write("a.gif", &gif(&[10, 10, 10, 30]));
    let j = w.encode("a.gif", "a.lnr", &["--bitrate", "400", "--key-int-max", "1"]);
    assert_eq!(j["frames"], 4);
    let groups = w.json(&["info", "a.lnr"])["groups"].clone();
    let times: Vec<_> = (0..4).map(|i| groups[i]["pts_ns"].as_u64().unwrap() / 1_000_000).collect();
    assert_eq!(times, [0, 100, 200, 300]);
}

#[test]
fn tracks_of_no_video_are_named() {
    let w = Workplace::new();
    launch(&w, "audiotestsrc num-buffers=9 ! avenc_aac ! mp4mux ! filesink location=OUT/s.m4a");
    w.lnr(&["encode", "s.m4a", "a.lnr"]).failed(3, "s.m4a: there is no video in it\n");
    // That is another matter than video that nothing here decodes.
    launch(
        &w,
        "videotestsrc num-buffers=4 ! video/x-raw,width=48,height=32 ! avenc_ffv1 ! matroskamux \
         ! filesink location=OUT/ffv1.mkv",
    );
    let missing = [("GST_PLUGIN_FEATURE_RANK", "avdec_ffv1:NONE")];
    let run = w.lnr_with(&missing, &["encode", "ffv1.mkv", "a.lnr"]);
    run.failed(3, "what decodes video/x-ffv is missing: install gstreamer1.0-libav");
    // Sound beside the picture is no matter.
    launch(
        &w,
        "audiotestsrc num-buffers=9 ! avenc_aac ! queue ! mux. videotestsrc num-buffers=4 \
         ! video/x-raw,width=48,height=32 ! jpegenc ! queue ! mux. qtmux name=mux \
         ! filesink location=OUT/both.mov",
    );
    assert_eq!(w.encode("both.mov", "a.lnr", &[])["frames"], 4);
}
