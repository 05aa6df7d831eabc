// SPDX-License-Identifier: MIT OR Apache-2.0
//! The shape of the source tree: which layer may know which, where unsafe code may stand, how long a
//! file may be. Each rule is also tried on a sample that breaks it.

#[path = "structure/circles.rs"]
mod circles;
#[path = "structure/documents.rs"]
mod documents;

use std::path::{Path, PathBuf};

/// Layers and what each may use besides itself (the architecture's direction of dependencies).
const LAYERS: [(&str, &[&str]); 8] = [
    ("base", &[]),
    ("bitstream", &["base"]),
    ("flow", &["base"]),
    ("backend", &["base"]),
    ("model", &["base", "backend", "flow"]),
    ("train", &["base", "backend", "model"]),
    ("align", &["base", "backend", "model", "train"]),
    ("codec", &["base", "bitstream", "flow", "backend", "model", "train", "align"]),
];
/// Folders where unsafe code may stand.
const UNSAFE_FENCE: [&str; 3] = [
    "crates/lnr/src/backend/cpu/simd",
    "crates/lnr/src/backend/cuda/gpu/",
    "crates/lnr/src/backend/cuda/simt.rs",
];
/// Where the layers lie.
const LIBRARY: &str = "crates/lnr/src/";
/// Longest source file, in lines.
const MAX_LINES: usize = 400;
/// Where a machine's own folders begin.
const MACHINE_PATHS: [&str; 6] = ["/home/", "/root/", "/Users/", "/work/", "/tmp/", "C:\\"];

/// The complaints about one file: `path` relative to the repository, `text` its content.
type Rule = fn(path: &str, text: &str) -> Vec<String>;

const RULES: [(&str, Rule); 5] = [
    ("layers", layers),
    ("unsafe fence", unsafe_fence),
    ("length", length),
    ("licence", licence),
    ("machine paths", machine_paths),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn complaints(rule: Rule) -> Vec<String> {
    let mut files = Vec::new();
    for folder in ["src", "crates", "tests", "benches", "examples", "fuzz", "build.rs"] {
        collect(&root().join(folder), &mut files);
    }
    assert!(files.len() > 20, "the source files were not found");
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("source files are readable text");
        let path = file.strip_prefix(root()).expect("files of the repository");
        let path = path.to_string_lossy().replace('\\', "/");
        found.extend(rule(&path, &text).into_iter().map(|c| format!("{path}: {c}")));
    }
    found
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() && path.extension().is_some_and(|e| e == "rs") {
        files.push(path.to_owned());
    }
    let mut entries: Vec<_> =
        std::fs::read_dir(path).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    entries.iter().for_each(|e| collect(e, files));
}

/// Lines without comments, with their numbers from 1.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| {
        let code = line.split("//").next().unwrap_or("");
        (i + 1, code)
    })
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The places where `word` stands alone.
fn words<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let bytes = line.as_bytes();
        let before = at.checked_sub(1).and_then(|i| bytes.get(i).copied());
        !is_word(before) && !is_word(bytes.get(at + word.len()).copied())
    })
}

/// Layers that the paths in `text` lead to from a file `depth` modules below the crate root.
fn used_layers(text: &str, depth: usize) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    let code: Vec<(usize, &str)> = code_lines(text).collect();
    for &(number, line) in &code {
        for at in words(line, "crate") {
            let rest = &line[at..];
            let path = rest.split_once("::").map_or("", |p| p.1);
            let names: Vec<&str> = match path.strip_prefix('{') {
                Some(group) => group.split(',').collect(),
                None => vec![path],
            };
            used.extend(names.iter().map(|n| (number, first_name(n))));
        }
        // super::super:: up to the crate root names a layer just as crate:: does
        let climb = "super::".repeat(depth);
        if depth > 0 && line.contains(&climb) {
            let path = line.split(&climb).nth(1).unwrap_or("");
            used.push((number, first_name(path)));
        }
    }
    used
}

fn first_name(path: &str) -> String {
    let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
    path.trim().chars().take_while(is_name).collect()
}

fn layers(path: &str, text: &str) -> Vec<String> {
    let Some(inner) = path.strip_prefix(LIBRARY) else {
        return Vec::new();
    };
    let layer = inner.split(['/', '.']).next().unwrap_or("");
    let Some((_, allowed)) = LAYERS.iter().find(|l| l.0 == layer) else {
        return match layer {
            "lib" => Vec::new(),
            _ => vec![format!("{layer} is no known layer; add it to tests/structure.rs")],
        };
    };
    let folders = inner.matches('/').count();
    let depth = folders + usize::from(!inner.ends_with("/mod.rs"));
    used_layers(text, depth)
        .into_iter()
        .filter(|(_, used)| {
            let is_layer = LAYERS.iter().any(|l| l.0 == used);
            is_layer && used != layer && !allowed.contains(&used.as_str())
        })
        .map(|(line, used)| format!("line {line}: {layer} must not know {used}"))
        .collect()
}

fn unsafe_fence(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_inside = UNSAFE_FENCE.iter().any(|f| path.starts_with(f));
    let keyword = ["un", "safe"].concat();
    let mut found = Vec::new();
    for (number, code) in code_lines(text) {
        let stands_in_text = |at: usize| code[..at].matches('"').count() % 2 == 1;
        if !words(code, &keyword).any(|at| !stands_in_text(at)) {
            continue;
        }
        // The reason stands right above, perhaps over several lines of comment or attributes.
        let above = lines[..number - 1].iter().rev().skip_while(|l| l.ends_with(" ="));
        let mut above = above.take_while(|l| {
            let l = l.trim_start();
            l.starts_with("//") || l.starts_with("#[")
        });
        if !is_inside {
            found.push(format!("line {number}: unsafe code outside {UNSAFE_FENCE:?}"));
        } else if !above.any(|l| l.contains("SAFETY:") || l.contains("# Safety"))
            && !lines[number - 1].contains("SAFETY:")
        {
            found.push(format!("line {number}: no SAFETY: line above"));
        }
    }
    found
}

fn length(_: &str, text: &str) -> Vec<String> {
    match text.lines().count() {
        n if n > MAX_LINES => vec![format!("{n} lines, at most {MAX_LINES}; split it")],
        _ => Vec::new(),
    }
}

fn licence(_: &str, text: &str) -> Vec<String> {
    match text.starts_with("// SPDX-License-Identifier: MIT OR Apache-2.0\n") {
        true => Vec::new(),
        false => vec!["the first line must be the SPDX licence identifier".into()],
    }
}

fn machine_paths(path: &str, text: &str) -> Vec<String> {
    if path == "tests/structure.rs" {
        return Vec::new(); // it names them
    }
    let found = |line: &str| {
        MACHINE_PATHS.iter().any(|p| {
            line.match_indices(p).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                before.is_none_or(|c| c.is_whitespace() || "\"'`(=".contains(c))
            })
        })
    };
    let lines = text.lines().enumerate().filter(|(_, l)| found(l));
    lines.map(|(i, _)| format!("line {}: a path of one machine", i + 1)).collect()
}

#[test]
fn the_source_keeps_every_rule() {
    let mut all = Vec::new();
    for (name, rule) in RULES {
        all.extend(complaints(rule).into_iter().map(|c| format!("{name}: {c}")));
    }
    assert!(all.is_empty(), "\n{}\n", all.join("\n"));
}

#[test]
fn every_layer_says_what_it_is() {
    for (layer, _) in LAYERS {
        let path = root().join(LIBRARY).join(layer).join("mod.rs");
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue; // not every layer is there yet
        };
        let is_told = text.lines().any(|l| l.starts_with("//! ") && l.len() > 10);
        assert!(is_told, "{}: no //! documentation", path.display());
    }
    let lib =
        std::fs::read_to_string(root().join(LIBRARY).join("lib.rs")).expect("the library's root");
    assert!(lib.contains("//! "));
}

#[test]
fn the_bitstream_forbids_what_it_must_not_have() {
    let folder = root().join(LIBRARY).join("bitstream");
    let text = std::fs::read_to_string(folder.join("mod.rs")).expect("the layer");
    assert!(text.contains("#![forbid(unsafe_code)]"));
    assert!(text.contains("#![deny(clippy::float_arithmetic)]"));
    // Only tests may take it back.
    let mut files = Vec::new();
    collect(&folder, &mut files);
    for file in files.iter().filter(|f| !f.components().any(|c| c.as_os_str() == "tests")) {
        let text = std::fs::read_to_string(file).expect("source files are readable text");
        let code = text.split("#[cfg(test)]\n").next().unwrap_or(&text);
        assert!(!code.contains("allow(clippy::float_arithmetic)"), "{}", file.display());
        assert!(
            !code_lines(code).any(|(_, l)| words(l, "f32").chain(words(l, "f64")).next().is_some()),
            "{}: floats",
            file.display()
        );
    }
}

#[test]
fn layers_can_fail() {
    for (path, text) in [
        ("crates/lnr/src/base/x.rs", "use crate::codec::Encoder;"),
        ("crates/lnr/src/base/x.rs", "fn f() { crate::train::g() }"),
        ("crates/lnr/src/bitstream/a/b.rs", "use crate::{base::Error, model::X};"),
        ("crates/lnr/src/backend/cpu/mod.rs", "use super::super::train::T;"),
        ("crates/lnr/src/model/a.rs", "use super::super::codec::T;"),
        ("crates/lnr/src/other/a.rs", ""),
    ] {
        assert!(!layers(path, text).is_empty(), "{path}: {text}");
    }
    for (path, text) in [
        ("crates/lnr/src/codec/x.rs", "use crate::base::Error; // crate::train"),
        ("crates/lnr-cli/src/main.rs", "use crate::input;"),
        ("crates/lnr/src/backend/cpu/grid.rs", "use super::super::Choice;"),
    ] {
        assert!(layers(path, text).is_empty(), "{path}: {text}");
    }
}

#[test]
fn the_other_rules_can_fail() {
    let code = ["un", "safe { f() }"].concat();
    assert_eq!(unsafe_fence("crates/lnr/src/base/x.rs", &code).len(), 1);
    assert_eq!(unsafe_fence("crates/lnr/src/backend/cpu/simd/x.rs", &code).len(), 1);
    let told = format!("// SAFETY: checked above\n{code}");
    assert!(unsafe_fence("crates/lnr/src/backend/cpu/simd/x.rs", &told).is_empty());
    assert!(unsafe_fence("crates/lnr/src/base/x.rs", "#![forbid(unsafe_code)]").is_empty());
    assert_eq!(length("x.rs", &"\n".repeat(MAX_LINES + 1)).len(), 1);
    assert_eq!(licence("x.rs", "fn f() {}").len(), 1);
    assert_eq!(machine_paths("x.rs", "open(\"/home/me/x\")").len(), 1);
    assert!(machine_paths("x.rs", "a/work/b and https://a/tmp/b").is_empty());
}
