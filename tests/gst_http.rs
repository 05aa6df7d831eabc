// SPDX-License-Identifier: MIT OR Apache-2.0
//! Playing over HTTP.
mod elements;
mod handmade;
mod http;
mod program;

use std::sync::OnceLock;

use elements::*;
use gst::prelude::*;
use http::{HttpServer, Manner};
use lnr::stream::{IndexBuilder, Scan, Unit, parse as parse_unit, scan, write_group};

/// Frames, and frames of each group, of the clip.
const FRAMES: usize = 24;
const GROUP: usize = 4;

const ELEMENTS: &str = "souphttpsrc location=URI ! lnrparse ! lnrdec ! appsink name=out";
const PLAYERS: [&str; 3] = [ELEMENTS, "playbin uri=URI", "playbin3 uri=URI"];

/// A frame: its time in ms and the checksum of its samples.
type Frame = (u64, u32);

fn frame(buffer: &gst::BufferRef) -> Frame {
    let pts = buffer.pts().expect("a time").mseconds();
    (pts, crc32c::crc32c(&buffer.map_readable().expect("readable")))
}

/// Bytes and frames, ten a second. Each group has 15 to 60 kB that mean nothing, so that a server has
/// something to send, and the rate of bytes tells little about times.
fn clip() -> &'static (Vec<u8>, Vec<Frame>) {
    static CLIP: OnceLock<(Vec<u8>, Vec<Frame>)> = OnceLock::new();
    CLIP.get_or_init(|| {
        let caps = "format=I420,width=32,height=24,framerate=10/1";
        let coded = encode(FRAMES as u32, GROUP as u32, caps);
        let mut n_groups = 0;
        let padded = coded.data().into_iter().map(|unit| match parse_unit(&unit) {
            Ok(Unit::Group { header, shows, payload }) => {
                n_groups += 1;
                let padding = vec![n_groups as u8; 15_000 * (1 + n_groups % 4)];
                let section = handmade::payload(&[(100, false, &padding)]);
                write_group(&header, shows, &[payload, &section].concat())
            }
            _ => unit,
        });
        let stream = padded.collect::<Vec<_>>().concat();
        let decoded = run_on(&stream, 1 << 16, "lnrparse ! lnrdec ! appsink name=out").ok();
        assert_eq!(decoded.buffers.len(), FRAMES);
        (stream, decoded.buffers.iter().map(|b| frame(b)).collect())
    })
}

/// A pipeline over HTTP, which is stopped when the test ends, however that may be.
struct Player {
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
    server: HttpServer,
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Player {
    /// Paused at the first frame.
    fn new(description: &str, manner: Manner) -> Self {
        Self::of(&clip().0, description, manner)
    }

    /// Paused at the first frame of this file.
    fn of(file: &[u8], description: &str, manner: Manner) -> Self {
        let server = HttpServer::new(file.to_vec(), manner);
        let pipeline = parse(&description.replace("URI", &server.uri()));
        let sink = pipeline.by_name("out").unwrap_or_else(|| {
            let sink = gst::ElementFactory::make("appsink").build().expect("appsink");
            pipeline.set_property("video-sink", &sink);
            sink
        });
        let sink: gst_app::AppSink = sink.downcast().expect("an appsink");
        sink.set_property("sync", false);
        pipeline.set_state(gst::State::Paused).expect("PAUSED");
        let player = Self { pipeline, sink, server };
        player.settle();
        player
    }

    fn duration(&self) -> Option<u64> {
        self.pipeline.query_duration::<gst::ClockTime>().map(|time| time.mseconds())
    }

    /// Goes to `from` and plays until `to`, both in ms.
    fn seek(&self, from: u64, to: Option<u64>) -> Vec<Frame> {
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
        let (set, at) = (gst::SeekType::Set, gst::ClockTime::from_mseconds);
        let seek = match to {
            Some(to) => self.pipeline.seek(1.0, flags, set, at(from), set, at(to)),
            None => self.pipeline.seek_simple(flags, at(from)),
        };
        seek.expect("a seek");
        self.settle();
        self.frames()
    }

    fn settle(&self) {
        let (result, ..) = self.pipeline.state(gst::ClockTime::from_seconds(20));
        result.expect("a frame within 20 seconds");
    }

    /// Frames until the end.
    fn frames(&self) -> Vec<Frame> {
        self.pipeline.set_state(gst::State::Playing).expect("PLAYING");
        let pull = || self.sink.try_pull_sample(gst::ClockTime::from_seconds(20));
        let frames = std::iter::from_fn(pull).map(|s| frame(s.buffer().expect("a buffer")));
        let frames = frames.collect();
        assert!(self.sink.is_eos(), "the pipeline hangs");
        let bad = [gst::MessageType::Error, gst::MessageType::Warning];
        let message = self.pipeline.bus().expect("a bus").pop_filtered(&bad);
        assert!(message.is_none(), "{message:?}");
        frames
    }
}

#[test]
fn plays_to_the_end() {
    let whole = 1_000_000;
    for manner in [
        Manner::default(),
        Manner { has_ranges: false, rate: 0 },
        Manner { has_ranges: true, rate: whole },
    ] {
        for description in PLAYERS {
            let player = Player::new(description, manner);
            assert!(player.frames() == clip().1, "{description}");
            let requests = player.server.take_requests();
            assert!(requests.iter().all(|r| r.range.is_none_or(|(first, _)| first == 0)));
        }
    }
}

/// Such a source cannot seek, and says so.
#[test]
fn without_ranges_a_seek_is_refused_and_harms_nothing() {
    for description in PLAYERS {
        let player = Player::new(description, Manner { has_ranges: false, rate: 0 });
        let mut query = gst::query::Seeking::new(gst::Format::Time);
        assert!(!player.pipeline.query(&mut query) || !query.result().0, "{description}");
        let flags = gst::SeekFlags::FLUSH | gst::SeekFlags::ACCURATE;
        let target = gst::ClockTime::from_seconds(1);
        assert!(player.pipeline.seek_simple(flags, target).is_err(), "{description}");
        assert!(player.frames() == clip().1, "{description}");
    }
}

/// Ranges that a client asks for are what it gets: a server that lies would make the other tests lie.
#[test]
fn the_server_serves_ranges() {
    use std::io::{Read, Write};
    let server = HttpServer::new((0..100).collect(), Manner::default());
    let ask = |range: &str| {
        let mut stream = std::net::TcpStream::connect(server.address()).expect("a connection");
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{range}\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("the end");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let at = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
        let head = String::from_utf8_lossy(&answer[..at]).into_owned();
        (head, answer[at..].to_vec())
    };
    let (head, body) = ask("");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && body.len() == 100, "{head}");
    let (head, body) = ask("Range: bytes=90-\r\n");
    assert!(head.contains("206 ") && head.contains("Content-Range: bytes 90-99/100"), "{head}");
    assert_eq!(body, (90..100).collect::<Vec<u8>>());
    assert_eq!(ask("Range: bytes=5-7\r\n").1, [5, 6, 7]);
    assert!(ask("Range: bytes=100-\r\n").0.contains("416 "));
    assert_eq!(server.take_requests().len(), 4);
}

/// The clip as a finished file: behind its index.
fn indexed() -> Vec<u8> {
    let mut builder = IndexBuilder::default();
    let units = units_of(&clip().0);
    units.iter().for_each(|unit| builder.push(unit).expect("an access unit"));
    let index = builder.index().to_unit().expect("an index");
    [index, clip().0.clone()].concat()
}

fn units_of(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    while let Scan::Unit { len, .. } = scan(stream) {
        let (unit, rest) = stream.split_at(len);
        units.push(unit);
        stream = rest;
    }
    units
}

#[test]
fn a_finished_file_has_an_exact_duration_and_exact_seeks() {
    let (file, all) = (indexed(), &clip().1);
    let starts: Vec<usize> = {
        let mut at = file.len() - clip().0.len();
        let mut starts = Vec::new();
        for unit in units_of(&clip().0) {
            if matches!(parse_unit(unit), Ok(Unit::Group { .. })) {
                starts.push(at);
            }
            at += unit.len();
        }
        starts
    };
    for description in PLAYERS {
        let player = Player::of(&file, description, Manner::default());
        assert_eq!(player.duration(), Some(2400), "{description}");
        // The first one before anything but the start was read.
        for i in [21, 3, 0, 8, 13, 23, 7] {
            player.server.take_requests();
            assert!(player.seek(all[i].0, None) == all[i..], "{description}: frame {i}");
            let requests = player.server.take_requests();
            let first = requests.iter().find_map(|r| r.range).map(|(first, _)| first);
            if description == ELEMENTS {
                assert_eq!(first, Some(starts[i / GROUP]), "frame {i}: {requests:?}");
            }
        }
        assert_eq!(player.duration(), Some(2400), "{description}");
    }
}

/// What was seen is known, with or without an index: a seek back loses no frame.
#[test]
fn seeks_back_in_a_stream_without_an_index_are_exact() {
    let all = &clip().1;
    let player = Player::new(ELEMENTS, Manner::default());
    assert!(player.frames() == *all);
    for i in [2, 0, 17, 1, 9] {
        assert!(player.seek(all[i].0, None) == all[i..], "frame {i}");
    }
}

/// An index is one of a part where files were joined, or cut: then nothing is taken from it.
#[test]
fn the_index_of_a_part_says_nothing_of_the_whole() {
    let file = indexed();
    let joined = [file.clone(), file].concat();
    let player = Player::of(&joined, ELEMENTS, Manner::default());
    assert_ne!(player.duration(), Some(2400));
    let frames = player.frames();
    let expected: Vec<_> = clip().1.iter().map(|&(pts, crc)| (pts + 2400, crc)).collect();
    assert!(frames == [&clip().1[..], &expected].concat());
}

#[test]
fn a_seek_with_an_end_gives_every_frame_until_there() {
    let (file, all) = (indexed(), &clip().1);
    for description in PLAYERS {
        let player = Player::of(&file, description, Manner::default());
        for (from, to) in [(2, 11), (9, 10), (17, 22), (0, 4), (5, FRAMES)] {
            let end = if to == FRAMES { 2400 } else { all[to].0 };
            let frames = player.seek(all[from].0, Some(end));
            assert!(frames == all[from..to], "{description}: {from} to {to}");
        }
    }
}

/// The size of the file is told all the same, so the index is known to be that of the whole.
#[test]
fn without_ranges_the_duration_is_exact_too() {
    for description in PLAYERS {
        let manner = Manner { has_ranges: false, rate: 0 };
        let player = Player::of(&indexed(), description, manner);
        assert_eq!(player.duration(), Some(2400), "{description}");
        assert!(player.frames() == clip().1, "{description}");
    }
}

/// Ten frames in groups of four, written by `lnr encode`.
fn encoded_by_the_command_line() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut y4m = b"YUV4MPEG2 W32 H24 F10:1 Ip A1:1 C420mpeg2\n".to_vec();
    for t in 0..10u8 {
        y4m.extend(b"FRAME\n");
        y4m.extend((0..32 * 24 * 3 / 2).map(|i| (i % 32 * 5) as u8 + 7 * t));
    }
    std::fs::write(folder.path().join("in.y4m"), y4m).expect("written");
    let options = "--preset ultrafast --epochs 2 --key-int-max 4 --no-scene-cut --quiet";
    let mut command = std::process::Command::new(program::lnr());
    command.args(["encode", "in.y4m", "out.lnr"]).args(options.split(' '));
    let status = command.current_dir(folder.path()).status().expect("lnr runs");
    assert!(status.success());
    std::fs::read(folder.path().join("out.lnr")).expect("a file")
}

#[test]
fn a_file_of_the_command_line_is_exact() {
    let file = encoded_by_the_command_line();
    let decoded = run_on(&file, 1 << 16, "lnrparse ! lnrdec ! appsink name=out").ok();
    let all: Vec<Frame> = decoded.buffers.iter().map(|b| frame(b)).collect();
    assert_eq!(all.len(), 10);
    for description in PLAYERS {
        let player = Player::of(&file, description, Manner::default());
        assert_eq!(player.duration(), Some(1000), "{description}");
        for i in [8, 1, 9, 3, 4, 0, 5] {
            assert!(player.seek(all[i].0, None) == all[i..], "{description}: frame {i}");
        }
        assert_eq!(player.duration(), Some(1000), "{description}");
    }
}
