// SPDX-License-Identifier: MIT OR Apache-2.0
//! Options that say what frames mean.

use std::path::PathBuf;

use lnr::align::Teacher;
use lnr::{Alignment, EmbeddingStats};
use serde_json::{Value, json};

use crate::exit::{Code, Failure, Outcome};
use crate::text;

/// Who says what the frames of a video mean.
#[derive(Clone, clap::Args)]
pub struct AlignmentArgs {
    /// Store what frames mean, so that the file can be searched: a CLIP or SigLIP model, by its directory or
    /// by its name in the cache of Hugging Face; auto: the one that LNR_CLIP_MODEL names.
    #[arg(long, value_name = "MODEL")]
    pub clip_model: Option<String>,
    /// Store vectors that another program made instead: a .npy file [frames, dimensions], or a .safetensors
    /// file with `features` and perhaps `times` in seconds.
    #[arg(long, value_name = "FILE", conflicts_with = "clip_model")]
    pub features: Option<PathBuf>,
    /// Name of the space of these vectors: those of the same name can be compared.
    #[arg(long, value_name = "NAME", requires = "features")]
    pub features_space: Option<String>,
    /// What an angle between stored and true vectors costs beside errors of pictures, up to 1; also twice
    /// the part of the file that vectors may take.
    #[arg(long, default_value_t = Alignment::WEIGHT, allow_negative_numbers = true)]
    pub clip_weight: f32,
}

impl AlignmentArgs {
    /// What they ask an encoder for.
    pub fn alignment(&self) -> Outcome<Option<Alignment>> {
        let features = self.features.as_deref().map(|f| (f, self.features_space.as_deref()));
        let teacher = Teacher::open(self.clip_model.as_deref(), features).map_err(failed)?;
        Ok(teacher.map(|t| Alignment::new(t).weight(self.clip_weight)))
    }
}

/// What the codec says of a model or of features.
pub fn failed(e: lnr::Error) -> Failure {
    Failure::new(Code::Input, e.to_string())
}

/// The model of this name.
pub fn model(name: &str) -> Outcome<Teacher> {
    let teacher = Teacher::open(Some(name), None).map_err(failed)?;
    teacher.ok_or_else(|| Failure::usage("name a model"))
}

/// What storing vectors took.
pub fn json(alignment: &Alignment, stats: &EmbeddingStats, n_frames: u64) -> Value {
    let space = alignment.teacher.space();
    let images = stats.images as f64 / stats.seconds.max(1e-9);
    let cosine = 1.0 - stats.error / n_frames.max(1) as f64;
    json!({
        "space": space.name,
        "fingerprint": space.fingerprint_text(),
        "dimensions": space.dim,
        "nodes": stats.nodes,
        "bytes": stats.bytes,
        "cosine": text::rounded(cosine, 5),
        "images": stats.images,
        "seconds": text::rounded(stats.seconds, 3),
        "images_s": text::rounded(images, 2),
    })
}
