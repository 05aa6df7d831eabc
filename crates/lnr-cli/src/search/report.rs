// SPDX-License-Identifier: MIT OR Apache-2.0

use lnr::align::Space;
use serde_json::{Value, json};

use super::args::SearchArgs;
use super::corpus::Corpus;
use super::hits::{Hit, Hits};
use crate::console::Console;
use crate::exit::Outcome;
use crate::text;

/// What there is to tell of a search.
pub struct Report<'a> {
    pub args: &'a SearchArgs,
    pub corpus: &'a Corpus,
    pub space: &'a Space,
    pub found: &'a Hits,
    /// Seconds for the query's vector, with loading the model, and for all the rest.
    pub model_s: f64,
    pub search_s: f64,
}

impl Report<'_> {
    /// The file of a result, as the user would name it.
    pub fn path(&self, hit: &Hit) -> &std::path::Path {
        &self.corpus.files[hit.file as usize].path
    }

    /// The query in words.
    pub fn question(&self) -> String {
        let args = self.args;
        let mut text = match (&args.text, &args.image, &args.like) {
            (Some(text), ..) => text.clone(),
            (_, Some(path), _) => format!("like the picture {}", path.display()),
            (.., Some(m)) => format!("like {} at {}", m.file.display(), clock(m.time)),
            _ => String::new(),
        };
        args.not.iter().for_each(|not| text += &format!(", not {not}"));
        text
    }

    pub fn print(&self, console: &Console) -> Outcome<()> {
        let hits = &self.found.hits;
        if self.args.json {
            return console.print(&self.json().to_string());
        }
        if self.args.jsonl {
            return hits
                .iter()
                .enumerate()
                .try_for_each(|(i, hit)| console.print(&self.hit_json(i, hit).to_string()));
        }
        if hits.is_empty() {
            console.tell("nothing found: no moment has so high a score");
        }
        hits.iter().enumerate().try_for_each(|(i, hit)| {
            let [begin, best, end] = [hit.begin, hit.best, hit.end].map(clock);
            let (score, z, path) = (hit.score, hit.z, self.path(hit).display());
            console.print(&format!(
                "{:3} {score:6.3} {z:+5.1} z  {begin} - {best} - {end}  {path}",
                i + 1
            ))
        })
    }

    fn hit_json(&self, i: usize, hit: &Hit) -> Value {
        let [start, best, end] = [hit.begin, hit.best, hit.end].map(|t| text::rounded(t, 3));
        json!({
            "rank": i + 1,
            "file": self.path(hit).to_string_lossy(),
            "start": start,
            "best": best,
            "end": end,
            "score": text::rounded(hit.score.into(), 5),
            "z": text::rounded(hit.z.into(), 3),
        })
    }

    fn json(&self) -> Value {
        let hits = self.found.hits.iter().enumerate();
        json!({
            "query": self.question(),
            "space": self.space.name,
            "fingerprint": self.space.fingerprint_text(),
            "dimensions": self.space.dim,
            "files": self.corpus.n_files(self.space),
            "left_out": self.corpus.n_others(self.space),
            "newer": self.corpus.n_newer,
            "vectors": self.found.n_rows,
            "mean": text::rounded(self.found.mean, 5),
            "deviation": text::rounded(self.found.deviation, 5),
            "model_s": text::rounded(self.model_s, 4),
            "search_s": text::rounded(self.search_s, 4),
            "hits": hits.map(|(i, hit)| self.hit_json(i, hit)).collect::<Vec<_>>(),
        })
    }
}

/// Such as `1:02.5` or `1:00:02.5`.
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    let (s, m, h) = (tenths % 600, tenths / 600 % 60, tenths / 36_000);
    let seconds = format!("{:02}.{}", s / 10, s % 10);
    match h {
        0 => format!("{m}:{seconds}"),
        _ => format!("{h}:{m:02}:{seconds}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_clocks_do() {
        let of = [0.0, 1.26, 62.5, 59.96, 3602.0, -1.0, f64::NAN].map(clock);
        let told = ["0:00.0", "0:01.3", "1:02.5", "1:00.0", "1:00:02.0", "0:00.0", "0:00.0"];
        assert_eq!(of, told);
    }
}
