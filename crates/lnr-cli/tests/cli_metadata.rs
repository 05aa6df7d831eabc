// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rotation and HDR metadata through `lnr` and through containers.
#![cfg(feature = "gstreamer")]

mod common;

use common::Workplace;
use common::pipeline::launch;
use serde_json::{Value, json};

const MASTERING: &str = "35400:14600:8500:39850:6550:2300:15635:16450:1500000:50";

const VIDEO: &str =
    "videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=48,height=32,framerate=25/1";

/// Encodes `from` to `to` and checks that the metadata are the same but for how it was encoded.
fn encode_again(w: &Workplace, from: &str, to: &str, expected: &Value) {
    w.encode(from, to, &["--quality", "7"]);
    let mut again = w.json(&["info", to])["metadata"].clone();
    let settings = again["settings"].take();
    assert!(settings.as_str().unwrap().contains("quality=7"), "{settings}");
    let mut expected = expected.clone();
    expected["settings"].take();
    assert_eq!(again, expected, "{from} to {to}");
}

#[test]
fn hdr_metadata_of_a_container_go_through_every_file() {
    let w = Workplace::new();
    launch(
        &w,
        &format!(
            "{VIDEO} ! capssetter caps=\"video/x-raw,mastering-display-info=(string){MASTERING},\
             content-light-level=(string)1000:400\" ! avenc_ffv1 ! matroskamux \
             ! filesink location=OUT/in.mkv"
        ),
    );
    w.encode("in.mkv", "a.lnr", &[]);
    let said = w.json(&["info", "a.lnr"])["metadata"].clone();
    assert_eq!(said["content_light"], json!({ "max_content": 1000, "max_frame_average": 400 }));
    // GStreamer 1.22's Matroska elements make a fifth of luminances, and round: what they say counts.
    let caps = launch(&w, "filesrc location=OUT/in.mkv ! matroskademux ! fakesink name=sink");
    let display = &said["mastering_display"];
    let luminances = format!(":{}:{}", display["max_luminance"], display["min_luminance"]);
    assert!(caps.contains(&luminances), "{luminances}: {caps}");
    assert_eq!(said["mastering_display"]["primaries"][2], json!([6550, 2300]));
    let text = w.ok(&["info", "a.lnr"]).out;
    assert!(
        text.contains("at most 1000 cd/m2") && text.contains("mastering display red (0.7080"),
        "{text}"
    );
    for (from, to) in
        [("a.lnr", "b.lnr"), ("a.lnr", "b.mp4"), ("b.mp4", "c.lnr"), ("a.lnr", "b.mov")]
    {
        encode_again(&w, from, to, &said);
    }
    // Matroska keeps them for pictures of other codecs.
    w.ok(&["decode", "a.lnr", "d.mkv"]);
    let caps = launch(&w, "filesrc location=OUT/d.mkv ! matroskademux ! fakesink name=sink");
    assert!(caps.contains(")35400:") && caps.contains("1000:400"), "{caps}");
    // Y4M has no place for them.
    w.ok(&["decode", "a.lnr", "f.y4m"]);
    w.encode("f.y4m", "f.lnr", &[]);
    assert_eq!(w.json(&["info", "f.lnr"])["metadata"]["content_light"], Value::Null);
}
