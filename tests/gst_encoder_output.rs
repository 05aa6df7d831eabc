// SPDX-License-Identifier: MIT OR Apache-2.0
//! lnrenc: what becomes of encoded frames that downstream does not take, and settings that change.
mod elements;

use elements::*;
use gst::prelude::*;

/// An encoder alone, whose source pad ends in a pad that answers every buffer with `flow`.
struct Bench {
    encoder: gst::Element,
    sink: gst::Pad,
    _end: gst::Pad,
    bus: gst::Bus,
}

impl Bench {
    fn new(properties: &str, flow: Result<gst::FlowSuccess, gst::FlowError>) -> Self {
        init();
        let encoder = gst::parse::launch(&format!("{ENC} {properties}")).expect("an encoder");
        let bus = gst::Bus::new();
        encoder.set_bus(Some(&bus));
        // Without a template, it would stay at the caps that it has.
        let (sink, always, any) =
            (gst::PadDirection::Sink, gst::PadPresence::Always, gst::Caps::new_any());
        let template = gst::PadTemplate::new("sink", sink, always, &any).unwrap();
        let end = gst::Pad::builder_from_template(&template)
            .chain_function(move |_, _, _| flow)
            .event_function(|_, _, _| true)
            .build();
        end.set_active(true).unwrap();
        encoder.static_pad("src").unwrap().link(&end).unwrap();
        encoder.set_state(gst::State::Playing).unwrap();
        let sink = encoder.static_pad("sink").unwrap();
        sink.send_event(gst::event::StreamStart::new("test"));
        let bench = Self { encoder, sink, _end: end, bus };
        bench.caps(16, 16);
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        bench.sink.send_event(gst::event::Segment::new(&segment));
        bench
    }

    fn caps(&self, width: u32, height: u32) -> bool {
        self.sink.send_event(gst::event::Caps::new(&gray_caps(width, height, "25/1")))
    }

    fn push(&self, pts_ms: u64) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.sink.chain(gray_frame(16, 16, pts_ms, Some(40)))
    }

    fn turn(&self, orientation: &str) {
        let mut tags = gst::TagList::new();
        let mode = gst::TagMergeMode::Replace;
        tags.make_mut().add::<gst::tags::ImageOrientation>(&orientation, mode);
        self.sink.send_event(gst::event::Tag::new(tags));
    }

    /// The errors so far.
    fn errors(&self) -> Vec<gst::glib::Error> {
        let error = |m: gst::Message| match m.view() {
            gst::MessageView::Error(e) => e.error(),
            _ => unreachable!("filtered"),
        };
        let types = [gst::MessageType::Error];
        std::iter::from_fn(|| self.bus.pop_filtered(&types)).map(error).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.encoder.set_state(gst::State::Null);
    }
}

const REFUSALS: [gst::FlowError; 4] = [
    gst::FlowError::NotNegotiated,
    gst::FlowError::NotLinked,
    gst::FlowError::Error,
    gst::FlowError::NotSupported,
];

/// An event tells upstream nothing of the frames that were pushed because of it.
#[test]
fn a_last_group_that_is_refused_is_one_error() {
    let ends: [fn(&Bench); 2] = [
        |bench| {
            bench.sink.send_event(gst::event::Eos::new());
        },
        |bench| {
            bench.caps(24, 8);
        },
    ];
    for flow in REFUSALS {
        for end in ends {
            let bench = Bench::new("", Err(flow));
            bench.push(0).unwrap();
            bench.push(40).unwrap();
            end(&bench);
            let errors = bench.errors();
            assert_eq!(errors.len(), 1, "{flow}: {errors:?}");
            assert!(errors[0].matches(gst::StreamError::Encode), "{flow}: {errors:?}");
            assert!(errors[0].message().starts_with("could not encode: "), "{errors:?}");
        }
    }
}

#[test]
fn who_wants_no_more_hears_no_error() {
    for flow in [gst::FlowError::Flushing, gst::FlowError::Eos] {
        let bench = Bench::new("", Err(flow));
        bench.push(0).unwrap();
        bench.sink.send_event(gst::event::Eos::new());
        assert_eq!(bench.errors(), []);
    }
}

/// Where a buffer brought the group out, upstream learns of it and says so.
#[test]
fn a_group_refused_on_the_way_goes_upstream() {
    for flow in REFUSALS {
        let bench = Bench::new("key-int-max=2 jobs=1", Err(flow));
        bench.push(0).unwrap();
        assert_eq!(bench.push(40), Err(flow));
        let bench = Bench::new("", Err(flow));
        bench.push(0).unwrap();
        bench.turn("rotate-90");
        assert_eq!(bench.push(40), Err(flow));
        assert_eq!(bench.errors(), []);
    }
}

#[test]
fn limits_of_the_encoder_are_errors_of_the_encoder() {
    let bench = Bench::new("", Ok(gst::FlowSuccess::Ok));
    // 2^27 pixels: the format has 2^26.
    assert!(!bench.caps(16_384, 8192));
    let errors = bench.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].matches(gst::StreamError::Encode), "{errors:?}");
    assert!(errors[0].message().starts_with("could not encode: limit"), "{errors:?}");
}

/// A muxer refuses another size; without frames of it behind, nobody but the encoder knows.
#[test]
fn a_size_that_changes_before_a_muxer_is_an_error() {
    let outcome = run_with(
        &format!("appsrc name=in format=time ! {ENC} ! mp4mux ! appsink name=out async=false"),
        |pipeline| {
            let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().unwrap();
            for (i, side) in [(0, 16), (1, 16), (2, 32), (3, 32)] {
                let frame = gray_frame(side, side, i * 40, Some(40));
                let caps = gray_caps(side, side, "25/1");
                let sample = gst::Sample::builder().buffer(&frame).caps(&caps).build();
                source.push_sample(&sample).unwrap();
            }
            source.end_of_stream().unwrap();
        },
    );
    let error = outcome.error.expect("the second size is lost");
    assert!(error.contains("could not encode") && error.contains("one format"), "{error}");
}

#[test]
fn quality_and_bitrate_may_change_while_playing() {
    let sizes = |property: &str, value: &str| {
        let mut harness = gst_check::Harness::new_parse(
            "lnrenc speed-preset=ultrafast epochs=20 scene-cut=false key-int-max=2 quality=90",
        );
        harness.set_src_caps(gray_caps(32, 32, "25/1"));
        harness.play();
        let encoder = harness.find_element("lnrenc").expect("the encoder");
        for i in 0..6 {
            if i == 3 {
                encoder.set_property_from_str(property, value);
            }
            harness.push(gray_frame(32, 32, i * 40, Some(40))).expect("accepted");
        }
        let groups = std::iter::from_fn(|| harness.try_pull());
        groups.step_by(2).map(|b| b.size()).collect::<Vec<_>>()
    };
    for (property, value) in [("quality", "1"), ("bitrate", "4")] {
        let sizes = sizes(property, value);
        // The group that had begun keeps what it began with.
        let [first, begun, next] = sizes[..] else { panic!("{sizes:?}") };
        assert!(3 * next < 2 * begun && begun > first / 2, "{property}: {sizes:?}");
    }
}

#[test]
fn tags_follow_the_rate() {
    let bench = Bench::new("key-int-max=1 jobs=1", Ok(gst::FlowSuccess::Ok));
    let rate = || {
        let pad = bench.encoder.static_pad("src").unwrap();
        let event = pad.sticky_event::<gst::event::Tag>(0).expect("tags");
        event.tag().get::<gst::tags::NominalBitrate>().map(|t| t.get())
    };
    bench.push(0).unwrap();
    assert_eq!(rate(), None);
    bench.encoder.set_property("bitrate", 70u32);
    bench.push(40).unwrap();
    assert_eq!(rate(), Some(70_000));
    bench.encoder.set_property("bitrate", 0u32);
    bench.push(80).unwrap();
    assert_eq!(rate(), None);
    assert_eq!(bench.errors(), []);
}

/// A turned picture begins a group of the same stream: what was counted so far stays.
#[test]
fn groups_go_on_counting_when_the_picture_turns() {
    let bench = Bench::new("key-int-max=2", Ok(gst::FlowSuccess::Ok));
    bench.push(0).unwrap();
    bench.turn("rotate-90");
    for pts in [40, 80, 120] {
        bench.push(pts).unwrap();
    }
    bench.sink.send_event(gst::event::Eos::new());
    let stats = bench.encoder.property::<gst::Structure>("stats");
    assert_eq!((stats.get::<u64>("groups"), stats.get::<u64>("frames")), (Ok(3), Ok(4)));
    assert_eq!(bench.errors(), []);
}

/// Up and down the states faster than anything is trained.
#[test]
fn states_may_change_in_a_hurry() {
    use gst::State::{Null, Paused, Playing, Ready};
    let pipeline = parse(&format!(
        "videotestsrc ! video/x-raw,{SMALL} ! {ENC} key-int-max=3 ! lnrparse ! lnrinterp ! lnrembed \
         ! lnrdec ! video/x-raw,width=20 ! fakesink"
    ));
    let errors = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = errors.clone();
    pipeline.bus().unwrap().set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view() {
            seen.lock().unwrap().push(format!("{} {:?}", error.error(), error.debug()));
        }
        gst::BusSyncReply::Drop
    });
    let orders = [[Playing, Ready], [Paused, Null], [Playing, Null], [Playing, Paused]];
    for i in 0..60 {
        for state in orders[i % orders.len()] {
            pipeline.set_state(state).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(i as u64 % 7));
        }
    }
    pipeline.set_state(Null).unwrap();
    assert_eq!(*errors.lock().unwrap(), [""; 0]);
}
