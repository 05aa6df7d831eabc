// SPDX-License-Identifier: MIT OR Apache-2.0
//! CLIP and SigLIP against what the Python package transformers made of the same pictures and texts
//! (tests/small_clip/fixtures.py), and directories that are no models.
#![cfg(feature = "clip")]

use std::path::{Path, PathBuf};

use lnr::align::{ImageModel, TextModel, cosine};
use safetensors::SafeTensors;

/// The part of 1 that a cosine may lack.
const TOLERANCE: f32 = 1e-4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The directories of the models, and of what is expected of them.
fn models() -> Vec<(PathBuf, PathBuf)> {
    let tests = root().join("crates/lnr/tests/clip");
    let tiny =
        ["clip-legacy", "siglip", "siglip2"].map(|name| (tests.join(name), tests.join(name)));
    let mut all = tiny.to_vec();
    all.push((root().join("data/small-clip"), tests.join("small")));
    all
}

fn floats(file: &SafeTensors, name: &str) -> Vec<f32> {
    let tensor = file.tensor(name).unwrap();
    tensor.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// (width, height) and [height, width, 3] u8.
fn picture(file: &SafeTensors, name: &str) -> ((usize, usize), Vec<u8>) {
    let tensor = file.tensor(name).unwrap();
    ((tensor.shape()[1], tensor.shape()[0]), tensor.data().to_vec())
}

#[test]
fn pictures_are_seen_and_understood_as_by_transformers() {
    for (folder, expected) in models() {
        let model = ImageModel::load(&folder).unwrap();
        let bytes = std::fs::read(expected.join("expected.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let n = file.names().iter().filter(|n| n.starts_with("pixels_")).count();
        assert!(n >= 2);
        for i in 0..n {
            let (size, rgb) = picture(&file, &format!("image_{i}"));
            let pixels = model.preprocess(size, &rgb).unwrap();
            let wanted = floats(&file, &format!("pixels_{i}"));
            assert_eq!(pixels.len(), wanted.len());
            // One of 255 levels, divided by the smallest deviation that models divide by.
            let most = 1.01 / 255.0 / 0.2613;
            let worst = pixels.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= most, "{}: pixel off by {worst}", folder.display());
            let wanted = floats(&file, &format!("image_embedding_{i}"));
            let found = model.embed(size, &rgb).unwrap();
            let cos = cosine(&found, &wanted);
            assert!(cos >= 1.0 - TOLERANCE, "{} picture {i}: {cos}", folder.display());
            let length = |v: &[f32]| v.iter().map(|v| v * v).sum::<f32>().sqrt();
            let ratio = length(&found) / length(&wanted);
            assert!((ratio - 1.0).abs() < 0.01, "{} picture {i}: {ratio}", folder.display());
        }
    }
}

#[test]
fn texts_are_read_and_understood_as_by_transformers() {
    for (folder, expected) in models() {
        let model = TextModel::load(&folder).unwrap();
        assert_eq!(model.space(), ImageModel::load(&folder).unwrap().space());
        let bytes = std::fs::read(expected.join("expected.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let texts = std::fs::read(expected.join("texts.json")).unwrap();
        let texts: Vec<String> = serde_json::from_slice(&texts).unwrap();
        for (i, text) in texts.iter().enumerate() {
            let tensor = file.tensor(&format!("tokens_{i}")).unwrap();
            let wanted: Vec<u32> =
                tensor.data().as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as u32).collect();
            assert_eq!(model.tokens(text).unwrap(), wanted, "{} {text:?}", folder.display());
            let wanted = floats(&file, &format!("text_embedding_{i}"));
            let cos = cosine(&model.embed(text).unwrap(), &wanted);
            assert!(cos >= 1.0 - TOLERANCE, "{} {text:?}: {cos}", folder.display());
        }
    }
}

/// A copy of a model's directory that can be spoilt.
fn copy(of: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(of).unwrap().flatten() {
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

/// What both models say of a directory.
fn complaints(folder: &Path) -> Vec<String> {
    let image = ImageModel::load(folder).err().map(|e| e.to_string());
    let text = TextModel::load(folder).err().map(|e| e.to_string());
    image.into_iter().chain(text).collect()
}

#[test]
fn what_is_missing_left_over_or_unknown_is_named() {
    let (of, _) = &models()[0];
    assert_eq!(complaints(copy(of).path()), [""; 0]);
    for file in ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"] {
        let folder = copy(of);
        std::fs::remove_file(folder.path().join(file)).unwrap();
        let said = complaints(folder.path());
        assert!(!said.is_empty() && said.iter().all(|s| s.contains(file)), "{file}: {said:?}");
    }
    let config = std::fs::read_to_string(of.join("config.json")).unwrap();
    for (from, to, what) in [
        ("\"gelu\"", "\"swish\"", "hidden_act"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "layers.2"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", "belongs to nothing"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 4000000000", "num_hidden_layers"),
        ("\"patch_size\": 8", "\"patch_size\": 1, \"image_size\": 2048", "more than fit"),
        ("\"projection_dim\": 20", "\"projection_dim\": 21", "has shape"),
        ("\"model_type\": \"clip\"", "\"model_type\": \"blip\"", "model_type"),
    ] {
        assert!(config.contains(from), "{from} in {config}");
        let folder = copy(of);
        std::fs::write(folder.path().join("config.json"), config.replace(from, to)).unwrap();
        let said = complaints(folder.path());
        assert!(said.iter().any(|s| s.contains(what)), "{to}: {said:?}");
    }
    let folder = copy(of);
    let path = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for n in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..n]).unwrap();
        assert_eq!(complaints(folder.path()).len(), 2, "{n} bytes");
    }
    let mut spoilt = bytes.clone();
    let last = spoilt.len() - 3;
    spoilt[last] ^= 0x40;
    std::fs::write(&path, &spoilt).unwrap();
    let other = ImageModel::load(folder.path()).unwrap();
    assert_ne!(other.space().fingerprint, ImageModel::load(of).unwrap().space().fingerprint);
}

#[test]
fn pictures_of_any_shape_are_seen() {
    let model = ImageModel::load(&models()[3].0).unwrap();
    for (width, height) in [(1, 1), (1, 3000), (5000, 2), (65, 64)] {
        let rgb: Vec<u8> = (0..3 * width * height).map(|i| (i * 7 % 251) as u8).collect();
        assert_eq!(model.embed((width, height), &rgb).unwrap().len(), 64);
    }
    for (size, n) in [((2, 2), 11), ((0, 4), 0)] {
        assert!(model.embed(size, &vec![0; n]).is_err());
    }
}
