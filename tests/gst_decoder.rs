// SPDX-License-Identifier: MIT OR Apache-2.0
//! lnrdec.
mod elements;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use elements::*;
use gst::prelude::*;
use gst_base::prelude::*;

const DEC: &str = "lnrdec ! appsink name=out";

fn parsed_caps() -> gst::Caps {
    small_stream().caps[0].clone()
}

#[test]
fn plays_without_a_parser() {
    let coded = small_stream();
    for chunk in [1, 100, 4096] {
        let decoded = run_on(&coded.stream(), chunk, DEC).ok();
        assert_eq!(decoded.times(), coded.times(), "chunks of {chunk}");
        assert_eq!(decoded.size(), (32, 24));
    }
}

#[test]
fn with_and_without_a_parser_the_pictures_are_the_same() {
    let coded = small_stream();
    let without = run_on(&coded.stream(), 4096, DEC).ok();
    let with = run_on(&coded.stream(), 4096, &format!("lnrparse ! {DEC}")).ok();
    assert_eq!(with.times(), without.times());
    assert_eq!(with.data(), without.data());
    assert!(with.data().windows(2).any(|w| w[0] != w[1]), "the picture moves");
}

#[test]
fn renders_at_the_size_behind_videoscale() {
    let coded = small_stream();
    let rendered = Arc::new(AtomicUsize::new(0));
    let counter = rendered.clone();
    let decoded = run_with(
        "appsrc name=in format=bytes ! lnrparse ! lnrdec name=dec ! videoscale name=scale \
         ! video/x-raw,width=100,height=50 ! appsink name=out",
        |pipeline| {
            let scale = pipeline.by_name("scale").and_downcast::<gst_base::BaseTransform>();
            let scale = scale.unwrap();
            let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().unwrap();
            source.push_buffer(gst::Buffer::from_slice(coded.stream())).unwrap();
            source.end_of_stream().unwrap();
            // Its state is gone after the run, so look while the last frame passes.
            let pad = pipeline.by_name("out").unwrap().static_pad("sink").unwrap();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                counter.fetch_add(usize::from(scale.is_passthrough()), Ordering::SeqCst);
                gst::PadProbeReturn::Ok
            });
        },
    )
    .ok();
    assert_eq!(decoded.buffers.len(), 12);
    assert_eq!(rendered.load(Ordering::SeqCst), 12, "videoscale had to scale");
    assert_eq!(decoded.size(), (100, 50));
    // 32 x 24 square pixels shown as 100 x 50: 2/3 as wide as high
    let par = decoded.caps[0].structure(0).unwrap().get("pixel-aspect-ratio");
    assert_eq!(par, Ok(gst::Fraction::new(2, 3)));
}

#[test]
fn one_side_is_enough() {
    for (filter, size) in [
        ("width=64", (64, 48)),
        ("height=12", (16, 12)),
        ("width=[40,200]", (40, 30)),
        ("width=[1,200]", (32, 24)),
    ] {
        let description = format!("lnrdec ! video/x-raw,{filter} ! appsink name=out");
        let decoded = run_on(&small_stream().stream(), 4096, &description).ok();
        assert_eq!(decoded.size(), size, "{filter}");
    }
}

#[test]
fn a_shape_downstream_insists_on_is_left_to_videoscale() {
    let description = "lnrdec ! videoscale \
         ! video/x-raw,width=100,height=50,pixel-aspect-ratio=1/1 ! appsink name=out";
    let decoded = run_on(&small_stream().stream(), 4096, description).ok();
    assert_eq!(decoded.size(), (100, 50));
}

#[test]
fn the_size_may_change_while_playing() {
    let coded = small_stream();
    let decoded = run_with(
        "appsrc name=in format=bytes ! lnrdec ! capsfilter name=filter caps=video/x-raw,width=64 \
         ! appsink name=out",
        |pipeline| {
            let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().unwrap();
            source.push_buffer(gst::Buffer::from_slice(coded.stream())).unwrap();
            source.end_of_stream().unwrap();
            let filter = pipeline.by_name("filter").unwrap();
            let pad = filter.static_pad("src").unwrap();
            let mut n = 0;
            let filter = filter.downgrade();
            let change = std::sync::Mutex::new(move || {
                n += 1;
                if let (6, Some(filter)) = (n, filter.upgrade()) {
                    let caps: gst::Caps = "video/x-raw,width=16".parse().unwrap();
                    filter.set_property("caps", caps);
                }
            });
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                change.lock().unwrap()();
                gst::PadProbeReturn::Ok
            });
        },
    )
    .ok();
    let widths: Vec<i32> =
        decoded.caps.iter().map(|c| c.structure(0).unwrap().get("width").unwrap()).collect();
    assert_eq!(widths.len(), 12);
    assert_eq!((widths[0], widths[11]), (64, 16));
}

#[test]
fn groups_may_differ_in_size() {
    let mut stream = small_stream().stream();
    stream.extend(encode(3, 4, "format=Y444,width=18,height=10,framerate=30/1").stream());
    let decoded = run_on(&stream, 4096, DEC).ok();
    assert_eq!(decoded.buffers.len(), 15);
    assert_eq!(decoded.size(), (18, 10));
}

#[test]
fn a_damaged_group_is_dropped_with_a_warning() {
    let coded = small_stream();
    let mut data = coded.data();
    let end = data[4].len() - 10;
    data[4][end] ^= 1;
    for parser in ["", "lnrparse !"] {
        let decoded = run_on(&data.concat(), 4096, &format!("{parser} {DEC}")).ok();
        let expected: Vec<_> = [0, 1, 2, 3, 8, 9, 10, 11].map(|i| coded.times()[i]).into();
        assert_eq!(decoded.times(), expected, "{parser}");
        assert_eq!(decoded.warnings.len(), 1, "{parser} {:?}", decoded.warnings);
        assert!(decoded.warnings[0].contains("checksum"), "{:?}", decoded.warnings);
    }
}

#[test]
fn packetized_input_without_its_first_group() {
    let coded = small_stream();
    let decoded = run_buffers(coded.buffers[2..].to_vec(), &parsed_caps(), DEC).ok();
    assert_eq!(decoded.times(), coded.times()[4..]);
    assert_eq!(decoded.warnings.len(), 1, "{:?}", decoded.warnings);
}

#[test]
fn max_errors_ends_it() {
    let coded = small_stream();
    let dec = "lnrdec max-errors=1 ! appsink name=out";
    let decoded = run_buffers(coded.buffers[1..].to_vec(), &parsed_caps(), dec);
    assert!(decoded.error.is_some());
}

#[test]
fn nothing_to_decode_is_an_error_at_the_end() {
    let coded = small_stream();
    let decoded = run_buffers(coded.buffers[1..4].to_vec(), &parsed_caps(), DEC);
    assert!(decoded.error.is_some());
    assert!(run_on(&[0x9C; 5000], 100, DEC).error.is_some());
    assert!(run_on(&[], 100, DEC).error.is_none());
}

#[test]
fn bytes_that_are_anything_do_no_harm() {
    let coded = small_stream();
    // xorshift64
    let mut state = 7u64;
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as usize
    };
    for _ in 0..40 {
        let mut stream = coded.stream();
        for _ in 0..=below(4) {
            let at = below(stream.len());
            match below(4) {
                0 => stream[at] ^= 1 << below(8),
                1 => stream.truncate(at.max(1)),
                2 => {
                    stream.drain(at..(at + below(90)).min(stream.len()));
                }
                _ => stream.insert(at, below(256) as u8),
            }
            if stream.is_empty() {
                stream.push(0);
            }
        }
        let chunk = 1 + below(3000);
        for parser in ["", "lnrparse !"] {
            let decoded = run_on(&stream, chunk, &format!("{parser} {DEC}"));
            assert!(decoded.buffers.len() <= 12);
        }
    }
}

#[test]
fn late_frames_are_dropped_but_their_group_is_not_lost() {
    let coded = small_stream();
    let mut harness = gst_check::Harness::new("lnrdec");
    harness.set_src_caps(parsed_caps());
    harness.play();
    let at = |i: usize| gst::ClockTime::from_nseconds(coded.times()[i].0);
    let late = gst::event::Qos::new(gst::QOSType::Underflow, 1.5, 0, at(3));
    harness.push(coded.buffers[0].clone()).unwrap();
    harness.push_upstream_event(late);
    for buffer in &coded.buffers[1..] {
        harness.push(buffer.clone()).unwrap();
    }
    let pts: Vec<_> = std::iter::from_fn(|| harness.try_pull()).map(|b| b.pts().unwrap()).collect();
    assert!(!pts.contains(&at(1)) && !pts.contains(&at(2)), "{pts:?}");
    assert!((4..12).all(|i| pts.contains(&at(i))), "{pts:?}");
}

#[test]
fn a_late_key_frame_still_serves_its_group() {
    let coded = small_stream();
    let mut harness = gst_check::Harness::new("lnrdec");
    harness.set_src_caps(parsed_caps());
    harness.play();
    let at = |i: usize| gst::ClockTime::from_nseconds(coded.times()[i].0);
    harness.push(coded.buffers[0].clone()).unwrap();
    let late = gst::event::Qos::new(gst::QOSType::Underflow, 1.5, 0, at(5));
    harness.push_upstream_event(late);
    for buffer in &coded.buffers[4..8] {
        harness.push(buffer.clone()).unwrap();
    }
    let pts: Vec<_> = std::iter::from_fn(|| harness.try_pull()).map(|b| b.pts().unwrap()).collect();
    assert!(!pts.contains(&at(4)), "{pts:?}");
    assert!(pts.contains(&at(6)) && pts.contains(&at(7)), "{pts:?}");
}

#[test]
fn upstream_may_have_any_size() {
    init();
    let dec = gst::ElementFactory::make("lnrdec").build().unwrap();
    let filter = gst::ElementFactory::make("capsfilter")
        .property("caps", "video/x-raw,width=64,height=48".parse::<gst::Caps>().unwrap())
        .build()
        .unwrap();
    let pipeline = gst::Pipeline::new();
    pipeline.add_many([&dec, &filter]).unwrap();
    dec.link(&filter).unwrap();
    let caps = dec.static_pad("sink").unwrap().query_caps(None);
    assert!(caps.can_intersect(&parsed_caps()), "{caps}");
}

#[test]
fn a_new_segment_counts_from_its_first_frame() {
    let coded = small_stream();
    let at = |i: usize| gst::ClockTime::from_nseconds(coded.times()[i].0);
    let mut harness = gst_check::Harness::new("lnrdec");
    harness.set_src_caps(parsed_caps());
    harness.play();
    for (start, units) in [(6, 4..8), (0, 0..4), (9, 8..12)] {
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_start(at(start));
        harness.push_event(gst::event::Segment::new(&segment));
        for buffer in &coded.buffers[units] {
            harness.push(buffer.clone()).unwrap();
        }
    }
    let pts: Vec<_> = std::iter::from_fn(|| harness.try_pull()).map(|b| b.pts().unwrap()).collect();
    assert_eq!(pts, [6, 7, 0, 1, 2, 3, 9, 10, 11].map(at));
}

/// Time is short at high rates; so it is backwards, where a group is decoded forwards before it is shown.
#[test]
fn late_frames_are_dropped_at_any_rate() {
    let coded = small_stream();
    let time = |i: usize| gst::ClockTime::from_nseconds(coded.times()[i].0);
    let end = gst::ClockTime::from_mseconds(400);
    for (rate, groups, late_until, shown) in [
        (8.0, [0, 4, 8], 6, vec![0, 1, 2, 3, 6, 7, 8, 9, 10, 11]),
        (-1.0, [8, 4, 0], 5, vec![11, 10, 9, 8, 5, 4, 3, 2, 1, 0]),
        // From the first word of a sink that waits for frames on, no more than it has time for.
        (-8.0, [8, 4, 0], 5, vec![11, 10, 9, 8, 4, 0]),
    ] {
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_rate(rate);
        segment.set_stop(end);
        let mut harness = gst_check::Harness::new("lnrdec");
        harness.set_src_caps(parsed_caps());
        harness.play();
        harness.push_event(gst::event::Segment::new(&segment));
        for (n, first) in groups.into_iter().enumerate() {
            // Backwards, what comes next tells that a group is whole.
            if n == if rate > 0.0 { 1 } else { 2 } {
                let late = segment.to_running_time(time(late_until)).expect("inside");
                harness.push_upstream_event(gst::event::Qos::new(
                    gst::QOSType::Underflow,
                    1.5,
                    0,
                    late,
                ));
            }
            for i in first..first + 4 {
                let mut buffer = coded.buffers[i].copy();
                if i == first {
                    buffer.make_mut().set_flags(gst::BufferFlags::DISCONT);
                }
                harness.push(buffer).unwrap();
            }
        }
        harness.push_event(gst::event::Eos::new());
        let pts: Vec<_> =
            std::iter::from_fn(|| harness.try_pull()).map(|b| b.pts().unwrap()).collect();
        assert_eq!(pts, shown.into_iter().map(time).collect::<Vec<_>>(), "rate {rate}");
    }
}
