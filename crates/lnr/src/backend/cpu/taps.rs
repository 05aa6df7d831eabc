// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a vector of points reads neighbouring entries of a plane. Points side by side read places side
//! by side, mostly: then a few loads and permutations take less time than a gather.

use super::simd::Simd;

/// `N` neighbouring entries for every lane, in row after row.
pub trait Taps<S: Simd, const N: usize>: Copy {
    /// Those of row `k`.
    fn row(self, s: S, k: usize) -> [S::F; N];
}

/// Rows of a plane from the first entry on that a vector of points reads.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub data: &'a [f32],
    pub pitch: usize,
}

/// Every lane reads what lies one entry behind what the lane before reads.
#[derive(Clone, Copy)]
pub struct Consecutive<'a>(pub Rows<'a>);

/// All lanes read from one vector, each from its index on.
#[derive(Clone, Copy)]
pub struct OneVector<'a, S: Simd>(pub Rows<'a>, pub S::I);

/// All lanes read from two vectors.
#[derive(Clone, Copy)]
pub struct TwoVectors<'a, S: Simd>(pub Rows<'a>, pub S::I);

/// Lanes read from anywhere.
#[derive(Clone, Copy)]
pub struct Scattered<'a, S: Simd>(pub Rows<'a>, pub S::I);

// Vector code keeps out of closures, here too.

impl<S: Simd, const N: usize> Taps<S, N> for Consecutive<'_> {
    #[inline(always)]
    fn row(self, s: S, k: usize) -> [S::F; N] {
        let row = &self.0.data[k * self.0.pitch..][..S::LANES + N - 1];
        let mut taps = [s.splat(0.0); N];
        for j in 0..N {
            taps[j] = s.load(&row[j..]);
        }
        taps
    }
}

impl<S: Simd, const N: usize> Taps<S, N> for OneVector<'_, S> {
    #[inline(always)]
    fn row(self, s: S, k: usize) -> [S::F; N] {
        let v = s.load(&self.0.data[k * self.0.pitch..][..S::LANES]);
        let mut taps = [v; N];
        for j in 0..N {
            taps[j] = s.permute(v, s.add_i(self.1, s.splat_i(j as i32)));
        }
        taps
    }
}

impl<S: Simd, const N: usize> Taps<S, N> for TwoVectors<'_, S> {
    #[inline(always)]
    fn row(self, s: S, k: usize) -> [S::F; N] {
        let row = &self.0.data[k * self.0.pitch..][..2 * S::LANES];
        let v = [s.load(row), s.load(&row[S::LANES..])];
        let mut taps = [v[0]; N];
        for j in 0..N {
            taps[j] = s.permute2(v, s.add_i(self.1, s.splat_i(j as i32)));
        }
        taps
    }
}

impl<S: Simd> Taps<S, 2> for Scattered<'_, S> {
    #[inline(always)]
    fn row(self, s: S, k: usize) -> [S::F; 2] {
        s.gather2(&self.0.data[k * self.0.pitch..], self.1)
    }
}

impl<S: Simd> Taps<S, 4> for Scattered<'_, S> {
    #[inline(always)]
    fn row(self, s: S, k: usize) -> [S::F; 4] {
        s.gather4(&self.0.data[k * self.0.pitch..], self.1)
    }
}

impl<'a> Rows<'a> {
    /// Where a vector of cells in each of two rows begins that has those from `least` to `most` in
    /// every lane, if there is one: the rows, and what to take off an index.
    #[inline(always)]
    pub fn cells<S: Simd>(self, s: S, first: S::I, ends: [S::I; 2]) -> Option<(Self, i32)> {
        let last_start = self.data.len().checked_sub(self.pitch + S::LANES + 1)?;
        // The first lane mostly reads the first cell.
        let start = (s.first(first) as u32 as usize).min(last_start);
        for end in ends {
            s.within(end, start as i32, S::LANES as i32 - 1)?;
        }
        Some((Self { data: &self.data[start..], ..self }, start as i32))
    }

    /// Where `V` vectors begin that hold the `N` entries from every lane's place in `first` on, in
    /// each of `n_rows` rows, and each lane's index in them; if there are such.
    #[inline(always)]
    pub fn window<S: Simd, const N: usize, const V: usize>(
        self,
        s: S,
        n_rows: usize,
        first: S::I,
    ) -> Option<(Self, S::I)> {
        let width = V * S::LANES;
        if width < N {
            return None;
        }
        let last_start = self.data.len().checked_sub((n_rows - 1) * self.pitch + width)?;
        // The first lane mostly reads the first entry.
        let start = (s.first(first) as u32 as usize).min(last_start);
        let index = s.within(first, start as i32, (width - N) as i32)?;
        Some((Self { data: &self.data[start..], ..self }, index))
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::{Isa, Task};
    use super::*;

    const PITCH: usize = 50;

    /// Places of 16 lanes, then what every way to read them brings: rows of four entries.
    struct Read<'a>(&'a [f32], [i32; 16]);

    impl Task for Read<'_> {
        type Out = Vec<[[[f32; 16]; 4]; 3]>;

        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Self::Out {
            let (rows, first) = (Rows { data: self.0, pitch: PITCH }, s.load_i(&self.1));
            let mut all = vec![rows_of(s, Scattered::<S>(rows, first))];
            if let Some((rows, index)) = rows.window::<S, 4, 1>(s, 3, first) {
                all.push(rows_of(s, OneVector::<S>(rows, index)));
            }
            if let Some((rows, index)) = rows.window::<S, 4, 2>(s, 3, first) {
                all.push(rows_of(s, TwoVectors::<S>(rows, index)));
                if s.counts(index) {
                    all.push(rows_of(s, Consecutive(rows)));
                }
            }
            all
        }
    }

    #[inline(always)]
    fn rows_of<S: Simd>(s: S, taps: impl Taps<S, 4>) -> [[[f32; 16]; 4]; 3] {
        let mut out = [[[0.0; 16]; 4]; 3];
        for (k, out) in out.iter_mut().enumerate() {
            let row = taps.row(s, k);
            for (out, v) in out.iter_mut().zip(row) {
                s.store(out, v);
            }
        }
        out
    }

    #[test]
    fn every_way_to_read_brings_the_same() {
        let data: Vec<f32> = (0..3 * PITCH).map(|i| i as f32).collect();
        // Ways that there are on vectors of several lanes.
        type Places = fn(i32) -> i32;
        let patterns: [(Places, usize); 6] = [
            (|k| k * 3, 1),
            (|k| 5 + k / 2, 2),
            (|k| 7 + k, 3),
            (|k| 30 + k / 4, 3),
            (|_| 46, 3),
            (|k| 20 - k / 8, 1),
        ];
        for (i, (place, n_ways)) in patterns.into_iter().enumerate() {
            let at = std::array::from_fn(|k| place(k as i32));
            for isa in Isa::available() {
                let all = isa.run(Read(&data, at));
                let name = format!("{isa:?}, pattern {i}");
                let floor = if isa.lanes() == 1 { 1 } else { n_ways };
                assert!(all.len() >= floor, "{name}: {} ways", all.len());
                for got in all.iter() {
                    for (k, j, lane) in (0..12 * isa.lanes()).map(|n| (n / 4 % 3, n % 4, n / 12)) {
                        let expected = (at[lane] as usize + k * PITCH + j) as f32;
                        assert_eq!(got[k][j][lane], expected, "{name}, row {k}, tap {j}");
                    }
                }
            }
        }
    }
}
