// SPDX-License-Identifier: MIT OR Apache-2.0
//! The user's files: inputs are never written to, outputs only when there is something to put there.
#![cfg(unix)]
mod common;

use std::os::unix::fs::symlink;
use std::path::Path;

use common::{Workplace, y4m};

const QUICK: [&str; 4] = ["--preset", "ultrafast", "--epochs", "2"];

/// A video, what it encodes to, and other names for both.
fn linked() -> Workplace {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 3, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &[]);
    std::fs::create_dir(w.path("sub")).unwrap();
    for (name, of) in [("hard.lnr", "in.y4m"), ("hard.mp4", "in.y4m"), ("hard.y4m", "a.lnr")] {
        std::fs::hard_link(w.path(of), w.path(name)).unwrap();
    }
    for (name, of) in [("soft.lnr", "in.y4m"), ("soft.y4m", "a.lnr"), ("soft.mkv", "a.lnr")] {
        symlink(of, w.path(name)).unwrap();
    }
    for name in ["sub/00002.png", "sub/f7.png"] {
        std::fs::hard_link(w.path("a.lnr"), w.path(name)).unwrap();
    }
    w
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|n| n.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn an_input_is_never_written_to_by_any_name() {
    let w = linked();
    let (video, coded) = (w.read("in.y4m"), w.read("a.lnr"));
    let before = names(&w.path(""));
    std::fs::hard_link(w.path("in.y4m"), w.path("sub/patch.svg")).unwrap();
    let sheet = |reference, video, png| {
        ["compare", reference, video, "--sheet", png, "--also", "sub/third.y4m"]
    };
    w.write("sub/third.y4m", &y4m(32, 24, 3, "420mpeg2"));
    symlink("../in.y4m", w.path("sub/s1.png")).unwrap();
    std::fs::hard_link(w.path("a.lnr"), w.path("sub/s2.png")).unwrap();
    std::fs::hard_link(w.path("sub/third.y4m"), w.path("sub/s3.png")).unwrap();
    for args in [
        &["encode", "in.y4m", "hard.lnr"][..],
        &["encode", "in.y4m", "soft.lnr"],
        &["encode", "in.y4m", "hard.mp4"],
        &["encode", "a.lnr", "sub/../a.lnr"],
        &["decode", "a.lnr", "hard.y4m"],
        &["decode", "a.lnr", "soft.y4m"],
        &["decode", "a.lnr", "soft.mkv"],
        &["decode", "a.lnr", "sub"],
        &["decode", "a.lnr", "sub/"],
        &["decode", "a.lnr", "sub/%05d.png"],
        &["decode", "a.lnr", "sub/f%d.png"],
        &["decode", "a.lnr", "sub/f7.png", "--duration", "0.04"],
        &["eval", "ablation", "in.y4m", "--experiment", "patch", "--out", "sub", "--epochs", "1"],
        &sheet("in.y4m", "a.lnr", "sub/s1.png"),
        &sheet("in.y4m", "a.lnr", "sub/s2.png"),
        &sheet("in.y4m", "a.lnr", "sub/s3.png"),
        &sheet("in.y4m", "a.lnr", "in.y4m"),
    ] {
        w.lnr(&[args, &["--force"]].concat()).failed(1, "same file");
        assert!(w.read("in.y4m") == video && w.read("a.lnr") == coded, "{args:?}");
        assert_eq!(names(&w.path("")), before, "{args:?}");
    }
    // Pictures of other names are no concern.
    w.ok(&["decode", "a.lnr", "sub/g%d.png"]);
    assert!(w.read("a.lnr") == coded);
}

#[test]
fn standard_input_and_output_are_files_as_well() {
    use std::process::{Command, Stdio};
    let w = linked();
    let video = w.read("in.y4m");
    let file = std::fs::File::open(w.path("in.y4m")).unwrap();
    let run = |args: &[&str], stdin: Stdio, stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lnr"));
        command.args(args).current_dir(w.path("")).stdin(stdin).stdout(stdout);
        common::Run::new(command.output().unwrap())
    };
    run(&["encode", "-", "hard.lnr"], file.into(), Stdio::piped()).failed(1, "same file");
    let append = std::fs::File::options().append(true).open(w.path("in.y4m")).unwrap();
    run(&["encode", "in.y4m", "-"], Stdio::null(), append.into()).failed(1, "same file");
    assert!(w.read("in.y4m") == video);
}

#[test]
fn what_fails_or_finds_nothing_leaves_the_old_file() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 2, "420mpeg2"));
    w.write("cut.y4m", &y4m(32, 24, 2, "420mpeg2")[..200]);
    w.write("bare.y4m", &y4m(32, 24, 0, "420mpeg2"));
    let has_containers = cfg!(feature = "gstreamer");
    for output in ["o.lnr", "o.mp4", "o.mov"] {
        if !has_containers && output != "o.lnr" {
            continue;
        }
        w.write(output, b"a good one");
        let before = names(&w.path(""));
        for (args, code) in [
            (&["in.y4m", output, "--start", "9"][..], 1),
            (&["in.y4m", output, "--frames", "0"], 3),
            (&["in.y4m", output, "--duration", "0"], 3),
            (&["bare.y4m", output], 3),
            (&["cut.y4m", output], 3),
            (&["none.y4m", output], 2),
            (&["in.y4m", output, "--quality", "900"], 1),
        ] {
            w.lnr(&[&["encode"], args, &QUICK].concat()).failed(code, "");
            assert_eq!(w.read(output), b"a good one", "{args:?}");
            assert_eq!(names(&w.path("")), before, "{args:?}");
        }
    }
    w.encode("in.y4m", "a.lnr", &[]);
    for output in ["o.y4m", "o.mkv", "o.png"] {
        w.write(output, b"a good one");
        let before = names(&w.path(""));
        w.lnr(&["decode", "a.lnr", output, "--start", "9"]).failed(1, "no frames");
        assert_eq!(w.read(output), b"a good one", "{output}");
        assert_eq!(names(&w.path("")), before, "{output}");
    }
    w.write("s.png", b"a good one");
    w.lnr(&["compare", "in.y4m", "bare.y4m", "--sheet", "s.png"]).failed(3, "no frames");
    assert_eq!(w.read("s.png"), b"a good one");
}

#[test]
fn a_link_is_followed_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 2, "420mpeg2"));
    w.write("real.lnr", b"old");
    std::fs::set_permissions(w.path("real.lnr"), PermissionsExt::from_mode(0o604)).unwrap();
    symlink("real.lnr", w.path("link.lnr")).unwrap();
    w.encode("in.y4m", "link.lnr", &[]);
    w.encode("in.y4m", "new.lnr", &[]);
    assert!(std::fs::symlink_metadata(w.path("link.lnr")).unwrap().is_symlink());
    assert!(w.read("real.lnr") == w.read("new.lnr"));
    let mode = |name: &str| std::fs::metadata(w.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("real.lnr"), 0o604);
    assert_eq!(mode("new.lnr"), mode("in.y4m"));
    w.ok(&["decode", "a.lnr", "a.y4m"].map(|a| if a == "a.lnr" { "new.lnr" } else { a }));
    assert_eq!(mode("a.y4m"), mode("in.y4m"));
}

#[test]
fn devices_are_written_to_directly() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 2, "444"));
    let j = w.encode("in.y4m", "/dev/null", &[]);
    assert!(j["bytes"].as_u64().unwrap() > 100, "{j}");
    w.encode("in.y4m", "a.lnr", &[]);
    assert_eq!(w.json(&["decode", "a.lnr", "/dev/null"])["frames"], 2);
    w.ok(&["decode", "a.lnr", "a.y4m"]);
    for out in ["/dev/stdout", "/dev/fd/1", "-"] {
        let run = w.ok(&["decode", "a.lnr", out]);
        assert_eq!(run.out.as_bytes(), String::from_utf8_lossy(&w.read("a.y4m")).as_bytes());
        assert!(run.err.contains("2 frames"), "{}", run.err);
    }
    if Path::new("/dev/full").exists() {
        w.lnr(&["decode", "a.lnr", "/dev/full"]).failed(4, "/dev/full");
        w.lnr(&[&["encode", "in.y4m", "/dev/full"], &QUICK[..]].concat()).failed(4, "/dev/full");
    }
    // What a shell appends to stays.
    w.write("log", b"before");
    let log = std::fs::File::options().append(true).open(w.path("log")).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lnr"));
    command.args(["decode", "a.lnr", "/dev/stdout"]).current_dir(w.path("")).stdout(log);
    assert!(command.status().unwrap().success());
    assert!(w.read("log") == [&b"before"[..], &w.read("a.y4m")].concat());
}

/// A terminal is what `script` gives the command.
#[test]
fn at_a_terminal_nothing_is_overwritten_without_force() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 24, 2, "420mpeg2"));
    w.encode("in.y4m", "a.lnr", &[]);
    let run = |args: &[&str]| {
        let line = [&[env!("CARGO_BIN_EXE_lnr")], args].concat().join(" ");
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(w.path(""));
        let output = command.stdin(std::process::Stdio::null()).output();
        common::Run::new(output.expect("script, of util-linux or bsdutils"))
    };
    let encode = [&["encode", "in.y4m", "o.lnr"], &QUICK[..]].concat();
    let eval = ["eval", "ablation", "in.y4m", "--experiment", "patch", "--epochs", "1"];
    let eval = [&eval[..], &["--base", "width=8,hyper-width=8,latent=8,table=6"]].concat();
    for (args, file) in [
        (&encode[..], "o.lnr"),
        (&["decode", "a.lnr", "o.y4m"], "o.y4m"),
        (&["decode", "a.lnr", "o.png", "--duration", "0.04"], "o.png"),
        (&["decode", "a.lnr", "folder"], "folder/00002.png"),
        (&["decode", "a.lnr", "p%d.png"], "p1.png"),
        (&["compare", "in.y4m", "a.lnr", "--sheet", "s.png"], "s.png"),
        (&eval, "out/eval/patch.svg"),
    ] {
        if let Some(folder) = w.path(file).parent() {
            std::fs::create_dir_all(folder).unwrap();
        }
        w.write(file, b"mine");
        let refused = run(args);
        assert!(refused.code == 1 && refused.out.contains("--force"), "{args:?}: {}", refused.out);
        assert_eq!(w.read(file), b"mine", "{args:?}");
        let forced = run(&[args, &["-y"]].concat());
        assert!(forced.code == 0 && w.read(file) != b"mine", "{args:?}: {}", forced.out);
        // Off a terminal it is overwritten.
        w.write(file, b"mine");
        w.ok(args);
        assert!(w.read(file) != b"mine", "{args:?}");
    }
    assert_eq!(run(&["decode", "a.lnr", "/dev/null"]).code, 0);
    for args in [&["decode", "a.lnr", "-"][..], &["encode", "in.y4m", "/dev/stdout"]] {
        let refused = run(args);
        assert!(refused.code == 4 && refused.out.contains("a terminal"), "{}", refused.out);
    }
    let refused = run(&["info", "-"]);
    assert!(refused.code == 2 && refused.out.contains("a terminal"), "{}", refused.out);
    assert_eq!(run(&["decode", "a.lnr", "fresh.y4m"]).code, 0);
}
