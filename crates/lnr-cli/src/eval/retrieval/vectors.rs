// SPDX-License-Identifier: MIT OR Apache-2.0
//! The vectors of a part of a video: from its encoded file, and from the model that looks at its pictures.

use std::path::Path;

use lnr::align::{Teacher, cosine};

use super::RetrievalArgs;
use super::dataset::{Entry, encoded};
use super::ranks::mean;
use crate::console::Console;
use crate::exit::{Code, Failure, Outcome};
use crate::input::{self, Options};
use crate::text::seconds;
use crate::tracks::FileTracks;

/// What is known of an entry of the dataset.
pub struct Part {
    /// Of the frames between its times, one vector.
    pub file: Vec<f32>,
    pub model: Vec<f32>,
    /// The model's, rounded to as few bytes as the file takes for its vectors.
    pub rounded: Vec<f32>,
    /// The model's, of the picture in the middle.
    pub picture: Vec<f32>,
    /// Of all frames of the video: time in seconds and vector.
    pub file_frames: Vec<(f64, Vec<f32>)>,
    pub model_frames: Vec<(f64, Vec<f32>)>,
    /// Mean cosine between both, over the pictures that the model saw.
    pub cosine: f64,
    /// Bytes that the file takes for its vectors.
    pub bytes: u64,
}

/// # Errors
/// When the video or its encoded file cannot be read, or the file does not say what its frames mean in the
/// model's space.
pub fn read(
    args: &RetrievalArgs,
    entry: &Entry,
    model: &Teacher,
    console: &Console,
) -> Outcome<Part> {
    let video = args.dataset.parent().unwrap_or(Path::new("")).join(&entry.video);
    let path = encoded(&args.encoded, &entry.video);
    if !path.exists() {
        let (video, path) = (video.display(), path.display());
        return Err(Failure::new(
            Code::Input,
            format!(
                "{path} is missing: lnr encode {video} {path} --clip-model {}",
                args.clip_model
            ),
        ));
    }
    let tracks = FileTracks::read(&path, console)?;
    let Some(space) = tracks.space() else {
        return Err(Failure::damaged(
            &path,
            "it does not say what its frames mean: encode it with --clip-model",
        ));
    };
    space.check_same(model.space()).map_err(|e| Failure::damaged(&path, e))?;
    let file_frames: Vec<(f64, Vec<f32>)> = tracks
        .groups
        .iter()
        .flat_map(|g| g.frames())
        .map(|(time, vector)| (seconds(time), vector))
        .collect();

    let options = Options { decoder: args.compute.decoder(), ..Options::default() };
    let mut source = input::open(&video, options, console)?;
    let (mut model_frames, mut first, mut n) = (Vec::new(), None, 0u32);
    while let Some(frame) = source.next()? {
        console.check()?;
        let time = seconds(frame.pts - *first.get_or_insert(frame.pts));
        n += 1;
        if !(n - 1).is_multiple_of(args.every) {
            continue;
        }
        let vector = model.embed((u64::from(n - 1), frame.pts), &frame.picture);
        model_frames.push((time, vector.map_err(|e| Failure::codec(&video, e))?));
    }

    let inside = |frames: &[(f64, Vec<f32>)]| {
        let is_inside = |f: &&(f64, Vec<f32>)| (entry.start..entry.end).contains(&f.0);
        frames.iter().filter(is_inside).cloned().collect::<Vec<_>>()
    };
    let (of_file, of_model) = (inside(&file_frames), inside(&model_frames));
    if of_file.is_empty() || of_model.is_empty() {
        let (start, end) = (entry.start, entry.end);
        let cause = format!("the dataset names {start} to {end} s of it: it has no frame there");
        return Err(Failure::damaged(&video, cause));
    }
    let nearest = |time: f64| {
        let distance = |f: &&(f64, Vec<f32>)| (f.0 - time).abs();
        file_frames.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    };
    let cosines =
        model_frames.iter().filter_map(|(time, v)| Some(f64::from(cosine(v, &nearest(*time)?.1))));
    let file = mean(of_file.iter().map(|f| &f.1));
    let model = mean(of_model.iter().map(|f| &f.1));
    let bytes = tracks.groups.iter().map(|g| g.track.n_bytes() as u64).sum();
    Ok(Part {
        rounded: rounded(&model, bytes),
        picture: of_model[of_model.len() / 2].1.clone(),
        cosine: cosines.sum::<f64>() / model_frames.len() as f64,
        file,
        model,
        file_frames,
        model_frames,
        bytes,
    })
}

/// A vector of which each number has as many whole bits as fit into so many bytes, at least one, evenly
/// spread between its extremes.
fn rounded(vector: &[f32], bytes: u64) -> Vec<f32> {
    let bits = (8 * bytes / vector.len().max(1) as u64).clamp(1, 16);
    let most = vector.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let step = 2.0 * most / (1u64 << bits) as f32;
    if step == 0.0 {
        return vector.to_vec();
    }
    let top = (1i64 << (bits - 1)) - 1;
    let level = |v: f32| ((v / step).floor() as i64).clamp(-top - 1, top);
    vector.iter().map(|v| (level(*v) as f32 + 0.5) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_rounded_to_what_fits() {
        let vector: Vec<f32> = (0..64).map(|i| (i as f32 * 0.37).sin()).collect();
        let of = |bytes| cosine(&rounded(&vector, bytes), &vector);
        let distinct = |bytes| {
            let mut all: Vec<u32> = rounded(&vector, bytes).iter().map(|v| v.to_bits()).collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        assert_eq!((distinct(0), distinct(8), distinct(23)), (2, 2, 4));
        assert!(of(8) > 0.8 && of(16) > of(8) && of(64) > 0.9999, "{} {}", of(8), of(16));
        assert_eq!(rounded(&[0.0; 3], 9), [0.0; 3]);
    }
}
