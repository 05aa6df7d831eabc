// SPDX-License-Identifier: MIT OR Apache-2.0
//! Repeats the paper's experiments.

mod alignment;
mod args;
mod clip;
mod experiments;
mod measure;
mod peers;
mod plot;
#[cfg(feature = "clip")]
mod retrieval;
mod table;

pub use args::{EvalArgs, EvalCommand};

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use lnr::{ModelOptions, Profile};
use serde_json::{Value, json};

use args::{AblationArgs, Experiment};
use clip::Clip;
use experiments::{Plan, Task, Variant, plan};
use measure::{Meter, Stop, settings};
use table::Row;

use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::output::{self, Place};
use crate::text;

pub fn run(args: &EvalArgs, console: &Console) -> Outcome<()> {
    match &args.command {
        EvalCommand::Ablation(args) => ablation(args, console),
        EvalCommand::Alignment(args) => alignment::run(args, console),
        #[cfg(feature = "clip")]
        EvalCommand::Retrieval(args) => retrieval::run(args, console),
    }
}

fn ablation(args: &AblationArgs, console: &Console) -> Outcome<()> {
    let mut experiments = args.experiment.clone();
    if experiments.is_empty() {
        experiments = Experiment::value_variants().to_vec();
    }
    let files: Vec<PathBuf> = experiments.iter().flat_map(|&e| files(e, &args.out)).collect();
    output::check_outputs(&[&args.video], &files, args.force)?;
    let clip = Clip::read(args, console)?;
    check_base(args, &clip)?;
    std::fs::create_dir_all(&args.out).map_err(|e| Failure::output(&args.out, e))?;
    let format = &clip.format;
    let n_frames = clip.frames.len();
    if !args.json {
        let video = text::video(format, clip.frame_rate);
        console.print(&format!("{}: {n_frames} frames, {video}", args.video.display()))?;
    }
    let mut all = Vec::new();
    for experiment in experiments {
        let plan = plan(experiment, args).map_err(|e| Failure::usage(e.to_string()))?;
        let mut result = Results { plan, rows: Vec::new(), notes: Vec::new() };
        let outcome = result.fill(args, &clip, console);
        console.stop();
        // What was measured is kept whatever happened.
        if outcome.is_ok() || !result.rows.is_empty() {
            result.write(&args.out)?;
        }
        outcome.map_err(|failure| result.with_rest(failure, &args.out))?;
        match args.json {
            true => all.push(result.json()),
            false => console.print(&result.describe())?,
        }
    }
    if !args.json {
        return Ok(());
    }
    let result = json!({
        "video": args.video.to_string_lossy(),
        "width": format.width,
        "height": format.height,
        "frames": n_frames,
        "base": args.base,
        "ranks": args.ranks,
        "experiments": all,
    });
    console.print(&result.to_string())
}

/// The table and the plot of an experiment.
fn files(experiment: Experiment, folder: &Path) -> [PathBuf; 2] {
    ["csv", "svg"].map(|e| folder.join(format!("{}.{e}", experiment.name())))
}

/// Refuses options that no variant could be made with.
fn check_base(args: &AblationArgs, clip: &Clip) -> Outcome<()> {
    let usage = |e: lnr::Error| Failure::usage(e.to_string());
    for rank in args.ranks {
        let text = format!("{},rank={rank}", args.base);
        let variant = Variant {
            name: String::new(),
            series: String::new(),
            value: 0.0,
            profile: Profile::PaperS,
            quality: 50.0,
            model: text.parse::<ModelOptions>().map_err(usage)?,
            task: Task::Decode,
        };
        settings(args, clip, &variant, clip.frames.len()).validate().map_err(usage)?;
    }
    Ok(())
}

/// What an experiment yielded.
struct Results {
    plan: Plan,
    rows: Vec<Row>,
    /// What was left out, and why.
    notes: Vec<String>,
}

impl Results {
    fn fill(&mut self, args: &AblationArgs, clip: &Clip, console: &Console) -> Outcome<()> {
        let name = self.plan.experiment.name();
        let meter = Meter { args, clip, console };
        let n = self.plan.variants.len();
        console.start(Some(n as u64));
        for (i, variant) in self.plan.variants.iter().enumerate() {
            console.check()?;
            match meter.measure(variant, i) {
                Ok(rows) => {
                    console.tell(&format!("{name}: {} ({} of {n})", variant.name, i + 1));
                    self.rows.extend(rows);
                }
                Err(Stop::Skip(cause)) => {
                    let note = format!("{}: left out: {cause}", variant.name);
                    console.warn(&format!("{name}: {note}"));
                    self.notes.push(note);
                }
                Err(Stop::Fail(failure)) => return Err(failure),
            }
        }
        if self.plan.experiment == Experiment::Sizes {
            let (rows, notes) = peers::measure(clip, &args.out, console)?;
            self.rows.extend(rows);
            for note in &notes {
                console.warn(&format!("{name}: {note}"));
            }
            self.notes.extend(notes);
        }
        Ok(())
    }

    fn write(&self, folder: &Path) -> Outcome<()> {
        let texts =
            [table::csv(&self.rows, self.plan.variable), plot::svg(&self.plan.charts(&self.rows))];
        for (path, text) in files(self.plan.experiment, folder).iter().zip(texts) {
            Place::write(path, text.as_bytes())?;
        }
        Ok(())
    }

    /// Says what the table holds although the experiment ended early.
    fn with_rest(&self, failure: Failure, folder: &Path) -> Failure {
        let n = self.rows.len();
        if n == 0 {
            return failure;
        }
        let [table, _] = files(self.plan.experiment, folder);
        let (message, table) = (&failure.message, table.display());
        Failure::new(failure.code, format!("{message}; {table} holds the {n} rows measured before"))
    }

    fn describe(&self) -> String {
        let mut lines = vec![format!("\n{}", self.plan.title), table::describe(&self.rows)];
        lines.extend(self.notes.iter().map(|n| format!("  {n}")));
        lines.join("\n")
    }

    fn json(&self) -> Value {
        json!({
            "name": self.plan.experiment.name(),
            "rows": table::json(&self.rows, self.plan.variable),
            "notes": self.notes,
        })
    }
}
