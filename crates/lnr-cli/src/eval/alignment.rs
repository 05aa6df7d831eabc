// SPDX-License-Identifier: MIT OR Apache-2.0
//! What it costs to say what frames mean, and how true it is, by the weight of Eq. 6 (Latent-INR, Table 2).

use std::path::Path;
use std::time::Instant;

use lnr::align::{Space, Teacher, cosine};
use lnr::{AccessUnit, Alignment, Control, Encoder, EncoderSettings, InputFrame, LatentReader};
use serde_json::{Value, json};

use super::args::AlignmentEvalArgs;
use super::clip::Clip;
use super::table::aligned;
use crate::alignment;
use crate::console::Console;
use crate::exit::{Failure, Outcome};
use crate::text;

/// What a weight yielded.
struct Row {
    weight: f32,
    bytes: u64,
    /// Of which vectors.
    embedding_bytes: u64,
    nodes: u64,
    psnr: f64,
    seconds: f64,
    /// Pictures that the model looked at, and seconds for it.
    images: u64,
    model_s: f64,
    truth: Option<Truth>,
}

/// How near vectors are to the model's.
struct Truth {
    /// Mean cosine.
    cosine: f64,
    /// The same after the mean of all vectors is taken away from each side: what tells frames apart.
    centred: f64,
    /// The same with each frame's vector held against another frame's.
    shuffled: f64,
    /// The part of the ten frames that the model finds most similar to a frame, which the file finds, too.
    overlap: f64,
}

/// How many neighbours are compared.
const NEIGHBOURS: usize = 10;

pub fn run(args: &AlignmentEvalArgs, console: &Console) -> Outcome<()> {
    let features = args.features.as_deref().map(|f| (f, None));
    let model = Some(args.clip_model.as_str()).filter(|_| features.is_none());
    let teacher = Teacher::open(model, features)
        .map_err(alignment::failed)?
        .ok_or_else(|| Failure::usage("name a model or features"))?;
    let clip = Clip::read_part(
        (&args.video, args.start, args.frames),
        (args.size, args.compute.decoder()),
        console,
    )?;
    let codec = |e| Failure::codec(&args.video, e);
    let mut wanted = Vec::new();
    for (i, frame) in clip.frames.iter().enumerate() {
        console.check()?;
        let vector = teacher.embed((i as u64, frame.pts), &frame.picture);
        wanted.push(vector.map_err(codec)?);
    }
    let mut rows = Vec::new();
    console.start(Some((args.weights.len() * clip.frames.len()) as u64));
    for (i, weight) in args.weights.iter().enumerate() {
        rows.push(measure(args, &clip, &teacher, (*weight, i), &wanted, console)?);
    }
    console.stop();
    let text = match args.json {
        true => json(&args.video, teacher.space(), &rows).to_string(),
        false => describe(teacher.space(), &rows),
    };
    console.print(&text)
}

fn measure(
    args: &AlignmentEvalArgs,
    clip: &Clip,
    teacher: &Teacher,
    (weight, done): (f32, usize),
    wanted: &[Vec<f32>],
    console: &Console,
) -> Outcome<Row> {
    let codec = |e| Failure::codec(&args.video, e);
    let alignment = (weight != 0.0).then(|| Alignment::new(teacher.clone()).weight(weight));
    let settings = EncoderSettings::new(clip.format)
        .frame_rate(clip.frame_rate)
        .quality(args.quality)
        .preset(args.preset)
        .epochs(args.epochs.unwrap_or(0))
        .seed(args.seed)
        .alignment(alignment);
    let begin = Instant::now();
    let mut encoder = Encoder::new(args.compute.encoder(settings)).map_err(codec)?;
    let before = done * clip.frames.len();
    let mut control = Control { cancel: console.cancel.clone(), progress: None };
    let mut units: Vec<AccessUnit> = Vec::new();
    for frame in &clip.frames {
        let frame = InputFrame {
            picture: frame.picture.clone(),
            pts: frame.pts,
            duration: frame.duration.max(1),
            force_key: false,
        };
        units.extend(encoder.push(frame, &mut control).map_err(codec)?);
        console.advance((before + units.len()) as f64, format!("weight {weight}"));
    }
    units.extend(encoder.finish(&mut control).map_err(codec)?);
    let seconds = begin.elapsed().as_secs_f64();
    let mut reader = LatentReader::default();
    let mut found = Vec::new();
    for unit in &units {
        found.push(reader.push(&unit.data).map_err(codec)?.embedding);
    }
    let stats = encoder.stats();
    Ok(Row {
        weight,
        bytes: stats.bytes,
        embedding_bytes: stats.embedding.bytes,
        nodes: stats.embedding.nodes,
        psnr: stats.psnr,
        seconds,
        images: stats.embedding.images,
        model_s: stats.embedding.seconds,
        truth: (weight != 0.0).then(|| truth(&found, wanted)),
    })
}

fn truth(found: &[Vec<f32>], wanted: &[Vec<f32>]) -> Truth {
    let n = found.len();
    let mean = |pairs: &dyn Fn(usize) -> f64| (0..n).map(pairs).sum::<f64>() / n.max(1) as f64;
    let (a, b) = (centred(found), centred(wanted));
    let other = |i: usize| (i + n / 2) % n;
    let share = |i: usize| {
        let (ours, theirs) = (neighbours(found, i), neighbours(wanted, i));
        let both = ours.iter().filter(|frame| theirs.contains(frame)).count();
        both as f64 / theirs.len().max(1) as f64
    };
    Truth {
        cosine: mean(&|i| f64::from(cosine(&found[i], &wanted[i]))),
        centred: mean(&|i| f64::from(cosine(&a[i], &b[i]))),
        shuffled: mean(&|i| f64::from(cosine(&a[i], &b[other(i)]))),
        overlap: mean(&share),
    }
}

/// Vectors less their mean.
fn centred(vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let n = vectors.len().max(1) as f32;
    let mut mean = vec![0.0; vectors.first().map_or(0, Vec::len)];
    for vector in vectors {
        mean.iter_mut().zip(vector).for_each(|(m, v)| *m += v / n);
    }
    let less = |v: &Vec<f32>| v.iter().zip(&mean).map(|(v, m)| v - m).collect();
    vectors.iter().map(less).collect()
}

/// The frames that are most similar to a frame, the nearest first.
fn neighbours(vectors: &[Vec<f32>], of: usize) -> Vec<usize> {
    let mut others: Vec<(f32, usize)> = (0..vectors.len())
        .filter(|i| *i != of)
        .map(|i| (cosine(&vectors[i], &vectors[of]), i))
        .collect();
    others.sort_by(|a, b| b.0.total_cmp(&a.0));
    others.into_iter().take(NEIGHBOURS).map(|(_, i)| i).collect()
}

fn describe(space: &Space, rows: &[Row]) -> String {
    let head = [
        "weight", "bytes", "vectors", "nodes", "PSNR", "s", "model s", "images", "cosine",
        "centred", "shuffled", "top-10",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for row in rows {
        let truth = |of: fn(&Truth) -> f64| {
            row.truth.as_ref().map_or_else(|| "-".into(), |t| format!("{:.4}", of(t)))
        };
        lines.push(vec![
            row.weight.to_string(),
            row.bytes.to_string(),
            row.embedding_bytes.to_string(),
            row.nodes.to_string(),
            format!("{:.3}", row.psnr),
            format!("{:.1}", row.seconds),
            format!("{:.2}", row.model_s),
            row.images.to_string(),
            truth(|t| t.cosine),
            truth(|t| t.centred),
            truth(|t| t.shuffled),
            truth(|t| t.overlap),
        ]);
    }
    format!("{space}\n{}", aligned(&lines))
}

fn json(video: &Path, space: &Space, rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let truth = row.truth.as_ref().map(|t| {
            json!({
                "cosine": text::rounded(t.cosine, 5),
                "centred": text::rounded(t.centred, 5),
                "shuffled": text::rounded(t.shuffled, 5),
                "top_10": text::rounded(t.overlap, 4),
            })
        });
        json!({
            "weight": row.weight,
            "bytes": row.bytes,
            "embedding_bytes": row.embedding_bytes,
            "nodes": row.nodes,
            "psnr_rgb": text::rounded(row.psnr, 4),
            "seconds": text::rounded(row.seconds, 3),
            "model_seconds": text::rounded(row.model_s, 3),
            "images": row.images,
            "truth": truth,
        })
    };
    json!({
        "video": video.to_string_lossy(),
        "space": space.name,
        "fingerprint": space.fingerprint_text(),
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_tells_the_same_from_the_other_and_from_what_is_shuffled() {
        let vectors: Vec<Vec<f32>> = (0..24)
            .map(|i| (0..8).map(|k| 5.0 + ((i * (k + 1)) as f32 * 0.4).sin()).collect())
            .collect();
        let same = truth(&vectors, &vectors);
        assert!((same.cosine - 1.0).abs() < 1e-6 && (same.centred - 1.0).abs() < 1e-6);
        assert_eq!(same.overlap, 1.0);
        assert!(same.shuffled < 0.3, "{}", same.shuffled);
        // Raw cosines say little: all vectors point much the same way.
        let mut turned = vectors.clone();
        turned.rotate_left(7);
        let other = truth(&turned, &vectors);
        assert!(other.cosine > 0.9 && other.centred < 0.3 && other.overlap < 0.8);
    }
}
