// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr index`: what it reads again, what it does with an index that is none, and what `kill -9` leaves.
#![cfg(feature = "clip")]
mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::Workplace;
use common::scenes::{MODEL, encode, video, workplace};
use serde_json::Value;

const INDEX: &str = ".lnr-index.safetensors";

fn numbers(report: &Value, names: &[&str]) -> Vec<u64> {
    names.iter().map(|n| report[n].as_u64().expect("a number")).collect()
}

fn index(w: &Workplace) -> Value {
    w.json(&["index", "."])
}

const WORK: [&str; 4] = ["files", "read", "kept", "gone"];

/// Names of the index's own files.
fn own_files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder").flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|n| n.contains("lnr-index")).collect();
    names.sort();
    names
}

#[test]
fn only_what_changed_is_read_again() {
    let w = workplace();
    std::fs::create_dir(w.path("more")).unwrap();
    std::fs::rename(w.path("blue.lnr"), w.path("more/blue.lnr")).unwrap();
    w.write("notes.txt", b"no video");
    let first = index(&w);
    assert_eq!(numbers(&first, &WORK), [3, 3, 0, 0]);
    assert_eq!(first["spaces"][0]["files"], 3);
    assert!(first["rows"].as_u64().unwrap() >= 3);
    assert_eq!(own_files(&w.path("")).len(), 2);
    let bytes = w.read(INDEX);
    assert_eq!(numbers(&index(&w), &WORK), [3, 0, 3, 0]);
    assert!(w.read(INDEX) == bytes, "nothing was to be written");

    encode(&w, "green.lnr", &[("yellow", "blue"), ("red", "black")]);
    std::fs::remove_file(w.path("red.lnr")).unwrap();
    encode(&w, "new.lnr", &[("black", "white")]);
    let second = index(&w);
    assert_eq!(numbers(&second, &WORK), [3, 2, 1, 1]);
    assert_eq!(numbers(&index(&w), &WORK), [3, 0, 3, 0]);
    assert_eq!(own_files(&w.path("")).len(), 2, "old lists are removed");
    let found = w.json(&[
        "search",
        "yellow circle on a blue background",
        "--clip-model",
        MODEL,
        "--top",
        "1",
    ]);
    assert_eq!(found["hits"][0]["file"], "green.lnr");
    assert_eq!(found["newer"], 0);

    std::fs::remove_dir_all(w.path("more")).unwrap();
    assert_eq!(numbers(&index(&w), &WORK), [2, 0, 2, 1]);
}

#[test]
fn an_index_that_is_none_is_made_anew() {
    let w = workplace();
    index(&w);
    let whole = w.read(INDEX);
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let list = own_files(&w.path("")).into_iter().find(|n| n.ends_with(".jsonl")).unwrap();
    let mut other_version = whole.clone();
    let at = whole.windows(9).position(|w| w == b"\"version\"").unwrap();
    other_version[at + 11] = b'9';
    let cuts = [0, 7, 8, header / 2, 8 + header, whole.len() - 1];
    let mut bad: Vec<Vec<u8>> = cuts.iter().map(|n| whole[..*n].to_vec()).collect();
    bad.extend([vec![0xFF; 100], b"foreign".repeat(50), other_version]);
    // A model's file, which has the same form.
    bad.push(std::fs::read(Path::new(MODEL).join("model.safetensors")).unwrap());
    for (i, bytes) in bad.iter().enumerate() {
        w.write(INDEX, bytes);
        // Searches go to the files themselves.
        let run = w.lnr(&["search", "red circle", "--clip-model", MODEL, "--top", "1", "--jsonl"]);
        assert!(run.code == 0 && run.out.contains("red.lnr"), "{i}: {}", run.err);
        assert!(run.err.contains("files are read instead"), "{i}: {}", run.err);
        let run = w.ok(&["index", ".", "--json"]);
        assert!(run.err.contains(INDEX) && run.err.contains("is made anew"), "{i}: {}", run.err);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(numbers(&report, &WORK), [3, 3, 0, 0], "{i}");
        assert!(w.read(INDEX) == whole, "{i}");
    }
    // A list that does not fit, and none.
    let lines = w.read(&list);
    w.write(&list, &lines[1..]);
    let run = w.ok(&["index", "."]);
    assert!(run.err.contains("is damaged; it is made anew"), "{}", run.err);
    std::fs::remove_file(w.path(&list)).unwrap();
    let run = w.ok(&["index", "."]);
    assert!(run.err.contains("is made anew"), "{}", run.err);
    // Damage among the values shows as soon as they are used for another index.
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    w.write(INDEX, &damaged);
    std::fs::remove_file(w.path("blue.lnr")).unwrap();
    let run = w.ok(&["index", ".", "--json"]);
    assert!(run.err.contains("its checksum does not match; it is made anew"), "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(numbers(&report, &WORK), [2, 2, 0, 0]);
}

#[test]
fn damaged_files_are_told_once() {
    let w = workplace();
    let red = w.read("red.lnr");
    w.write("cut.lnr", &red[..red.len() / 2]);
    w.write("empty.lnr", b"");
    w.write("text.lnr", b"no video at all");
    let run = w.ok(&["index", ".", "--json"]);
    for name in ["cut.lnr", "empty.lnr", "text.lnr"] {
        assert!(run.err.contains(name), "{}", run.err);
    }
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(numbers(&report, &["files", "damaged", "silent"]), [6, 3, 3]);
    let run = w.ok(&["index", "."]);
    assert!(run.err.is_empty() && run.out.contains("3 of them are damaged"), "{}", run.err);
    w.lnr(&["index", "none"]).failed(2, "not a folder");
    w.lnr(&["index", "red.lnr"]).failed(2, "not a folder");
}

#[test]
fn models_look_at_other_videos() {
    let w = Workplace::new();
    w.write("scenes.y4m", &video(&[("red", "white"), ("blue", "yellow")]));
    encode(&w, "green.lnr", &[("green", "black")]);
    assert_eq!(numbers(&index(&w), &["files", "read", "silent"]), [1, 1, 0]);
    let embed = ["index", ".", "--embed", MODEL, "--every", "0.04"];
    let report = w.json(&embed);
    assert_eq!(numbers(&report, &WORK), [2, 1, 1, 0]);
    assert_eq!(numbers(&w.json(&embed), &WORK), [2, 0, 2, 0]);
    // What a model saw stays without it.
    assert_eq!(numbers(&index(&w), &WORK), [2, 0, 2, 0]);
    let found = w.json(&["search", "blue circle on yellow", "--clip-model", MODEL, "--top", "1"]);
    let hit = &found["hits"][0];
    assert_eq!(hit["file"], "scenes.y4m");
    let [start, end] = ["start", "end"].map(|n| hit[n].as_f64().unwrap());
    assert!((0.15..0.35).contains(&start) && (end - 0.4).abs() < 1e-6, "{hit}");
    // The index knows the moment, so no model is needed.
    let like = w.json(&["search", "--like", "scenes.y4m@0.02", "--top", "1"]);
    assert_eq!(
        (&like["hits"][0]["file"], &like["hits"][0]["start"]),
        (&"scenes.y4m".into(), &0.0.into())
    );
    assert!(like["hits"][0]["score"].as_f64().unwrap() > 0.99);
    let other = w.json(&["index", ".", "--embed", MODEL, "--every", "10"]);
    assert_eq!(numbers(&other, &WORK), [2, 1, 1, 0]);
    // Changed, and nobody to look at it.
    w.write("scenes.y4m", &video(&[("red", "white")]));
    assert_eq!(numbers(&index(&w), &WORK), [1, 0, 1, 1]);
    w.lnr(&["index", ".", "--embed", "none"]).failed(2, "none is neither a directory");
    w.lnr(&["index", ".", "--embed", MODEL, "--every", "0"]).failed(1, "0.001 s or more");
}

#[cfg(feature = "gstreamer")]
#[test]
fn lnr_video_in_mp4_is_read_as_it_is_elsewhere() {
    let w = workplace();
    w.ok(&["join", "red.lnr", "red.mp4"]);
    w.write("other.mp4", &common::y4m(16, 16, 2, "444"));
    let report = index(&w);
    assert_eq!(numbers(&report, &["files", "silent", "damaged"]), [5, 1, 0]);
    let found = w.json(&["search", "red circle", "--clip-model", MODEL, "--top", "2"]);
    let mut files: Vec<_> = (0..2).map(|i| found["hits"][i]["file"].to_string()).collect();
    files.sort();
    assert_eq!(files, ["\"red.lnr\"", "\"red.mp4\""]);
    assert_eq!(found["hits"][0]["score"], found["hits"][1]["score"]);
}

#[cfg(unix)]
#[test]
fn two_at_once_do_not_meet() {
    let w = workplace();
    let folder = std::fs::File::open(w.path("")).unwrap();
    folder.lock().unwrap();
    w.lnr(&["index", "."]).failed(4, "another lnr index is at work here");
    folder.unlock().unwrap();
    index(&w);
}

/// Starts indexing `folder`.
fn start(w: &Workplace) -> std::process::Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lnr"));
    command.args(["index", "-q", "many"]).current_dir(w.path(""));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("lnr runs")
}

#[test]
fn killed_at_any_moment_it_goes_on() {
    const N: u64 = 2600;
    let w = workplace();
    let folder = w.path("many");
    for i in 0..N {
        let into = folder.join(format!("{}", i % 7));
        std::fs::create_dir_all(&into).unwrap();
        std::fs::copy(w.path("red.lnr"), into.join(format!("{i}.lnr"))).unwrap();
    }
    let is_there = || folder.join(INDEX).exists();
    // As soon as there is something to keep.
    let mut child = start(&w);
    while !is_there() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let found = w.json(&["search", "red circle", "--clip-model", MODEL, "--in", "many"]);
    assert_eq!(found["files"], N, "what the index lacks is read");
    let report = w.json(&["index", "many"]);
    assert_eq!(report["files"], N);
    assert!(report["kept"].as_u64().unwrap() >= 2000, "{report}");
    // At moments spread over the whole work, over an index that is there.
    for i in 0..8 {
        let stale = folder.join("0").join("0.lnr");
        std::fs::copy(w.path("blue.lnr"), &stale).unwrap();
        let mut child = start(&w);
        std::thread::sleep(Duration::from_millis(12 * i));
        child.kill().unwrap();
        child.wait().unwrap();
        let report = w.json(&["index", "many"]);
        assert_eq!(report["files"], N);
        assert!(report["kept"].as_u64().unwrap() >= N - 1, "{report}");
        std::fs::copy(w.path("red.lnr"), &stale).unwrap();
        w.json(&["index", "many"]);
    }
    assert_eq!(own_files(&folder).len(), 2, "{:?}", own_files(&folder));
}
