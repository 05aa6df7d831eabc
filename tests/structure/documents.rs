// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that the documents name are there. The records in `docs/adr` tell of their own time, and are
//! left alone.

use std::path::Path;

use super::root;

/// How the names of source files end.
const ENDINGS: [&str; 5] = [".rs", ".cu", ".cuh", ".sh", ".py"];
/// Where source files lie.
const FOLDERS: [&str; 8] =
    ["src", "crates", "kernels", "tests", "benches", "examples", "fuzz", "build.rs"];

/// Paths of source files below `path`, from the repository's root on.
fn collect(path: &Path, files: &mut Vec<String>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with('.') || name == "target" {
        return;
    }
    if path.is_file() {
        let path = path.strip_prefix(root()).expect("files of the repository");
        files.push(path.to_string_lossy().replace('\\', "/"));
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.for_each(|e| collect(&e.path(), files));
}

/// The source files that `text` names between backticks, with the numbers of their lines.
fn named(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(i, line)| {
        let spans = line.split('`').skip(1).step_by(2);
        let is_file = |s: &&str| !s.contains(' ') && ENDINGS.iter().any(|e| s.ends_with(e));
        spans.filter(is_file).map(move |s| (i + 1, s))
    })
}

/// Whether `path` ends with the names that `name` consists of; a `*` stands for anything in one name.
fn fits(path: &str, name: &str) -> bool {
    let mut parts = path.rsplit('/');
    name.rsplit('/').all(|n| match (parts.next(), n.split_once('*')) {
        (Some(part), Some((start, end))) => {
            part.len() >= start.len() + end.len() && part.starts_with(start) && part.ends_with(end)
        }
        (part, _) => part == Some(n),
    })
}

fn complaints(text: &str, files: &[String]) -> Vec<String> {
    let is_missing = |&(_, name): &(usize, &str)| !files.iter().any(|f| fits(f, name));
    let missing = named(text).filter(is_missing);
    missing.map(|(line, name)| format!("line {line}: there is no {name}")).collect()
}

#[test]
fn documents_name_files_that_are_there() {
    let mut files = Vec::new();
    FOLDERS.iter().for_each(|f| collect(&root().join(f), &mut files));
    let (mut n_named, mut all) = (0, Vec::new());
    for entry in std::fs::read_dir(root().join("docs")).expect("the documents").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "md") {
            let text = std::fs::read_to_string(&path).expect("documents are readable text");
            n_named += named(&text).count();
            let found = complaints(&text, &files);
            all.extend(found.into_iter().map(|c| format!("{}: {c}", path.display())));
        }
    }
    assert!(n_named > 10, "only {n_named} files are named");
    assert!(all.is_empty(), "\n{}\n", all.join("\n"));
}

#[test]
fn names_of_files_that_are_not_there_are_found() {
    let files = ["crates/a/src/b.rs".to_owned(), "kernels/c.cu".into()];
    for good in ["`src/b.rs` and `b.rs`", "`kernels/*.cu`", "b.txt, `d.md`", "`run c.sh`"] {
        assert!(complaints(good, &files).is_empty(), "{good}");
    }
    for bad in ["`c/b.rs`", "see\n`x.py`", "`ab.rs`", "`crates/*.cu`", "`x/crates/a/src/b.rs`"] {
        assert_eq!(complaints(bad, &files).len(), 1, "{bad}");
    }
}
