// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rotation and HDR metadata: from caps and tags into the stream, through all elements and containers,
//! and back.
mod elements;

use std::sync::{Arc, Mutex};

use elements::*;
use gst::prelude::*;
use lnr::stream::{ContentLight, Metadata, Orientation, Unit, metadata, parse as parse_unit};

const MASTERING: &str = "35400:14600:8500:39850:6550:2300:15635:16450:10000000:50";
const LIGHT: &str = "1000:400";
const FORMAT: &str = "format=I420_10LE,width=32,height=24,framerate=25/1,pixel-aspect-ratio=1/1,\
                      interlace-mode=progressive,colorimetry=bt2100-pq,chroma-site=mpeg2";

fn hdr_caps() -> gst::Caps {
    init();
    let caps = format!(
        "video/x-raw,{FORMAT},mastering-display-info=(string){MASTERING},\
         content-light-level=(string){LIGHT}"
    );
    caps.parse().expect("caps")
}

/// Runs a pipeline and returns the orientations that the tags at its sink said, in order.
fn run_turned(description: &str, prepare: impl FnOnce(&gst::Pipeline)) -> (Outcome, Vec<String>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let target = seen.clone();
    let outcome = run_with(description, |pipeline| {
        let pad = pipeline.by_name("out").unwrap().static_pad("sink").unwrap();
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some(gst::EventView::Tag(tag)) = info.event().map(|e| e.view()) {
                let name = tag.tag().get::<gst::tags::ImageOrientation>();
                target.lock().unwrap().extend(name.map(|n| n.get().to_string()));
            }
            gst::PadProbeReturn::Ok
        });
        prepare(pipeline);
    });
    let seen = seen.lock().unwrap().clone();
    (outcome, seen)
}

fn feed(pipeline: &gst::Pipeline, stream: &[u8]) {
    let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().expect("appsrc");
    source.set_max_bytes(u64::MAX);
    source.push_buffer(gst::Buffer::from_slice(stream.to_vec())).expect("pushed");
    source.end_of_stream().expect("EOS");
}

fn on_stream(stream: &[u8], rest: &str) -> (Outcome, Vec<String>) {
    let (outcome, turns) =
        run_turned(&format!("appsrc name=in format=bytes ! {rest} ! appsink name=out"), |p| {
            feed(p, stream);
        });
    (outcome.ok(), turns)
}

/// Four frames in groups of two, of a picture that was mastered on a bright display and lies on its
/// side.
fn turned_hdr() -> Outcome {
    run(&format!(
        "videotestsrc num-buffers=4 ! video/x-raw,{FORMAT} \
         ! capssetter caps=\"{}\" ! taginject tags=image-orientation=rotate-90 \
         ! {ENC} key-int-max=2 ! appsink name=out",
        hdr_caps()
    ))
    .ok()
}

fn said(unit: &[u8]) -> Metadata {
    match parse_unit(unit).expect("a unit") {
        Unit::Group { payload, .. } => metadata(payload).expect("metadata"),
        Unit::Frame { .. } => panic!("no group"),
    }
}

fn field(caps: &gst::Caps, name: &str) -> Option<String> {
    caps.structure(0)?.get(name).ok()
}

fn has_hdr(caps: &gst::Caps) -> bool {
    let hdr = ["mastering-display-info", "content-light-level"].map(|name| field(caps, name));
    hdr == [Some(MASTERING.into()), Some(LIGHT.into())]
}

#[test]
fn the_encoder_writes_what_caps_and_tags_say_into_every_group() {
    let coded = turned_hdr();
    for unit in [0, 2] {
        let said = said(&coded.data()[unit]);
        assert_eq!(said.orientation, Orientation::new(1, false));
        let mastering = said.mastering.expect("a mastering display");
        assert_eq!(mastering.primaries, [(35_400, 14_600), (8500, 39_850), (6550, 2300)]);
        assert_eq!((mastering.max_luminance, mastering.min_luminance), (10_000_000, 50));
        let light = ContentLight { max_content: 1000, max_frame_average: 400 };
        assert_eq!(said.light, Some(light));
    }
    assert!(has_hdr(&coded.caps[0]), "{}", coded.caps[0]);
    let plain = &small_stream().caps[0];
    assert!(field(plain, "mastering-display-info").is_none(), "{plain}");
    assert_eq!(said(&small_stream().data()[0]).mastering, None);
}

#[test]
fn decoded_caps_are_those_that_were_encoded() {
    let stream = turned_hdr().stream();
    for parser in ["", "lnrparse !", "lnrparse ! lnrembed !"] {
        let (decoded, turns) = on_stream(&stream, &format!("{parser} lnrdec"));
        assert_eq!(decoded.buffers.len(), 4);
        let caps = &decoded.caps[0];
        let fields = |c: &gst::Caps| {
            let text = c.structure(0).unwrap().to_string();
            let mut fields: Vec<_> =
                text.trim_end_matches(';').split(", ").map(String::from).collect();
            fields.sort();
            fields.retain(|f| !f.starts_with("multiview") && !f.starts_with("video/"));
            fields
        };
        assert_eq!(fields(caps), fields(&hdr_caps()), "{parser}");
        assert!(!turns.is_empty() && turns.iter().all(|t| t == "rotate-90"), "{parser} {turns:?}");
    }
    // What was said once is not said of the next file.
    let (decoded, turns) = on_stream(&small_stream().stream(), "lnrparse ! lnrdec");
    assert!(field(&decoded.caps[0], "content-light-level").is_none() && turns.is_empty());
}

#[test]
fn players_turn_the_picture_by_themselves() {
    let stream = turned_hdr().stream();
    let (decoded, _) = on_stream(
        &stream,
        "lnrparse ! lnrdec ! videoconvert ! video/x-raw,format=I420 \
                                           ! videoflip video-direction=auto",
    );
    assert_eq!(decoded.size(), (24, 32));
}

#[test]
fn transforms_pass_them_on() {
    let stream = turned_hdr().stream();
    for transform in ["lnrinterp factor=2", "lnrembed", "lnrembed ! lnrinterp factor=4"] {
        let (coded, turns) = on_stream(&stream, &format!("lnrparse ! {transform}"));
        assert!(has_hdr(&coded.caps[0]), "{transform}: {}", coded.caps[0]);
        assert!(turns.contains(&"rotate-90".into()), "{transform}: {turns:?}");
    }
}

#[test]
fn later_groups_may_say_something_else() {
    let mut stream = turned_hdr().stream();
    stream.extend(small_stream().stream());
    for rest in ["lnrparse", "lnrdec", "lnrparse ! lnrdec"] {
        let (out, turns) = on_stream(&stream, rest);
        assert!(has_hdr(&out.caps[3]), "{rest}: {}", out.caps[3]);
        assert!(field(&out.caps[4], "content-light-level").is_none(), "{rest}: {}", out.caps[4]);
        let mut turns = turns;
        turns.dedup();
        assert_eq!(turns, ["rotate-90", "rotate-0"], "{rest}");
    }
}

#[test]
fn a_tag_that_comes_later_holds_from_the_next_group_on() {
    init();
    let mut harness = gst_check::Harness::new_parse(&format!("{ENC} key-int-max=10"));
    harness.set_src_caps(gray_caps(16, 16, "25/1"));
    harness.play();
    let tag = |name: &str| {
        let mut tags = gst::TagList::new();
        let mode = gst::TagMergeMode::Replace;
        tags.make_mut().add::<gst::tags::ImageOrientation>(&name, mode);
        gst::event::Tag::new(tags)
    };
    harness.push_event(tag("rotate-180"));
    for i in 0..5 {
        match i {
            2 => harness.push_event(tag("flip-rotate-90")),
            3 => harness.push_event(gst::event::Tag::new(gst::TagList::new())),
            _ => true,
        };
        harness.push(gray_frame(16, 16, i * 40, Some(40))).expect("accepted");
    }
    harness.push_event(gst::event::Eos::new());
    let units: Vec<_> = std::iter::from_fn(|| harness.try_pull()).map(|b| bytes(&b)).collect();
    let groups: Vec<_> = units.iter().map(|u| u.starts_with(&lnr::stream::MAGIC)).collect();
    assert_eq!(groups, [true, false, true, false, false]);
    let turns = [0, 2].map(|i| said(&units[i]).orientation.name());
    assert_eq!(turns, ["rotate-180", "flip-rotate-90"]);
}

/// The parser's output after a file with these caps and tags was written and read.
fn through_a_file(stream: &[u8], mux: &str, rest: &str) -> (Outcome, Vec<String>) {
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let path = file.path().display();
    run_turned(
        &format!(
            "appsrc name=in format=bytes ! {mux} ! tee name=t ! filesink location={path} \
             t. ! appsink name=out async=false"
        ),
        |p| feed(p, stream),
    )
    .0
    .ok();
    let (outcome, turns) = run_turned(
        &format!("filesrc location={path} ! qtdemux ! {rest} ! appsink name=out"),
        |_| (),
    );
    (outcome.ok(), turns)
}

#[test]
fn they_survive_containers() {
    let stream = turned_hdr().stream();
    for mux in ["lnrparse ! mp4mux", "lnrparse ! qtmux"] {
        for rest in ["lnrparse", "lnrparse ! lnrdec"] {
            let (out, turns) = through_a_file(&stream, mux, rest);
            assert!(has_hdr(&out.caps[0]), "{mux} {rest}: {}", out.caps[0]);
            assert_eq!(turns.last().map(String::as_str), Some("rotate-90"), "{mux} {rest}");
        }
    }
}

#[test]
fn where_the_stream_says_nothing_upstreams_word_holds() {
    let stream = small_stream().stream();
    let other = "video/x-lnr,content-light-level=(string)7:5";
    let description = format!("capssetter caps=\"{other}\" ! lnrparse");
    let (out, _) = on_stream(&stream, &format!("capsfilter caps=video/x-lnr ! {description}"));
    assert_eq!(field(&out.caps[0], "content-light-level").as_deref(), Some("7:5"));
    // But where it says something, that wins.
    let (out, _) =
        on_stream(&turned_hdr().stream(), &format!("capsfilter caps=video/x-lnr ! {description}"));
    assert!(has_hdr(&out.caps[0]), "{}", out.caps[0]);
    // So with tags.
    let tagged = "taginject tags=image-orientation=rotate-180 ! lnrparse";
    for (stream, turn) in [(stream, "rotate-180"), (turned_hdr().stream(), "rotate-90")] {
        for rest in ["", " ! lnrdec"] {
            let (_, turns) = on_stream(&stream, &format!("{tagged}{rest}"));
            assert_eq!(turns.last().map(String::as_str), Some(turn), "{rest}: {turns:?}");
        }
    }
}

#[test]
fn a_display_matrix_goes_into_the_stream_and_on_to_the_decoder() {
    for (name, [a, b, c, d]) in [
        ("rotate-90", [0, 1, -1, 0]),
        ("rotate-180", [-1, 0, 0, -1]),
        ("rotate-270", [0, -1, 1, 0]),
    ] {
        let file = tempfile::Builder::new().suffix(".mov").tempfile().unwrap();
        let path = file.path().display();
        run(&format!(
            "videotestsrc num-buffers=2 ! video/x-raw,{SMALL} ! jpegenc ! qtmux ! tee name=t \
             ! filesink location={path} t. ! appsink name=out async=false"
        ))
        .ok();
        // GStreamer 1.22 writes none.
        let mut bytes = std::fs::read(file.path()).unwrap();
        let at = bytes.windows(4).position(|w| w == b"tkhd").unwrap() + 44;
        for (i, v) in [a, b, 0, c, d].into_iter().enumerate() {
            bytes[at + 4 * i..][..4].copy_from_slice(&(v * 0x10000i32).to_be_bytes());
        }
        std::fs::write(file.path(), bytes).unwrap();
        let source = format!("filesrc location={path} ! decodebin ! videoconvert ! {ENC}");
        let coded = run(&format!("{source} ! appsink name=out")).ok();
        assert_eq!(said(&coded.data()[0]).orientation.name(), name);
        let (_, turns) =
            run_turned(&format!("{source} ! lnrparse ! lnrdec ! appsink name=out"), |_| {});
        assert_eq!(turns.last().map(String::as_str), Some(name));
    }
}
