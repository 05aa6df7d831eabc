// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frame rates: from what is asked for behind lnrdec to lnrinterp, and through files.
mod elements;

use elements::*;
use gst::prelude::*;

/// Twelve frames at 30 fps through these elements.
fn through(rest: &str) -> Outcome {
    run_on(&small_stream().stream(), 4096, &format!("lnrparse ! {rest} ! appsink name=out"))
}

fn rate_of(outcome: &Outcome) -> (i32, i32) {
    let rate = outcome.caps[0].structure(0).unwrap().get::<gst::Fraction>("framerate").unwrap();
    (rate.numer(), rate.denom())
}

/// Frames follow each other at even distances up to where the original ends.
fn assert_even(outcome: &Outcome) {
    let times = outcome.times();
    let n = times.len() as u64;
    for (i, (pts, duration)) in times.iter().enumerate() {
        let [expected, next] = [0, 1].map(|k| (i as u64 + k) * 400_000_000 / n);
        assert!(pts.abs_diff(expected) < 1_100_000, "frame {i} at {pts}, not {expected}");
        let lasts = next - expected;
        assert!(duration.abs_diff(lasts) < 1_100_000, "frame {i} lasts {duration}, not {lasts}");
    }
}

#[test]
fn the_rate_asked_behind_the_decoder_reaches_interpolation() {
    for between in
        ["", "videoconvert !", "videoscale ! capsfilter caps=video/x-raw,width=50 !", "queue !"]
    {
        for (rate, n) in [(30, 12), (60, 24), (120, 48), (240, 96)] {
            let raw = format!("video/x-raw,framerate={rate}/1");
            let outcome = through(&format!("lnrinterp ! lnrdec ! {between} {raw}")).ok();
            assert_eq!(outcome.buffers.len(), n, "{between} {rate}");
            assert_eq!(rate_of(&outcome), (rate, 1));
            assert_even(&outcome);
        }
    }
    assert_eq!(through("lnrinterp ! lnrdec").ok().buffers.len(), 24);
}

#[test]
fn a_rate_that_nothing_makes_is_an_error_that_says_what_does() {
    for (chain, words) in [
        ("lnrdec ! video/x-raw,framerate=60/1", "put `lnrinterp` before"),
        ("lnrdec ! videoconvert ! video/x-raw,framerate=60/1", "put `lnrinterp` before"),
        ("lnrdec ! video/x-raw,framerate=25/1", "put `videorate` behind"),
        ("lnrinterp ! lnrdec ! video/x-raw,framerate=50/1", "30/1 can become 60/1, 120/1 or 240/1"),
        ("lnrinterp ! video/x-lnr,framerate=50/1", "30/1 can become 60/1, 120/1 or 240/1"),
        ("lnrinterp factor=4 ! lnrdec ! video/x-raw,framerate=60/1", "factor 4"),
        ("lnrinterp ! lnrinterp ! lnrdec ! video/x-raw,framerate=50/1", "30/1 can become 60/1"),
        ("lnrdec ! video/x-raw,format=GRAY16_LE", "put `videoconvert` behind"),
    ] {
        let error = through(chain).error.unwrap_or_else(|| panic!("{chain}: no error"));
        assert!(error.contains(words), "{chain}: {error}");
    }
}

#[test]
fn interpolation_of_what_is_interpolated_keeps_every_frame() {
    let once = through("lnrinterp factor=4").ok();
    for chain in [
        "lnrinterp ! lnrinterp",
        "lnrinterp factor=2 ! lnrinterp factor=2",
        "lnrinterp ! lnrparse ! lnrinterp",
    ] {
        let twice = through(chain).ok();
        assert_eq!(twice.data(), once.data(), "{chain}");
        assert_eq!(rate_of(&twice), (120, 1), "{chain}");
        assert_even(&twice);
    }
}

/// From a file that holds interpolated access units, in whatever container.
#[test]
fn files_of_interpolated_frames_play_and_interpolate_again() {
    let four = through("lnrinterp factor=4").ok();
    let pictures = through("lnrinterp factor=4 ! lnrdec").ok();
    for (muxer, demuxer) in [
        ("lnrinterp ! mp4mux", "qtdemux"),
        ("lnrinterp ! qtmux", "qtdemux"),
        ("lnrinterp ! mp4mux fragment-duration=50", "qtdemux"),
        ("lnrinterp", "identity"),
        ("lnrinterp ! lnrparse ! mp4mux", "qtdemux"),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display();
        let store =
            format!("tee name=t ! filesink location={path} t. ! appsink async=false name=out");
        run_on(&small_stream().stream(), 4096, &format!("lnrparse ! {muxer} ! {store}")).ok();
        let again = |rest: &str| {
            run(&format!(
                "filesrc location={path} ! {demuxer} ! lnrparse ! {rest} ! appsink name=out"
            ))
            .ok()
        };
        let played = again("lnrdec");
        assert_eq!(played.buffers.len(), 24, "{muxer}");
        assert_even(&played);
        let even: Vec<_> = pictures.data().into_iter().step_by(2).collect();
        assert_eq!(played.data(), even, "{muxer}");
        let twice = again("lnrinterp");
        assert_eq!(twice.data(), four.data(), "{muxer}");
        assert_even(&twice);
    }
}

#[test]
fn the_decoders_caps_name_the_fields_that_a_validator_looks_for() {
    init();
    let dec = gst::ElementFactory::make("lnrdec").build().unwrap();
    let sink = dec.static_pad("sink").unwrap();
    let filter = gst::ElementFactory::make("capsfilter")
        .property("caps", "video/x-raw,framerate=60/1,width=64".parse::<gst::Caps>().unwrap())
        .build()
        .unwrap();
    let pipeline = gst::Pipeline::new();
    pipeline.add_many([&dec, &filter]).unwrap();
    dec.link(&filter).unwrap();
    let caps = sink.query_caps(None);
    let structure = caps.structure(0).expect("a structure");
    assert_eq!(structure.get("framerate"), Ok(gst::Fraction::new(60, 1)));
    // Every size will do: fields that are not fixed hold what downstream wants, and more.
    for side in ["width", "height"] {
        assert!(structure.get::<gst::IntRange<i32>>(side).is_ok(), "{caps}");
    }
    let accepts = |text: &str| sink.query_accept_caps(&text.parse().expect("caps"));
    assert!(accepts("video/x-lnr,parsed=true,width=32,height=24,framerate=30/1"));
    assert!(!accepts("video/x-h264"));
}
