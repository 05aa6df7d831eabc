// SPDX-License-Identifier: MIT OR Apache-2.0
//! lnrenc.
mod elements;

use std::time::{Duration, Instant};

use elements::*;
use gst::prelude::*;

#[test]
fn interlaced_video_is_refused_with_a_reason() {
    for mode in ["interleaved", "mixed"] {
        let outcome = run(&format!(
            "videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=32,height=24 \
             ! capssetter caps=video/x-raw,interlace-mode={mode} ! {ENC} ! appsink name=out"
        ));
        let error = outcome.error.expect("an error");
        assert!(error.contains("interlaced") && error.contains("deinterlace"), "{error}");
    }
}

#[test]
fn odd_sizes() {
    for (width, height) in [(1, 1), (1, 9), (7, 1), (3, 5), (17, 33), (129, 2)] {
        for format in ["I420", "Y42B", "RGB"] {
            let size = format!("width={width},height={height}");
            let outcome = run(&format!(
                "videotestsrc num-buffers=2 ! video/x-raw,format={format},{size} \
                 ! {ENC} ! lnrdec ! appsink name=out"
            ))
            .ok();
            assert_eq!(outcome.buffers.len(), 2, "{format} {size}");
            assert_eq!(outcome.size(), (width, height));
        }
    }
}

#[test]
fn groups_around_their_longest_length() {
    for n in [1, 3, 4, 5, 8, 9] {
        let outcome = encode(n, 4, SMALL);
        let expected: Vec<_> = (0..n).map(|i| i % 4 == 0).collect();
        assert_eq!(outcome.keys(), expected, "{n} frames");
        let droppable = |b: &gst::Buffer| b.flags().contains(gst::BufferFlags::DROPPABLE);
        let droppable: Vec<_> = outcome.buffers.iter().map(droppable).collect();
        assert_eq!(droppable, expected.iter().map(|key| !key).collect::<Vec<_>>());
        let third = |i: u64| i * 1_000_000_000 / 30;
        let times: Vec<_> =
            (0..u64::from(n)).map(|i| (third(i), third(i + 1) - third(i))).collect();
        assert_eq!(outcome.times(), times);
    }
}

#[test]
fn no_frames_at_all() {
    let outcome =
        run_buffers(Vec::new(), &gray_caps(16, 16, "25/1"), &format!("{ENC} ! appsink name=out"));
    assert_eq!(outcome.error, None);
    assert!(outcome.buffers.is_empty());
}

#[test]
fn new_caps_close_the_group() {
    init();
    let mut harness = gst_check::Harness::new_parse(&format!("{ENC} key-int-max=10"));
    harness.play();
    for (caps, pts) in [((16, 16), [0, 40, 80]), ((24, 8), [120, 160, 200])] {
        harness.set_src_caps(gray_caps(caps.0, caps.1, "25/1"));
        for pts in pts {
            harness.push(gray_frame(caps.0, caps.1, pts, Some(40))).expect("accepted");
        }
    }
    harness.push_event(gst::event::Eos::new());
    let mut widths = Vec::new();
    while let Some(event) = harness.try_pull_event() {
        if let gst::EventView::Caps(caps) = event.view() {
            widths.push(caps.caps().structure(0).unwrap().get::<i32>("width").unwrap());
        }
    }
    assert_eq!(widths, [16, 24]);
    let keys: Vec<_> = std::iter::from_fn(|| harness.try_pull())
        .map(|b| !b.flags().contains(gst::BufferFlags::DELTA_UNIT))
        .collect();
    assert_eq!(keys, [true, false, false, true, false, false]);
}

#[test]
fn forced_key_units_begin_a_group() {
    init();
    let mut harness = gst_check::Harness::new_parse(&format!("{ENC} key-int-max=10"));
    harness.set_src_caps(gray_caps(16, 16, "25/1"));
    harness.play();
    for i in 0..5 {
        if i == 2 {
            harness.push_event(gst_video::DownstreamForceKeyUnitEvent::builder().build());
        }
        if i == 4 {
            harness.push_upstream_event(gst_video::UpstreamForceKeyUnitEvent::builder().build());
        }
        harness.push(gray_frame(16, 16, i * 40, Some(40))).expect("accepted");
    }
    harness.push_event(gst::event::Eos::new());
    let keys: Vec<_> = std::iter::from_fn(|| harness.try_pull())
        .map(|b| !b.flags().contains(gst::BufferFlags::DELTA_UNIT))
        .collect();
    assert_eq!(keys, [true, false, true, false, true]);
}

#[test]
fn latency_and_buffers_are_announced() {
    init();
    for (jobs, latency) in [(1, 400), (2, 1600)] {
        let properties = format!("key-int-max=10 threads=2 jobs={jobs}");
        let mut harness = gst_check::Harness::new_parse(&format!("{ENC} {properties}"));
        let caps = gray_caps(16, 16, "25/1");
        harness.set_src_caps(caps.clone());
        harness.play();
        harness.push(gray_frame(16, 16, 0, Some(40))).expect("accepted");
        assert_eq!(harness.query_latency(), Some(gst::ClockTime::from_mseconds(latency)));

        let mut query = gst::query::Allocation::new(Some(&caps), true);
        let pad = harness.element().unwrap().static_pad("sink");
        assert!(pad.unwrap().query(&mut query));
        let (_, size, min, _) = query.allocation_pools().next().expect("a pool");
        assert!(size >= 256 && u64::from(min) > latency / 40, "{size} {min}");
        assert!(query.find_allocation_meta::<gst_video::VideoMeta>().is_some());
    }
}

#[test]
fn variable_frame_rate_keeps_its_times() {
    let times = [(0, 10), (10, 40), (50, 10), (60, 200), (260, 40)];
    for with_durations in [true, false] {
        let frames = times.map(|(pts, d)| gray_frame(16, 16, pts, with_durations.then_some(d)));
        let coded = run_buffers(
            frames.to_vec(),
            &gray_caps(16, 16, "0/1"),
            &format!("{ENC} key-int-max=3 scene-cut=false ! appsink name=out"),
        )
        .ok();
        // The stream alone must know them, too.
        let parsed = run_on(&coded.stream(), 4096, "lnrparse ! appsink name=out").ok();
        let pts: Vec<_> = parsed.times().iter().map(|t| t.0 / 1_000_000).collect();
        assert_eq!(pts, times.map(|t| t.0));
        if with_durations {
            let durations: Vec<_> = parsed.times().iter().map(|t| t.1 / 1_000_000).collect();
            assert_eq!(durations, times.map(|t| t.1));
        }
    }
}

#[test]
fn the_file_begins_at_zero_wherever_the_source_began() {
    let frames = [5000, 5040].map(|pts| gray_frame(16, 16, pts, Some(40)));
    let coded = run_with(
        &format!(
            "appsrc name=in format=time handle-segment-change=true ! {ENC} ! appsink name=out"
        ),
        |pipeline| {
            let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().unwrap();
            source.set_caps(Some(&gray_caps(16, 16, "25/1")));
            let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
            segment.set_start(gst::ClockTime::from_mseconds(5000));
            for frame in frames {
                let sample = gst::Sample::builder().buffer(&frame).segment(&segment).build();
                source.push_sample(&sample).unwrap();
            }
            source.end_of_stream().unwrap();
        },
    )
    .ok();
    assert_eq!(coded.times()[0].0, 5_000_000_000);
    let parsed = run_on(&coded.stream(), 4096, "lnrparse ! appsink name=out").ok();
    assert_eq!(parsed.times(), [(0, 40_000_000), (40_000_000, 40_000_000)]);
}

#[test]
fn pixel_aspect_ratio_and_colorimetry_survive() {
    let caps = "pixel-aspect-ratio=4/3,colorimetry=bt709,chroma-site=mpeg2";
    let outcome = run(&format!(
        "videotestsrc num-buffers=1 ! video/x-raw,format=I420,width=32,height=24,{caps} \
         ! {ENC} ! lnrdec ! appsink name=out"
    ))
    .ok();
    let s = outcome.caps[0].structure(0).unwrap();
    assert_eq!(s.get("pixel-aspect-ratio"), Ok(gst::Fraction::new(4, 3)));
    assert_eq!(s.get::<&str>("colorimetry"), Ok("bt709"));
    assert_eq!(s.get::<&str>("chroma-site"), Ok("mpeg2"));
}

#[test]
fn progress_statistics_and_tags() {
    let mut stats = None;
    let outcome = run_with(
        &format!(
            "videotestsrc num-buffers=5 ! video/x-raw,{SMALL} \
             ! {ENC} name=enc key-int-max=4 bitrate=77 ! appsink name=out"
        ),
        |pipeline| {
            stats = pipeline.by_name("enc");
        },
    )
    .ok();
    let n = |t| outcome.progress.iter().filter(|&&p| p == t).count();
    assert!(n(gst::ProgressType::Start) >= 2);
    assert_eq!(n(gst::ProgressType::Complete), n(gst::ProgressType::Start));
    let stats = stats.unwrap().property::<gst::Structure>("stats");
    assert_eq!(stats.get::<u64>("frames"), Ok(5));
    assert_eq!(stats.get::<u64>("bytes"), Ok(outcome.stream().len() as u64));
    let tags = &outcome.tags;
    assert_eq!(tags.get::<gst::tags::NominalBitrate>().map(|t| t.get()), Some(77_000));
    assert!(tags.get::<gst::tags::VideoCodec>().unwrap().get().contains("LNR"));
}

/// A pipeline that trains for minutes, and the bus after training has begun.
fn training() -> (gst::Pipeline, gst::Bus) {
    let pipeline = parse(
        "videotestsrc name=src ! video/x-raw,format=I420,width=160,height=120,framerate=30/1 \
         ! lnrenc name=enc key-int-max=8 epochs=100000 ! fakesink name=sink",
    );
    let bus = pipeline.bus().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    wait_for(&bus, gst::ProgressType::Start);
    std::thread::sleep(Duration::from_millis(100));
    (pipeline, bus)
}

fn wait_for(bus: &gst::Bus, progress: gst::ProgressType) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        let message = bus.timed_pop_filtered(
            gst::ClockTime::from_mseconds(50),
            &[gst::MessageType::Progress, gst::MessageType::Error],
        );
        match message.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Progress(p)) if p.type_() == progress => return,
            Some(gst::MessageView::Error(e)) => panic!("{}", e.error()),
            _ => {}
        }
    }
    panic!("no progress message");
}

#[test]
fn null_cancels_training() {
    let (pipeline, bus) = training();
    let start = Instant::now();
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    // The bus flushes when the pipeline reaches READY, so the message may be gone.
    drop(bus);
}

#[test]
fn flush_cancels_training() {
    let (pipeline, bus) = training();
    let sink = pipeline.by_name("enc").unwrap().static_pad("sink").unwrap();
    let start = Instant::now();
    assert!(sink.send_event(gst::event::FlushStart::new()));
    wait_for(&bus, gst::ProgressType::Canceled);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    pipeline.set_state(gst::State::Null).unwrap();
}

#[test]
fn frames_before_a_flush_are_gone_and_those_after_are_encoded() {
    init();
    let mut harness = gst_check::Harness::new_parse(&format!("{ENC} key-int-max=10"));
    harness.set_src_caps(gray_caps(16, 16, "25/1"));
    harness.play();
    for pts in [0, 40, 80] {
        harness.push(gray_frame(16, 16, pts, Some(40))).expect("accepted");
    }
    harness.push_event(gst::event::FlushStart::new());
    harness.push_event(gst::event::FlushStop::new(true));
    let segment = gst::FormattedSegment::<gst::ClockTime>::new();
    harness.push_event(gst::event::Segment::new(&segment));
    for pts in [0, 40] {
        harness.push(gray_frame(16, 16, pts, Some(40))).expect("accepted");
    }
    harness.push_event(gst::event::Eos::new());
    assert_eq!(std::iter::from_fn(|| harness.try_pull()).count(), 2);
}

#[test]
fn a_live_source_gets_one_group_at_a_time() {
    for (live, wanted) in [(false, 4), (true, 1)] {
        let pipeline = parse(&format!(
            "videotestsrc is-live={live} num-buffers=4 ! video/x-raw,format=GRAY8,width=16,height=16,framerate=25/1 \
             ! lnrenc name=enc epochs=1 threads=2 key-int-max=2 ! fakesink name=sink sync=false"
        ));
        let bus = pipeline.bus().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let end = [gst::MessageType::Eos, gst::MessageType::Error];
        let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(20), &end);
        assert_eq!(message.map(|m| m.type_()), Some(gst::MessageType::Eos));
        let mut query = gst::query::Latency::new();
        let pad = pipeline.by_name("enc").unwrap().static_pad("src").unwrap();
        assert!(pad.query(&mut query));
        let groups = query.result().1.mseconds() / 80;
        pipeline.set_state(gst::State::Null).unwrap();
        assert_eq!(groups, wanted, "live={live}");
    }
}

#[test]
fn scene_changes_begin_a_group() {
    for (scene_cut, key) in [(true, true), (false, false)] {
        let frames = (0..6u64).map(|i| {
            let mut buffer = gray_frame(32, 32, i * 40, Some(40));
            let value = if i < 3 { 20 } else { 230 };
            let data = vec![value; buffer.size()];
            let times = buffer.clone();
            buffer = gst::Buffer::from_slice(data);
            let flags = gst::BufferCopyFlags::TIMESTAMPS;
            times.copy_into(buffer.make_mut(), flags, ..0).expect("times");
            buffer
        });
        let coded = run_buffers(
            frames.collect(),
            &gray_caps(32, 32, "25/1"),
            &format!("{ENC} scene-cut={scene_cut} key-int-max=10 ! appsink name=out"),
        )
        .ok();
        assert_eq!(coded.keys()[3], key, "scene-cut={scene_cut}");
    }
}

#[test]
fn times_that_jump_back_are_cured() {
    let frames = [0, 40, 20, 60].map(|pts| gray_frame(16, 16, pts, Some(40)));
    let coded = run_buffers(
        frames.to_vec(),
        &gray_caps(16, 16, "25/1"),
        &format!("{ENC} ! appsink name=out"),
    )
    .ok();
    assert_eq!(coded.buffers.len(), 4);
}

#[test]
fn red_stays_red() {
    let formats =
        "I420 NV12 YUY2 P010_10LE I422_12LE Y444_10LE Y444_16LE RGB BGRx GBR GBR_10LE ARGB64";
    for format in formats.split(" ") {
        let out = run(&format!(
            "videotestsrc pattern=red num-buffers=2 ! video/x-raw,format={format},width=16,height=16 \
             ! {ENC} epochs=40 ! lnrdec ! videoconvert ! video/x-raw,format=RGB ! appsink name=out"
        ))
        .ok();
        let data = &out.data()[0];
        let mean = |c: usize| {
            let row = |y: usize| &data[y * 48..][..48];
            (0..16).flat_map(|y| row(y)[c..].iter().step_by(3)).map(|&v| f32::from(v)).sum::<f32>()
                / 256.0
        };
        let (r, g, b) = (mean(0), mean(1), mean(2));
        assert!(r > 180.0 && g < 80.0 && b < 80.0, "{format}: {r} {g} {b}");
    }
}

/// The buffers of a stream of several groups, with so many of them trained at once.
fn encoded(jobs: u32) -> Vec<(Option<gst::ClockTime>, bool, Vec<u8>)> {
    init();
    let mut harness = gst_check::Harness::new_parse(&format!(
        "{ENC} key-int-max=3 threads={jobs} jobs={jobs} bitrate=30"
    ));
    harness.set_src_caps(gray_caps(16, 16, "25/1"));
    harness.play();
    for i in 0..17 {
        harness.push(gray_frame(16, 16, i * 40, Some(40))).expect("accepted");
    }
    harness.push_event(gst::event::Eos::new());
    let buffer = |b: gst::Buffer| {
        let is_key = !b.flags().contains(gst::BufferFlags::DELTA_UNIT);
        (b.pts(), is_key, b.map_readable().expect("readable").to_vec())
    };
    std::iter::from_fn(|| harness.try_pull()).map(buffer).collect()
}

#[test]
fn groups_at_once_are_those_of_one_after_the_other() {
    let one = encoded(1);
    assert_eq!(one.len(), 17);
    assert!(encoded(2) == one);
}
