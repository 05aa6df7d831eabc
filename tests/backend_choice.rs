// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which backend computes: `auto`, `cuda`, `cpu`, `reference`, with and without a GPU.

mod codec;
#[cfg(feature = "cli")]
mod common;
#[cfg(feature = "plugin")]
mod elements;

use gstlnr::backend::Choice;
use gstlnr::base::{Error, Result};
use gstlnr::codec::{BackendInfo, Decoder, DecoderConfig, Encoder};

fn decoder(backend: Choice, device: u32) -> Result<BackendInfo> {
    Ok(Decoder::new(DecoderConfig { backend, device, threads: 2 })?.backend())
}

fn encoder(backend: Choice, device: u32) -> Result<BackendInfo> {
    let config = codec::config(codec::yuv420(16, 16));
    Ok(Encoder::new(gstlnr::codec::EncoderConfig { backend, device, ..config })?.backend())
}

fn has_gpu() -> bool {
    decoder(Choice::Cuda, 0).is_ok()
}

/// Says what is missing and what to do instead.
fn is_refusal(text: &str) -> bool {
    text.contains("CUDA: ") && text.contains("backend=cpu")
}

#[test]
fn cuda_is_a_gpu_or_an_error() {
    for open in [decoder, encoder] {
        match open(Choice::Cuda, 0) {
            Ok(info) => assert!(info.name.starts_with("CUDA: ") && info.no_gpu.is_none(), "{info}"),
            Err(Error::Backend(text)) => assert!(is_refusal(&text), "{text}"),
            Err(e) => panic!("{e}"),
        }
        // No machine has so many.
        match open(Choice::Cuda, 255) {
            Err(Error::Backend(text)) => assert!(is_refusal(&text), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn auto_takes_the_cpu_where_there_is_no_gpu() {
    if std::env::var_os("LNR_BACKEND").is_some() {
        return; // which overrules it
    }
    for open in [decoder, encoder] {
        let first = open(Choice::Auto, 0).unwrap();
        assert_eq!(first.name.starts_with("CUDA: "), has_gpu(), "{first}");
        let none = open(Choice::Auto, 255).unwrap();
        assert!(none.name.starts_with("CPU: ") && none.no_gpu.is_some_and(|t| is_refusal(&t)));
    }
}

#[test]
fn backends_say_what_they_are() {
    for open in [decoder, encoder] {
        let cpu = open(Choice::Cpu, 0).unwrap();
        assert!(cpu.name.starts_with("CPU: ") && cpu.no_gpu.is_none(), "{cpu}");
        assert_eq!(open(Choice::Reference, 0).unwrap().to_string(), "reference");
    }
    assert!(decoder(Choice::Cpu, 0).unwrap().name.ends_with(", 2 threads"));
}

#[test]
fn names_are_those_of_the_options() {
    let named = [("auto", Choice::Auto), ("cuda", Choice::Cuda), ("cpu", Choice::Cpu)];
    for (name, choice) in named {
        assert_eq!(name.parse::<Choice>().unwrap(), choice);
    }
    let error = "gpu".parse::<Choice>().unwrap_err().to_string();
    assert!(error.contains("auto, cuda, cpu or reference"), "{error}");
}

#[cfg(feature = "cli")]
#[test]
fn the_command_line_and_the_variable_choose() {
    let w = common::Workplace::new();
    w.write("in.y4m", &common::y4m(16, 16, 2, "420mpeg2"));
    let encode = ["encode", "in.y4m", "a.lnr", "--epochs", "1", "--json"];
    let run = |variable: &str, options: &[&str]| {
        w.lnr_with(&[("LNR_BACKEND", variable)], &[&encode[..], options].concat())
    };
    let json = |run: &common::Run| -> serde_json::Value {
        assert_eq!(run.code, 0, "{}", run.err);
        serde_json::from_str(&run.out).unwrap()
    };
    let name = |run: &common::Run| json(run)["backend"].as_str().unwrap().to_owned();

    // "auto" in the variable is as if there were none.
    let auto = json(&run("auto", &[]));
    let (expected, has_cause) = if has_gpu() { ("CUDA: ", false) } else { ("CPU: ", true) };
    assert!(auto["backend"].as_str().unwrap().starts_with(expected), "{auto}");
    assert_eq!(auto["no_gpu"].as_str().is_some_and(is_refusal), has_cause, "{auto}");
    // A GPU that is not there is none.
    assert!(name(&run("auto", &["--device", "255"])).starts_with("CPU: "));

    assert_eq!(name(&run("reference", &[])), "reference");
    assert!(name(&run("reference", &["--backend", "cpu"])).starts_with("CPU: "));
    assert!(run("reference", &["--verbose"]).err.contains("computing with reference"));
    run("gpu", &[]).failed(1, "LNR_BACKEND: backend \"gpu\": choose auto, cuda, cpu or reference");

    let decode = ["decode", "a.lnr", "a.y4m", "--json"];
    for (variable, options) in [("cuda", &[][..]), ("cpu", &["--backend", "cuda"])] {
        let variable = [("LNR_BACKEND", variable)];
        for command in [&encode[..], &decode] {
            let run = w.lnr_with(&variable, &[command, options].concat());
            match has_gpu() {
                true => assert!(name(&run).starts_with("CUDA: ")),
                false => {
                    run.failed(5, "backend: CUDA: ");
                    assert!(is_refusal(&run.err), "{}", run.err);
                }
            }
        }
        let elsewhere = ["--device", "255"];
        w.lnr_with(&variable, &[&decode, options, &elsewhere].concat()).failed(5, "CUDA: ");
    }
    w.lnr(&[&decode[..], &["--device", "256"]].concat()).failed(1, "--device");
}

#[cfg(feature = "plugin")]
mod of_elements {
    use gst::prelude::*;

    use super::{elements, has_gpu, is_refusal};

    /// Takes an element from NULL to READY; the error it posts where that fails.
    fn open(element: &gst::Element) -> Option<gst::glib::Error> {
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let is_ready = element.set_state(gst::State::Ready).is_ok();
        let first = bus.pop_filtered(&[gst::MessageType::Error]);
        element.set_state(gst::State::Null).expect("NULL");
        element.set_bus(None);
        assert_eq!(is_ready, first.is_none(), "{first:?}");
        let first = first?;
        let gst::MessageView::Error(e) = first.view() else { panic!("{first:?}") };
        Some(e.error())
    }

    #[test]
    fn a_missing_gpu_is_an_error_at_ready() {
        elements::init();
        for name in ["lnrenc", "lnrdec"] {
            for (device, is_there) in [(0u32, has_gpu()), (255, false)] {
                let element = gst::ElementFactory::make(name)
                    .property_from_str("backend", "cuda")
                    .property("device", device)
                    .build()
                    .unwrap();
                let error = open(&element);
                assert_eq!(error.is_none(), is_there, "{name} device={device}: {error:?}");
                if let Some(error) = error {
                    assert!(error.matches(gst::ResourceError::Failed), "{name}: {error}");
                    assert!(is_refusal(error.message()), "{name}: {error}");
                }
                // What is chosen next works.
                element.set_property_from_str("backend", "cpu");
                assert!(open(&element).is_none(), "{name}");
            }
        }
    }

    #[test]
    fn a_backend_chosen_in_ready_counts() {
        elements::init();
        for name in ["lnrenc", "lnrdec"] {
            let element = gst::ElementFactory::make(name).build().unwrap();
            element.set_property_from_str("backend", "cpu");
            element.set_state(gst::State::Ready).unwrap();
            element.set_property_from_str("backend", "cuda");
            element.set_property("device", 255u32);
            assert!(element.set_state(gst::State::Paused).is_err(), "{name}");
            element.set_property_from_str("backend", "cpu");
            assert!(element.set_state(gst::State::Paused).is_ok(), "{name}");
            element.set_state(gst::State::Null).unwrap();
        }
    }

    #[test]
    fn the_property_device() {
        elements::init();
        for name in ["lnrenc", "lnrdec"] {
            let element = gst::ElementFactory::make(name).build().unwrap();
            assert_eq!(element.property::<u32>("device"), 0, "{name}");
            element.set_property("device", 3u32);
            assert_eq!(element.property::<u32>("device"), 3, "{name}");
            let spec = element.find_property("device").unwrap();
            let spec = spec.downcast::<gst::glib::ParamSpecUInt>().unwrap();
            assert_eq!((spec.minimum(), spec.maximum(), spec.default_value()), (0, 255, 0));
        }
    }
}
