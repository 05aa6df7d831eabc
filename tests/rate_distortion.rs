// SPDX-License-Identifier: MIT OR Apache-2.0
//! `benches/rate_distortion.py` on a tiny clip, and its own tests.
mod plugin;
mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

/// SVT-AV1 takes no smaller ones.
const SIDE: usize = 64;

fn python(arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg("-B").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// A pattern that moves a pixel per frame, as Y4M.
fn write_clip(path: &Path, n_frames: usize) {
    let mut y4m = format!("YUV4MPEG2 W{SIDE} H{SIDE} F25:1 Ip A1:1 C420jpeg\n").into_bytes();
    for t in 0..n_frames {
        y4m.extend(b"FRAME\n");
        let pixels = (0..SIDE * SIDE).map(|i| ((i % SIDE + t) * (i / SIDE) / 8 % 200 + 16) as u8);
        y4m.extend(pixels.chain(std::iter::repeat_n(128, SIDE * SIDE / 2)));
    }
    fs::write(path, y4m).expect("written");
}

#[test]
fn bd_rates_are_right() {
    plugin::succeed(&mut python(&["-m", "unittest", "discover", "-s", "benches", "-t", "benches"]));
}

#[test]
fn encoders_are_compared_on_a_clip() {
    let folder = tempfile::tempdir().expect("a folder");
    write_clip(&folder.path().join("clip.y4m"), 6);
    let lnr = program::lnr();
    let run = |arguments: &[&str]| {
        let mut command = python(&["benches/rate_distortion.py", "--media"]);
        let named = arguments.iter().map(|a| a.replace("DIR", &folder.path().to_string_lossy()));
        plugin::succeed(command.arg(folder.path()).arg("--lnr").arg(&lnr).args(named))
    };
    let measure = ["--cache", "DIR/cache", "--json", "DIR/a.json", "clip.y4m:64x64:1-5:2"];
    run(&[&["--peers-only"], &measure[..]].concat());
    // What is in the cache is not encoded again.
    let cache = folder.path().join("cache");
    let cache = fs::read_dir(cache).expect("a cache").next().expect("a clip").expect("read").path();
    assert_eq!(fs::read_dir(&cache).expect("points").count(), 9 + 9 + 8 + 9);
    let point = cache.join("x264-medium-crf30.json");
    let text = fs::read_to_string(&point).expect("a point");
    let (before, rest) = text.split_once("\"bytes\": ").expect("bytes");
    let after = rest.split_once(',').expect("more").1;
    fs::write(&point, format!("{before}\"bytes\": 123456789,{after}")).expect("written");

    let options = ["--encode=--epochs 12", "--qualities=10,30,50,70", "--threads=1"];
    let against = ["--against", lnr.to_str().expect("a name")];
    let text = run(&[&options[..], &against, &measure].concat());
    let json = fs::read_to_string(folder.path().join("a.json")).expect("points");
    assert!(json.contains("123456789"), "{json}");
    let clip = |l: &&str| l.starts_with("| clip | 64x64 | 1-5, every 2nd |");
    let rows: Vec<&str> = text.lines().filter(clip).collect();
    // One for each metric, one against itself, and the points.
    assert_eq!(rows.len(), 3 + 1 + 2 * 4, "{text}");
    assert!(text.contains("| +0.0 % | +0.0 % | +0.0 % |"), "{text}");

    let again = run(&["--from", "DIR/a.json", "--svg", "DIR"]);
    assert_eq!(again.lines().filter(clip).collect::<Vec<_>>(), rows);
    // Against what is in a file: here the very same.
    let same = run(&["--from", "DIR/a.json", "--against", "DIR/a.json"]);
    assert!(same.contains("| +0.0 % | +0.0 % | +0.0 % | 1.000 |"), "{same}");
    let svg = fs::read_to_string(folder.path().join("clip-64x64-1-5-2.svg")).expect("a plot");
    assert_eq!(svg.matches("<polyline").count(), 6);
}
