// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which backend computes: `auto`, `cuda`, `cpu`, `reference`, with and without a GPU.

mod codec;

use lnr::backend::Choice;
use lnr::base::{Error, Result};
use lnr::codec::{BackendInfo, Decoder, DecoderConfig, Encoder};

fn decoder(backend: Choice, device: u32) -> Result<BackendInfo> {
    Ok(Decoder::new(DecoderConfig { backend, device, threads: 2 })?.backend())
}

fn encoder(backend: Choice, device: u32) -> Result<BackendInfo> {
    let config = codec::config(codec::yuv420(16, 16));
    Ok(Encoder::new(lnr::codec::EncoderConfig { backend, device, ..config })?.backend())
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
