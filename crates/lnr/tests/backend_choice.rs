// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which backend computes: `auto`, `cuda`, `cpu`, `reference`, with and without a GPU.

mod codec;

use lnr::{BackendChoice, BackendInfo, Decoder, DecoderSettings, Encoder, Error, Result};

fn decoder(backend: BackendChoice, device: u32) -> Result<BackendInfo> {
    Ok(Decoder::new(DecoderSettings::default().backend(backend).device(device).threads(2))?
        .backend())
}

fn encoder(backend: BackendChoice, device: u32) -> Result<BackendInfo> {
    let config = codec::config(codec::yuv420(16, 16));
    Ok(Encoder::new(config.backend(backend).device(device))?.backend())
}

fn has_gpu() -> bool {
    decoder(BackendChoice::Cuda, 0).is_ok()
}

/// Says what is missing and what to do instead.
fn is_refusal(text: &str) -> bool {
    text.contains("CUDA: ") && text.contains("backend=cpu")
}

#[test]
fn cuda_is_a_gpu_or_an_error() {
    for open in [decoder, encoder] {
        match open(BackendChoice::Cuda, 0) {
            Ok(info) => assert!(info.name.starts_with("CUDA: ") && info.no_gpu.is_none(), "{info}"),
            Err(Error::Backend(text)) => assert!(is_refusal(&text), "{text}"),
            Err(e) => panic!("{e}"),
        }
        // No machine has so many.
        match open(BackendChoice::Cuda, 255) {
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
        let first = open(BackendChoice::Auto, 0).unwrap();
        assert_eq!(first.name.starts_with("CUDA: "), has_gpu(), "{first}");
        let none = open(BackendChoice::Auto, 255).unwrap();
        assert!(none.name.starts_with("CPU: ") && none.no_gpu.is_some_and(|t| is_refusal(&t)));
    }
}

#[test]
fn backends_say_what_they_are() {
    for open in [decoder, encoder] {
        let cpu = open(BackendChoice::Cpu, 0).unwrap();
        assert!(cpu.name.starts_with("CPU: ") && cpu.no_gpu.is_none(), "{cpu}");
        assert_eq!(open(BackendChoice::Reference, 0).unwrap().to_string(), "reference");
    }
    assert!(decoder(BackendChoice::Cpu, 0).unwrap().name.ends_with(", 2 threads"));
}

#[test]
fn names_are_those_of_the_options() {
    let named =
        [("auto", BackendChoice::Auto), ("cuda", BackendChoice::Cuda), ("cpu", BackendChoice::Cpu)];
    for (name, choice) in named {
        assert_eq!(name.parse::<BackendChoice>().unwrap(), choice);
    }
    let error = "gpu".parse::<BackendChoice>().unwrap_err().to_string();
    assert!(error.contains("auto, cuda, cpu or reference"), "{error}");
}
