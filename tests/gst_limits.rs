// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams that ask for too much, or for what this version does not know, and an end of rendering
//! within a second.
mod elements;
mod handmade;

use std::time::{Duration, Instant};

use elements::*;
use gst::prelude::*;

const DEC: &str = "lnrdec ! appsink name=out";

#[test]
fn a_group_beyond_max_memory_is_an_error_that_names_the_number() {
    let stream = small_stream().stream();
    for (description, parts) in [
        (
            "lnrparse ! lnrdec max-memory=1 ! video/x-raw,width=4000 ! appsink name=out",
            ["MiB at", "allows 1 MiB"],
        ),
        (
            "lnrdec max-memory=1 ! video/x-raw,width=4000 ! appsink name=out",
            ["MiB at", "allows 1 MiB"],
        ),
    ] {
        let out = run_on(&stream, 4096, description);
        let error = out.error.expect("an error");
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(out.buffers.is_empty());
    }
    // With enough it plays.
    let out = run_on(&stream, 4096, "lnrdec max-memory=64 ! appsink name=out").ok();
    assert_eq!(out.buffers.len(), 12);
}

#[test]
fn a_model_that_does_not_fit_is_an_error_too() {
    let out = run_on(
        &handmade::bomb(0, 0, 50),
        4096,
        "lnrparse ! lnrdec max-memory=10 ! appsink name=out",
    );
    let error = out.error.expect("an error");
    assert!(error.contains("max-memory allows 10 MiB"), "{error}");
}

/// What this version does not know is named, and costs its own group only.
#[test]
fn unknown_sections_and_models_are_named_and_skipped() {
    let good = |id, pts| handmade::small_group(id, pts, &[]);
    let unknown_section = handmade::small_group(1, 40, &[(77, true, &[1, 2, 3])]);
    let mut unknown_model = handmade::small_group(1, 40, &[]);
    handmade::set_source_kind(&mut unknown_model, 9);
    for (bad, word, in_header) in
        [(unknown_section, "section 77", false), (unknown_model, "feature source 9", true)]
    {
        let stream = [good(0, 0), bad, good(2, 80)].concat();
        for elements in ["lnrdec", "lnrparse ! lnrdec", "lnrparse ! lnrembed"] {
            let out = run_on(&stream, 4096, &format!("{elements} ! appsink name=out")).ok();
            let n = out.buffers.len();
            let passes = elements.ends_with("lnrembed") && !in_header;
            assert_eq!(n, if passes { 3 } else { 2 }, "{elements} {word}");
            // Of the other groups lnrembed says that they tell nothing.
            let is_other = |w: &&String| !w.contains("does not say what its frames mean");
            let warnings: Vec<&String> = out.warnings.iter().filter(is_other).collect();
            let [warning] = &warnings[..] else { panic!("{elements}: {:?}", out.warnings) };
            assert!(warning.contains(word), "{elements}: {warning}");
        }
    }
    // A section that may be skipped is.
    let stream = handmade::small_group(0, 0, &[(77, false, &[1, 2, 3])]);
    let out = run_on(&stream, 4096, DEC).ok();
    assert!(out.buffers.len() == 1 && out.warnings.is_empty(), "{:?}", out.warnings);
}

/// A pipeline that renders a picture for many seconds, and when it began.
fn rendering() -> (gst::Pipeline, gst::Bus) {
    // The widest of the paper's models, which hardly learned anything.
    let coded = run(
        "videotestsrc num-buffers=2 ! video/x-raw,format=GRAY8,width=32,height=18,framerate=25/1 \
         ! lnrenc profile=paper-l epochs=1 ! appsink name=out",
    )
    .ok();
    let pipeline = parse(
        "appsrc name=in format=bytes ! lnrparse ! lnrdec name=dec ! video/x-raw,width=4096,height=2304 \
         ! fakesink name=out",
    );
    let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().unwrap();
    source.push_buffer(gst::Buffer::from_slice(coded.stream())).unwrap();
    source.end_of_stream().unwrap();
    let negotiated = std::sync::mpsc::channel();
    let pad = pipeline.by_name("dec").unwrap().static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        if let Some(gst::EventView::Caps(_)) = info.event().map(|e| e.view()) {
            let _ = negotiated.0.send(());
        }
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).unwrap();
    negotiated.1.recv_timeout(Duration::from_secs(30)).expect("it begins");
    std::thread::sleep(Duration::from_millis(500));
    let bus = pipeline.bus().unwrap();
    (pipeline, bus)
}

fn no_error(bus: &gst::Bus) {
    let types = [gst::MessageType::Error, gst::MessageType::Warning];
    assert!(bus.pop_filtered(&types).is_none());
}

#[test]
fn null_ends_rendering() {
    let (pipeline, bus) = rendering();
    assert_ne!(pipeline.current_state(), gst::State::Playing, "nothing is rendered yet");
    no_error(&bus);
    let start = Instant::now();
    pipeline.set_state(gst::State::Null).unwrap();
    println!("NULL after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
}

#[test]
fn flush_ends_rendering() {
    let (pipeline, bus) = rendering();
    let sink = pipeline.by_name("dec").unwrap().static_pad("sink").unwrap();
    let start = Instant::now();
    assert!(sink.send_event(gst::event::FlushStart::new()));
    // FLUSH_STOP waits for the streaming thread.
    assert!(sink.send_event(gst::event::FlushStop::new(true)));
    println!("FLUSH after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    no_error(&bus);
    pipeline.set_state(gst::State::Null).unwrap();
}
