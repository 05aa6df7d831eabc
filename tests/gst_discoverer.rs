// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `GstDiscoverer` tells of files, tags, and encoding profiles.
mod elements;

use elements::*;
use gst::prelude::*;
use gst_pbutils::prelude::*;

const MP4: &str = "video/quicktime,variant=iso:video/x-mp4-part,format=(uint)827477580";
const MOV: &str = "video/quicktime,variant=apple:video/x-qt-part,format=(uint)827477580";

/// Runs a pipeline whose end goes to a file of this extension.
fn file(description: &str, extension: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(extension).tempfile().unwrap();
    let path = file.path().display();
    run(&format!(
        "{description} ! tee name=t ! filesink location={path} t. ! appsink name=out async=false"
    ))
    .ok();
    file
}

fn coded(rest: &str) -> String {
    format!(
        "videotestsrc pattern=ball num-buffers=12 ! video/x-raw,{SMALL} \
         ! taginject tags=title=Ball,comment=tested ! {ENC} key-int-max=4 {rest}"
    )
}

fn discover(file: &tempfile::NamedTempFile) -> gst_pbutils::DiscovererInfo {
    let discoverer = gst_pbutils::Discoverer::new(gst::ClockTime::from_seconds(20)).unwrap();
    discoverer.discover_uri(&format!("file://{}", file.path().display())).expect("an LNR file")
}

#[test]
fn a_file_has_one_video_stream() {
    for (rest, extension) in
        [("! mp4mux", ".mp4"), ("! qtmux", ".mov"), ("! lnrparse ! mp4mux", ".mp4"), ("", ".lnr")]
    {
        let info = discover(&file(&coded(rest), extension));
        let streams = info.video_streams();
        assert_eq!((streams.len(), info.audio_streams().len()), (1, 0), "{rest}{extension}");
        let video = &streams[0];
        assert_eq!((video.width(), video.height()), (32, 24), "{rest}{extension}");
        assert_eq!(video.framerate(), gst::Fraction::new(30, 1));
        let tags = video.tags().expect("tags");
        let codec = tags.get::<gst::tags::VideoCodec>().expect("the codec");
        assert_eq!(codec.get(), "LNR (latent neural representation)");
        assert_eq!(info.duration().map(|d| d.mseconds()), Some(400), "{rest}{extension}");
    }
}

#[test]
fn bit_rates_are_those_of_the_file() {
    let lnr = file(&coded(""), ".lnr");
    let size = lnr.as_file().metadata().unwrap().len();
    let mean = (size as f64 * 8.0 / 0.4) as u32;
    let info = discover(&lnr);
    let video = &info.video_streams()[0];
    assert!(video.bitrate().abs_diff(mean) <= mean / 50, "{} {mean}", video.bitrate());
    assert!(video.max_bitrate() >= video.bitrate() && video.max_bitrate() < 2 * mean);
    let info = discover(&file(&coded("! mp4mux"), ".mp4"));
    let muxed = info.video_streams()[0].bitrate();
    assert!(muxed.abs_diff(mean) <= mean / 10, "{muxed} {mean}");
}

#[test]
fn titles_reach_muxers_and_whoever_asks() {
    for rest in ["! mp4mux", "! lnrparse ! qtmux"] {
        let info = discover(&file(&coded(rest), ".mp4"));
        let tags = info.tags().expect("tags");
        let title = tags.get::<gst::tags::Title>().map(|t| t.get().to_owned());
        let comment = tags.get::<gst::tags::Comment>().map(|t| t.get().to_owned());
        assert_eq!(
            (title.as_deref(), comment.as_deref()),
            (Some("Ball"), Some("tested")),
            "{rest}"
        );
    }
}

#[test]
fn tags_come_when_something_is_new() {
    let stream = encode(120, 8, SMALL).stream();
    for source in ["", "queue !"] {
        let n_tags = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let count = n_tags.clone();
        let description =
            format!("appsrc name=in format=bytes ! {source} lnrparse ! appsink name=out");
        let out = run_with(&description, |pipeline| {
            let pad = pipeline.by_name("out").unwrap().static_pad("sink").unwrap();
            pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
                if info.event().is_some_and(|e| e.type_() == gst::EventType::Tag) {
                    count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                gst::PadProbeReturn::Ok
            });
            let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().unwrap();
            source.set_max_bytes(u64::MAX);
            source.push_buffer(gst::Buffer::from_slice(stream.clone())).expect("pushed");
            source.end_of_stream().expect("EOS");
        })
        .ok();
        assert_eq!(out.buffers.len(), 120);
        // One for each of 15 groups at most; half the access units had one.
        let n_tags = n_tags.load(std::sync::atomic::Ordering::Relaxed);
        assert!((1..=15).contains(&n_tags), "{n_tags}");
    }
}

#[test]
fn encoding_profiles_find_the_encoder() {
    let video = format!("videotestsrc num-buffers=3 ! video/x-raw,{SMALL}");
    for (bin, profile, extension) in [
        ("encodebin", "video/x-lnr", ".lnr"),
        ("encodebin", MP4, ".mp4"),
        ("encodebin2", MP4, ".mp4"),
        ("encodebin", MOV, ".mov"),
    ] {
        let file = file(&format!("{video} ! {bin} profile=\"{profile}\""), extension);
        let info = discover(&file);
        assert_eq!(info.video_streams().len(), 1, "{bin} {profile}");
        let path = file.path().display();
        let out = run(&format!("filesrc location={path} ! decodebin ! appsink name=out")).ok();
        assert_eq!((out.buffers.len(), out.size()), (3, (32, 24)), "{bin} {profile}");
    }
}
