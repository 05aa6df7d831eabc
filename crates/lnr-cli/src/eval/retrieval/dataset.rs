// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to search for, and where it is: one JSON object per line.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::exit::{Failure, Outcome};

/// A part of a video and what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The video, as the dataset names it.
    pub video: PathBuf,
    /// From when to when, in seconds.
    pub start: f64,
    pub end: f64,
    pub caption: String,
}

/// Reads lines such as `{"video": "a.mp4", "start": 0.0, "end": 2.5, "caption": "a red ball"}`. Without
/// `start` and `end` the whole video is meant.
///
/// # Errors
/// When the file cannot be read, or a line is something else; it is named.
pub fn read(path: &Path) -> Outcome<Vec<Entry>> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::input(path, e))?;
    let mut entries = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let entry = entry(line);
        let wrong = |what| Failure::damaged(path, format!("line {}: {what}", i + 1));
        entries.push(entry.map_err(wrong)?);
    }
    match entries.len() {
        0 | 1 => Err(Failure::damaged(path, "fewer than two lines: nothing can be told apart")),
        _ => Ok(entries),
    }
}

fn entry(line: &str) -> Result<Entry, String> {
    let value: Value = serde_json::from_str(line).map_err(|e| format!("no JSON: {e}"))?;
    let text = |name: &str| {
        let text = value[name].as_str().filter(|t| !t.is_empty());
        text.map(str::to_owned).ok_or_else(|| format!("{name:?} is missing"))
    };
    let time = |name: &str, default: f64| match &value[name] {
        Value::Null => Ok(default),
        v => v.as_f64().filter(|t| *t >= 0.0).ok_or_else(|| format!("{name:?} is {v}, no time")),
    };
    let (start, end) = (time("start", 0.0)?, time("end", f64::INFINITY)?);
    if end <= start {
        return Err(format!("it ends at {end} s, before it begins at {start} s"));
    }
    Ok(Entry { video: text("video")?.into(), start, end, caption: text("caption")? })
}

/// Where the encoded file of a video of the dataset is: in `folder` under its name, with the ending .lnr.
pub fn encoded(folder: &Path, video: &Path) -> PathBuf {
    folder.join(video.file_name().unwrap_or_default()).with_extension("lnr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.jsonl");
        let read_text = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path)
        };
        let entries = read_text(
            "{\"video\": \"a/b.mp4\", \"caption\": \"x\"}\n\n\
             {\"video\": \"c.y4m\", \"start\": 1, \"end\": 2.5, \"caption\": \"y\", \"more\": []}\n",
        );
        let entries = entries.unwrap();
        assert_eq!((entries[0].start, entries[0].end), (0.0, f64::INFINITY));
        assert_eq!((entries[1].end, entries[1].caption.as_str()), (2.5, "y"));
        assert_eq!(encoded(Path::new("out"), &entries[0].video), Path::new("out/b.lnr"));
        let good = "{\"video\": \"a\", \"caption\": \"x\"}\n";
        for (bad, said) in [
            ("{", "line 2: no JSON"),
            ("{\"video\": \"a\"}", "\"caption\" is missing"),
            ("{\"video\": \"a\", \"caption\": \"x\", \"start\": 3, \"end\": 2}", "before"),
            ("{\"video\": \"a\", \"caption\": \"x\", \"start\": \"b\"}", "no time"),
            ("", "fewer than two"),
        ] {
            let message = read_text(&format!("{good}{bad}")).unwrap_err().message;
            assert!(message.contains(said), "{message}");
        }
    }
}
