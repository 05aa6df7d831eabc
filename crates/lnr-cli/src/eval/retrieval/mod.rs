// SPDX-License-Identifier: MIT OR Apache-2.0
//! How well videos are found by what they mean, from the encoded files alone, and by the model that taught
//! the encoder (Latent-INR, section 4.3).

mod dataset;
mod ranks;
mod vectors;

use std::path::PathBuf;

use lnr::align::{TextModel, find_model};
use serde_json::{Value, json};

use super::table::aligned;
use crate::alignment::{self, failed};
use crate::console::Console;
use crate::exit::Outcome;
use crate::text;
use crate::values::Compute;
use dataset::Entry;
use ranks::{Dice, interval, median, ranks, recall};
use vectors::Part;

/// Ranks up to which a query counts as answered.
const UP_TO: [usize; 3] = [1, 5, 10];

#[derive(clap::Args)]
pub struct RetrievalArgs {
    /// What to search for: lines such as {"video": "a.mp4", "start": 0, "end": 2.5, "caption": "a red
    /// ball"}; videos lie beside this file.
    pub dataset: PathBuf,
    /// Folder of the encoded files, named as the videos, with the ending .lnr (`lnr encode --clip-model`
    /// makes them).
    #[arg(long)]
    pub encoded: PathBuf,
    /// The model that they were encoded with: its directory, or its name in the cache of Hugging Face;
    /// auto: the one that LNR_CLIP_MODEL names.
    #[arg(long, default_value = "auto", value_name = "MODEL")]
    pub clip_model: String,
    /// Let the model look at every so many-th picture of a video.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub every: u32,
    /// Seed of the intervals and of what is shuffled.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub compute: Compute,
    /// Print the results as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// One way to search.
struct Row {
    /// What is searched for, and in what.
    task: &'static str,
    /// Whose vectors are searched.
    vectors: &'static str,
    ranks: Vec<usize>,
}

pub fn run(args: &RetrievalArgs, console: &Console) -> Outcome<()> {
    let images = alignment::model(&args.clip_model)?;
    let folder = find_model(Some(&args.clip_model)).map_err(failed)?;
    let texts = TextModel::load(&folder).map_err(failed)?;
    let entries = dataset::read(&args.dataset)?;
    let captions: Vec<Vec<f32>> = entries
        .iter()
        .map(|entry| texts.embed(&entry.caption).map_err(failed))
        .collect::<Outcome<_>>()?;
    let mut parts = Vec::new();
    console.start(Some(entries.len() as u64));
    for (i, entry) in entries.iter().enumerate() {
        parts.push(vectors::read(args, entry, &images, console)?);
        console.advance((i + 1) as f64, entry.video.display().to_string());
    }
    console.stop();
    let rows = rows(&entries, &captions, &parts, args.seed);
    let text = match args.json {
        true => json(args, &entries, &parts, &rows).to_string(),
        false => describe(args, &entries, &parts, &rows),
    };
    console.print(&text)
}

fn rows(entries: &[Entry], captions: &[Vec<f32>], parts: &[Part], seed: u64) -> Vec<Row> {
    let n = entries.len();
    // Two entries of one caption mean the same.
    let is_same = |a: usize, b: usize| entries[a].caption == entries[b].caption;
    let mut dice = Dice::new(seed);
    let mut shuffled: Vec<usize> = (0..n).collect();
    (1..n).rev().for_each(|i| shuffled.swap(i, dice.below(i + 1)));
    type Side = (&'static str, fn(&Part) -> &Vec<f32>);
    let sides: [Side; 3] =
        [("file", |p| &p.file), ("model", |p| &p.model), ("model, as few bytes", |p| &p.rounded)];
    let mut rows = Vec::new();
    for (vectors, of) in sides {
        let items: Vec<Vec<f32>> = parts.iter().map(|p| of(p).clone()).collect();
        let images: Vec<Vec<f32>> = parts.iter().map(|p| p.picture.clone()).collect();
        rows.push(Row { task: "text to video", vectors, ranks: ranks(captions, &items, &is_same) });
        rows.push(Row { task: "video to text", vectors, ranks: ranks(&items, captions, &is_same) });
        rows.push(Row { task: "image to video", vectors, ranks: ranks(&images, &items, &is_same) });
        if vectors == "file" {
            let items: Vec<Vec<f32>> = shuffled.iter().map(|i| items[*i].clone()).collect();
            let found = ranks(captions, &items, &is_same);
            rows.push(Row { task: "text to video", vectors: "file, shuffled", ranks: found });
        }
    }
    for (vectors, of) in [
        ("file", (|p| &p.file_frames) as fn(&Part) -> &Vec<(f64, Vec<f32>)>),
        ("model", |p| &p.model_frames),
    ] {
        // Every frame of a video once, whatever entries it has.
        let is_first = |i: &usize| !entries[..*i].iter().any(|e| e.video == entries[*i].video);
        let firsts = (0..n).filter(is_first);
        let frames: Vec<(usize, f64, Vec<f32>)> = firsts
            .flat_map(|i| of(&parts[i]).iter().map(move |(time, v)| (i, *time, v.clone())))
            .collect();
        let items: Vec<Vec<f32>> = frames.iter().map(|f| f.2.clone()).collect();
        let shows = |q: usize, i: usize| entries[q].video == entries[frames[i].0].video;
        let is_inside = |q: usize, i: usize| {
            let (_, time, _) = frames[i];
            let others = (0..n).filter(|e| is_same(q, *e));
            let mut places = others.map(|e| &entries[e]);
            places
                .any(|e| e.video == entries[frames[i].0].video && (e.start..e.end).contains(&time))
        };
        rows.push(Row { task: "text to frame", vectors, ranks: ranks(captions, &items, &shows) });
        rows.push(Row {
            task: "text to segment",
            vectors,
            ranks: ranks(captions, &items, &is_inside),
        });
    }
    rows
}

/// R@1 of the files less that of the model, and its interval, for text to video.
fn difference(rows: &[Row], seed: u64) -> (f64, (f64, f64)) {
    let of = |name: &str| {
        let row = rows.iter().find(|r| r.task == "text to video" && r.vectors == name);
        row.map_or(&[][..], |r| &r.ranks)
    };
    let (file, model) = (of("file"), of("model"));
    let value = |drawn: &[usize]| {
        let pick = |ranks: &[usize]| drawn.iter().map(|i| ranks[*i]).collect::<Vec<_>>();
        recall(&pick(file), 1) - recall(&pick(model), 1)
    };
    let all: Vec<usize> = (0..file.len()).collect();
    (value(&all), interval(file.len(), seed, &value))
}

fn describe(args: &RetrievalArgs, entries: &[Entry], parts: &[Part], rows: &[Row]) -> String {
    let mut lines = vec![
        ["task", "vectors", "R@1", "95 %", "R@5", "R@10", "median rank"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for Row { task, vectors, ranks } in rows {
        let [r1, r5, r10] = UP_TO.map(|k| format!("{:.1}", recall(ranks, k)));
        let (low, high) = row_interval(ranks, args.seed);
        let interval = format!("{low:.1} to {high:.1}");
        let median = format!("{:.1}", median(ranks));
        lines.push(vec![task.to_string(), vectors.to_string(), r1, interval, r5, r10, median]);
    }
    let (difference, (low, high)) = difference(rows, args.seed);
    format!(
        "{} captions, {} bytes of meaning, mean cosine to the model {:.4}\n{}\nfile less model, text to \
         video, R@1: {difference:+.1} points ({low:+.1} to {high:+.1})",
        entries.len(),
        parts.iter().map(|p| p.bytes).sum::<u64>(),
        mean_cosine(parts),
        aligned(&lines),
    )
}

fn row_interval(ranks: &[usize], seed: u64) -> (f64, f64) {
    interval(ranks.len(), seed, &|drawn| {
        recall(&drawn.iter().map(|i| ranks[*i]).collect::<Vec<_>>(), 1)
    })
}

fn mean_cosine(parts: &[Part]) -> f64 {
    parts.iter().map(|p| p.cosine).sum::<f64>() / parts.len().max(1) as f64
}

fn json(args: &RetrievalArgs, entries: &[Entry], parts: &[Part], rows: &[Row]) -> Value {
    let row = |r: &Row| {
        let [r1, r5, r10] = UP_TO.map(|k| text::rounded(recall(&r.ranks, k), 3));
        let (low, high) = row_interval(&r.ranks, args.seed);
        json!({
            "task": r.task,
            "vectors": r.vectors,
            "recall_1": r1,
            "recall_1_interval": [text::rounded(low, 3), text::rounded(high, 3)],
            "recall_5": r5,
            "recall_10": r10,
            "median_rank": median(&r.ranks),
        })
    };
    let (difference, (low, high)) = difference(rows, args.seed);
    json!({
        "captions": entries.len(),
        "embedding_bytes": parts.iter().map(|p| p.bytes).sum::<u64>(),
        "cosine": text::rounded(mean_cosine(parts), 5),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "file_less_model_recall_1": {
            "points": text::rounded(difference, 3),
            "interval": [text::rounded(low, 3), text::rounded(high, 3)],
        },
    })
}
