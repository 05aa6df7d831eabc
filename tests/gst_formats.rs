// SPDX-License-Identifier: MIT OR Apache-2.0
//! Raw video formats: what lnrenc takes and what lnrdec makes of it.
mod elements;

use elements::*;

/// What is taken, and the decoder's own format for it.
const FORMATS: [(&str, &str); 55] = [
    ("I420", "I420"),
    ("NV12", "I420"),
    ("YV12", "I420"),
    ("NV21", "I420"),
    ("A420", "I420"),
    ("Y42B", "Y42B"),
    ("NV16", "Y42B"),
    ("NV61", "Y42B"),
    ("YUY2", "Y42B"),
    ("UYVY", "Y42B"),
    ("YVYU", "Y42B"),
    ("VYUY", "Y42B"),
    ("Y444", "Y444"),
    ("NV24", "Y444"),
    ("AYUV", "Y444"),
    ("VUYA", "Y444"),
    ("I420_10LE", "I420_10LE"),
    ("P010_10LE", "I420_10LE"),
    ("A420_10LE", "I420_10LE"),
    ("I422_10LE", "I422_10LE"),
    ("A422_10LE", "I422_10LE"),
    ("Y444_10LE", "Y444_10LE"),
    ("A444_10LE", "Y444_10LE"),
    ("I420_12LE", "I420_12LE"),
    ("P012_LE", "I420_12LE"),
    ("I422_12LE", "I422_12LE"),
    ("Y444_12LE", "Y444_12LE"),
    ("P016_LE", "P016_LE"),
    ("Y444_16LE", "Y444_16LE"),
    ("AYUV64", "Y444_16LE"),
    ("RGB", "RGB"),
    ("BGR", "RGB"),
    ("RGBx", "RGB"),
    ("BGRx", "RGB"),
    ("xRGB", "RGB"),
    ("xBGR", "RGB"),
    ("RGBA", "RGB"),
    ("BGRA", "RGB"),
    ("ARGB", "RGB"),
    ("ABGR", "RGB"),
    ("RGBP", "RGB"),
    ("BGRP", "RGB"),
    ("GBR", "RGB"),
    ("GBRA", "RGB"),
    ("GBR_10LE", "GBR_10LE"),
    ("GBRA_10LE", "GBR_10LE"),
    ("GBR_12LE", "GBR_12LE"),
    ("GBRA_12LE", "GBR_12LE"),
    ("ARGB64", "RGBA64_LE"),
    ("ARGB64_LE", "RGBA64_LE"),
    ("RGBA64_LE", "RGBA64_LE"),
    ("BGRA64_LE", "RGBA64_LE"),
    ("ABGR64_LE", "RGBA64_LE"),
    ("GRAY8", "GRAY8"),
    ("GRAY16_LE", "GRAY16_LE"),
];

fn format_of(outcome: &Outcome) -> String {
    outcome.caps[0].structure(0).unwrap().get("format").unwrap()
}

#[test]
fn every_format_is_encoded_and_decoded() {
    for (from, to) in FORMATS {
        let outcome = run(&format!(
            "videotestsrc num-buffers=2 ! video/x-raw,format={from},width=18,height=14 \
             ! {ENC} ! lnrdec ! appsink name=out"
        ))
        .ok();
        assert_eq!(format_of(&outcome), to, "{from}");
        assert_eq!(outcome.buffers.len(), 2, "{from}");
        assert_eq!(outcome.size(), (18, 14), "{from}");
    }
}

#[test]
fn other_formats_are_refused() {
    init();
    for format in ["v210", "GRAY16_BE", "Y210", "RGB16", "BGR10A2_LE", "I420_10BE"] {
        let linked = gst::parse::launch(&format!(
            "videotestsrc ! video/x-raw,format={format} ! lnrenc ! fakesink"
        ));
        assert!(linked.is_err(), "{format}");
    }
}

#[test]
fn alpha_is_dropped_and_told_once() {
    for (format, n) in [("RGBA", 1), ("A420", 1), ("AYUV64", 1), ("RGBx", 0), ("I420", 0)] {
        let outcome = run(&format!(
            "videotestsrc num-buffers=5 ! video/x-raw,format={format},width=16,height=16 \
             ! {ENC} key-int-max=2 ! appsink name=out"
        ))
        .ok();
        assert_eq!(outcome.warnings.len(), n, "{format} {:?}", outcome.warnings);
        assert!(outcome.warnings.iter().all(|w| w.contains("alpha is dropped")), "{format}");
    }
}

/// Every format in which downstream may ask for the same samples.
#[test]
fn the_format_asked_for_holds_the_same_picture() {
    for (source, formats) in [
        ("I420", &["NV12", "YV12", "NV21"][..]),
        ("I420_10LE", &["P010_10LE"]),
        ("I420_12LE", &["P012_LE"]),
        ("Y42B", &["NV16", "YUY2", "UYVY"]),
        ("Y444", &["NV24"]),
        ("RGB", &["BGR", "RGBx", "BGRx", "xRGB", "xBGR", "GBR"]),
        ("ARGB64", &["ARGB64_LE", "BGRA64_LE", "ABGR64_LE"]),
    ] {
        // A size that leaves no room between rows.
        let coded = run(&format!(
            "videotestsrc num-buffers=2 ! video/x-raw,format={source},width=24,height=16 \
             ! {ENC} epochs=40 ! appsink name=out"
        ))
        .ok();
        let decoded = |rest: &str| {
            run_on(&coded.stream(), 4096, &format!("lnrdec ! {rest} ! appsink name=out")).ok()
        };
        let own = format_of(&decoded("identity"));
        // What holds all can be had in any order, but the stream's own comes first.
        let all = format!("video/x-raw,format={{ {}, {own} }}", formats.join(", "));
        assert_eq!(format_of(&decoded(&all)), own);
        for format in formats {
            let raw = format!("video/x-raw,format={format}");
            let asked = decoded(&raw);
            assert_eq!(format_of(&asked), *format);
            let same =
                decoded(&format!("video/x-raw,format={own} ! videoconvert dither=none ! {raw}"));
            let back = |outcome: &Outcome| {
                let caps = &outcome.caps[0];
                let to_own = format!(
                    "videoconvert dither=none ! video/x-raw,format={own} ! appsink name=out"
                );
                run_buffers(outcome.buffers.clone(), caps, &format!("{raw} ! {to_own}")).ok().data()
            };
            assert_eq!(back(&asked), back(&same), "{format}");
        }
    }
}

#[test]
fn a_converter_that_scales_finds_nothing_to_scale() {
    let coded = encode(2, 2, "format=I420,width=32,height=24,framerate=25/1");
    for asked in ["format=RGB,width=100,height=60", "width=100,height=60", "format=NV12,width=100"]
    {
        let mut sizes = Vec::new();
        let converter = "videoconvertscale name=convert";
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let target = seen.clone();
        let description = format!(
            "appsrc name=in format=bytes ! lnrdec ! {converter} ! video/x-raw,{asked} \
             ! appsink name=out"
        );
        let outcome = run_with(&description, |pipeline| {
            use gst::prelude::*;
            let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().unwrap();
            source.push_buffer(gst::Buffer::from_slice(coded.stream())).unwrap();
            source.end_of_stream().unwrap();
            let pad = pipeline.by_name("convert").unwrap().static_pad("sink").unwrap();
            pad.add_probe(gst::PadProbeType::BUFFER, move |pad, _| {
                target.lock().unwrap().extend(pad.current_caps());
                gst::PadProbeReturn::Ok
            });
        })
        .ok();
        for caps in seen.lock().unwrap().iter() {
            let s = caps.structure(0).unwrap();
            sizes.push((s.get::<i32>("width").unwrap(), s.get::<i32>("height").unwrap()));
        }
        assert_eq!(sizes, [outcome.size(); 2], "{asked}");
        assert_eq!(outcome.size().0, 100, "{asked}");
    }
}
