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
            let [warning] = &out.warnings[..] else { panic!("{elements}: {:?}", out.warnings) };
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

/// Time and output of a bomb on its way through elements.
fn through(stream: &[u8], rest: &str) -> (Duration, Outcome) {
    let file = tempfile::Builder::new().suffix(".lnr").tempfile().unwrap();
    std::fs::write(file.path(), stream).unwrap();
    let path = file.path().display();
    let start = Instant::now();
    let out = run(&format!("filesrc location={path} ! lnrparse ! {rest} ! appsink name=out"));
    (start.elapsed(), out)
}

/// Two seconds, and one per MB; twice that, because other programs may run beside.
fn allowed(n_bytes: usize) -> Duration {
    2 * (Duration::from_secs(2) + Duration::from_secs_f64(n_bytes as f64 / 1e6))
}

#[test]
fn bombs_pass_in_bounded_time() {
    let bombs = |n: usize, size| -> Vec<u8> {
        (0..n).flat_map(|i| handmade::bomb(i as u8, i as u64 * 20_000, size)).collect()
    };
    // A few bytes each, and as many as all latents take.
    for (n, size) in [(10, 50), (10, 1000), (1000, 50), (250, 1000)] {
        let stream = bombs(n, size);
        for rest in ["lnrembed", "lnrinterp", "identity"] {
            let (time, out) = through(&stream, rest);
            println!("{n} groups, {} bytes, {rest}: {time:?} {:?}", stream.len(), out.warnings);
            assert!(time < allowed(stream.len()), "{n} of {size}, {rest}: {time:?}");
            let factor = if rest == "lnrinterp" { 2 } else { 1 };
            assert_eq!(out.ok().buffers.len(), factor * n, "{n} of {size}, {rest}");
        }
    }
}

/// Latents that are there are read, so the bombs above are no mere damage.
#[test]
fn a_bombs_latents_are_all_there() {
    let latent = lnr::LatentReader::default().push(&handmade::bomb(3, 0, 1000));
    assert_eq!(latent.map(|l| l.z.len()).ok(), Some(4096));
}
