// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C while pictures are rendered.
#![cfg(unix)]
mod common;

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
