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
    run.failed(2, "hf download small-clip");
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
        assert_eq!(files(&search(w, &["circle", "--in", "sub"])), ["sub/blue.lnr"]);
        assert_eq!(files(&search(w, &["circle", "--in", "sub/blue.lnr"])), ["sub/blue.lnr"]);
        assert_eq!(search(w, &["circle", "--in", "sub/.."])["files"], 3);
        let vectors = search(w, &["circle", "--in", "red.lnr"])["vectors"].as_u64().unwrap();
        assert!(vectors > 0 && vectors < search(w, &["circle"])["vectors"].as_u64().unwrap());
    };
    everywhere(&w);
    w.ok(&["index", "."]);
    // By the index of the folder above.
    everywhere(&w);
    w.write("text.txt", b"no video");
    std::fs::create_dir(w.path("empty")).unwrap();
    w.lnr(&["search", "x", "--in", "none"]).failed(2, "none: No such file");
    for place in ["text.txt", "empty"] {
        w.lnr(&["search", "x", "--in", place]).failed(2, "no video here says what it shows");
    }
}

#[test]
fn moments_are_merged_and_limited() {
    let w = Workplace::new();
    let scenes = [
        ("red", "white"),
        ("red", "white"),
        ("blue", "yellow"),
        ("green", "black"),
        ("red", "white"),
    ];
    encode(&w, "long.lnr", &scenes);
    encode(&w, "short.lnr", &[("blue", "yellow")]);
    let found = search(&w, &["red circle on white"]);
    let spans = |found: &Value, file: &str| {
        let hits = found["hits"].as_array().unwrap().iter().filter(|h| h["file"] == file);
        hits.map(|h| ["start", "best", "end"].map(|n| number(h, n))).collect::<Vec<_>>()
    };
    let long = spans(&found, "long.lnr");
    assert_eq!(long.len(), 3, "{found}");
    // The first two scenes are one result, the last another.
    let mut first: Vec<_> = long[..2].iter().map(|s| (s[0], s[2])).collect();
    first.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(first, [(0.0, 0.4), (0.8, 1.0)], "{found}");
    assert!(long.iter().all(|s| s[0] <= s[1] && s[1] <= s[2]), "{long:?}");
    let one = search(&w, &["red circle on white", "--per-video", "1"]);
    assert_eq!(files(&one), ["long.lnr", "short.lnr"]);
    assert_eq!(files(&search(&w, &["red circle on white", "--top", "2"])).len(), 2);
    let best = number(&found["hits"][0], "score");
    let least = (best - 0.001).to_string();
    let few = search(&w, &["red circle on white", "--min-score", &least]);
    assert!(!files(&few).is_empty() && files(&few).len() <= 2, "{few}");
    let run = w.ok(&["search", "red", "--clip-model", MODEL, "--min-score", "1"]);
    assert!(run.out.is_empty() && run.err.contains("nothing found"), "{}", run.err);
    let run = w.ok(&["search", "--like", "long.lnr@0:00.5", "--jsonl", "--min-score", "-1"]);
    let lines: Vec<Value> = run.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines.len() >= 4 && lines[0]["rank"] == 1 && lines[0]["score"].as_f64() > Some(0.99));
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
