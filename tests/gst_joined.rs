// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams that were joined, reordered, cut or followed by zeros: every good frame comes out, at times
//! that go on, and what is lost is said.
mod elements;

use elements::*;
use gst::prelude::*;

/// How a stream is read.
const SOURCES: [&str; 3] = ["lnrparse", "lnrparse ! lnrdec", "lnrdec"];

/// The groups of [`small_stream`]: three of four frames, a thirtieth of a second each.
fn groups() -> Vec<Vec<u8>> {
    small_stream().data().chunks(4).map(<[_]>::concat).collect()
}

/// Reads a file, as pull sources do, and in pieces, as sockets do.
fn both(stream: &[u8], elements: &str) -> [Outcome; 2] {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), stream).expect("written");
    let out = format!("{elements} ! appsink name=out");
    let pulled = run(&format!("filesrc location={} ! {out}", file.path().display()));
    [pulled.ok(), run_on(stream, 700, &out).ok()]
}

/// Frame numbers by time: a third of a frame off is none.
fn numbers(outcome: &Outcome) -> Vec<u64> {
    let number = |(pts, _): (u64, u64)| {
        let thirds = pts * 90 / 1_000_000_000;
        (thirds + 1) / 3
    };
    outcome.times().into_iter().map(number).collect()
}

#[test]
fn joined_streams_are_one_stream() {
    let [a, b, c] = <[Vec<u8>; 3]>::try_from(groups()).expect("three groups");
    let whole = small_stream().stream();
    // The parts, the number of the first frame, and which frames follow a restart.
    type Case<'a> = (&'a str, Vec<&'a [u8]>, u64, &'a [u64]);
    let cases: [Case; 3] = [
        ("twice", vec![&whole, &whole], 0, &[12]),
        ("out of order", vec![&c, &a, &b], 8, &[4]),
        ("repeated", vec![&a, &a, &a, &b], 0, &[4, 8]),
    ];
    for (name, parts, first, restarts) in cases {
        let stream = parts.concat();
        for elements in SOURCES {
            for outcome in both(&stream, elements) {
                let numbers = numbers(&outcome);
                let expected: Vec<_> = (first..first + numbers.len() as u64).collect();
                let n_frames = if name == "twice" { 24 } else { 4 * parts.len() };
                assert_eq!(numbers.len(), n_frames, "{name}, {elements}");
                assert_eq!(numbers, expected, "{name}, {elements}");
                assert!(outcome.warnings.is_empty(), "{:?}", outcome.warnings);
                if elements != "lnrparse" {
                    continue;
                }
                let flags = outcome.buffers.iter().map(|b| b.flags());
                let is_discont = |f: gst::BufferFlags| f.contains(gst::BufferFlags::DISCONT);
                let disconts: Vec<_> = flags.map(is_discont).enumerate().skip(1).collect();
                let disconts = disconts.iter().filter(|(_, d)| *d).map(|(i, _)| *i as u64);
                assert_eq!(disconts.collect::<Vec<_>>(), restarts, "{name}");
            }
        }
    }
}

/// Stops the pipeline also when the test fails.
struct Player(gst::Pipeline, gst_app::AppSink);

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

impl Player {
    fn new(path: &std::path::Path) -> Self {
        let pipeline = parse(&format!(
            "filesrc location={} ! lnrparse ! lnrdec ! appsink name=out sync=false",
            path.display()
        ));
        let sink = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().expect("a sink");
        pipeline.set_state(gst::State::Paused).expect("PAUSED");
        pipeline.state(gst::ClockTime::from_seconds(20)).0.expect("preroll");
        Self(pipeline, sink)
    }

    fn seek(&self, rate: f64, from: u64, to: u64) -> Vec<u64> {
        let time = |frame: u64| gst::ClockTime::from_nseconds(frame * 1_000_000_000 / 30 + 1000);
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
        let (start, stop) = (time(from), time(to));
        let set = gst::SeekType::Set;
        self.0.seek(rate, flags, set, start, set, stop).expect("a seek");
        self.0.set_state(gst::State::Playing).expect("PLAYING");
        let pull = || self.1.try_pull_sample(gst::ClockTime::from_seconds(10));
        let pts = |s: gst::Sample| s.buffer().and_then(|b| b.pts()).expect("a time").nseconds();
        std::iter::from_fn(pull).map(|s| (pts(s) * 90 / 1_000_000_000 + 1) / 3).collect()
    }
}

#[test]
fn a_joined_file_has_a_duration_and_exact_seeks() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), small_stream().stream().repeat(3)).expect("written");
    let player = Player::new(file.path());
    let duration = player.0.query_duration::<gst::ClockTime>();
    assert_eq!(duration.map(|d| d.mseconds()), Some(1200));
    for (from, to) in [(30, 36), (2, 5), (11, 14), (23, 25), (0, 36), (13, 14)] {
        let last = if to == 36 { 35 } else { to };
        assert_eq!(player.seek(1.0, from, to), (from..=last).collect::<Vec<_>>());
    }
    let backwards: Vec<_> = (3..=29).rev().collect();
    assert_eq!(player.seek(-1.0, 3, 29), backwards);
}

#[test]
fn what_is_lost_is_said_once_and_the_rest_plays() {
    let [a, b, c] = <[Vec<u8>; 3]>::try_from(groups()).expect("three groups");
    let zeros = vec![0; 5 << 20];
    let cut = &b[..b.len() / 2];
    let cases: [(&str, Vec<&[u8]>, usize); 7] = [
        ("junk between groups", vec![&a, b"junk", &b, &c], 12),
        ("junk at the start", vec![b"junk", &a, &b, &c], 12),
        ("a group that is cut", vec![&a, cut, &c], 8),
        ("a file that is cut", vec![&a, cut], 4),
        ("the first group is cut", vec![cut, &a, &b, &c], 12),
        ("a cut group before megabytes of zeros", vec![&a, cut, &zeros], 4),
        ("and another group behind them", vec![&a, cut, &zeros, &c], 8),
    ];
    for (name, parts, n) in cases {
        let stream = parts.concat();
        for elements in SOURCES {
            for outcome in both(&stream, elements) {
                // A parser hands on a group whose payload only is damaged: it may be good for something.
                let is_good = |b: &&gst::Buffer| !b.flags().contains(gst::BufferFlags::CORRUPTED);
                let good = outcome.buffers.iter().filter(is_good).count();
                assert_eq!(good, n, "{name}, {elements}");
                let warnings = &outcome.warnings;
                assert!((1..=2).contains(&warnings.len()), "{name}, {elements}: {warnings:?}");
            }
        }
    }
}
