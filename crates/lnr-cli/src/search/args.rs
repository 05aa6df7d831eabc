// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::PathBuf;

use clap::ArgGroup;

use crate::numbers::parse_seconds;
use crate::values::Compute;

#[derive(clap::Args)]
#[command(group(ArgGroup::new("asked").required(true).args(["text", "image", "like"])))]
pub struct SearchArgs {
    /// What to search for, in words.
    pub text: Option<String>,
    /// Search for what looks like this picture, or the first one of this video; `-`: standard input.
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Search for what is like this moment of a file; no model is needed.
    #[arg(long, value_name = "FILE@TIME", value_parser = parse_moment)]
    pub like: Option<Moment>,
    /// And is not this, in words; may be repeated.
    #[arg(long, value_name = "TEXT")]
    pub not: Vec<String>,
    /// The folder to search, by its index where it has one, or one file.
    #[arg(long = "in", value_name = "DIR|FILE", default_value = ".")]
    pub place: PathBuf,
    /// Most results.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub top: u32,
    /// Most results of one file.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub per_video: u32,
    /// Lowest cosine of a result, from -1 to 1.
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub min_score: Option<f32>,
    /// The model that the files were encoded or indexed with: its directory, or its name in the cache of
    /// Hugging Face; auto: the one that LNR_CLIP_MODEL names. Without it that one, or else the one that
    /// the files name.
    #[arg(long, value_name = "MODEL")]
    pub clip_model: Option<String>,
    /// Also write a page with pictures of the results, which needs no other file.
    #[arg(long, value_name = "HTML")]
    pub sheet: Option<PathBuf>,
    #[command(flatten)]
    pub compute: Compute,
    /// Overwrite files that exist, also when standard input is a terminal.
    #[arg(long, short = 'y')]
    pub force: bool,
    /// Print the results as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Print each result as a JSON object on a line of its own.
    #[arg(long, conflicts_with = "json")]
    pub jsonl: bool,
}

/// A moment of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub file: PathBuf,
    /// Seconds from its first frame.
    pub time: f64,
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    let expected = "expected a file and a time of it, such as holiday.lnr@1:02.5";
    let (file, time) = text.rsplit_once('@').filter(|(f, _)| !f.is_empty()).ok_or(expected)?;
    let time = parse_seconds(time).map_err(|_| expected)?;
    Ok(Moment { file: file.into(), time })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_name_a_file_and_a_time() {
        let moment = parse_moment("a@b/c.lnr@1:02.5").unwrap();
        assert_eq!(moment, Moment { file: "a@b/c.lnr".into(), time: 62.5 });
        for bad in ["a.lnr", "@5", "a.lnr@", "a.lnr@x", "a@1/b.lnr"] {
            assert!(parse_moment(bad).is_err(), "{bad}");
        }
    }
}
