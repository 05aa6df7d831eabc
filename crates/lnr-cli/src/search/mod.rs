// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds moments of videos by what they show.

mod args;
mod corpus;
mod hits;
mod page;
mod query;
mod report;
mod scan;

pub use args::SearchArgs;

use std::path::Path;
use std::time::Instant;

use corpus::Corpus;
use hits::{Wanted, find};
use query::Query;
use report::Report;

use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::output;

pub fn run(args: &SearchArgs, console: &Console) -> Outcome<()> {
    if args.min_score.is_some_and(|score| !score.is_finite()) {
        return Err(Failure::usage("--min-score is no number"));
    }
    if let Some(sheet) = &args.sheet {
        let ending = sheet.extension().map(|e| e.to_string_lossy().to_lowercase());
        if !matches!(ending.as_deref(), Some("html" | "htm")) {
            return Err(Failure::output(sheet, "choose a name that ends with .html"));
        }
    }
    let begin = Instant::now();
    let corpus = Corpus::open(&args.place, console)?;
    if let Some(sheet) = &args.sheet {
        let like = args.like.as_ref().map(|m| m.file.as_path());
        let named = args.image.as_deref().into_iter().chain(like);
        let reads: Vec<&Path> =
            named.chain(corpus.files.iter().map(|f| f.path.as_path())).collect();
        output::check_outputs(&reads, std::slice::from_ref(sheet), args.force)?;
    }
    let spaces = corpus.spaces();
    let Some(first) = spaces.first() else {
        return Err(nothing(&args.place));
    };
    let opened = begin.elapsed();
    let begin = Instant::now();
    let query = Query::new(args, &spaces, console)?;
    let asked = begin.elapsed();
    let is_same = |s: &&&lnr::align::Space| query.space.check_same(s).is_ok();
    if !spaces.iter().any(|s| is_same(&s)) {
        let same = query.space.check_same(first);
        let cause = same.err().map(|e| e.to_string()).unwrap_or_default();
        return Err(Failure::usage(format!("{}: {cause}", args.place.display())));
    }
    let n_others = corpus.n_others(&query.space);
    if n_others > 0 {
        let files = if n_others == 1 { "1 file".into() } else { format!("{n_others} files") };
        console.tell(&format!("{files} of other spaces than {} left out", query.space));
    }
    let begin = Instant::now();
    let scores = scan::scan(&corpus, &query, &args.place)?;
    let wanted = Wanted {
        n: args.top as usize,
        per_file: args.per_video as usize,
        min_score: args.min_score.unwrap_or(-1.0),
    };
    let found = find(&scores, wanted);
    let report = Report {
        args,
        corpus: &corpus,
        space: &query.space,
        found: &found,
        model_s: asked.as_secs_f64(),
        search_s: (opened + begin.elapsed()).as_secs_f64(),
    };
    report.print(console)?;
    match &args.sheet {
        Some(sheet) => page::write(sheet, &report, console),
        None => Ok(()),
    }
}

/// There is nothing that can be searched.
fn nothing(place: &Path) -> Failure {
    let cause = "no video here says what it shows: encode with --clip-model, or let lnr index --embed look \
                 at videos";
    Failure::new(Code::Input, format!("{}: {cause}", place.display()))
}
