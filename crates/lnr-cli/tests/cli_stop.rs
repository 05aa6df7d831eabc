// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C while pictures are rendered, and while nothing comes.
#![cfg(unix)]
mod common;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Run, Workplace, y4m};

/// The widest of the paper's models, which hardly learned anything: rendering takes many seconds.
#[test]
fn ctrl_c_ends_rendering() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 18, 2, "mono"));
    let wide = ["encode", "in.y4m", "a.lnr", "--profile", "paper-l", "--epochs", "1"];
    w.ok(&wide);
    w.write("o.y4m", b"what was there before");
    let input = w.read("a.lnr");
    for args in [
        &["decode", "a.lnr", "o.y4m", "--size", "4096x2304"][..],
        &["compare", "in.y4m", "a.lnr", "--size", "4096x2304"],
    ] {
        let child = Command::new(env!("CARGO_BIN_EXE_lnr"))
            .args(args)
            .current_dir(w.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Reading the group takes a second or two.
        std::thread::sleep(Duration::from_secs(5));
        let start = Instant::now();
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let run = Run::new(child.wait_with_output().unwrap());
        println!("{}: ended after {:?}", args[0], start.elapsed());
        run.failed(130, "");
        assert!(start.elapsed() < Duration::from_millis(1500), "{args:?}: {:?}", start.elapsed());
        assert!(w.read("o.y4m") == b"what was there before" && w.read("a.lnr") == input);
    }
}

/// The first one waits for what the pipe brings, which is nothing; the second ends it, and what was
/// begun is removed.
#[test]
fn a_second_ctrl_c_ends_at_once_and_leaves_nothing() {
    let w = Workplace::new();
    w.write("o.lnr", b"what was there before");
    let mut child = Command::new(env!("CARGO_BIN_EXE_lnr"))
        .args(["encode", "-", "o.lnr"])
        .current_dir(w.path(""))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let n_files = || std::fs::read_dir(w.path("")).unwrap().count();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&y4m(32, 18, 1, "mono")).unwrap();
    let begin = Instant::now();
    while n_files() < 2 && begin.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(n_files(), 2);
    while child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60));
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(n_files(), 1);
    assert!(w.read("o.lnr") == b"what was there before");
}
