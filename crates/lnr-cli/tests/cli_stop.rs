// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C while pictures are rendered, and while nothing comes.
#![cfg(unix)]
mod common;

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Run, Workplace, wait_for_handler, y4m};

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

fn interrupt(child: &Child) {
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
}

/// Waits for a minute at most.
fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_there() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start(w: &Workplace, args: &[&str], stdin: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lnr"));
    command.args(args).current_dir(w.path("")).env("TMPDIR", w.path("tmp"));
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn ctrl_c_ends_waiting_for_a_pipe() {
    let w = Workplace::new();
    // With more jobs a group is written once the next frame is there.
    let encode =
        ["encode", "-", "o.lnr", "--preset", "ultrafast", "--key-int-max", "1", "--jobs", "1"];
    // Two groups and a part of a frame, then nothing.
    let mut child = start(&w, &encode, Stdio::piped());
    let mut input = child.stdin.take().unwrap();
    let video = y4m(32, 18, 3, "mono");
    input.write_all(&video[..video.len() - 9]).unwrap();
    wait_for("a group", || w.path("o.lnr").exists());
    interrupt(&child);
    let run = Run::new(child.wait_with_output().unwrap());
    run.failed(130, "interrupted; o.lnr holds the ");
    assert!(w.json(&["info", "o.lnr"])["frames"].as_u64().unwrap() > 0);
    // Nothing at all.
    w.write("old", &w.read("o.lnr"));
    let made = Command::new("mkfifo").arg(w.path("fifo")).status().unwrap();
    assert!(made.success());
    for args in [
        &encode[..],
        &["encode", "fifo", "o.lnr"],
        &["decode", "-", "o.y4m"],
        &["info", "-"],
        &["info", "fifo"],
        &["compare", "-", "o.lnr"],
    ] {
        let mut child = start(&w, args, Stdio::piped());
        let input = child.stdin.take();
        wait_for_handler(child.id());
        interrupt(&child);
        let run = Run::new(child.wait_with_output().unwrap());
        assert_eq!((run.code, run.err.as_str()), (130, "lnr: interrupted\n"), "{args:?}");
        assert!(w.read("old") == w.read("o.lnr") && !w.path("o.y4m").exists(), "{args:?}");
        drop(input);
    }
}

/// The first one waits for somebody who reads the output, as the system does; the second ends that, and
/// what was begun is removed.
#[test]
fn a_second_ctrl_c_ends_at_once_and_leaves_nothing() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 18, 1, "mono"));
    w.encode("in.y4m", "a.lnr", &[]);
    std::fs::create_dir(w.path("tmp")).unwrap();
    assert!(Command::new("mkfifo").arg(w.path("fifo")).status().unwrap().success());
    let coded = std::fs::File::open(w.path("a.lnr")).unwrap();
    let mut child = start(&w, &["decode", "-", "fifo"], coded.into());
    let n_copies = || std::fs::read_dir(w.path("tmp")).unwrap().count();
    wait_for("a copy of standard input", || n_copies() == 1);
    std::thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60));
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(n_copies(), 0);
}
