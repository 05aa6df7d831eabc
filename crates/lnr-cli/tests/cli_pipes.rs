// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pipes work wherever files do: standard input, named pipes, what a shell calls `/dev/fd/63`.
#![cfg(unix)]
mod common;

use std::process::{Command, Stdio};

use common::{Run, Workplace, y4m, y4m_frames};
use serde_json::Value;

const LNR: &str = env!("CARGO_BIN_EXE_lnr");

const NO_VIDEO: &str = match cfg!(feature = "gstreamer") {
    true => "standard input: no video that GStreamer knows",
    false => "standard input: this build",
};

/// A video and what it encodes to.
fn prepared() -> Workplace {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 5, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &["--key-int-max", "2", "--no-scene-cut"]);
    w.ok(&["decode", "a.lnr", "a.y4m"]);
    w
}

/// Runs a line of bash in which `lnr` is the command line.
fn bash(w: &Workplace, line: &str) -> Run {
    let line = format!("set -o pipefail; lnr() {{ {LNR:?} \"$@\"; }}; {line}");
    let mut command = Command::new("bash");
    command.args(["-c", &line]).current_dir(w.path("")).stdin(Stdio::null());
    Run::new(command.output().expect("bash runs"))
}

/// The three ways to hand `file` over, for a line with `IN`.
fn piped(file: &str, line: &str) -> [String; 4] {
    [
        format!("cat {file} | {}", line.replace("IN", "-")),
        format!("cat {file} | {}", line.replace("IN", "/dev/stdin")),
        line.replace("IN", &format!("<(cat {file})")),
        format!(
            "mkfifo fifo; cat {file} > fifo & {}; code=$?; rm fifo; exit $code",
            line.replace("IN", "fifo")
        ),
    ]
}

fn ok(w: &Workplace, line: &str) -> Run {
    let run = bash(w, line);
    assert_eq!(run.code, 0, "{line}: {}", run.err);
    run
}

fn json(w: &Workplace, line: &str) -> Value {
    serde_json::from_str(&ok(w, line).out).expect("JSON")
}

#[test]
fn every_command_reads_pipes() {
    let w = prepared();
    let quick = "--preset ultrafast --epochs 2";
    for line in piped("in.y4m", &format!("lnr encode IN o.lnr {quick} --json")) {
        assert_eq!(json(&w, &line)["frames"], 5, "{line}");
    }
    for line in piped("a.lnr", &format!("lnr encode IN o.lnr {quick} --json")) {
        assert_eq!(json(&w, &line)["frames"], 5, "{line}");
    }
    for line in piped("a.lnr", "lnr decode IN o.y4m") {
        ok(&w, &line);
        assert!(w.read("o.y4m") == w.read("a.y4m"), "{line}");
        std::fs::remove_file(w.path("o.y4m")).unwrap();
    }
    let mut of_file = w.json(&["info", "a.lnr"]);
    for line in piped("a.lnr", "lnr info IN --json") {
        assert_eq!(json(&w, &line), of_file, "{line}");
    }
    for (file, line, args) in [
        ("a.lnr", "lnr compare in.y4m IN --json", ["in.y4m", "a.lnr"]),
        ("in.y4m", "lnr compare IN a.lnr --json", ["in.y4m", "a.lnr"]),
        ("a.y4m", "lnr compare in.y4m IN --json", ["in.y4m", "a.y4m"]),
    ] {
        for size in ["", " --size 16x12"] {
            let more: Vec<&str> = size.split_whitespace().collect();
            of_file = w.json(&[&["compare"], &args[..], &more].concat());
            for line in piped(file, &format!("{line}{size}")) {
                assert_eq!(json(&w, &line), of_file, "{line}");
            }
        }
    }
    ok(&w, "lnr compare <(cat in.y4m) <(cat a.lnr) --sheet s.png --also <(cat a.y4m)");
    let eval = "eval ablation - --experiment patch --epochs 1 --frames 2 --quiet \
                --base width=8,hyper-width=8,latent=8,table=6";
    ok(&w, &format!("cat in.y4m | lnr {eval}"));
}

#[test]
fn named_pipes_are_written_to() {
    let w = prepared();
    let line = "mkfifo out; cat out > got & lnr decode a.lnr out && wait && rm out";
    ok(&w, line);
    assert!(w.read("got") == w.read("a.y4m"));
    ok(&w, "lnr decode a.lnr >(cat > got2) && sleep 0.2");
    let line = "lnr decode a.lnr - | lnr encode - - --preset ultrafast --epochs 2 | \
                lnr decode - - > again.y4m";
    ok(&w, line);
    assert_eq!(y4m_frames(&w.path("again.y4m")).0, 5);
}

/// Copies are made where TMPDIR says, and removed.
#[test]
fn copies_leave_nothing_behind() {
    let w = prepared();
    std::fs::create_dir(w.path("tmp")).unwrap();
    let in_tmp = |line: &str| bash(&w, &format!("export TMPDIR=$PWD/tmp; {line}"));
    assert_eq!(in_tmp("cat a.lnr | lnr decode - o.y4m").code, 0);
    assert_eq!(in_tmp("cat a.lnr a.lnr | head -c 900 | lnr decode - o.y4m").code, 3);
    assert_eq!(std::fs::read_dir(w.path("tmp")).unwrap().count(), 0);
    std::fs::remove_dir(w.path("tmp")).unwrap();
    in_tmp("cat a.lnr | lnr info -").failed(2, "standard input: no copy of it can be made");
    // Y4M needs none.
    let encode = "cat in.y4m | lnr encode - o.lnr --preset ultrafast --epochs 1";
    assert_eq!(in_tmp(encode).code, 0);
}

#[test]
fn each_kind_of_nothing_has_its_message() {
    let w = prepared();
    w.write("text", b"no video at all, just words in a row");
    for (line, code, message) in [
        ("true | lnr encode - o.lnr", 3, "standard input: it is empty"),
        ("lnr encode /dev/null o.lnr", 3, "/dev/null: it is empty"),
        ("true | lnr info -", 3, "standard input: it is empty"),
        ("true | lnr decode - o.y4m", 3, "standard input: it is empty"),
        ("lnr decode <(true) o.y4m", 3, "it is empty"),
        ("true | lnr compare - in.y4m", 3, "standard input: it is empty"),
        ("lnr encode . o.lnr", 2, ".: a directory, not a video"),
        ("lnr info .", 2, ".: a directory, not a video"),
        ("lnr encode < . - o.lnr", 2, "standard input: "),
        ("lnr decode none o.y4m", 2, "none: No such file"),
        ("lnr compare in.y4m none", 2, "none: No such file"),
        ("cat in.y4m | lnr info -", 3, "standard input: not an LNR file"),
        ("cat in.y4m | lnr decode - o.y4m", 3, "standard input: not an LNR file"),
        ("cat text | lnr decode - o.y4m", 3, "standard input: not an LNR file"),
        ("cat text | lnr encode - o.lnr", 3, NO_VIDEO),
        ("cat in.y4m | head -c 200 | lnr encode - o.lnr", 3, "standard input: frame 0 ends too"),
        ("cat in.y4m | lnr compare - -", 2, "standard input: it can be read once"),
        ("head -c 30000 /dev/zero | lnr encode - o.lnr", 3, NO_VIDEO),
    ] {
        let run = bash(&w, line);
        assert!(run.err.contains(message), "{line}: {}", run.err);
        assert_eq!(run.code, code, "{line}: {}", run.err);
        assert!(!w.path("o.lnr").exists() && !w.path("o.y4m").exists(), "{line}");
    }
}

#[cfg(feature = "gstreamer")]
#[test]
fn other_videos_come_through_pipes_too() {
    use common::pipeline::launch;
    let w = Workplace::new();
    w.write("in.y4m", &y4m(64, 48, 6, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &[]);
    let quick = "--preset ultrafast --epochs 1 --json";
    for name in ["a.mp4", "a.mkv", "a.webm", "a.ts"] {
        w.ok(&["decode", "a.lnr", name]);
        for line in piped(name, &format!("lnr encode IN o.lnr {quick}")) {
            assert_eq!(json(&w, &line)["frames"], 6, "{line}");
        }
        let of_file = w.json(&["compare", "in.y4m", name]);
        for line in piped(name, "lnr compare in.y4m IN --json") {
            assert_eq!(json(&w, &line), of_file, "{line}");
        }
    }
    w.encode("in.y4m", "lnr.mp4", &[]);
    for line in piped("lnr.mp4", "lnr info IN --json") {
        assert_eq!(json(&w, &line), w.json(&["info", "lnr.mp4"]), "{line}");
    }
    w.write("a.gif", &common::gif::gif(&[10, 10, 30]));
    for line in piped("a.gif", &format!("timeout 300 {LNR:?} encode IN o.lnr {quick}")) {
        assert_eq!(json(&w, &line)["frames"], 3, "{line}");
    }
    w.write("full.mp4", include_bytes!("data/full-range.mp4"));
    for line in piped("full.mp4", &format!("lnr encode IN o.lnr {quick}")) {
        ok(&w, &line);
        assert_eq!(w.json(&["info", "o.lnr"])["color"]["full_range"], true, "{line}");
    }
    // Of a stream without an end, what is asked for.
    let endless = "while cat a.ts 2>&-; do true; done";
    let line = format!("{endless} | timeout 300 {LNR:?} encode - o.lnr --frames 2 {quick}");
    let run = bash(&w, &line);
    let json: Value = serde_json::from_str(&run.out).expect(&run.err);
    assert_eq!(json["frames"], 2);
    let sounds = [("wav", "wavenc"), ("ogg", "vorbisenc ! oggmux"), ("m4a", "avenc_aac ! mp4mux")];
    for (name, encoder) in sounds {
        let sound = "audiotestsrc num-buffers=20 ! audioconvert";
        launch(&w, &format!("{sound} ! {encoder} ! filesink location=OUT/sound.{name}"));
        let file = format!("sound.{name}");
        for line in piped(&file, "lnr encode IN none.lnr") {
            bash(&w, &line).failed(3, "there is no video in it");
        }
        w.lnr(&["encode", &file, "none.lnr"]).failed(3, "there is no video in it");
    }
}
