// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use lnr::{EncoderSettings, ModelOptions, Profile, SpeedPreset};

use crate::alignment::AlignmentArgs;
use crate::eval::EvalArgs;
use crate::export::ExportArgs;
use crate::index_dir::IndexArgs;
use crate::numbers::{Size, Start, parse_rate, parse_seconds, parse_size, parse_start};
use crate::plot::PlotArgs;
use crate::search::SearchArgs;
use crate::values::{Compute, parse_jobs, parse_model, parse_threads, presets, profiles};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    wrong usage, or a setting out of range
  2    an input cannot be opened or read
  3    an input is damaged, of an unsupported kind, or needs more than --max-memory;
       `decode` and `info` also end with 3 when they left out parts and handled the rest
  4    the output cannot be written
  5    the compute backend is not available or failed
  6    training diverged; `encode` keeps the groups that were finished
  130  interrupted (Ctrl-C or SIGTERM); what was finished is kept
  141  who read the output went away, as `head` does";

/// Video as small neural networks: encode, decode at any size and frame rate, inspect, measure.
#[derive(Parser)]
#[command(name = "lnr", version, after_help = EXIT_CODES, infer_subcommands = true)]
pub struct Args {
    /// Show no progress bar.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Tell what it computes with.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Train a network for each group of frames of a video.
    Encode(EncodeArgs),
    /// Render a file at any size and frame rate.
    Decode(DecodeArgs),
    /// Show what is in a file.
    Info(InfoArgs),
    /// Put LNR files one behind the other, with times that go on.
    Join(JoinArgs),
    /// Measure a video against its reference: bits per pixel, PSNR, SSIM, MS-SSIM.
    Compare(CompareArgs),
    /// Write what frames mean for other programs: arrays, a FAISS index, records for databases.
    Export(ExportArgs),
    /// Draw how what frames mean moves in time.
    Plot(PlotArgs),
    /// Repeat the experiments of the paper.
    Eval(EvalArgs),
    /// Make the index of a folder: what all videos in it show, for fast searches.
    Index(IndexArgs),
    /// Find moments of videos by words, a picture, or what is like another moment.
    Search(SearchArgs),
}

impl Command {
    /// Threads of the CPU that it may use; 0: all cores.
    pub fn threads(&self) -> usize {
        match self {
            Self::Encode(args) => args.compute.threads,
            Self::Decode(args) => args.compute.threads,
            Self::Info(_) | Self::Join(_) | Self::Export(_) => 0,
            Self::Compare(args) => args.threads,
            Self::Eval(args) => args.threads(),
            Self::Plot(args) => args.compute.threads,
            Self::Index(args) => args.compute.threads,
            Self::Search(args) => args.compute.threads,
        }
    }
}

#[derive(clap::Args)]
pub struct EncodeArgs {
    /// A .y4m file, an LNR file, or any video that GStreamer can decode; `-`: standard input.
    pub input: PathBuf,
    /// A .lnr file (`-`: to standard output), or .mp4 or .mov to write through GStreamer.
    pub output: PathBuf,
    /// From 0 (smallest file) to 100 (best picture).
    #[arg(long, short = 'Q', default_value_t = EncoderSettings::QUALITY, conflicts_with = "bitrate")]
    pub quality: f32,
    /// Mean bit rate in kbit/s instead of a quality.
    #[arg(long, short)]
    pub bitrate: Option<u32>,
    /// Which model to train: the paper's are wide, slow, and need many bits.
    #[arg(long, default_value_t = Profile::default(), value_parser = profiles())]
    pub profile: Profile,
    /// Numbers that replace those of a paper profile, such as width=64,rank=8,modulated=1+2
    /// (docs/CLI.md lists them).
    #[arg(long, default_value = "", hide_default_value = true, value_parser = parse_model)]
    pub model: ModelOptions,
    /// How long to train.
    #[arg(long, short, default_value_t = SpeedPreset::default(), value_parser = presets())]
    pub preset: SpeedPreset,
    /// Scale to this size first (area average), such as 320x180; 320x and x180 keep the shape.
    #[arg(long, value_parser = parse_size)]
    pub size: Option<Size>,
    /// Number of the first frame to encode, from 0, or its time, such as 1:02.5 or 2.5s.
    #[arg(long, default_value = "0", value_parser = parse_start)]
    pub start: Start,
    /// Encode at most so many frames.
    #[arg(long)]
    pub frames: Option<u64>,
    /// Encode at most so many seconds.
    #[arg(long, value_parser = parse_seconds)]
    pub duration: Option<f64>,
    /// Most frames in a group.
    #[arg(long, default_value_t = EncoderSettings::KEY_INT_MAX)]
    pub key_int_max: u32,
    /// Do not begin a group at every scene change.
    #[arg(long)]
    pub no_scene_cut: bool,
    /// Seed of the random numbers; equal seeds give equal files on the same machine, whatever --threads and
    /// --jobs say.
    #[arg(long, default_value_t = EncoderSettings::SEED)]
    pub seed: u64,
    /// Keep pictures as they are stored, and how to turn them as metadata, instead of turning them.
    #[arg(long)]
    pub no_rotate: bool,
    #[command(flatten)]
    pub alignment: AlignmentArgs,
    #[command(flatten)]
    pub compute: Compute,
    /// Groups that are trained at once, which changes no byte of the file; 0: as many as threads and
    /// memory allow, up to 8, or one on a GPU.
    #[arg(long, default_value_t = 0, value_parser = parse_jobs)]
    pub jobs: usize,
    /// Iterations per frame instead of the preset's.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// Overwrite files that exist, also when standard input is a terminal.
    #[arg(long, short = 'y')]
    pub force: bool,
    /// Go on after the last whole group of OUT, which an interrupted run with the same options left.
    #[arg(long)]
    pub resume: bool,
    /// Print the results as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
pub struct DecodeArgs {
    /// A .lnr file, or .mp4 or .mov that holds LNR video; `-`: standard input.
    pub input: PathBuf,
    /// A .y4m file (`-`: standard output), a directory or a pattern such as out/%05d.png for PNG
    /// files, or any container that GStreamer can write (.mp4, .mkv, .mov, .webm ...).
    pub output: PathBuf,
    /// Render at this size instead of the stream's, such as 1920x1080; 1920x and x1080 keep the shape.
    #[arg(long, value_parser = parse_size)]
    pub size: Option<Size>,
    /// Render at this constant frame rate, such as 50, 29.97 or 60000/1001.
    #[arg(long, value_parser = parse_rate)]
    pub fps: Option<(u32, u32)>,
    /// Skip so many seconds, such as 62.5 or 1:02.5.
    #[arg(long, value_parser = parse_seconds)]
    pub start: Option<f64>,
    /// Decode at most so many seconds.
    #[arg(long, value_parser = parse_seconds)]
    pub duration: Option<f64>,
    /// Write pictures as they are stored, instead of turned for display; containers are told how to turn
    /// them.
    #[arg(long)]
    pub no_rotate: bool,
    #[command(flatten)]
    pub compute: Compute,
    /// Overwrite files that exist, also when standard input is a terminal.
    #[arg(long, short = 'y')]
    pub force: bool,
    /// Print the results as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
pub struct InfoArgs {
    /// A .lnr file, or .mp4 or .mov that holds LNR video; `-`: standard input.
    pub file: PathBuf,
    /// Print everything as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
pub struct JoinArgs {
    /// .lnr files, or .mp4 or .mov that hold LNR video, in their order; one alone gets an index.
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// A .lnr file (`-`: to standard output), or .mp4 or .mov to write through GStreamer.
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// Overwrite files that exist, also when standard input is a terminal.
    #[arg(long, short = 'y')]
    pub force: bool,
    /// Print the results as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
pub struct CompareArgs {
    /// The reference: a .y4m file, an LNR file, or any video that GStreamer can decode; `-`: standard
    /// input.
    pub reference: PathBuf,
    /// What to measure, of the same kinds.
    pub video: PathBuf,
    /// Measure at this size instead of the video's own; LNR files are rendered at it.
    #[arg(long, value_parser = parse_size)]
    pub size: Option<Size>,
    /// Number of the reference's frame that the video begins with, from 0, or its time, such as 1:02.5
    /// or 2.5s.
    #[arg(long, default_value = "0", value_parser = parse_start)]
    pub start: Start,
    /// Compare at most so many frames.
    #[arg(long)]
    pub frames: Option<u64>,
    /// Also write a contact sheet, a PNG: one row per frame; reference, video, `--also`.
    #[arg(long, value_name = "PNG")]
    pub sheet: Option<PathBuf>,
    /// A third video for the last column of the contact sheet.
    #[arg(long, value_name = "VIDEO", requires = "sheet")]
    pub also: Option<PathBuf>,
    /// Rows of the contact sheet.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub rows: u32,
    /// Threads, at most 4 for each core; 0: all cores.
    #[arg(long, default_value_t = 0, value_parser = parse_threads)]
    pub threads: usize,
    /// Overwrite files that exist, also when standard input is a terminal.
    #[arg(long, short = 'y')]
    pub force: bool,
    /// Print the results as JSON.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
