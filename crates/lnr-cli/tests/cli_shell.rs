// SPDX-License-Identifier: MIT OR Apache-2.0
//! Manners of a citizen of the shell: pipes that end early, sizes, rates and times as people write
//! them, logs, warnings.
#![cfg(unix)]
mod common;

use std::process::{Command, Stdio};

use common::{Run, Workplace, y4m, y4m_frames};

const LNR: &str = env!("CARGO_BIN_EXE_lnr");

fn prepared() -> Workplace {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(48, 32, 10, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &["--key-int-max", "4", "--no-scene-cut"]);
    w
}

/// Runs `lnr` while nobody reads what it prints: standard output is a pipe without a reader.
fn unread(w: &Workplace, args: &[&str]) -> Run {
    let mut command = Command::new(LNR);
    command.args(args).current_dir(w.path("")).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    Run::new(child.wait_with_output().unwrap())
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let w = prepared();
    let eval = "eval ablation in.y4m --experiment patch --epochs 1 --frames 1 --quiet \
                --base width=8,hyper-width=8,latent=8,table=6";
    for line in [
        "encode in.y4m - --preset ultrafast --epochs 1 --key-int-max 1 --quiet",
        "encode in.y4m /dev/stdout --preset ultrafast --epochs 1 --key-int-max 1 --quiet",
        "encode in.y4m o.lnr --preset ultrafast --epochs 1 --quiet",
        "decode a.lnr - --size 480x320",
        "decode a.lnr o.y4m",
        "info a.lnr",
        "info a.lnr --json",
        "compare in.y4m a.lnr",
        eval,
        "--help",
        "encode --help",
        "--version",
    ] {
        let args: Vec<&str> = line.split_whitespace().collect();
        let run = unread(&w, &args);
        assert!(run.err.is_empty(), "{line}: {}", run.err);
        let is_help = line.contains("--help") || line == "--version";
        assert_eq!(run.code, if is_help { 0 } else { 141 }, "{line}");
    }
    // What was written stays.
    assert_eq!(w.json(&["info", "o.lnr"])["frames"], 10);
    let line = format!("set -o pipefail; {LNR:?} decode a.lnr - --size 960x640 | head -c 9");
    let output = Command::new("bash").args(["-c", &line]).current_dir(w.path("")).output();
    let run = Run::new(output.unwrap());
    assert!(run.code == 141 && run.out == "YUV4MPEG2" && run.err.is_empty(), "{}", run.err);
}

#[test]
fn standard_error_may_be_closed() {
    let w = prepared();
    let mut command = Command::new(LNR);
    command.args(["encode", "in.y4m", "o.lnr", "--preset", "ultrafast", "--epochs", "1"]);
    command.current_dir(w.path("")).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn sizes_keep_the_shape() {
    let w = prepared();
    for (size, header) in
        [("96x", "W96 H64"), ("x16", "W24 H16"), ("25", "W25 H16"), ("7x9", "W7 H9")]
    {
        w.ok(&["decode", "a.lnr", "o.y4m", "--size", size]);
        assert!(y4m_frames(&w.path("o.y4m")).1.contains(header), "{size}");
    }
    let j = w.encode("in.y4m", "o.lnr", &["--size", "x16", "--frames", "1"]);
    assert_eq!((&j["width"], &j["height"]), (&24.into(), &16.into()));
    let j = w.json(&["compare", "in.y4m", "a.lnr", "--size", "24"]);
    assert_eq!((&j["width"], &j["height"]), (&24.into(), &16.into()));
    let j = w.json(&["compare", "in.y4m", "in.y4m", "--size", "24"]);
    assert_eq!((&j["width"], &j["height"]), (&24.into(), &16.into()));
    let limit = ["decode", "a.lnr", "none.y4m", "--size", "4000000000"];
    w.lnr(&limit).failed(1, "limit");
}

#[test]
fn rates_and_times() {
    let w = prepared();
    let rate = |rate: &str| {
        w.ok(&["decode", "a.lnr", "o.y4m", "--fps", rate]);
        y4m_frames(&w.path("o.y4m"))
    };
    for (text, tag, n) in [
        ("29.97", "F30000:1001", 12),
        ("23.976", "F24000:1001", 10),
        ("59.94", "F60000:1001", 24),
        ("12.5", "F25:2", 5),
    ] {
        let (frames, header) = rate(text);
        assert!(header.contains(tag) && frames == n, "{text}: {frames} {header}");
    }
    let frames = |args: &[&str]| {
        w.ok(&[&["decode", "a.lnr", "o.y4m"], args].concat());
        w.read("o.y4m")
    };
    let part = frames(&["--start", "0.2", "--duration", "0.12"]);
    assert!(part == frames(&["--start", "0:00.2", "--duration", "0:00:00.12"]));
    assert_eq!(y4m_frames(&w.path("o.y4m")).0, 3);
    w.lnr(&["decode", "a.lnr", "none.y4m", "--start", "1:02.5"]).failed(1, "no frames");
    w.lnr(&["decode", "a.lnr", "none.y4m", "--start", "1:75"]).failed(1, "1:02.5");
    // A time and the frame that it means.
    let encoded = |start: &str| {
        let args = ["--start", start, "--duration", "0:00.08"];
        assert_eq!(w.encode("in.y4m", "o.lnr", &args)["frames"], 2, "{start}");
        w.read("o.lnr")
    };
    let by_number = encoded("3");
    for time in ["0:00.12", "0.12s", "0.1s"] {
        assert!(encoded(time) == by_number, "{time}");
    }
    let args = ["encode", "in.y4m", "none.lnr", "--start", "0:01"];
    w.lnr(&args).failed(1, "it has 10 frames, --start asks for second 1");
    assert!(!w.path("none.lnr").exists());
    let by_number = w.json(&["compare", "in.y4m", "o.lnr", "--start", "3"]);
    assert_eq!(by_number, w.json(&["compare", "in.y4m", "o.lnr", "--start", "0:00.12"]));
}

#[test]
fn a_log_has_a_line_for_each_group() {
    let w = prepared();
    let args = "encode in.y4m o.lnr --preset ultrafast --epochs 2 --key-int-max 4 --no-scene-cut";
    let args: Vec<&str> = args.split(' ').collect();
    let run = w.ok(&args);
    let lines: Vec<&str> = run.err.lines().collect();
    assert_eq!(lines.len(), 3, "{}", run.err);
    for (line, start) in lines.iter().zip([
        "lnr: group 1: frames 1 to 4 of 10, ",
        "lnr: group 2: frames 5 to 8 of 10, ",
        "lnr: group 3: frames 9 to 10 of 10, ",
    ]) {
        assert!(line.starts_with(start), "{line}");
    }
    // Their sums are those of the file.
    let number = |line: &str, unit: &str| {
        let before = line.split(unit).next().unwrap().trim_end();
        before.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let bytes: f64 = lines.iter().map(|l| number(l, "bytes")).sum();
    assert_eq!(bytes as usize, common::without_index(&w.read("o.lnr")).len());
    let psnr: f64 = lines.iter().zip([4.0, 4.0, 2.0]).map(|(l, n)| n * number(l, "dB")).sum();
    let whole = w.json(&args)["psnr_rgb"].as_f64().unwrap();
    assert!((psnr / 10.0 - whole).abs() < 0.02, "{psnr} {whole}");
    let quiet = w.ok(&[&args[..], &["--quiet"]].concat());
    assert!(quiet.err.is_empty(), "{}", quiet.err);
    let quiet = w.ok(&["decode", "a.lnr", "o.y4m", "--quiet"]);
    assert!(quiet.err.is_empty(), "{}", quiet.err);
}

#[test]
fn a_bit_rate_that_is_not_met_is_said() {
    let w = prepared();
    let encode = |bitrate: &str| {
        w.ok(&["encode", "in.y4m", "o.lnr", "--preset", "ultrafast", "--bitrate", bitrate])
    };
    let run = encode("1");
    let warning = run.err.lines().find(|l| l.contains("warning")).expect(&run.err);
    assert!(warning.contains("--bitrate asks for 1 kbit/s, it became "), "{warning}");
    let kbit = run.out.split(" kbit/s").next().unwrap().rsplit(' ').next().unwrap();
    assert!(kbit.parse::<f64>().unwrap() > 1.05 && warning.contains(kbit), "{warning}");
    assert!(warning.contains("--size"), "{warning}");
    let run = encode("90000");
    assert!(run.err.contains("--bitrate asks for 90000 kbit/s"), "{}", run.err);
}

#[test]
fn threads_are_bounded_by_the_cores() {
    let w = prepared();
    let n_cores = std::thread::available_parallelism().unwrap().get();
    let most = (4 * n_cores).min(256);
    for command in [
        &["encode", "in.y4m", "o.lnr", "--frames", "1", "--preset", "ultrafast"][..],
        &["decode", "a.lnr", "o.y4m"],
        &["compare", "in.y4m", "a.lnr"],
    ] {
        let with = |n: usize| w.lnr(&[command, &["--threads", &n.to_string()]].concat());
        with(most).failed(0, "");
        with(most + 1).failed(1, &format!("0 to {most}"));
    }
}
