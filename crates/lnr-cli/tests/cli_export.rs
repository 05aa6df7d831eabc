// SPDX-License-Identifier: MIT OR Apache-2.0
//! What frames mean, for other programs (`lnr export`) and to look at (`lnr plot`).

mod common;

use common::{Workplace, y4m};
use serde_json::Value;

const DIM: usize = 16;

/// Encodes `n` frames whose vectors turn as time goes by.
fn encode(w: &Workplace, name: &str, n: usize, space: &str) {
    let angle = |t: usize, i: usize| (t as f32 * 0.25 + i as f32 * 0.6).sin();
    let values: Vec<f32> = (0..n * DIM).map(|k| angle(k / DIM, k % DIM)).collect();
    let mut bytes = Vec::new();
    lnr::align::write_npy(&mut bytes, DIM, &values).unwrap();
    w.write("v.npy", &bytes);
    w.write("in.y4m", &y4m(32, 24, n, "420jpeg"));
    let features = ["--features", "v.npy", "--features-space", space, "--clip-weight", "1"];
    w.encode("in.y4m", name, &features);
}

#[test]
fn vectors_go_to_other_programs_in_their_forms() {
    let w = Workplace::new();
    encode(&w, "a.lnr", 9, "mine");
    encode(&w, "b.lnr", 5, "mine");
    let told = w.json(&["export", "a.lnr", "b.lnr", "all.npy", "--frames"]);
    assert_eq!((&told["vectors"], &told["space"]), (&14.into(), &"mine".into()));
    let ((n, dim), values) = lnr::align::read_npy(&w.read("all.npy")).unwrap();
    assert_eq!((n, dim), (14, DIM));
    let length = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
    assert!(values.chunks(DIM).all(|row| (length(row) - 1.0).abs() < 1e-5));

    // A FAISS index is its header and the same vectors.
    w.ok(&["export", "a.lnr", "b.lnr", "all.faiss", "--frames"]);
    let index = w.read("all.faiss");
    assert_eq!((&index[..4], index.len()), (&b"IxFI"[..], 45 + 4 * n * dim));
    assert_eq!(index[4..16], [[DIM as u8, 0, 0, 0], [14, 0, 0, 0], [0; 4]].concat());
    assert_eq!(index[45..], w.read("all.npy")[128..]);

    // What is written can be read as features again.
    w.ok(&["export", "a.lnr", "a.safetensors", "--frames"]);
    if cfg!(feature = "clip") {
        let again = ["--features", "a.safetensors", "--clip-weight", "1"];
        w.write("in.y4m", &y4m(32, 24, 9, "420jpeg"));
        let told = w.encode("in.y4m", "again.lnr", &again);
        assert_eq!(told["embedding"]["space"], "mine");
        assert!(told["embedding"]["cosine"].as_f64().unwrap() > 0.99, "{told}");
    }

    // At regular times: 9 frames of 40 ms.
    w.ok(&["export", "a.lnr", "times.jsonl", "--every", "0.1"]);
    let text = String::from_utf8(w.read("times.jsonl")).unwrap();
    let records: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let times: Vec<f64> = records.iter().map(|r| r["time"].as_f64().unwrap()).collect();
    assert_eq!(times, [0.0, 0.1, 0.2, 0.3]);
    assert_eq!((records[0]["start"].as_f64(), records[3]["end"].as_f64()), (Some(0.0), Some(0.36)));
    let few = w.json(&["export", "a.lnr", "nodes.jsonl", "--for", "qdrant"]);
    assert!(few["vectors"].as_u64().unwrap() < 9, "{few}");
}

#[test]
fn what_cannot_be_exported_is_named() {
    let w = Workplace::new();
    encode(&w, "a.lnr", 3, "mine");
    encode(&w, "other.lnr", 3, "theirs");
    w.encode("in.y4m", "plain.lnr", &[]);
    w.lnr(&["export", "plain.lnr", "x.npy"]).failed(3, "encode it with --clip-model");
    w.lnr(&["export", "a.lnr", "other.lnr", "x.npy"]).failed(3, "cannot be compared");
    w.lnr(&["export", "a.lnr", "x.bin"]).failed(4, "its ending says no form");
    w.lnr(&["export", "a.lnr", "a.lnr"]).failed(4, "its ending says no form");
    for every in ["0", "0.0001"] {
        w.lnr(&["export", "a.lnr", "x.npy", "--every", every]).failed(1, "0.001 s or more");
    }
    w.lnr(&["plot", "a.lnr", "x.png"]).failed(4, "choose a name that ends with");
    w.lnr(&["plot", "plain.lnr", "x.svg"]).failed(3, "encode it with --clip-model");
    for name in ["x.npy", "x.bin", "x.svg"] {
        assert!(!w.path(name).exists(), "{name}");
    }
}

#[test]
fn what_frames_mean_is_drawn() {
    let w = Workplace::new();
    encode(&w, "a<b.lnr", 20, "mine");
    encode(&w, "b.lnr", 8, "mine");
    w.ok(&["plot", "a<b.lnr", "b.lnr", "both.svg"]);
    let svg = String::from_utf8(w.read("both.svg")).unwrap();
    assert!(svg.contains("UMAP") && svg.contains("PCA (") && svg.contains("a&lt;b.lnr 0.76 s"));
    assert_eq!(svg.matches("class=\"p\"").count(), 2 * 28);
    w.ok(&["plot", "a<b.lnr", "one.html", "--method", "pca"]);
    let page = String::from_utf8(w.read("one.html")).unwrap();
    assert_eq!(page.matches("class=\"p\"").count(), 20);
    assert_eq!(page.matches("data:image/png;base64,").count(), 20);
    assert!(!page.contains("http:") || page.matches("http:").count() == 1, "the name of SVG alone");
    assert!(!page.contains("a<b"), "names are no markup");
}
