// SPDX-License-Identifier: MIT OR Apache-2.0
//! `lnr plot`: how what frames mean moves in time (Latent-INR, Fig. 9).

mod page;
mod project;
mod svg;

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::console::Console;
use crate::exit::{Failure, Outcome, output_name};
use crate::export::{Places, Rows};
use crate::numbers::parse_every;
use crate::output::{self, Place};
use crate::values::Compute;
use svg::Panel;

/// Most points: beyond it they hide each other, and UMAP would take minutes.
const MAX_POINTS: usize = 2000;

#[derive(clap::Args)]
pub struct PlotArgs {
    /// .lnr files that were encoded with --clip-model or --features, or .mp4 or .mov that hold such video.
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// A .svg file, or a .html page that shows the picture behind each point.
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// How to see many dimensions in two.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "pca,umap")]
    pub method: Vec<Method>,
    /// A point every so many seconds, instead of one for each frame.
    #[arg(long, value_parser = parse_every)]
    pub every: Option<f64>,
    #[command(flatten)]
    pub compute: Compute,
    /// Overwrite files that exist, also when standard input is a terminal.
    #[arg(long, short = 'y')]
    pub force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// Principal components: the two directions in which vectors vary most.
    Pca,
    /// Neighbours stay neighbours; distances between bundles say little.
    Umap,
}

pub fn run(args: &PlotArgs, console: &Console) -> Outcome<()> {
    let ending = args.output.extension().map(|e| e.to_string_lossy().to_lowercase());
    let is_page = match ending.as_deref() {
        Some("html" | "htm") => true,
        Some("svg") => false,
        _ => {
            return Err(Failure::output(
                &args.output,
                "choose a name that ends with .svg or .html",
            ));
        }
    };
    let reads: Vec<&Path> = args.inputs.iter().map(PathBuf::as_path).collect();
    output::check_outputs(&reads, std::slice::from_ref(&args.output), args.force)?;
    let places = match args.every {
        None => Places::Frames,
        Some(every) => Places::Every(every),
    };
    let mut rows = Rows::read(&reads, places, console)?;
    let step = rows.all.len().div_ceil(MAX_POINTS);
    if step > 1 {
        let n = rows.all.len();
        console.warn(&format!("{n} frames are many: every {step}th is shown (see --every)"));
        let mut number = 0;
        rows.all.retain(|_| {
            number += 1;
            (number - 1) % step == 0
        });
    }
    if rows.all.len() < 2 {
        return Err(Failure::usage(
            "fewer than two points: choose longer videos or a smaller --every",
        ));
    }
    let vectors: Vec<Vec<f32>> = rows.all.iter().map(|r| r.vector.clone()).collect();
    let (points, parts) = project::pca(&vectors);
    let mut panels = Vec::new();
    for method in &args.method {
        console.check()?;
        match method {
            Method::Pca => {
                let [a, b] = parts.map(|p| 100.0 * p);
                let title = format!("PCA ({a:.0} % and {b:.0} % of the variance)");
                panels.push(Panel { title, points: points.clone() });
            }
            Method::Umap => match project::umap(&vectors, &points) {
                Some(points) => panels.push(Panel { title: "UMAP".into(), points }),
                None => console.warn("UMAP: too few points, or all the same: left out"),
            },
        }
    }
    if panels.is_empty() {
        return Err(Failure::usage("nothing to show: choose --method pca"));
    }
    let drawing = svg::draw(&panels, &rows.all);
    let text = match is_page {
        true => page::page(args, &drawing, &rows, console)?,
        false => drawing,
    };
    Place::write(&args.output, text.as_bytes())?;
    let line =
        format!("{}: {} points of {}", output_name(&args.output), rows.all.len(), rows.space);
    console.report(&args.output, &line)
}
