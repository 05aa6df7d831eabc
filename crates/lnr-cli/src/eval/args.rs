// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use lnr::limits::MAX_GROUP_FRAMES;
use lnr::{EncoderSettings, ModelOptions, SpeedPreset};

#[cfg(feature = "clip")]
use super::retrieval::RetrievalArgs;
use crate::numbers::{Size, Start, parse_size, parse_start};
use crate::values::{Compute, presets};

#[derive(clap::Args)]
pub struct EvalArgs {
    #[command(subcommand)]
    pub command: EvalCommand,
}

impl EvalArgs {
    /// Threads of the CPU that it may use; 0: all cores.
    pub fn threads(&self) -> usize {
        match &self.command {
            EvalCommand::Ablation(args) => args.compute.threads,
            EvalCommand::Alignment(args) => args.compute.threads,
            #[cfg(feature = "clip")]
            EvalCommand::Retrieval(args) => args.compute.threads,
        }
    }
}

#[derive(Subcommand)]
pub enum EvalCommand {
    /// Repeat the paper's experiments on a clip: train its variants, measure, write tables and plots.
    Ablation(AblationArgs),
    /// Encode a clip with several weights of its meaning: what that costs, and how true it is (Table 2).
    Alignment(AlignmentEvalArgs),
    /// Search a set of videos by text and by image, in their encoded files and by the model itself.
    #[cfg(feature = "clip")]
    Retrieval(RetrievalArgs),
}

#[derive(clap::Args)]
pub struct AblationArgs {
    /// A .y4m file, an LNR file, or any video that GStreamer can decode; `-`: standard input.
    pub video: PathBuf,
    /// Which experiments, such as sizes,patch [default: all].
    #[arg(long, value_enum, value_delimiter = ',')]
    pub experiment: Vec<Experiment>,
    /// Model options of every variant of the paper profiles, such as width=64,table=12; those that a
    /// variant sets itself win.
    #[arg(long, default_value = "", hide_default_value = true, value_parser = parse_base)]
    pub base: String,
    /// Ranks of the sizes S, M and L.
    #[arg(long, default_value = "50,100,200", value_parser = parse_ranks, value_name = "S,M,L")]
    pub ranks: [u32; 3],
    /// Iterations per frame [default: 120].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// Scale to this size first (area average), such as 320x180; 320x and x180 keep the shape.
    #[arg(long, value_parser = parse_size)]
    pub size: Option<Size>,
    /// Number of the first frame, from 0, or its time, such as 1:02.5 or 2.5s.
    #[arg(long, default_value = "0", value_parser = parse_start)]
    pub start: Start,
    /// Most frames; all of them make one group.
    #[arg(long, default_value_t = MAX_GROUP_FRAMES)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_GROUP_FRAMES)))]
    pub frames: u32,
    /// Seed of the random numbers.
    #[arg(long, default_value_t = EncoderSettings::SEED)]
    pub seed: u64,
    #[command(flatten)]
    pub compute: Compute,
    /// Folder for a table (.csv) and a plot (.svg) of each experiment.
    #[arg(long, default_value = "out/eval")]
    pub out: PathBuf,
    /// Overwrite tables and plots that exist, also when standard input is a terminal.
    #[arg(long, short = 'y')]
    pub force: bool,
    /// Print the results as JSON instead of tables.
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
pub struct AlignmentEvalArgs {
    /// A .y4m file, an LNR file, or any video that GStreamer can decode; `-`: standard input.
    pub video: PathBuf,
    /// A CLIP or SigLIP model, by its directory or by its name in the cache of Hugging Face; auto: the one
    /// that LNR_CLIP_MODEL names.
    #[arg(long, value_name = "MODEL", default_value = "auto", conflicts_with = "features")]
    pub clip_model: String,
    /// Vectors that another program made instead, as for `encode`: one for each frame from --start on.
    #[arg(long, value_name = "FILE")]
    pub features: Option<PathBuf>,
    /// Weights to try; 0 stores nothing.
    #[arg(long, value_delimiter = ',', default_value = "0,0.001,0.01,0.1,1")]
    pub weights: Vec<f32>,
    /// From 0 (smallest file) to 100 (best picture).
    #[arg(long, short = 'Q', default_value_t = EncoderSettings::QUALITY)]
    pub quality: f32,
    /// How long to train.
    #[arg(long, short, default_value_t = SpeedPreset::default(), value_parser = presets())]
    pub preset: SpeedPreset,
    /// Iterations per frame instead of the preset's.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub epochs: Option<u32>,
    /// Scale to this size first (area average), such as 320x180; 320x and x180 keep the shape.
    #[arg(long, value_parser = parse_size)]
    pub size: Option<Size>,
    /// Number of the first frame, from 0, or its time, such as 1:02.5 or 2.5s.
    #[arg(long, default_value = "0", value_parser = parse_start)]
    pub start: Start,
    /// Most frames.
    #[arg(long, default_value_t = 66, value_parser = clap::value_parser!(u32).range(2..))]
    pub frames: u32,
    /// Seed of the random numbers.
    #[arg(long, default_value_t = EncoderSettings::SEED)]
    pub seed: u64,
    #[command(flatten)]
    pub compute: Compute,
    /// Print the results as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Experiment {
    /// Rate and distortion of S, M, L and warp, beside x264 and x265 (Fig. 3).
    Sizes,
    /// Hash grids and Fourier features (Table 5).
    Encoding,
    /// Dimensions of the latents (Fig. 11).
    Latent,
    /// Which layer is modulated (Fig. 10).
    Layers,
    /// Side of the patches (Fig. 10).
    Patch,
    /// Bits per value (B.2).
    Quantisation,
    /// Frames between those that were trained (Table 1).
    Interpolation,
    /// Decoding speed by size (Fig. 4).
    Resolution,
}

impl Experiment {
    /// Its name on the command line and of its files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sizes => "sizes",
            Self::Encoding => "encoding",
            Self::Latent => "latent",
            Self::Layers => "layers",
            Self::Patch => "patch",
            Self::Quantisation => "quantisation",
            Self::Interpolation => "interpolation",
            Self::Resolution => "resolution",
        }
    }
}

fn parse_base(text: &str) -> Result<String, String> {
    match text.parse::<ModelOptions>() {
        Ok(_) => Ok(text.into()),
        Err(e) => Err(e.to_string()),
    }
}

fn parse_ranks(text: &str) -> Result<[u32; 3], String> {
    let ranks: Option<Vec<u32>> = text.split(',').map(|r| r.trim().parse().ok()).collect();
    ranks
        .and_then(|r| r.try_into().ok())
        .ok_or_else(|| "expected three ranks, such as 50,100,200".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked() {
        assert_eq!(parse_ranks("1, 2,3"), Ok([1, 2, 3]));
        assert!(parse_ranks("1,2").is_err() && parse_ranks("1,2,x").is_err());
        assert!(parse_base("width=8,layers=3").is_ok() && parse_base("colour=8").is_err());
    }

    #[test]
    fn experiments_have_the_names_of_the_command_line() {
        for e in Experiment::value_variants() {
            let value = e.to_possible_value();
            assert_eq!(value.map(|v| v.get_name().to_owned()), Some(e.name().to_owned()));
        }
    }
}
