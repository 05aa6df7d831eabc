// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr search`: by words, a picture and a moment, with an index and without.
#![cfg(feature = "clip")]
mod common;

use common::Workplace;
use common::scenes::{MODEL, encode, encode_with_features, video, workplace};
use serde_json::Value;

fn search(w: &Workplace, args: &[&str]) -> Value {
    w.json(&[&["search", "--clip-model", MODEL], args].concat())
}

fn files(found: &Value) -> Vec<&str> {
    let hits = found["hits"].as_array().expect("hits");
    hits.iter().map(|h| h["file"].as_str().expect("a file")).collect()
}

fn number(hit: &Value, name: &str) -> f64 {
    hit[name].as_f64().unwrap_or_else(|| panic!("{name} of {hit}"))
}

#[test]
fn words_find_what_they_mean_with_an_index_and_without() {
    let w = workplace();
    let queries = [
        ("a red circle on a white background", "red.lnr"),
        ("green circle on black", "green.lnr"),
        ("blue circle on a yellow background", "blue.lnr"),
    ];
    let mut before = Vec::new();
    for (words, file) in queries {
        let found = search(&w, &[words]);
        assert_eq!(files(&found)[0], file, "{found}");
        let hit = &found["hits"][0];
        assert!(number(hit, "z") > 0.5 && number(hit, "score") > 0.1, "{hit}");
        assert!((number(hit, "end") - 0.2).abs() < 1e-6 && number(hit, "start") == 0.0, "{hit}");
        assert_eq!((&found["files"], &found["dimensions"]), (&3.into(), &64.into()));
        before.push(found["hits"].clone());
    }
    w.ok(&["index", "."]);
    for ((words, _), before) in queries.iter().zip(before) {
        let found = search(&w, &[words]);
        assert_eq!(found["hits"], before, "the index says what the files say");
        assert_eq!(found["newer"], 0);
    }
    // The model's name stands in the files; the variable names its directory.
    let run = w.lnr_with(&[("LNR_CLIP_MODEL", MODEL)], &["search", "red circle", "--top", "1"]);
    assert!(run.code == 0 && run.out.ends_with("0:00.2  red.lnr\n"), "{}{}", run.out, run.err);
    let run = w.lnr(&["search", "red circle"]);
    run.failed(2, "small-clip is neither a directory");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(MODEL, w.path("small-clip")).unwrap();
        w.ok(&["search", "red circle"]);
    }
}

#[test]
fn files_newer_than_the_index_are_read_themselves() {
    let w = workplace();
    w.ok(&["index", "."]);
    encode(&w, "green.lnr", &[("yellow", "blue")]);
    encode(&w, "late.lnr", &[("black", "white")]);
    std::fs::remove_file(w.path("red.lnr")).unwrap();
    let words = ["search", "--clip-model", MODEL, "yellow circle on blue", "--json"];
    let run = w.ok(&words);
    assert!(run.err.contains("2 files are newer than the index"), "{}", run.err);
    let found: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&found["newer"], &found["files"]), (&2.into(), &3.into()));
    assert_eq!(files(&found)[0], "green.lnr");
    assert!(!files(&found).contains(&"red.lnr"));
    assert_eq!(files(&search(&w, &["black circle on white"]))[0], "late.lnr");
}

#[test]
fn places_are_folders_and_files() {
    let w = workplace();
    std::fs::create_dir(w.path("sub")).unwrap();
    std::fs::rename(w.path("blue.lnr"), w.path("sub/blue.lnr")).unwrap();
    let everywhere = |w: &Workplace| {
        for place in ["sub", "sub/blue.lnr"] {
            let found = search(w, &["circle", "--in", place]);
            assert!(files(&found).iter().all(|f| *f == "sub/blue.lnr"), "{found}");
            assert_eq!(found["files"], 1);
        }
        assert_eq!(search(w, &["circle", "--in", "sub/.."])["files"], 3);
        let vectors = search(w, &["circle", "--in", "red.lnr"])["vectors"].as_u64().unwrap();
        assert!(vectors > 0 && vectors < search(w, &["circle"])["vectors"].as_u64().unwrap());
    };
    everywhere(&w);
    w.ok(&["index", "."]);
    // By the index of the folder above.
    everywhere(&w);
    let run = w.ok(&["search", "red", "--clip-model", MODEL, "--min-score", "1"]);
    assert!(run.out.is_empty() && run.err.contains("nothing found"), "{}", run.err);
    w.write("text.txt", b"no video");
    std::fs::create_dir(w.path("empty")).unwrap();
    w.lnr(&["search", "x", "--in", "none"]).failed(2, "none: No such file");
    for place in ["text.txt", "empty"] {
        w.lnr(&["search", "x", "--in", place]).failed(2, "no video here says what it shows");
    }
}

/// Encodes parts of five frames each, all of whose frames mean the same: one of eight directions.
fn planted(w: &Workplace, name: &str, parts: &[usize]) {
    let frame =
        |part: &usize| (0..8).map(|i| if i == *part { 1.0 } else { 0.1 }).collect::<Vec<f32>>();
    let values: Vec<f32> = parts.iter().flat_map(|part| frame(part).repeat(5)).collect();
    let mut bytes = Vec::new();
    lnr::align::write_npy(&mut bytes, 8, &values).unwrap();
    w.write("planted.npy", &bytes);
    w.write("planted.y4m", &common::y4m(32, 24, 5 * parts.len(), "420jpeg"));
    let features = ["--features", "planted.npy", "--features-space", "planted"];
    w.encode("planted.y4m", name, &[&features[..], &["--clip-weight", "1"]].concat());
}

#[test]
fn moments_are_merged_and_limited() {
    let w = Workplace::new();
    planted(&w, "long.lnr", &[0, 0, 1, 2, 0]);
    planted(&w, "short.lnr", &[1]);
    let like = |more: &[&str]| w.json(&[&["search", "--like", "long.lnr@0"], more].concat());
    let found = like(&[]);
    let hits = found["hits"].as_array().unwrap();
    let spans: Vec<[f64; 3]> = hits
        .iter()
        .filter(|h| h["file"] == "long.lnr")
        .map(|h| ["start", "best", "end"].map(|n| number(h, n)))
        .collect();
    assert!(spans.iter().all(|s| s[0] <= s[1] && s[1] <= s[2]), "{spans:?}");
    // The first two parts are one result, the last another, to a frame or two.
    let mut first: Vec<[f64; 3]> = spans[..2].to_vec();
    first.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let near = |a: f64, b: f64| (a - b).abs() <= 0.08;
    assert!(first[0][0] == 0.0 && near(first[0][2], 0.4), "{found}");
    assert!(near(first[1][0], 0.8) && near(first[1][2], 1.0), "{found}");
    assert_eq!(files(&like(&["--per-video", "1"])), ["long.lnr", "short.lnr"]);
    assert_eq!(files(&like(&["--top", "2"])).len(), 2);
    let best = number(&found["hits"][0], "score");
    assert!(best > 0.99, "{found}");
    let few = like(&["--min-score", &(best - 0.05).to_string()]);
    assert_eq!(files(&few), ["long.lnr", "long.lnr"], "{few}");
    let all = w.ok(&["search", "--like", "short.lnr@0", "--jsonl", "--min-score", "-1"]);
    let lines: Vec<Value> = all.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines.len() >= 3 && lines[0]["rank"] == 1, "{}", all.out);
}

#[test]
fn pictures_moments_and_negations() {
    let w = workplace();
    encode(&w, "both.lnr", &[("red", "white"), ("blue", "yellow")]);
    // No model is needed for what a file says itself.
    let like = w.json(&["search", "--like", "both.lnr@0.3", "--per-video", "1"]);
    assert_eq!(
        files(&like)[..2].iter().filter(|f| ["both.lnr", "blue.lnr"].contains(f)).count(),
        2
    );
    w.lnr(&["search", "--like", "both.lnr@9"]).failed(1, "--like asks for 9 s");
    w.lnr(&["search", "--like", "both.lnr"]).failed(1, "a file and a time of it");
    w.write("plain.y4m", &video(&[("green", "black")]));
    w.lnr(&["search", "--like", "plain.y4m@0"]).failed(3, "does not say what its frames mean");
    assert_eq!(files(&search(&w, &["--image", "plain.y4m"]))[0], "green.lnr");
    if cfg!(feature = "gstreamer") {
        w.ok(&["decode", "green.lnr", "green.png", "--duration", "0.04"]);
        assert_eq!(files(&search(&w, &["--image", "green.png"]))[0], "green.lnr");
    }
    let plain = search(&w, &["circle", "--in", "both.lnr", "--per-video", "9"]);
    let not_red = search(&w, &["circle", "--not", "red circle on white", "--in", "both.lnr"]);
    assert!(number(&not_red["hits"][0], "start") >= 0.15, "{not_red}\n{plain}");
    let not_blue = search(&w, &["circle", "--not", "blue circle on yellow", "--in", "both.lnr"]);
    assert_eq!(number(&not_blue["hits"][0], "start"), 0.0, "{not_blue}");
    let run = w.lnr(&["search", "red", "--not", "red", "--clip-model", MODEL]);
    run.failed(1, "nothing is left to search for");
    w.lnr(&["search"]).failed(1, "required");
    w.lnr(&["search", "red", "--like", "red.lnr@0"]).failed(1, "cannot be used with");
}

#[test]
fn other_spaces_are_refused_by_name() {
    let w = workplace();
    encode_with_features(&w, "mine.lnr");
    for with_index in [false, true] {
        if with_index {
            w.ok(&["index", "."]);
        }
        let run = w.lnr(&["search", "red", "--clip-model", MODEL, "--in", "mine.lnr"]);
        run.failed(1, "mine (");
        assert!(
            run.err.contains("small-clip (") && run.err.contains("3 dimensions"),
            "{}",
            run.err
        );
        let run = w.ok(&["search", "red circle", "--clip-model", MODEL, "--json"]);
        assert!(run.err.contains("1 file of other spaces"), "{}", run.err);
        let found: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!((&found["left_out"], &found["files"]), (&1.into(), &3.into()));
        let run = w.ok(&["search", "--like", "mine.lnr@0", "--json"]);
        assert!(run.err.contains("3 files of other spaces"), "{}", run.err);
        let found: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(files(&found)[0], "mine.lnr");
        let run = w.lnr(&["search", "--like", "mine.lnr@0", "--not", "red", "--clip-model", MODEL]);
        run.failed(1, "cannot be compared");
    }
}
