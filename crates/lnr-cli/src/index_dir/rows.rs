// SPDX-License-Identifier: MIT OR Apache-2.0

use std::ops::Range;

use lnr::align::Space;

use super::entry::Entry;

/// Largest level of a vector's numbers. Files store them with 3 to 6 bits.
const MAX_LEVEL: f32 = 127.0;
/// Largest level of a query's numbers: 4096 products of both fit 32 bits.
const MAX_QUERY_LEVEL: f32 = 4095.0;

/// Vectors of one space, each for a stretch of time of a file. The rows of a file stand together, in the
/// order of their times.
#[derive(Clone, Default)]
pub struct SpaceRows {
    pub space: Space,
    /// Levels, as the bytes of i8. [n, dim]
    pub vectors: Vec<u8>,
    /// What makes the vectors of levels ones of length 1; 0 for vectors of zeros. [n]
    pub scales: Vec<f32>,
    /// When the stretch begins, is at its node, and ends, in seconds from the file's first frame. [n]
    pub times: Vec<[f64; 3]>,
    /// Numbers of the files. [n]
    pub files: Vec<u32>,
}

/// What a space is called in a folder index: user's spaces of one name may differ in dimensions.
pub fn key_of(space: &Space) -> String {
    format!("{}-{}", space.fingerprint_text(), space.dim)
}

/// The rows of a space among those of several; it is added where it is not there.
pub fn rows_of<'a>(all: &'a mut Vec<SpaceRows>, space: &Space) -> &'a mut SpaceRows {
    let at = all.iter().position(|r| key_of(&r.space) == key_of(space)).unwrap_or_else(|| {
        all.push(SpaceRows::new(space.clone()));
        all.len() - 1
    });
    &mut all[at]
}

impl SpaceRows {
    pub fn new(space: Space) -> Self {
        Self { space, ..Self::default() }
    }

    pub fn n(&self) -> usize {
        self.scales.len()
    }

    pub fn dim(&self) -> usize {
        self.space.dim as usize
    }

    /// Adds a row. vector: [dim]
    pub fn push(&mut self, vector: &[f32], times: [f64; 3], file: u32) {
        let most = vector.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let step = if most > 0.0 { most / MAX_LEVEL } else { 1.0 };
        let levels: Vec<i8> = vector.iter().map(|v| (v / step).round() as i8).collect();
        let square: f32 = levels.iter().map(|l| f32::from(*l) * f32::from(*l)).sum();
        self.vectors.extend(levels.iter().map(|l| *l as u8));
        self.scales.push(if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 });
        self.times.push(times);
        self.files.push(file);
    }

    /// Adds rows of another one of the same space, as those of `file`.
    pub fn append(&mut self, other: &Self, rows: Range<usize>, file: u32) {
        let dim = self.dim();
        self.vectors.extend(&other.vectors[rows.start * dim..rows.end * dim]);
        self.scales.extend(&other.scales[rows.clone()]);
        self.times.extend(&other.times[rows.clone()]);
        self.files.resize(self.files.len() + rows.len(), file);
    }

    /// The vector of a row, of length 1.
    pub fn vector(&self, row: usize) -> Vec<f32> {
        let levels = &self.vectors[row * self.dim()..][..self.dim()];
        levels.iter().map(|l| f32::from(*l as i8) * self.scales[row]).collect()
    }

    /// The rows of each file, in order.
    pub fn of_files(&self) -> impl Iterator<Item = (u32, Range<usize>)> + '_ {
        let runs = self.files.chunk_by(|a, b| a == b);
        runs.scan(0, |end, run| {
            let start = *end;
            *end += run.len();
            Some((run[0], start..*end))
        })
    }
}

/// A query, ready to be held against rows.
pub struct Needle {
    levels: Vec<i16>,
    scale: f32,
}

impl Needle {
    /// vector: [dim], not all zeros
    pub fn new(vector: &[f32]) -> Self {
        let most = vector.iter().fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let levels: Vec<i16> =
            vector.iter().map(|v| (v / most * MAX_QUERY_LEVEL).round() as i16).collect();
        let square: f32 = levels.iter().map(|l| f32::from(*l) * f32::from(*l)).sum();
        Self { levels, scale: 1.0 / square.sqrt().max(1.0) }
    }

    /// The cosine between it and each row. vectors: [n, dim] i8; scales, out: [n]
    pub fn scores(&self, vectors: &[u8], scales: &[f32], out: &mut [f32]) {
        let rows = vectors.chunks_exact(self.levels.len());
        for ((row, scale), out) in rows.zip(scales).zip(out) {
            // Products of 16 bits, added up in pairs: what SSE2 has an instruction for.
            let products = row.iter().zip(&self.levels).map(|(a, b)| {
                let level = i16::from(*a as i8);
                i32::from(level) * i32::from(*b)
            });
            *out = products.sum::<i32>() as f32 * self.scale * scale;
        }
    }
}

/// All that a folder index holds.
#[derive(Default)]
pub struct FolderIndex {
    pub entries: Vec<Entry>,
    pub spaces: Vec<SpaceRows>,
}

impl FolderIndex {
    /// Adds a file and its rows.
    pub fn add<'a>(
        &mut self,
        entry: Entry,
        rows: impl Iterator<Item = (&'a SpaceRows, Range<usize>)>,
    ) {
        let file = self.entries.len() as u32;
        self.entries.push(entry);
        for (of, range) in rows {
            rows_of(&mut self.spaces, &of.space).append(of, range, file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lnr::align::{cosine, normalise};

    fn vector(seed: usize, dim: usize) -> Vec<f32> {
        let mut v: Vec<f32> = (0..dim).map(|i| ((i * 7 + seed * 13 + 1) as f32).sin()).collect();
        normalise(&mut v);
        v
    }

    #[test]
    fn scores_are_cosines() {
        for dim in [1, 3, 64, 513, 4096] {
            let mut rows = SpaceRows::new(Space::new("s", [0; 8], dim).unwrap());
            (0..9).for_each(|i| rows.push(&vector(i, dim), [0.0; 3], 0));
            rows.push(&vec![0.0; dim], [0.0; 3], 0);
            let needle = vector(3, dim);
            let mut scores = vec![9.0; 10];
            Needle::new(&needle).scores(&rows.vectors, &rows.scales, &mut scores);
            for (i, score) in scores[..9].iter().enumerate() {
                let true_score = cosine(&needle, &vector(i, dim));
                // Each of few numbers is off by up to half of 1/127 of the largest.
                assert!((score - true_score).abs() < 0.006, "{dim}, {i}: {score}, {true_score}");
                assert!(cosine(&rows.vector(i), &vector(i, dim)) > 0.9999);
            }
            assert!(scores[3] > 0.9999 && scores[9] == 0.0);
        }
        // The largest sum that can be: it must not overflow.
        let dim = 4096;
        let mut rows = SpaceRows::new(Space::new("s", [0; 8], dim).unwrap());
        let even = vec![-1.0 / 64.0; dim];
        rows.push(&even, [0.0; 3], 0);
        let mut scores = [0.0];
        Needle::new(&even).scores(&rows.vectors, &rows.scales, &mut scores);
        assert!((scores[0] - 1.0).abs() < 1e-4, "{scores:?}");
    }

    #[test]
    fn rows_stand_by_file() {
        let space = |name, dim| Space::new(name, [1; 8], dim).unwrap();
        let mut a = SpaceRows::new(space("a", 2));
        let mut other = SpaceRows::new(space("a", 3));
        for i in 0..4 {
            a.push(&[1.0, i as f32], [i as f64; 3], 0);
        }
        other.push(&[1.0, 0.0, 0.0], [5.0; 3], 0);
        let mut index = FolderIndex::default();
        index.add(Entry::default(), [(&a, 1..3), (&other, 0..1)].into_iter());
        index.add(Entry::default(), [(&a, 0..1)].into_iter());
        let n: usize = index.spaces.iter().map(SpaceRows::n).sum();
        assert_eq!((n, index.spaces.len()), (4, 2));
        let spans: Vec<_> = index.spaces[0].of_files().collect();
        assert_eq!(spans, [(0, 0..2), (1, 2..3)]);
        assert_eq!(index.spaces[0].times[2], [0.0; 3]);
        assert_eq!(index.spaces[0].vector(2), a.vector(0));
    }
}
