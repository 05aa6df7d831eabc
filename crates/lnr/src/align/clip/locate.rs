// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where models lie.

use std::path::{Path, PathBuf};

use crate::align::MODEL_VARIABLE;
use crate::base::{Error, Result};

/// Files of a model's directory.
const FILES: &str = "config.json model.safetensors preprocessor_config.json tokenizer.json";
/// What is asked for where nobody names a model.
const DEFAULT: &str = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K";

/// The directory of a model: `name` is one, or the name of a model that lies in the cache of Hugging Face,
/// such as `openai/clip-vit-large-patch14`. Without a name, or where it is `auto`, [`MODEL_VARIABLE`] says it.
///
/// # Errors
/// [`Error::Model`] with the command that fetches the model, where it is nowhere.
pub fn find_model(name: Option<&str>) -> Result<PathBuf> {
    let variable = || std::env::var(MODEL_VARIABLE).ok().filter(|v| !v.is_empty());
    let asked = name.filter(|name| *name != "auto");
    let asked = asked.map(str::to_owned).or_else(variable).unwrap_or_else(|| DEFAULT.to_owned());
    let path = PathBuf::from(&asked);
    if path.is_dir() {
        return Ok(path);
    }
    if let Some(found) = cache_folders().iter().find_map(|cache| in_cache(cache, &asked)) {
        return Ok(found);
    }
    let cure = match asked.split('/').collect::<Vec<_>>()[..] {
        [owner, name] if !owner.is_empty() && !name.is_empty() && owner != "." && owner != ".." => {
            format!("to fetch it: hf download {asked} {FILES}; to use another one, name")
        }
        // No such name is known there.
        _ => "name".to_owned(),
    };
    Err(Error::Model(format!(
        "{asked} is neither a directory nor a model in the cache of Hugging Face; {cure} the model's \
         directory, by --clip-model, clip-model or {MODEL_VARIABLE}"
    )))
}

/// Where the cache may lie, by the variables that the Python package goes by.
fn cache_folders() -> Vec<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").or_else(|| folder("USERPROFILE"));
    let general = || folder("XDG_CACHE_HOME").or_else(|| home().map(|h| h.join(".cache")));
    let all = [
        folder("HF_HUB_CACHE"),
        folder("HF_HOME").map(|h| h.join("hub")),
        general().map(|c| c.join("huggingface").join("hub")),
    ];
    all.into_iter().flatten().collect()
}

/// The newest state of a model in a cache.
fn in_cache(cache: &Path, name: &str) -> Option<PathBuf> {
    if name.split('/').any(|part| part.is_empty() || part == "..") {
        return None;
    }
    let model = cache.join(format!("models--{}", name.replace('/', "--")));
    let snapshots = model.join("snapshots");
    let main = std::fs::read_to_string(model.join("refs").join("main")).ok();
    let named = main.map(|revision| snapshots.join(revision.trim()));
    named.filter(|p| p.is_dir()).or_else(|| {
        let folders = std::fs::read_dir(&snapshots).ok()?.flatten().map(|e| e.path());
        folders.filter(|p| p.is_dir()).max()
    })
}

/// What the model of a directory is called: by its name in the cache, or by the directory.
pub(super) fn name_of(folder: &Path) -> String {
    let names = folder.ancestors().filter_map(|a| a.file_name()?.to_str());
    let cached = names.filter_map(|name| name.strip_prefix("models--")).next();
    let own = || {
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        whole.file_name().map(|n| n.to_string_lossy().into_owned())
    };
    let name = cached.map(|n| n.replace("--", "/")).or_else(own);
    let name = name.filter(|n| !n.is_empty()).unwrap_or_else(|| "clip".into());
    name.chars()
        .scan(0, |n, c| {
            *n += c.len_utf8();
            (*n <= MAX_NAME).then_some(c)
        })
        .collect()
}

/// Longest name in bytes that a stream can hold.
const MAX_NAME: usize = crate::base::limits::MAX_SPACE_NAME;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_in_a_cache_by_name() {
        let cache = tempfile::tempdir().unwrap();
        let model = cache.path().join("models--who--model-b32");
        for revision in ["aa", "bb"] {
            std::fs::create_dir_all(model.join("snapshots").join(revision)).unwrap();
        }
        let found = |name| in_cache(cache.path(), name);
        assert_eq!(found("who/model-b32"), Some(model.join("snapshots/bb")));
        std::fs::create_dir(model.join("refs")).unwrap();
        std::fs::write(model.join("refs/main"), "aa\n").unwrap();
        let folder = found("who/model-b32").unwrap();
        assert_eq!(folder, model.join("snapshots/aa"));
        assert_eq!(name_of(&folder), "who/model-b32");
        for name in ["who/other", "..", "", "who/", "../models--who--model-b32"] {
            assert_eq!(found(name), None, "{name}");
        }
    }

    #[test]
    fn directories_are_taken_as_they_are_and_others_named_with_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my-clip");
        std::fs::create_dir(&path).unwrap();
        assert_eq!(find_model(path.to_str()).unwrap(), path);
        assert_eq!(name_of(&path), "my-clip");
        let text = find_model(Some("nobody/nothing")).unwrap_err().to_string();
        assert!(text.contains("hf download nobody/nothing config.json"), "{text}");
        let long = "ä".repeat(100);
        assert_eq!(name_of(Path::new(&long)).len(), 128);
    }
}
