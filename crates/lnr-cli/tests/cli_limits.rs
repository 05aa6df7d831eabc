// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr` with streams that ask for too much, or for what this version does not know.
mod common;
#[path = "../../../tests/cost/mod.rs"]
mod cost;
#[path = "../../../tests/handmade/mod.rs"]
mod handmade;

use std::process::{Command, Stdio};
use std::time::Duration;

use common::{Workplace, y4m, y4m_frames};

#[test]
fn what_needs_more_than_max_memory_is_refused_with_the_number() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 32, 3, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &[]);
    let big = ["decode", "a.lnr", "o.y4m", "--size", "4000x4000", "--max-memory", "4"];
    w.lnr(&big).failed(3, "max-memory allows 4 MiB");
    w.write("bomb.lnr", &handmade::bomb(0, 0, 1000));
    let bomb = ["decode", "bomb.lnr", "o.y4m", "--max-memory", "10"];
    w.lnr(&bomb).failed(3, "max-memory allows 10 MiB");
    assert!(!w.path("o.y4m").exists());
    w.ok(&["decode", "a.lnr", "o.y4m", "--max-memory", "64"]);
}

#[test]
fn what_cannot_be_decoded_at_all_touches_no_file() {
    let w = Workplace::new();
    w.write("bomb.lnr", &handmade::bomb(0, 0, 50));
    w.write("o.y4m", b"a user's");
    w.lnr(&["decode", "bomb.lnr", "o.y4m"]).failed(3, "nothing was written");
    assert_eq!(std::fs::read(w.path("o.y4m")).unwrap(), b"a user's");
}

#[test]
fn what_is_not_known_is_named_and_the_rest_is_decoded() {
    let w = Workplace::new();
    let good = |id, pts| handmade::small_group(id, pts, &[]);
    let unknown_section = handmade::small_group(1, 40, &[(77, true, &[1, 2, 3])]);
    let mut unknown_model = handmade::small_group(1, 40, &[]);
    handmade::set_source_kind(&mut unknown_model, 9);
    for (bad, word) in [(unknown_section, "section 77"), (unknown_model, "feature source 9")] {
        w.write("a.lnr", &[good(0, 0), bad, good(2, 80)].concat());
        let run = w.lnr(&["decode", "a.lnr", "a.y4m"]);
        run.failed(3, "left out");
        assert!(run.err.contains(word), "{}", run.err);
        assert_eq!(y4m_frames(&w.path("a.y4m")).0, 2);
        w.lnr(&["info", "a.lnr"]).failed(3, word);
    }
}

/// Peak of the resident memory of a process in MiB, as far as it was seen.
#[cfg(target_os = "linux")]
fn peak(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib >> 10)
}

#[cfg(target_os = "linux")]
#[test]
fn bombs_take_bounded_time_and_memory() {
    let w = Workplace::new();
    for (n, size) in [(10, 50), (10, 1000), (4000, 50), (250, 1000)] {
        let stream = handmade::bombs(n, size);
        w.write("bomb.lnr", &stream);
        for args in [&["info", "bomb.lnr"][..], &["decode", "bomb.lnr", "o.y4m"]] {
            let mut child = Command::new(env!("CARGO_BIN_EXE_lnr"))
                .args(args)
                .current_dir(w.path(""))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let (mut most, mut time) = (0, 0.0f64);
            while child.try_wait().unwrap().is_none() {
                most = peak(child.id()).unwrap_or_default().max(most);
                time = cost::cpu_time(child.id()).unwrap_or_default().max(time);
                std::thread::sleep(Duration::from_millis(2));
            }
            println!("{n} groups, {} bytes, {}: {time:.2} s, {most} MiB", stream.len(), args[0]);
            assert!(time < cost::allowed(stream.len()), "{n} of {size}, {args:?}: {time:.2} s");
            assert!(most < 256, "{n} of {size}, {args:?}: {most} MiB");
        }
    }
}
