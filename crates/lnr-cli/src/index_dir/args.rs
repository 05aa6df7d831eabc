// SPDX-License-Identifier: MIT OR Apache-2.0

use std::path::PathBuf;

use crate::numbers::parse_every;
use crate::values::Compute;

#[derive(clap::Args)]
pub struct IndexArgs {
    /// The folder to index, with all folders in it; hidden ones and links to folders are left out.
    pub dir: PathBuf,
    /// Also look at videos that do not say what they mean, with this CLIP or SigLIP model: its directory or
    /// its name in the cache of Hugging Face; auto: the one that LNR_CLIP_MODEL names.
    #[arg(long, value_name = "MODEL")]
    pub embed: Option<String>,
    /// Seconds from one picture that the model looks at to the next.
    #[arg(long, value_name = "TIME", default_value = "1s", requires = "embed", value_parser = parse_every)]
    pub every: f64,
    #[command(flatten)]
    pub compute: Compute,
    /// Print the results as JSON.
    #[arg(long)]
    pub json: bool,
}
