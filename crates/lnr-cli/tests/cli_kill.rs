// SPDX-License-Identifier: MIT OR Apache-2.0
//! `kill -9` at any moment: what was there before stays, what is finished is whole.
//!
//! `LNR_KILLS` says at how many moments (tests/kill.sh: 50).
#![cfg(unix)]
mod common;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Workplace, without_index, y4m};

const ENCODE: [&str; 10] = [
    "encode",
    "in.y4m",
    "o.lnr",
    "--preset",
    "ultrafast",
    "--epochs",
    "40",
    "--key-int-max",
    "2",
    "--no-scene-cut",
];
/// Of all but the last group.
const GROUP_FRAMES: u64 = 2;

fn n_kills() -> u32 {
    std::env::var("LNR_KILLS").map_or(10, |n| n.parse().expect("LNR_KILLS is a number"))
}

/// Moments spread over `whole`, each in a random place of its part.
fn moments(n: u32, whole: Duration) -> impl Iterator<Item = Duration> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    (0..n).map(move |i| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let part = f64::from(i) + (state >> 40) as f64 / (1u64 << 24) as f64;
        whole.mul_f64(part / f64::from(n))
    })
}

fn start(w: &Workplace, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lnr"));
    command.args(args).current_dir(w.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Seconds that a whole run takes.
fn time(w: &Workplace, args: &[&str]) -> Duration {
    let begin = Instant::now();
    assert!(start(w, args).wait().unwrap().success());
    begin.elapsed()
}

fn kill(mut child: Child) {
    // It may have ended already.
    let _ = child.kill();
    child.wait().unwrap();
}

/// Removes the hidden files of `output`, all that a killed run may leave behind.
fn sweep(w: &Workplace, output: &str, before: &[PathBuf]) {
    for path in files(w) {
        if before.contains(&path) {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_draft = name.starts_with(&format!(".{output}.")) && name.ends_with(".part");
        assert!(is_draft, "{name} was left behind");
        std::fs::remove_file(path).unwrap();
    }
}

fn files(w: &Workplace) -> Vec<PathBuf> {
    std::fs::read_dir(w.path("")).unwrap().map(|e| e.unwrap().path()).collect()
}

/// What a killed encoder left.
#[derive(Debug, PartialEq)]
enum Left {
    /// The file that stood there.
    Old,
    /// So many frames of the new one.
    New(u64),
}

/// Checks what stands at o.lnr: `old`, or `whole`, or the beginning of it without the index, which
/// plays.
fn check_encoded(w: &Workplace, old: &[u8], whole: &[u8]) -> Left {
    let now = w.read("o.lnr");
    if now == old {
        return Left::Old;
    }
    let is_new = now == whole || (without_index(whole).starts_with(&now) && !now.is_empty());
    assert!(is_new, "{} bytes are something else", now.len());
    let run = w.lnr(&["info", "o.lnr", "--json"]);
    let info: serde_json::Value = serde_json::from_str(&run.out).expect(&run.err);
    let n = info["frames"].as_u64().unwrap();
    let decoded = w.lnr(&["decode", "o.lnr", "decoded.y4m", "--json"]);
    std::fs::remove_file(w.path("decoded.y4m")).unwrap();
    if decoded.code != 0 {
        decoded.failed(3, "ends within");
        assert_eq!(info["damaged"], 1);
    }
    let decoded: serde_json::Value = serde_json::from_str(&decoded.out).unwrap();
    let whole_groups = n - n % GROUP_FRAMES;
    assert!(decoded["frames"].as_u64().unwrap() >= whole_groups && n > 0, "{decoded}");
    Left::New(n)
}

#[test]
fn a_killed_encoder_leaves_the_old_file_or_whole_groups() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 20, "420mpeg2"));
    let whole_time = time(&w, &ENCODE);
    let whole = w.read("o.lnr");
    w.encode("in.y4m", "old.lnr", &["--frames", "1"]);
    let old = w.read("old.lnr");
    let mut seen = Vec::new();
    w.write("o.lnr", &old);
    let before = files(&w);
    for moment in moments(n_kills(), whole_time) {
        w.write("o.lnr", &old);
        let child = start(&w, &ENCODE);
        std::thread::sleep(moment);
        kill(child);
        let left = check_encoded(&w, &old, &whole);
        if left != Left::Old {
            w.ok(&[&ENCODE[..], &["--resume"]].concat());
            assert!(w.read("o.lnr") == whole, "gone on after {left:?}");
        }
        seen.push(left);
        sweep(&w, "o.lnr", &before);
    }
    println!("killed within {whole_time:?}: {seen:?}");
    // At once, and as soon as there is a group.
    w.write("o.lnr", &old);
    kill(start(&w, &ENCODE));
    check_encoded(&w, &old, &whole);
    w.write("o.lnr", &old);
    let child = start(&w, &ENCODE);
    while w.read("o.lnr") == old {
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(child);
    assert!(matches!(check_encoded(&w, &old, &whole), Left::New(_)));
}

#[test]
fn a_killed_decoder_leaves_the_old_file_or_the_whole_new_one() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 8, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &[]);
    let has_containers = cfg!(feature = "gstreamer");
    for output in if has_containers { &["o.y4m", "o.mkv"][..] } else { &["o.y4m"] } {
        let decode = ["decode", "a.lnr", output, "--size", "320x240", "--fps", "200"];
        let whole_time = time(&w, &decode);
        // Matroska files differ in their random identity.
        let n_bytes = w.read(output).len();
        let before = files(&w);
        let mut n_old = 0;
        for moment in moments(n_kills(), whole_time) {
            w.write(output, b"old");
            let child = start(&w, &decode);
            std::thread::sleep(moment);
            kill(child);
            let now = w.read(output);
            assert!(now == b"old" || now.len() == n_bytes, "{output}: {} bytes", now.len());
            n_old += u32::from(now == b"old");
            sweep(&w, output, &before);
        }
        println!("{output}, killed within {whole_time:?}: the old one {n_old} times");
    }
}
