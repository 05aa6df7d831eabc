// SPDX-License-Identifier: MIT OR Apache-2.0
//! Holds a query against every row of its space. An index is read block by block, each by whoever scores
//! it: it need not fit the memory, and the scan is as fast as the system copies bytes.

use std::path::Path;

use lnr::align::Space;
use rayon::prelude::*;

use super::corpus::Corpus;
use super::query::Query;
use crate::exit::{Failure, Outcome};
use crate::index_dir::{Needle, Section, SpaceRows, Stored, key_of};

/// Bytes of vectors that are read at once: they stay in a core's own cache.
const BLOCK: usize = 1 << 18;

/// Scores of all rows of a space. Rows of a file stand together, in the order of their times.
#[derive(Default)]
pub struct Scores {
    /// Cosines. [n]
    pub scores: Vec<f32>,
    /// Begin, node and end in seconds. [n]
    pub times: Vec<[f64; 3]>,
    /// Numbers of files, [`super::corpus::NO_FILE`] for rows that are not searched. [n]
    pub files: Vec<u32>,
    /// How many files there are.
    pub n_files: usize,
}

/// # Errors
/// When the index cannot be read.
pub fn scan(corpus: &Corpus, query: &Query, place: &Path) -> Outcome<Scores> {
    let needle = Needle::new(&query.vector);
    let is_asked = |space: &Space| key_of(space) == key_of(&query.space);
    let mut all = Scores { n_files: corpus.files.len(), ..Scores::default() };
    if let Some((stored, numbers)) = &corpus.stored {
        for section in stored.sections.iter().filter(|s| is_asked(&s.space)) {
            let damaged = |cause| {
                let cause = format!("its index cannot be read: {cause}; lnr index makes it anew");
                Failure::damaged(place, cause)
            };
            let rows = stored.places(section).map_err(damaged)?;
            all.scores = stored_scores(stored, section, &rows.scales, &needle).map_err(damaged)?;
            all.files = rows.files.iter().map(|f| numbers[*f as usize]).collect();
            all.times = rows.times;
        }
    }
    for rows in corpus.read.iter().filter(|r| is_asked(&r.space)) {
        let SpaceRows { vectors, scales, times, files, .. } = rows;
        let start = all.scores.len();
        all.scores.resize(start + rows.n(), 0.0);
        needle.scores(vectors, scales, &mut all.scores[start..]);
        all.files.extend(files);
        all.times.extend(times);
    }
    Ok(all)
}

fn stored_scores(
    stored: &Stored,
    section: &Section,
    scales: &[f32],
    needle: &Needle,
) -> Result<Vec<f32>, String> {
    let dim = section.space.dim as usize;
    let rows_at_once = (BLOCK / dim).max(1);
    let mut scores = vec![0.0; section.n];
    let blocks = scores.par_chunks_mut(rows_at_once).zip(scales.par_chunks(rows_at_once));
    blocks.enumerate().try_for_each_init(Vec::new, |bytes, (i, (scores, scales))| {
        bytes.resize(scores.len() * dim, 0);
        stored.vectors(section, i * rows_at_once, bytes)?;
        needle.scores(bytes, scales, scores);
        Ok::<(), String>(())
    })?;
    Ok(scores)
}
