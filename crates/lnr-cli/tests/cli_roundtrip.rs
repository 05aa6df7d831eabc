// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr encode`, `info`, `decode`, `compare` on tiny videos.
mod common;

use common::{Workplace, without_index, y4m, y4m_frames};

const GROUPS: [&str; 3] = ["--key-int-max", "4", "--no-scene-cut"];

/// A file of 10 frames in groups of 4, 4 and 2.
fn encoded() -> Workplace {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(48, 32, 10, "420mpeg2"));
    let j = w.encode("in.y4m", "a.lnr", &GROUPS);
    assert_eq!((&j["frames"], &j["groups"]), (&10.into(), &3.into()));
    assert_eq!(j["bytes"], w.read("a.lnr").len());
    assert!(j["psnr_rgb"].as_f64().unwrap() > 10.0, "{j}");
    w
}

#[test]
fn a_file_is_described_decoded_and_measured() {
    let w = encoded();
    let info = w.json(&["info", "a.lnr"]);
    assert_eq!((&info["frames"], &info["width"]), (&10.into(), &48.into()));
    assert_eq!(info["groups"].as_array().unwrap().len(), 3);
    assert_eq!(info["groups"][2]["pts_ns"], 320_000_000);
    let bytes: u64 = (0..3).map(|i| info["groups"][i]["bytes"].as_u64().unwrap()).sum();
    assert_eq!(bytes, without_index(&w.read("a.lnr")).len() as u64);
    assert!(w.ok(&["info", "a.lnr"]).out.contains("10 frames in 3 groups"));

    let j = w.json(&["decode", "a.lnr", "a.y4m"]);
    assert_eq!((&j["frames"], &j["damaged"]), (&10.into(), &0.into()));
    let (n, header) = y4m_frames(&w.path("a.y4m"));
    assert_eq!(n, 10);
    assert!(header.contains("W48 H32 F25:1") && header.contains("C420mpeg2"), "{header}");

    // What the encoder says is what a decoder in another process gets, and so is the direct way.
    let own = w.json(&["compare", "in.y4m", "a.lnr"]);
    let by_file = w.json(&["compare", "in.y4m", "a.y4m"]);
    assert_eq!(own["psnr_rgb"], by_file["psnr_rgb"]);
    assert_eq!(own["bytes"], w.read("a.lnr").len());
}

#[test]
fn any_size_rate_and_part() {
    let w = encoded();
    w.ok(&["decode", "a.lnr", "big.y4m", "--size", "97x65"]);
    let (n, header) = y4m_frames(&w.path("big.y4m"));
    assert!(n == 10 && header.contains("W97 H65"), "{header}");

    w.ok(&["decode", "a.lnr", "fast.y4m", "--fps", "60000/1001"]);
    let (n, header) = y4m_frames(&w.path("fast.y4m"));
    assert!(n == 24 && header.contains("F60000:1001"), "{n} {header}");
    // At the stream's own rate, times are those of the frames.
    w.ok(&["decode", "a.lnr", "own.y4m", "--fps", "25"]);
    w.ok(&["decode", "a.lnr", "plain.y4m"]);
    assert!(w.read("own.y4m") == w.read("plain.y4m"));

    let part = ["--start", "0.2", "--duration", "0.12"];
    w.ok(&[&["decode", "a.lnr", "part.y4m"][..], &part].concat());
    let (whole, part) = (w.read("plain.y4m"), w.read("part.y4m"));
    let frame = 6 + 48 * 32 * 3 / 2;
    let header = whole.len() - 10 * frame;
    assert!(part[header..] == whole[header + 5 * frame..header + 8 * frame]);
    w.lnr(&["decode", "a.lnr", "none.y4m", "--start", "9"]).failed(1, "no frames");
}

#[test]
fn pictures() {
    let w = encoded();
    w.ok(&["decode", "a.lnr", "folder"]);
    w.ok(&["decode", "a.lnr", "named/f%03d.png", "--duration", "0.08"]);
    assert!(w.path("folder/00010.png").is_file() && !w.path("folder/00011.png").exists());
    assert!(w.path("named/f002.png").is_file() && !w.path("named/f003.png").exists());
    assert!(w.read("folder/00001.png") == w.read("named/f001.png"));
    w.lnr(&["decode", "a.lnr", "one.png"]).failed(1, "%05d");
    w.ok(&["decode", "a.lnr", "one.png", "--duration", "0.04"]);
}

#[test]
fn damage_costs_one_group_only() {
    let w = encoded();
    let info = w.json(&["info", "a.lnr"]);
    let first = info["groups"][0]["bytes"].as_u64().unwrap() as usize;
    let whole = without_index(&w.read("a.lnr")).to_vec();
    let mut bytes = whole.clone();
    bytes[first + 150] ^= 0x40; // inside the second group's networks
    w.write("bad.lnr", &bytes);
    let run = w.lnr(&["decode", "bad.lnr", "bad.y4m"]);
    run.failed(3, "damaged");
    assert!(run.err.contains("warning"), "{}", run.err);
    assert_eq!(y4m_frames(&w.path("bad.y4m")).0, 6);
    // At a constant rate, time goes on.
    w.lnr(&["decode", "bad.lnr", "held.y4m", "--fps", "25"]).failed(3, "damaged");
    assert_eq!(y4m_frames(&w.path("held.y4m")).0, 10);
    w.lnr(&["info", "bad.lnr"]).failed(3, ": 1 damaged part (");
    // Both count alike, with damage at the start or between good groups, in a group or in its frames.
    for (name, places) in [
        ("first.lnr", &[150][..]),
        ("both.lnr", &[first - 1, first + 150]),
        ("one.lnr", &[first - 1]),
    ] {
        let mut bytes = [&whole[..], &whole].concat();
        places.iter().for_each(|&at| bytes[at] ^= 1);
        w.write(name, &bytes);
        for command in [&["info", name, "--json"][..], &["decode", name, "o.y4m", "--json"]] {
            let run = w.lnr(command);
            run.failed(3, ": 1 damaged part ");
            let said: serde_json::Value = serde_json::from_str(&run.out).unwrap();
            assert_eq!(said["damaged"], 1, "{command:?}: {}", run.err);
        }
    }

    w.write("cut.lnr", &whole[..first + 40]);
    w.lnr(&["decode", "cut.lnr", "cut.y4m"]).failed(3, "ends within");
    assert_eq!(y4m_frames(&w.path("cut.y4m")).0, 4);
}

#[test]
fn formats_are_kept() {
    let w = Workplace::new();
    for sampling in ["444", "422", "mono", "420p10"] {
        w.write("in.y4m", &y4m(33, 17, 3, sampling));
        w.encode("in.y4m", "a.lnr", &[]);
        w.ok(&["decode", "a.lnr", "out.y4m"]);
        let (n, header) = y4m_frames(&w.path("out.y4m"));
        assert!(n == 3 && header.contains(&format!("C{sampling}")), "{header}");
        w.ok(&["decode", "a.lnr", "out.png", "--duration", "0.03"]);
        let j = w.json(&["compare", "in.y4m", "out.y4m"]);
        assert!(j["psnr_y"].as_f64().unwrap() > 8.0, "{sampling}: {j}");
    }
}

#[test]
fn a_part_of_the_input_at_another_size() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(64, 48, 8, "420mpeg2"));
    let part = ["--start", "2", "--duration", "0.2", "--size", "32x24"];
    let j = w.encode("in.y4m", "a.lnr", &part);
    assert_eq!((&j["frames"], &j["width"]), (&5.into(), &32.into()));
    let info = w.json(&["info", "a.lnr"]);
    assert_eq!(info["groups"][0]["pts_ns"], 0);
    let j = w.encode("in.y4m", "b.lnr", &["--frames", "3"]);
    assert_eq!(j["frames"], 3);
    // Seeds decide, nothing else does.
    w.encode("in.y4m", "c.lnr", &["--frames", "3"]);
    assert!(w.read("b.lnr") == w.read("c.lnr"));
}

#[test]
fn pipes() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let w = Workplace::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lnr"))
        .args(["encode", "-", "-", "--preset", "ultrafast", "--epochs", "4"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&y4m(32, 32, 2, "420mpeg2")).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    w.write("a.lnr", &output.stdout);
    let out = w.ok(&["decode", "a.lnr", "-", "--duration", "0.04"]).out;
    assert!(out.starts_with("YUV4MPEG2 W32 H32"));
}

/// A damaged end of the input does not cost the groups before it.
#[test]
fn what_was_read_is_kept() {
    let w = Workplace::new();
    let bytes = y4m(32, 32, 6, "420mpeg2");
    w.write("cut.y4m", &bytes[..bytes.len() - 10]);
    let args = ["encode", "cut.y4m", "a.lnr", "--preset", "ultrafast", "--epochs", "4"];
    w.lnr(&args).failed(3, "frame 5 ends too early");
    assert_eq!(w.json(&["info", "a.lnr"])["frames"], 5);
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_finished_groups() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    let w = Workplace::new();
    w.write("in.y4m", &y4m(64, 64, 40, "420mpeg2"));
    let child = Command::new(env!("CARGO_BIN_EXE_lnr"))
        .args(["encode", "in.y4m", "a.lnr", "--preset", "ultrafast", "--epochs", "60"])
        .args(["--key-int-max", "2", "--no-scene-cut"])
        .current_dir(w.path(""))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    let has_group = || std::fs::metadata(w.path("a.lnr")).is_ok_and(|m| m.len() > 0);
    while !has_group() && begin.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = child.id().to_string();
    let kill = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(kill.success());
    let run = common::Run::new(child.wait_with_output().unwrap());
    run.failed(130, "interrupted; a.lnr holds");
    let n = w.json(&["info", "a.lnr"])["frames"].as_u64().unwrap();
    assert!((2..40).contains(&n), "{n} frames");
}
