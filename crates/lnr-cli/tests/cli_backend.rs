// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--backend`, `--device` and the variable `LNR_BACKEND`, with and without a GPU.

mod common;

use lnr::{BackendChoice, Decoder, DecoderSettings};

fn has_gpu() -> bool {
    Decoder::new(DecoderSettings::default().backend(BackendChoice::Cuda)).is_ok()
}

/// Says what is missing and what to do instead.
fn is_refusal(text: &str) -> bool {
    text.contains("CUDA: ") && text.contains("backend=cpu")
}

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

    let on =
        |isa: &str| w.lnr_with(&[("LNR_ISA", isa)], &[&encode[..], &["--backend", "cpu"]].concat());
    assert!(name(&on("no SIMD")).starts_with("CPU: no SIMD, "));
    on("mmx").failed(5, "LNR_ISA: no \"mmx\" here; choose ");

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
