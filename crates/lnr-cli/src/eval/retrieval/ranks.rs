// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far down a list of items the wanted one stands.

use lnr::align::{cosine, normalise};

/// A generator of random numbers for resampling (xorshift64*): its quality does not matter here.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        ((bits * n as u64) >> 32) as usize
    }
}

/// The rank, from 1, of the best item that is wanted, for each query. Items that are as near as it count as
/// nearer, so that vectors which are all the same find nothing. `is_wanted(query, item)`.
pub fn ranks(
    queries: &[Vec<f32>],
    items: &[Vec<f32>],
    is_wanted: &dyn Fn(usize, usize) -> bool,
) -> Vec<usize> {
    let rank = |(q, query): (usize, &Vec<f32>)| {
        let scores: Vec<f32> = items.iter().map(|item| cosine(query, item)).collect();
        let wanted = (0..items.len()).filter(|i| is_wanted(q, *i));
        let best = wanted.max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        best.map_or(items.len() + 1, |best| {
            let nearer = |i: &usize| scores[*i] >= scores[best] && !is_wanted(q, *i);
            1 + (0..items.len()).filter(nearer).count()
        })
    };
    queries.iter().enumerate().map(rank).collect()
}

/// The mean of vectors, each counted at length 1; of length 1.
pub fn mean<'a>(vectors: impl Iterator<Item = &'a Vec<f32>>) -> Vec<f32> {
    let mut sum: Vec<f32> = Vec::new();
    for vector in vectors {
        let mut vector = vector.clone();
        normalise(&mut vector);
        sum.resize(vector.len(), 0.0);
        sum.iter_mut().zip(vector).for_each(|(s, v)| *s += v);
    }
    normalise(&mut sum);
    sum
}

/// The part of the queries whose rank is at most `k`, in percent.
pub fn recall(ranks: &[usize], k: usize) -> f64 {
    let found = ranks.iter().filter(|r| **r <= k).count();
    100.0 * found as f64 / ranks.len().max(1) as f64
}

/// The rank in the middle.
pub fn median(ranks: &[usize]) -> f64 {
    let mut sorted = ranks.to_vec();
    sorted.sort_unstable();
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2] as f64,
        n => (sorted[n / 2 - 1] + sorted[n / 2]) as f64 / 2.0,
    }
}

/// Times that queries are drawn anew.
const RESAMPLES: usize = 2000;

/// The interval that holds 95 % of the values that `value` takes over queries drawn with replacement.
/// `value` gets the numbers of the queries.
pub fn interval(n: usize, seed: u64, value: &dyn Fn(&[usize]) -> f64) -> (f64, f64) {
    let mut dice = Dice::new(seed);
    let mut values: Vec<f64> =
        (0..RESAMPLES).map(|_| value(&(0..n).map(|_| dice.below(n)).collect::<Vec<_>>())).collect();
    values.sort_unstable_by(f64::total_cmp);
    (values[RESAMPLES / 40], values[RESAMPLES - 1 - RESAMPLES / 40])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_what_is_nearer_and_what_is_as_near() {
        let items = [vec![1.0, 0.0], vec![0.8, 0.6], vec![0.0, 1.0]];
        let queries = [vec![1.0, 0.1], vec![0.1, 1.0], vec![1.0, 0.0]];
        let found = ranks(&queries, &items, &|q, i| [0, 0, 2][q] == i);
        assert_eq!(found, [1, 3, 3]);
        let same = vec![vec![1.0, 1.0]; 4];
        assert_eq!(ranks(&same, &same, &|q, i| q == i), [4, 4, 4, 4]);
        // The best of several wanted items counts.
        assert_eq!(ranks(&queries[..1], &items, &|_, i| i > 0), [2]);
        assert_eq!(ranks(&queries[..1], &items, &|_, _| false), [4]);
    }

    #[test]
    fn recall_and_median_and_their_interval() {
        let ranks = [1, 1, 2, 7];
        assert_eq!([1, 5, 10].map(|k| recall(&ranks, k)), [50.0, 75.0, 100.0]);
        assert_eq!((median(&ranks), median(&ranks[1..])), (1.5, 2.0));
        let (low, high) = interval(4, 3, &|drawn| {
            recall(&drawn.iter().map(|i| ranks[*i]).collect::<Vec<_>>(), 1)
        });
        assert!(low <= 25.0 && high >= 75.0 && low < high, "{low} {high}");
        assert_eq!(mean([vec![2.0, 0.0], vec![0.0, 1.0]].iter()), vec![0.5f32.sqrt(); 2]);
    }
}
