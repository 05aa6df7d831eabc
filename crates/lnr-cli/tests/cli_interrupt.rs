// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C in the middle: what is finished is completed and kept, and the message says how much it is.
#![cfg(unix)]
mod common;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Run, Workplace, y4m, y4m_frames};

/// Runs `lnr` and interrupts it when `is_time` says so.
fn interrupted(w: &Workplace, args: &[&str], is_time: impl Fn() -> bool) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lnr"));
    command.args(args).current_dir(w.path("")).stdin(Stdio::null());
    let log = std::fs::File::create(w.path("log")).unwrap();
    let mut child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    common::wait_for_handler(child.id());
    let begin = Instant::now();
    while !is_time() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{args:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let code = child.wait().unwrap().code().unwrap_or(-1);
    Run { code, out: String::new(), err: log_of(w) }
}

/// What is on standard error so far.
fn log_of(w: &Workplace) -> String {
    String::from_utf8_lossy(&w.read("log")).into_owned()
}

/// Bytes of the hidden file that is being written.
fn draft_bytes(w: &Workplace) -> u64 {
    let entries = std::fs::read_dir(w.path("")).unwrap().flatten();
    let is_draft = |e: &std::fs::DirEntry| e.file_name().to_string_lossy().ends_with(".part");
    let sizes = entries.filter(is_draft).map(|e| e.metadata().map_or(0, |m| m.len()));
    sizes.sum()
}

/// The number in `interrupted; OUT holds the N ...`.
fn kept(run: &Run, output: &str) -> u64 {
    let start = format!("lnr: interrupted; {output} holds the ");
    run.failed(130, &start);
    let rest = run.err.split(&start).nth(1).unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_decoder_keeps_the_frames_before() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 20, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &[]);
    // 8,000 frames take far longer than what is waited for.
    let decode =
        |output| ["decode", "a.lnr", output, "--size", "320x240", "--fps", "10000", "--quiet"];
    w.write("o.y4m", b"old");
    let run = interrupted(&w, &decode("o.y4m"), || draft_bytes(&w) > 3_000_000);
    let n = kept(&run, "o.y4m");
    assert!(n > 10 && n < 8_000);
    let header = y4m_frames(&w.path("o.y4m")).1.len() as u64 + 1;
    assert_eq!(w.read("o.y4m").len() as u64, header + n * (6 + 320 * 240 * 3 / 2), "{n}");
    let run = interrupted(&w, &decode("p"), || w.path("p/00003.png").exists());
    let n = kept(&run, "p");
    assert!(w.path(&format!("p/{n:05}.png")).exists() && n >= 3);
    assert_eq!(std::fs::read_dir(w.path("p")).unwrap().count() as u64, n);
    if cfg!(feature = "gstreamer") {
        // Matroska knows milliseconds.
        let args = decode("o.mkv").map(|a| match a {
            "10000" => "500",
            "320x240" => "640x480",
            a => a,
        });
        let n_files = || std::fs::read_dir(w.path("")).unwrap().count();
        let (before, begun) = (n_files(), std::cell::OnceCell::new());
        let run = interrupted(&w, &args, || {
            let is_open = n_files() > before;
            is_open && begun.get_or_init(Instant::now).elapsed() > Duration::from_millis(200)
        });
        let n = kept(&run, "o.mkv");
        assert_eq!(w.json(&["compare", "o.mkv", "o.mkv"])["frames"], n);
    }
    assert_eq!(draft_bytes(&w), 0);
}

#[test]
fn an_encoder_keeps_whole_groups_in_a_container() {
    if !cfg!(feature = "gstreamer") {
        return;
    }
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 400, "420mpeg2"));
    let args = ["encode", "in.y4m", "o.mp4", "--preset", "ultrafast", "--epochs", "60"];
    let args = [&args[..], &["--key-int-max", "2", "--no-scene-cut"]].concat();
    let run = interrupted(&w, &args, || log_of(&w).contains("group 2"));
    let n = kept(&run, "o.mp4");
    assert!(n.is_multiple_of(2) && n < 400, "{n}");
    assert_eq!(w.json(&["info", "o.mp4"])["frames"], n);
    w.ok(&["decode", "o.mp4", "o.y4m"]);
    assert_eq!(y4m_frames(&w.path("o.y4m")).0 as u64, n);
    // Before the first group, what stood there stays.
    w.write("o.mp4", b"old");
    let slow = ["encode", "in.y4m", "o.mp4", "--epochs", "100000"];
    let n_files = || std::fs::read_dir(w.path("")).unwrap().count();
    let before = n_files();
    let begin = Instant::now();
    let is_begun = || n_files() > before && begin.elapsed() > Duration::from_millis(500);
    let run = interrupted(&w, &slow, is_begun);
    run.failed(130, "interrupted; nothing was written");
    assert_eq!((w.read("o.mp4"), n_files()), (b"old".to_vec(), before));
}

#[test]
fn an_evaluation_keeps_its_rows() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 4, "mono"));
    let args = ["eval", "ablation", "in.y4m", "--experiment", "patch", "--epochs", "99999"];
    let base = ["--base", "width=16,hyper-width=16,latent=16,table=8"];
    let args = [&args[..], &base].concat();
    std::fs::create_dir_all(w.path("out/eval")).unwrap();
    w.write("out/eval/patch.csv", b"old");
    let begin = Instant::now();
    let run = interrupted(&w, &args, || begin.elapsed() > Duration::from_millis(500));
    run.failed(130, "interrupted");
    assert_eq!(w.read("out/eval/patch.csv"), b"old");
    assert_eq!(std::fs::read_dir(w.path("out/eval")).unwrap().count(), 1);
}
