// SPDX-License-Identifier: MIT OR Apache-2.0
//! Import circles: files of one crate that can only be understood together, because each uses what
//! the other defines. A file and the `mod.rs` above it may know each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{code_lines, collect, root};

/// The source folders of the crates.
const CRATES: [&str; 4] = ["src", "crates/lnr/src", "crates/lnr-gst/src", "crates/lnr-cli/src"];

/// A module by its names from the root of the crate, which has none.
type Module = Vec<String>;

/// What a file says about other modules.
#[derive(Default)]
struct Source {
    file: String,
    /// Every path in it, by the names between `::`.
    paths: Vec<Vec<String>>,
    /// What `use` brings in: the local name and the whole path.
    names: BTreeMap<String, Vec<String>>,
}

type Tree = BTreeMap<Module, Source>;

/// The module that a file below the source folder is.
fn module_of(file: &str) -> Module {
    let mut names: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(names.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        names.pop();
    }
    names
}

/// Paths of a tree such as `a::{b, c::{self, d as e}}`, each with its local name.
fn expand(text: &str, prefix: &[String], out: &mut Vec<(String, Vec<String>)>) {
    let text = text.trim();
    let Some((before, inner)) = text.split_once('{') else {
        let (path, alias) = text.split_once(" as ").unwrap_or((text, ""));
        let mut names = prefix.to_vec();
        names.extend(path.split("::").map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()));
        if names.len() > 1 && names.last().is_some_and(|n| n == "self") {
            names.pop();
        }
        if let Some(last) = names.last() {
            let local = if alias.is_empty() { last.clone() } else { alias.trim().to_owned() };
            out.push((local, names));
        }
        return;
    };
    let mut prefix = prefix.to_vec();
    prefix.extend(before.split("::").map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()));
    let inner = inner.rsplit_once('}').map_or(inner, |i| i.0);
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&inner[start..at], &prefix, out);
                start = at + 1;
            }
            _ => {}
        }
    }
    expand(&inner[start..], &prefix, out);
}

/// Reads a file; the tests at its end do not count, they may use anything.
fn source(file: &str, text: &str) -> Source {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("");
    let code: Vec<&str> = code_lines(text).map(|(_, line)| line).collect();
    let code = code.join("\n");
    let mut found = Source { file: file.to_owned(), ..Source::default() };
    for statement in code.split(';') {
        let words = ["use ", "pub use ", "pub(super) use ", "pub(crate) use "];
        let line = statement.lines().position(|l| words.iter().any(|w| l.starts_with(w)));
        let tail = line.map(|i| statement.lines().skip(i).collect::<Vec<_>>().join("\n"));
        if let Some(tree) = tail.as_deref().and_then(|t| t.split_once("use ")) {
            let mut all = Vec::new();
            expand(tree.1, &[], &mut all);
            found.paths.extend(all.iter().map(|(_, path)| path.clone()));
            found.names.extend(all);
            continue;
        }
        for start in ["crate::", "super::"] {
            for (at, _) in statement.match_indices(start) {
                let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
                let before = statement[..at].chars().next_back();
                if before.is_none_or(|c| !is_path(c)) {
                    let path = statement[at..].split(|c| !is_path(c)).next().unwrap_or("");
                    found.paths.push(path.split("::").map(str::to_owned).collect());
                }
            }
        }
    }
    found
}

/// The module of this crate that a path in `from` leads to, through what modules on its way import.
fn resolve(tree: &Tree, from: &Module, path: &[String], depth: usize) -> Option<Module> {
    let mut at = from.clone();
    let mut rest = path;
    match path.first().map(String::as_str) {
        Some("crate") => at.clear(),
        Some("self" | "super") => {}
        Some(name) => {
            at.push(name.to_owned());
            if !tree.contains_key(&at) {
                return None; // another crate, or a name of the file itself
            }
        }
        None => return None,
    }
    if path[0] != "super" {
        rest = &rest[1..];
    }
    while let Some((name, after)) = rest.split_first() {
        if name == "super" {
            at.pop()?;
        } else {
            let child: Module = at.iter().chain([name]).cloned().collect();
            if tree.contains_key(&child) {
                at = child;
            } else {
                let import = tree.get(&at).and_then(|s| s.names.get(name));
                let whole = |p: &Vec<String>| p.iter().chain(after).cloned().collect::<Vec<_>>();
                let next = import.filter(|_| depth < 8).map(whole);
                return next
                    .and_then(|p| resolve(tree, &at, &p, depth + 1))
                    .or_else(|| tree.contains_key(&at).then_some(at));
            }
        }
        rest = after;
    }
    tree.contains_key(&at).then_some(at)
}

/// Everything that can be reached from a module.
fn reach<'a>(uses: &'a BTreeMap<Module, BTreeSet<Module>>, from: &Module) -> BTreeSet<&'a Module> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&Module> = uses.get(from).into_iter().flatten().collect();
    while let Some(module) = next.pop() {
        if seen.insert(module) {
            next.extend(uses.get(module).into_iter().flatten());
        }
    }
    seen
}

/// The files of every circle of a crate.
fn circles(tree: &Tree) -> BTreeSet<Vec<String>> {
    let is_above = |a: &Module, b: &Module| b.starts_with(a);
    let uses = tree.iter().map(|(module, source)| {
        let all = source.paths.iter().filter_map(|p| resolve(tree, module, p, 0));
        let other = all.filter(|m| !is_above(m, module) && !is_above(module, m));
        (module.clone(), other.collect())
    });
    let uses: BTreeMap<Module, BTreeSet<Module>> = uses.collect();
    let reached: BTreeMap<&Module, _> = uses.keys().map(|m| (m, reach(&uses, m))).collect();
    let circle = |module: &Module| {
        let others = tree.keys().filter(|m| reached[module].contains(m));
        let mut files: Vec<_> =
            others.filter(|m| reached[m].contains(module)).map(|m| tree[m].file.clone()).collect();
        files.sort();
        files
    };
    uses.keys().map(circle).filter(|files| !files.is_empty()).collect()
}

fn tree<'a>(files: impl IntoIterator<Item = (&'a str, &'a str, String)>) -> Tree {
    let one = |(folder, file, text): (&str, &str, String)| {
        (module_of(file), source(&format!("{folder}/{file}"), &text))
    };
    files.into_iter().map(one).collect()
}

#[test]
fn files_do_not_import_each_other() {
    let mut found = BTreeSet::new();
    for folder in CRATES {
        let mut files = Vec::new();
        collect(&root().join(folder), &mut files);
        let files = files.iter().map(|path| {
            let text = std::fs::read_to_string(path).expect("source files are readable text");
            let path = path.strip_prefix(root().join(folder)).expect("a file of the folder");
            (path.to_string_lossy().replace('\\', "/"), text)
        });
        let files: Vec<(String, String)> = files.collect();
        found.extend(circles(&tree(files.iter().map(|(f, t)| (folder, &f[..], t.clone())))));
    }
    let list: Vec<String> = found.iter().map(|c| format!("  {}", c.join(" <-> "))).collect();
    assert!(list.is_empty(), "files import each other:\n{}", list.join("\n"));
}

#[test]
fn circles_are_found() {
    let found = |files: &[(&str, &str)]| {
        circles(&tree(files.iter().map(|(file, text)| ("s", *file, (*text).to_owned()))))
            .into_iter()
            .map(|c| c.join(" "))
            .collect::<Vec<_>>()
    };
    let root = ("lib.rs", "mod a;\nmod b;\npub use b::B;\n");
    let b = ("b.rs", "use crate::a::A;\n");
    assert_eq!(found(&[root, ("a.rs", "use super::b::B;\n"), b]), ["s/a.rs s/b.rs"]);
    assert_eq!(found(&[root, ("a.rs", "use crate::{B, c::C};\n"), b]), ["s/a.rs s/b.rs"]);
    assert_eq!(found(&[root, ("a.rs", "fn f() { crate::b::g() }\n"), b]), ["s/a.rs s/b.rs"]);
    let inner = ("a/x.rs", "use super::Y;\n");
    let a = ("a/mod.rs", "mod x;\nmod y;\nuse y::{self, Y};\n");
    assert_eq!(found(&[root, a, inner, ("a/y.rs", "use super::x;\n")]), ["s/a/x.rs s/a/y.rs"]);
    for text in [
        "// use super::b::B;\n",
        "use other::b::B;\n",
        "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
    ] {
        assert!(found(&[root, ("a.rs", text), b]).is_empty(), "{text}");
    }
    assert!(found(&[root, a, inner, ("a/y.rs", "use super::helper;\n")]).is_empty());
}
