// SPDX-License-Identifier: MIT OR Apache-2.0
//! A full disk, and a limit on the size of files: what was there before stays, what is finished plays.
#![cfg(unix)]
mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{Run, Workplace, without_index, y4m};

/// Many groups, of some hundred bytes each.
const ENCODE: [&str; 9] = [
    "encode",
    "in.y4m",
    "--preset",
    "ultrafast",
    "--epochs",
    "2",
    "--key-int-max",
    "1",
    "--no-scene-cut",
];

/// Runs `lnr` where no file may have more than so many KiB; writing beyond is an error, no signal.
fn limited(w: &Workplace, kib: u32, args: &[&str]) -> Run {
    let line = format!("trap '' XFSZ; ulimit -f {kib}; exec \"$0\" \"$@\"");
    let mut command = Command::new("bash");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_lnr")]).args(args).current_dir(w.path(""));
    Run::new(command.stdin(Stdio::null()).output().expect("bash runs"))
}

fn n_files(w: &Workplace) -> usize {
    std::fs::read_dir(w.path("")).unwrap().count()
}

fn prepared() -> Workplace {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(48, 32, 36, "444"));
    w.ok(&[&ENCODE[..], &["whole.lnr"]].concat());
    w
}

#[test]
fn an_lnr_file_keeps_its_whole_groups() {
    let w = prepared();
    let whole = without_index(&w.read("whole.lnr")).to_vec();
    assert!(whole.len() > 5 << 10, "{} bytes", whole.len());
    for kib in [0, 2, 4] {
        w.write("o.lnr", b"");
        let n = n_files(&w);
        let run = limited(&w, kib, &[&ENCODE[..], &["o.lnr"]].concat());
        run.failed(4, "o.lnr: File too large");
        let now = w.read("o.lnr");
        assert_eq!(n_files(&w), n, "{kib} KiB");
        assert!(without_index(&whole).starts_with(&now), "{kib} KiB");
        if kib == 0 {
            assert!(now.is_empty());
            continue;
        }
        // No part of a group stands at the end.
        let info = w.json(&["info", "o.lnr"]);
        assert_eq!(info["damaged"], 0);
        let n = w.json(&["decode", "o.lnr", "o.y4m"])["frames"].as_u64().unwrap();
        std::fs::remove_file(w.path("o.y4m")).unwrap();
        assert!(n > 0 && n == info["frames"].as_u64().unwrap());
        assert_eq!(info["bytes"].as_u64().unwrap(), now.len() as u64);
    }
}

#[test]
fn other_files_stay_as_they_were() {
    let w = prepared();
    let mut runs = vec![
        (vec!["decode", "whole.lnr", "o.y4m"], "o.y4m", 30),
        (vec!["decode", "whole.lnr", "o.png", "--duration", "0.04"], "o.png", 0),
        (vec!["compare", "in.y4m", "whole.lnr", "--sheet", "s.png"], "s.png", 0),
    ];
    if cfg!(feature = "gstreamer") {
        runs.push((vec!["decode", "whole.lnr", "o.mkv"], "o.mkv", 1));
        runs.push(([&ENCODE[..], &["o.mp4"]].concat(), "o.mp4", 4));
    }
    for (args, output, kib) in runs {
        w.write(output, b"a good one");
        let n = n_files(&w);
        limited(&w, kib, &args).failed(4, output);
        assert_eq!(w.read(output), b"a good one", "{args:?}");
        assert_eq!(n_files(&w), n, "{args:?}");
        w.ok(&args);
        assert!(w.read(output) != b"a good one", "{args:?}");
    }
}

/// A file system of a few KiB; unmounted at the end.
struct Disk(std::path::PathBuf);

impl Disk {
    /// None where this user may not mount.
    fn mount(path: &Path, kib: u32) -> Option<Self> {
        std::fs::create_dir(path).unwrap();
        let size = format!("size={kib}k");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path).stderr(Stdio::null());
        let is_mounted = command.status().is_ok_and(|s| s.success());
        is_mounted.then(|| Self(path.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk() {
    let w = prepared();
    let Some(_disk) = Disk::mount(&w.path("disk"), 32) else {
        println!("skipped: this user may not mount a file system");
        return;
    };
    // 32 KiB: the old file takes 24 of them, so that few groups fit.
    let old = vec![1; 24 << 10];
    w.write("disk/old", &old);
    w.write("disk/o.y4m", b"a good one");
    let run = w.lnr(&[&ENCODE[..], &["disk/o.lnr"]].concat());
    run.failed(4, "disk/o.lnr: No space left on device");
    assert!(without_index(&w.read("whole.lnr")).starts_with(&w.read("disk/o.lnr")));
    let info = w.json(&["info", "disk/o.lnr"]);
    assert!(info["damaged"] == 0 && info["frames"].as_u64().unwrap() > 0, "{info}");
    w.lnr(&["decode", "whole.lnr", "disk/o.y4m"]).failed(4, "No space left");
    assert_eq!(w.read("disk/o.y4m"), b"a good one");
    assert!(w.read("disk/old") == old);
    assert_eq!(std::fs::read_dir(w.path("disk")).unwrap().count(), 3);
}

/// The index comes last, and needs the whole file a second time.
#[test]
fn an_index_that_finds_no_room_costs_nothing_else() {
    let w = prepared();
    for n in 5..36 {
        let n = n.to_string();
        let args = [&ENCODE[..], &["o.lnr", "--frames", &n]].concat();
        w.ok(&args);
        let whole = w.read("o.lnr");
        let groups = without_index(&whole);
        let kib = groups.len().div_ceil(1 << 10);
        if whole.len() <= kib << 10 {
            continue;
        }
        let n_before = n_files(&w);
        let run = limited(&w, kib as u32, &args);
        run.failed(0, "o.lnr: File too large (os error 27); the file is whole, but has no index");
        assert!(w.read("o.lnr") == groups && n_files(&w) == n_before);
        return;
    }
    panic!("no file crosses a limit with its index");
}
