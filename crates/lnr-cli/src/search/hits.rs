// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows of a query's best scores, merged where they follow each other in time.

use std::collections::BinaryHeap;

use super::corpus::NO_FILE;
use super::scan::Scores;

/// How far a neighbour's score may lie below the best one of a result, in deviations of all scores: half of
/// one still stands out from the rest where the best does.
const MERGED: f32 = 0.5;
/// The same at least, in cosines: where all is alike, as within one shot, deviations are noise.
const ALIKE: f32 = 0.02;
/// Gap in seconds below which a row follows another: times are rounded to ns.
const TOUCHING: f64 = 1e-6;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub n: usize,
    pub per_file: usize,
    pub min_score: f32,
}

/// A stretch of a file that matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub file: u32,
    /// In seconds from the file's first frame: of the stretch, and of the best moment.
    pub begin: f64,
    pub best: f64,
    pub end: f64,
    /// The cosine of the best moment.
    pub score: f32,
    /// How many deviations it lies above the mean of all rows.
    pub z: f32,
}

/// What was found.
pub struct Hits {
    pub hits: Vec<Hit>,
    /// Of the scores of all rows.
    pub mean: f64,
    pub deviation: f64,
    pub n_rows: usize,
}

/// The best stretches, best first.
pub fn find(all: &Scores, wanted: Wanted) -> Hits {
    let is_searched = |row: &usize| all.files[*row] != NO_FILE;
    let rows = || (0..all.scores.len()).filter(is_searched);
    let n_rows = rows().count();
    let count = n_rows.max(1) as f64;
    let mean = rows().map(|r| f64::from(all.scores[r])).sum::<f64>() / count;
    let square = |r: usize| (f64::from(all.scores[r]) - mean).powi(2);
    let deviation = (rows().map(square).sum::<f64>() / count).sqrt();

    let is_wanted = |row: &usize| all.scores[*row] >= wanted.min_score;
    let mut heap: BinaryHeap<u64> =
        rows().filter(is_wanted).map(|row| rank(all.scores[row], row)).collect();
    let mut is_taken = vec![false; all.scores.len()];
    let mut of_file = vec![0; all.n_files];
    let mut hits = Vec::new();
    while hits.len() < wanted.n {
        let Some(row) = heap.pop().map(row_of) else { break };
        let file = all.files[row];
        if is_taken[row] || of_file[file as usize] == wanted.per_file {
            continue;
        }
        of_file[file as usize] += 1;
        let score = all.scores[row];
        let margin = (MERGED * deviation as f32).max(ALIKE);
        let least = (score - margin).max(wanted.min_score);
        let joins = |row: usize, is_taken: &[bool]| {
            !is_taken[row] && all.files[row] == file && all.scores[row] >= least
        };
        let (mut first, mut last) = (row, row);
        while first > 0
            && joins(first - 1, &is_taken)
            && all.times[first][0] - all.times[first - 1][2] < TOUCHING
        {
            first -= 1;
        }
        while last + 1 < all.scores.len()
            && joins(last + 1, &is_taken)
            && all.times[last + 1][0] - all.times[last][2] < TOUCHING
        {
            last += 1;
        }
        is_taken[first..=last].fill(true);
        let z = if deviation > 0.0 { (f64::from(score) - mean) / deviation } else { 0.0 };
        let (begin, end) = (all.times[first][0], all.times[last][2]);
        hits.push(Hit { file, begin, best: all.times[row][1], end, score, z: z as f32 });
    }
    Hits { hits, mean, deviation, n_rows }
}

/// A number that is the larger the better a row is, and the earlier it stands where scores are equal.
fn rank(score: f32, row: usize) -> u64 {
    // The bits of floats are in the order of their values once the sign is turned into an offset.
    let bits = score.to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | u64::from(u32::MAX - row as u32)
}

fn row_of(rank: u64) -> usize {
    (u32::MAX - rank as u32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(rows: &[(u32, f64, f64, f32)]) -> Scores {
        Scores {
            files: rows.iter().map(|r| r.0).collect(),
            times: rows.iter().map(|r| [r.1, (r.1 + r.2) / 2.0, r.2]).collect(),
            scores: rows.iter().map(|r| r.3).collect(),
            n_files: 3,
        }
    }

    const ALL: Wanted = Wanted { n: 10, per_file: 10, min_score: -1.0 };

    #[test]
    fn neighbours_are_merged_while_they_match() {
        let all = scores(&[
            (0, 0.0, 1.0, 0.1),
            (0, 1.0, 2.0, 0.7),
            (0, 2.0, 3.0, 0.9),
            (0, 3.0, 4.0, 0.8),
            // After a gap, in another file, and not searched.
            (0, 5.0, 6.0, 0.85),
            (1, 6.0, 7.0, 0.85),
            (NO_FILE, 7.0, 8.0, 0.99),
            (2, 0.0, 1.0, -0.9),
        ]);
        let found = find(&all, ALL);
        let spans: Vec<_> = found.hits.iter().map(|h| (h.file, h.begin, h.best, h.end)).collect();
        assert_eq!(spans[0], (0, 1.0, 2.5, 4.0));
        assert_eq!(spans[1..3], [(0, 5.0, 5.5, 6.0), (1, 6.0, 6.5, 7.0)]);
        assert_eq!((found.n_rows, found.hits.len()), (7, 5));
        let mean = (0.1 + 0.7 + 0.9 + 0.8 + 0.85 + 0.85 - 0.9) / 7.0;
        assert!((found.mean - mean).abs() < 1e-6);
        let z = (0.9 - found.mean) / found.deviation;
        assert!((f64::from(found.hits[0].z) - z).abs() < 1e-5);
    }

    #[test]
    fn limits_hold() {
        let rows: Vec<_> =
            (0..9).map(|i| (i % 3, f64::from(i), f64::from(i) + 0.5, 0.1 * i as f32)).collect();
        let all = scores(&rows);
        let files = |wanted| find(&all, wanted).hits.iter().map(|h| h.file).collect::<Vec<_>>();
        assert_eq!(files(Wanted { per_file: 1, ..ALL }), [2, 1, 0]);
        assert_eq!(files(Wanted { n: 2, ..ALL }), [2, 1]);
        assert_eq!(files(Wanted { min_score: 0.65, ..ALL }), [2, 1]);
        assert_eq!(files(Wanted { min_score: 0.95, ..ALL }), [0; 0]);
        assert_eq!(find(&scores(&[]), ALL).hits, []);
        let one = find(&scores(&[(1, 0.0, 1.0, 0.4)]), ALL);
        assert_eq!((one.hits[0].z, one.deviation), (0.0, 0.0));
    }

    #[test]
    fn ranks_are_in_the_order_of_scores_and_rows() {
        let scores = [-1.0, -0.5, -0.0, 0.0, 1e-9, 0.5, 1.0];
        assert!(scores.is_sorted_by_key(|s| rank(*s, 5)));
        assert!(rank(0.5, 3) > rank(0.5, 4) && row_of(rank(-0.25, 7)) == 7);
    }
}
