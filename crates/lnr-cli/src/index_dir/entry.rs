// SPDX-License-Identifier: MIT OR Apache-2.0

use serde_json::{Value, json};

/// What tells that a file has not changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// When it was last written to, in ns since 1970.
    pub modified: i64,
}

/// What a folder index knows of a file, beside its rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Its path from the folder on, with `/`.
    pub path: String,
    pub stamp: Stamp,
    /// The keys of the spaces that it has rows of; see [`super::rows::key_of`].
    pub spaces: Vec<String>,
    /// In seconds.
    pub duration: f64,
    /// What could not be read of it.
    pub damage: Option<String>,
    /// The key of the model's space where a model looked at its pictures, and how often in seconds.
    pub looked: Option<(String, f64)>,
}

impl Entry {
    /// A line of the list of files.
    pub fn to_json(&self) -> Value {
        let mut line = json!({
            "path": self.path,
            "size": self.stamp.size,
            "modified_ns": self.stamp.modified,
            "spaces": self.spaces,
            "duration": self.duration,
        });
        if let Some(damage) = &self.damage {
            line["damage"] = json!(damage);
        }
        if let Some((model, every)) = &self.looked {
            line["model"] = json!(model);
            line["every"] = json!(every);
        }
        line
    }

    /// None where the line is no such entry.
    pub fn from_json(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let spaces = value["spaces"].as_array()?.iter();
        Some(Self {
            path: text("path")?,
            stamp: Stamp {
                size: value["size"].as_u64()?,
                modified: value["modified_ns"].as_i64()?,
            },
            spaces: spaces.map(|s| s.as_str().map(str::to_owned)).collect::<Option<_>>()?,
            duration: value["duration"].as_f64()?,
            damage: text("damage"),
            looked: text("model").zip(value["every"].as_f64()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_trip() {
        let plain = Entry { path: "a/ü \".lnr".into(), duration: 1.5, ..Entry::default() };
        let full = Entry {
            stamp: Stamp { size: u64::MAX, modified: i64::MIN },
            spaces: vec!["00-3".into(), "01-4".into()],
            damage: Some("a\nb".into()),
            looked: Some(("00-3".into(), 0.5)),
            ..plain.clone()
        };
        for entry in [plain, full] {
            let line = entry.to_json().to_string();
            assert!(!line.contains('\n'));
            assert_eq!(Entry::from_json(&line), Some(entry));
        }
        for bad in ["", "{}", "[]", r#"{"path":"a"}"#, r#"{"path":1,"size":1}"#] {
            assert_eq!(Entry::from_json(bad), None, "{bad}");
        }
    }
}
