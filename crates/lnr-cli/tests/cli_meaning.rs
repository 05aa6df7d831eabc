// SPDX-License-Identifier: MIT OR Apache-2.0
//! What frames mean: stored by `lnr encode`, told by `lnr info`, measured by `lnr eval`.
#![cfg(feature = "clip")]

mod common;

use common::{Workplace, y4m};
use serde_json::Value;

/// The repository's small model.
fn model() -> String {
    format!("{}/../../data/small-clip", env!("CARGO_MANIFEST_DIR"))
}

/// Frames of one colour (Y, Cb, Cr) each, as Y4M.
fn plain(colors: &[[u8; 3]]) -> Vec<u8> {
    let (width, height) = (48, 36);
    let mut out = format!("YUV4MPEG2 W{width} H{height} F8:1 Ip A1:1 C420jpeg\n").into_bytes();
    for [y, cb, cr] in colors {
        out.extend(b"FRAME\n");
        out.extend(vec![*y; width * height]);
        out.extend(vec![*cb; width * height / 4]);
        out.extend(vec![*cr; width * height / 4]);
    }
    out
}

const RED: [u8; 3] = [81, 90, 240];
const GREEN: [u8; 3] = [145, 54, 34];
const BLUE: [u8; 3] = [41, 240, 110];

#[test]
fn files_say_what_they_mean_and_pictures_stay_the_same() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(64, 48, 9, "420jpeg"));
    let model = model();
    let plain = w.encode("in.y4m", "plain.lnr", &[]);
    assert!(plain["embedding"].is_null());
    let aligned = w.encode("in.y4m", "aligned.lnr", &["--clip-model", &model]);
    let embedding = &aligned["embedding"];
    assert_eq!((&embedding["space"], &embedding["dimensions"]), (&"small-clip".into(), &64.into()));
    assert!(embedding["cosine"].as_f64().unwrap() > 0.9, "{embedding}");
    assert!(embedding["images"].as_u64().unwrap() < 9, "{embedding}");
    for name in ["plain", "aligned"] {
        w.ok(&["decode", &format!("{name}.lnr"), &format!("{name}.y4m")]);
    }
    assert!(w.read("plain.y4m") == w.read("aligned.y4m"));

    let info = w.json(&["info", "aligned.lnr"]);
    assert_eq!(info["embedding"][0]["space"], "small-clip");
    assert_eq!(info["embedding"][0]["fingerprint"], embedding["fingerprint"]);
    assert!(w.ok(&["info", "aligned.lnr"]).out.contains("searchable: small-clip ("));
    assert_eq!(w.json(&["info", "plain.lnr"])["embedding"], Value::Array(vec![]));
    // The variable names the model, too.
    let named = [("LNR_CLIP_MODEL", model.as_str())];
    let args = ["encode", "in.y4m", "auto.lnr", "--epochs", "4", "--preset", "ultrafast"];
    let run = w.lnr_with(&named, &[&args[..], &["--clip-model", "auto"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(w.read("auto.lnr") == w.read("aligned.lnr"));
}

#[test]
fn what_cannot_be_stored_is_refused_with_the_cure() {
    let w = Workplace::new();
    w.write("in.y4m", &y4m(32, 32, 3, "420jpeg"));
    w.write("bad.npy", b"nothing");
    let refused = |args: &[&str], code: i32, said: &str| {
        w.lnr(&[&["encode", "in.y4m", "out.lnr", "--epochs", "1"], args].concat())
            .failed(code, said);
        assert!(!w.path("out.lnr").exists());
    };
    refused(&["--clip-model", "nobody/nothing"], 2, "hf download nobody/nothing");
    refused(&["--clip-model", "."], 2, "config.json");
    refused(&["--features", "bad.npy"], 2, "bad.npy");
    refused(&["--features", "bad.npy", "--clip-model", "."], 1, "cannot be used with");
    refused(&["--clip-model", &model(), "--clip-weight", "2"], 1, "clip-weight 2");
}

#[test]
fn the_price_and_the_truth_of_meaning_are_measured() {
    let w = Workplace::new();
    w.write("in.y4m", &plain(&[RED, RED, RED, GREEN, GREEN, BLUE, BLUE, BLUE]));
    let model = model();
    let args = ["eval", "alignment", "in.y4m", "--clip-model", &model, "--epochs", "2"];
    let rows = w.json(&[&args[..], &["--weights", "0,0.01,1"]].concat())["rows"].clone();
    let number = |i: usize, name: &str| rows[i][name].as_f64().unwrap();
    assert!(rows[0]["truth"].is_null() && number(0, "embedding_bytes") == 0.0);
    for i in [1, 2] {
        assert_eq!(number(i, "psnr_rgb"), number(0, "psnr_rgb"));
        assert!(number(i, "bytes") > number(0, "bytes") && number(i, "nodes") >= 2.0);
        let truth = &rows[i]["truth"];
        let of = |name: &str| truth[name].as_f64().unwrap();
        assert!(of("cosine") > 0.97 && of("centred") > of("shuffled") + 0.5, "{truth}");
    }
    assert!(number(2, "embedding_bytes") >= number(1, "embedding_bytes"));
    let text = w.ok(&[&args[..], &["--weights", "0.01"]].concat()).out;
    assert!(text.starts_with("small-clip (") && text.contains("centred"), "{text}");
}

#[test]
fn videos_are_found_by_text_and_by_picture_in_their_files() {
    let w = Workplace::new();
    std::fs::create_dir(w.path("encoded")).unwrap();
    let model = model();
    let mut dataset = String::new();
    let colors = [("red", RED), ("green", GREEN), ("blue", BLUE)];
    for (name, color) in colors {
        w.write(&format!("{name}.y4m"), &plain(&[color; 4]));
        let caption = format!("a plain {name} background");
        let line = serde_json::json!({ "video": format!("{name}.y4m"), "caption": caption });
        dataset += &format!("{line}\n");
    }
    w.write("dataset.jsonl", dataset.as_bytes());
    let args =
        ["eval", "retrieval", "dataset.jsonl", "--encoded", "encoded", "--clip-model", &model];
    w.lnr(&args).failed(2, "lnr encode red.y4m encoded/red.lnr --clip-model");
    for (name, _) in colors {
        let (video, file) = (format!("{name}.y4m"), format!("encoded/{name}.lnr"));
        w.encode(&video, &file, &["--clip-model", &model]);
    }
    let result = w.json(&args);
    let recall = |task: &str, vectors: &str| {
        let rows = result["rows"].as_array().unwrap();
        let row = rows.iter().find(|r| r["task"] == task && r["vectors"] == vectors);
        row.unwrap_or_else(|| panic!("{task} {vectors}"))["recall_1"].as_f64().unwrap()
    };
    for task in ["text to video", "video to text", "image to video", "text to frame"] {
        assert_eq!(recall(task, "file"), 100.0, "{task}: {result}");
    }
    assert_eq!(recall("text to segment", "model"), 100.0);
    assert!(recall("text to video", "file, shuffled") < 100.0);
    assert_eq!(result["file_less_model_recall_1"]["points"], 0.0);
    let text = w.ok(&args).out;
    assert!(text.contains("3 captions") && text.contains("image to video"), "{text}");
    // A file that says nothing, and one of another space.
    w.encode("red.y4m", "encoded/red.lnr", &["--force"]);
    w.lnr(&args).failed(3, "encode it with --clip-model");
    let vectors = w.path("v.npy");
    let mut bytes = Vec::new();
    lnr::align::write_npy(&mut bytes, 64, &[0.5; 4 * 64]).unwrap();
    std::fs::write(&vectors, bytes).unwrap();
    w.encode("red.y4m", "encoded/red.lnr", &["--force", "--features", "v.npy"]);
    w.lnr(&args).failed(3, "cannot be compared");
}
