// SPDX-License-Identifier: MIT OR Apache-2.0
//! lnrparse and the typefinder.
mod elements;
mod handmade;

use elements::*;
use gst::prelude::*;

const PARSE: &str = "lnrparse ! appsink name=out";

fn file(stream: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".bin").tempfile().unwrap();
    std::fs::write(file.path(), stream).unwrap();
    file
}

fn from_file(stream: &[u8], rest: &str) -> Outcome {
    let file = file(stream);
    run(&format!("filesrc location={} ! {rest}", file.path().display()))
}

/// Where each access unit begins.
fn offsets(outcome: &Outcome) -> Vec<usize> {
    let mut at = 0;
    let mut begin = |n: usize| {
        at += n;
        at - n
    };
    outcome.buffers.iter().map(|b| begin(b.size())).collect()
}

#[test]
fn chunks_of_any_size_give_the_same() {
    let coded = small_stream();
    for chunk in [1, 7, 63, 1000, 1 << 20] {
        let parsed = run_on(&coded.stream(), chunk, PARSE).ok();
        assert_eq!(parsed.data(), coded.data(), "chunks of {chunk}");
        assert_eq!(parsed.keys(), coded.keys(), "chunks of {chunk}");
        assert_eq!(parsed.times(), coded.times(), "chunks of {chunk}");
    }
    let parsed = from_file(&coded.stream(), PARSE).ok();
    assert_eq!(parsed.data(), coded.data());
    assert_eq!(parsed.times(), coded.times());
    let s = parsed.caps[0].structure(0).unwrap();
    assert_eq!(s.get("parsed"), Ok(true));
    assert_eq!(s.get("framerate"), Ok(gst::Fraction::new(30, 1)));
    assert_eq!(parsed.size(), (32, 24));
}

#[test]
fn garbage_is_skipped() {
    let coded = small_stream();
    let mut data = coded.data();
    data.insert(0, b"no access unit: \x9C\x4C\x21LN".to_vec());
    data.insert(5, vec![0x9C; 300]);
    data.push(vec![7; 3]);
    for chunk in [13, 4096] {
        let parsed = run_on(&data.concat(), chunk, PARSE).ok();
        assert_eq!(parsed.data(), coded.data());
    }
}

#[test]
fn nothing_but_garbage_is_an_error() {
    let noise: Vec<u8> =
        (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let error = run_on(&noise, 4096, PARSE).error;
    assert!(error.is_some());
    assert!(from_file(&noise, PARSE).error.is_some());
}

#[test]
fn a_damaged_header_costs_its_group() {
    let coded = small_stream();
    let mut stream = coded.stream();
    stream[offsets(coded)[4] + 20] ^= 0x10;
    let parsed = run_on(&stream, 512, PARSE).ok();
    let expected: Vec<_> = [0, 1, 2, 3, 8, 9, 10, 11].map(|i| coded.data()[i].clone()).into();
    assert_eq!(parsed.data(), expected);
    assert_eq!(parsed.warnings.len(), 1, "{:?}", parsed.warnings);
}

#[test]
fn a_damaged_payload_is_marked() {
    let coded = small_stream();
    let mut stream = coded.stream();
    stream[offsets(coded)[5] - 6] ^= 0x10;
    let parsed = run_on(&stream, 512, PARSE).ok();
    let marked = |b: &gst::Buffer| b.flags().contains(gst::BufferFlags::CORRUPTED);
    let marked: Vec<_> = parsed.buffers.iter().map(marked).collect();
    assert_eq!(marked, (0..12).map(|i| i == 4).collect::<Vec<_>>());
}

#[test]
fn lost_bytes_cost_one_group() {
    let coded = small_stream();
    let mut stream = coded.stream();
    let at = offsets(coded)[5];
    stream.drain(at - 70..at - 10);
    for parsed in [run_on(&stream, 100, PARSE), from_file(&stream, PARSE)] {
        let parsed = parsed.ok();
        let pts: Vec<_> = parsed.times().iter().map(|t| t.0).collect();
        for kept in [0, 1, 2, 3, 8, 9, 10, 11] {
            assert!(pts.contains(&coded.times()[kept].0), "{kept}");
        }
        assert!(!pts.contains(&coded.times()[4].0));
    }
}

#[test]
fn a_stream_cut_anywhere_gives_its_whole_units() {
    let coded = small_stream();
    let stream = coded.stream();
    for cut in [3, 40, offsets(coded)[4] + 9, offsets(coded)[5] - 1, stream.len() - 1] {
        let whole = offsets(coded).iter().skip(1).filter(|&&o| o <= cut).count();
        let parsed = run_on(&stream[..cut], 64, PARSE);
        assert_eq!(parsed.error.is_some(), whole == 0, "cut at {cut}: {:?}", parsed.error);
        assert_eq!(parsed.data(), coded.data()[..whole], "cut at {cut}");
    }
}

#[test]
fn a_stream_that_starts_inside_a_group_waits_for_the_next() {
    let coded = small_stream();
    let parsed = run_on(&coded.stream()[offsets(coded)[2]..], 64, PARSE).ok();
    assert_eq!(parsed.data(), coded.data()[4..]);
}

#[test]
fn files_are_found_and_played_without_their_name() {
    for rest in ["decodebin", "decodebin3"] {
        let outcome = from_file(&small_stream().stream(), &format!("{rest} ! appsink name=out"));
        let outcome = outcome.ok();
        assert_eq!(outcome.times(), small_stream().times(), "{rest}");
        assert_eq!(outcome.size(), (32, 24));
    }
}

/// Stops the pipeline also when the test fails: threads of a pipeline that is dropped while it plays
/// would hang.
struct Player(gst::Pipeline);

impl std::ops::Deref for Player {
    type Target = gst::Pipeline;

    fn deref(&self) -> &gst::Pipeline {
        &self.0
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

/// A prerolled pipeline over a file, for queries and seeks.
fn player(path: &std::path::Path, queue: &str) -> (Player, gst_app::AppSink) {
    let pipeline = parse(&format!(
        "filesrc blocksize=200 location={} {queue} ! lnrparse ! lnrdec ! appsink name=out sync=false",
        path.display()
    ));
    let sink = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Paused).unwrap();
    let (result, ..) = pipeline.state(gst::ClockTime::from_seconds(20));
    result.expect("preroll");
    (Player(pipeline), sink)
}

fn pts_until_end(sink: &gst_app::AppSink) -> Vec<u64> {
    std::iter::from_fn(|| sink.try_pull_sample(gst::ClockTime::from_seconds(10)))
        .map(|s| s.buffer().unwrap().pts().unwrap().nseconds())
        .collect()
}

#[test]
fn duration_and_seeks_are_exact() {
    let coded = small_stream();
    let file = file(&coded.stream());
    let (pipeline, sink) = player(file.path(), "");
    let duration = pipeline.query_duration::<gst::ClockTime>();
    assert_eq!(duration, Some(gst::ClockTime::from_mseconds(400)));

    let at = |i: usize| gst::ClockTime::from_nseconds(coded.times()[i].0);
    let all: Vec<_> = coded.times().iter().map(|t| t.0).collect();
    let accurate = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
    for i in [10, 2, 7, 0, 11] {
        pipeline.seek_simple(accurate, at(i)).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        assert_eq!(pts_until_end(&sink), all[i..], "seek to frame {i}");
    }
    pipeline.seek(1.0, accurate, gst::SeekType::Set, at(3), gst::SeekType::Set, at(6)).unwrap();
    assert_eq!(pts_until_end(&sink), all[3..6]);
    let key = gst::SeekFlags::FLUSH | gst::SeekFlags::KEY_UNIT;
    pipeline.seek_simple(key, at(9)).unwrap();
    let pts = pts_until_end(&sink);
    assert!(pts.ends_with(&all[9..]), "{pts:?}");
}

#[test]
fn plays_backwards() {
    let coded = small_stream();
    let file = file(&coded.stream());
    let (pipeline, sink) = player(file.path(), "");
    let end = gst::ClockTime::from_mseconds(400);
    pipeline
        .seek(
            -1.0,
            gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE,
            gst::SeekType::Set,
            gst::ClockTime::ZERO,
            gst::SeekType::Set,
            end,
        )
        .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let all: Vec<_> = coded.times().iter().rev().map(|t| t.0).collect();
    assert_eq!(pts_until_end(&sink), all);
}

/// Behind a queue there is no pull mode: seeks go by estimated bytes, but must end up in order.
#[test]
fn seeks_over_push_sources_recover() {
    let coded = small_stream();
    let file = file(&coded.stream());
    let (pipeline, sink) = player(file.path(), "! queue");
    let all: Vec<_> = coded.times().iter().map(|t| t.0).collect();
    for (i, flag) in [(6, gst::SeekFlags::KEY_UNIT), (2, gst::SeekFlags::ACCURATE)] {
        let target = gst::ClockTime::from_nseconds(all[i]);
        pipeline.seek_simple(gst::SeekFlags::FLUSH | flag, target).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let pts = pts_until_end(&sink);
        assert!(!pts.is_empty() && all.ends_with(&pts), "{pts:?}");
    }
}

/// Headers whose payloads all reach to the end of the stream: were each summed, four megabytes would
/// take a minute.
#[test]
fn nested_headers_end_soon() {
    let coded = small_stream();
    let group = &coded.data()[0];
    let len = handmade::start_with_size(group, 0).len();
    let n = 4_000_000 / len;
    let nested = (0..n).map(|i| handmade::start_with_size(group, (n - 1 - i) * len));
    let mut bombs = nested.collect::<Vec<_>>().concat();
    bombs.extend([9; 4]);
    let stream = [bombs, coded.stream()].concat();
    for rest in [PARSE, "lnrdec max-errors=-1 ! appsink name=out"] {
        let begin = std::time::Instant::now();
        let outcome = run_on(&stream, 1 << 16, rest).ok();
        let from_file = from_file(&stream, PARSE).ok();
        assert!(begin.elapsed().as_secs() < 12, "{rest}: {:?}", begin.elapsed());
        let n = coded.data().len();
        assert!(outcome.buffers.len() >= n && from_file.data().ends_with(&coded.data()));
    }
}

/// Whether the bytes that a false size gathered are looked at together or one by one.
#[test]
fn what_a_false_size_gathers_is_the_same_by_push_and_pull() {
    let coded = small_stream();
    let many = coded.stream().repeat(200);
    let bomb = handmade::start_with_size(&coded.data()[0], many.len());
    let stream = [coded.stream(), bomb, many, coded.stream()].concat();
    assert!(stream.len() > 3 << 16, "{} bytes", stream.len());
    let pulled = from_file(&stream, PARSE).ok();
    assert!(pulled.buffers.len() >= 201 * coded.buffers.len());
    for chunk in [500, 1 << 16] {
        let pushed = run_on(&stream, chunk, PARSE).ok();
        assert!(pushed.data() == pulled.data(), "chunks of {chunk}");
        assert_eq!(pushed.keys(), pulled.keys());
        assert_eq!(pushed.times(), pulled.times());
        assert_eq!(pushed.size(), pulled.size());
    }
    // Where the size reaches beyond the end, too.
    let beyond = handmade::start_with_size(&coded.data()[0], 1 << 24);
    let stream = [coded.stream(), beyond, coded.stream().repeat(200)].concat();
    let pulled = from_file(&stream, PARSE).ok();
    let pushed = run_on(&stream, 4096, PARSE).ok();
    assert_eq!(pulled.buffers.len(), 201 * coded.buffers.len());
    assert!(pushed.data() == pulled.data() && pushed.times() == pulled.times());
}
