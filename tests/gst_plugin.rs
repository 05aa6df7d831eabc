// SPDX-License-Identifier: MIT OR Apache-2.0
//! The built library in a process of its own: it loads, describes itself, and leaks nothing.
mod elements;
mod plugin;

use elements::*;
use gst::prelude::*;

/// Runs a GStreamer tool that sees the library of this build.
fn succeed(name: &str, arguments: &str) -> String {
    let mut command = plugin::command(name);
    command
        .args(arguments.split_whitespace())
        .env("GST_TRACERS", "leaks")
        .env("GST_DEBUG", "GST_TRACER:7")
        .env("G_DEBUG", "fatal-warnings");
    plugin::succeed(&mut command)
}

#[test]
fn the_library_loads_and_every_element_describes_itself() {
    for element in ["lnrenc", "lnrparse", "lnrdec", "lnrinterp", "lnrembed"] {
        let text = succeed("gst-inspect-1.0", element);
        assert!(text.contains("LNR"), "{text}");
    }
}

/// What a GPU or a model needs is opened when it is asked for: the plugin loads on every machine, at once.
#[test]
fn the_library_links_no_runtime_of_gpus_or_models() {
    let text = plugin::succeed(std::process::Command::new("ldd").arg(plugin::library()));
    assert!(text.contains("libgstreamer-1.0"), "{text}");
    for runtime in ["cuda", "nvidia", "nvrtc", "onnxruntime", "torch", "python", "not found"] {
        assert!(!text.contains(runtime), "{text}");
    }
}

#[test]
fn nothing_leaks() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    let pipelines = [
        format!(
            "-q videotestsrc num-buffers=6 ! video/x-raw,{SMALL} ! {ENC} key-int-max=4 \
             ! filesink location={path}"
        ),
        format!(
            "-q filesrc location={path} ! lnrparse ! lnrinterp ! lnrembed ! lnrdec ! videoscale \
             ! video/x-raw,width=50 ! fakesink"
        ),
        format!("-q filesrc location={path} ! lnrparse ! lnrembed format=jsonl ! fakesink"),
        format!("-q videotestsrc num-buffers=2 ! lnrembed clip-model=\"{MODEL}\" ! fakesink"),
        format!("-q filesrc location={path} ! lnrdec ! fakesink"),
        format!("-q filesrc location={path} ! decodebin ! fakesink"),
    ];
    for pipeline in pipelines {
        let text = succeed("gst-launch-1.0", &pipeline);
        let is_leak = |line: &&str| {
            line.contains("object-alive, type-name=(string)") && !line.contains("build_format")
        };
        let leaks: Vec<_> = text.lines().filter(is_leak).collect();
        assert!(leaks.is_empty(), "{pipeline}\n{}", leaks.join("\n"));
    }
}

#[test]
fn autoplugging_finds_the_elements() {
    init();
    let of = |name: &str| gst::ElementFactory::find(name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(of("lnrparse").rank(), gst::Rank::PRIMARY);
    assert_eq!(of("lnrdec").rank(), gst::Rank::PRIMARY);
    assert_eq!(of("lnrinterp").rank(), gst::Rank::NONE);
    assert_eq!(of("lnrembed").rank(), gst::Rank::NONE);
    let klass = |name: &str| of(name).metadata("klass").unwrap_or_default().to_owned();
    assert!(klass("lnrparse").contains("Parser"));
    // The size may change: validators expect that of converters only.
    assert_eq!(klass("lnrdec"), "Codec/Decoder/Video/Converter");
    assert!(klass("lnrenc").contains("Encoder/Video"));
}

#[test]
fn presets_load() {
    init();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    gst::Preset::set_app_dir(data).expect("a folder");
    let encoder = gst::ElementFactory::make("lnrenc").build().unwrap();
    let preset = encoder.dynamic_cast_ref::<gst::Preset>().expect("an element with presets");
    let names: Vec<_> = preset.preset_names().iter().map(|n| n.to_string()).collect();
    assert_eq!(names, ["Archive", "Low latency", "Preview"]);
    preset.load_preset("Preview").expect("loads");
    assert_eq!(encoder.property::<gstlnr::Speed>("speed-preset"), gstlnr::Speed::Ultrafast);
    assert_eq!(encoder.property::<u32>("key-int-max"), 17);
    preset.load_preset("Low latency").expect("loads");
    assert!(!encoder.property::<bool>("scene-cut"));
    assert_eq!(encoder.property::<gstlnr::Speed>("speed-preset"), gstlnr::Speed::Fast);
    let text = std::fs::read_to_string(format!("{data}/GstLnrEnc.prs")).expect("the presets");
    let speeds: Vec<_> = text.lines().filter_map(|l| l.strip_prefix("speed-preset=")).collect();
    for build in ["meson.build", "Cargo.toml"] {
        let path = format!("{}/{build}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a build file");
        assert!(text.contains("data/GstLnrEnc.prs"), "{build} does not install the presets");
    }
    assert!(speeds.len() == 3 && speeds.iter().all(|s| s.parse::<lnr::SpeedPreset>().is_ok()));
}
