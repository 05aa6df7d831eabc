// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{Isa, Simd, Task, exp, log2, tanh};
use crate::base::Rng;

struct Math<'a>(&'a [f32], &'a mut [[f32; 4]]);

impl Task for Math<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (x, out) in self.0.chunks_exact(S::LANES).zip(self.1.chunks_exact_mut(S::LANES)) {
            let v = s.load(x);
            let results =
                [exp(s, v), log2(s, s.add(s.abs(v), s.splat(1e-6))), tanh(s, v), s.floor(v)];
            for (k, r) in results.into_iter().enumerate() {
                let mut lanes = [0.0; 16];
                s.store(&mut lanes, r);
                out.iter_mut().zip(lanes).for_each(|(o, l)| o[k] = l);
            }
        }
    }
}

#[test]
fn functions_match_the_standard_library_on_every_isa() {
    let mut rng = Rng::new(3);
    let x: Vec<f32> = (0..4096).map(|i| (rng.uniform() - 0.5) * [0.1, 4.0, 40.0][i % 3]).collect();
    for isa in Isa::available() {
        let mut y = vec![[0.0; 4]; x.len()];
        isa.run(Math(&x, &mut y));
        for (&x, y) in x.iter().zip(&y) {
            assert!((y[0] / x.exp() - 1.0).abs() < 5e-7, "{isa:?} exp({x}) = {}", y[0]);
            assert!((y[1] - (x.abs() + 1e-6).log2()).abs() < 4e-6, "{isa:?} log2({x}) = {}", y[1]);
            assert!((y[2] - x.tanh()).abs() < 2e-6, "{isa:?} tanh({x}) = {}", y[2]);
            assert_eq!(y[3], x.floor(), "{isa:?}");
        }
    }
}

struct Lanes<'a>(&'a [f32], &'a mut [Vec<f32>; 5]);

impl Task for Lanes<'_> {
    type Out = f32;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let mut total = 0.0;
        for x in self.0.chunks_exact(S::LANES) {
            let v = s.load(x);
            let limited = s.max_i(s.min_i(s.trunc(v), s.splat_i(5)), s.splat_i(2));
            let results = [
                s.gather(self.0, s.trunc(v)),
                s.round(s.mul(v, s.splat(0.5))),
                s.select(s.gt(v, s.splat(3.0)), v, s.splat(-1.0)),
                s.to_f(s.mul_i(limited, s.splat_i(3))),
                s.sqrt(s.max(v, s.splat(0.0))),
            ];
            for (out, r) in self.1.iter_mut().zip(results) {
                let mut lanes = [0.0; 16];
                s.store(&mut lanes, r);
                out.extend(&lanes[..S::LANES]);
            }
            total += s.sum(v);
        }
        total
    }
}

#[test]
fn lanes_agree_between_isas() {
    let x: Vec<f32> = (0..32).map(|i| (i % 11) as f32).collect();
    let mut expected = Default::default();
    let sum = Isa::Portable.run(Lanes(&x, &mut expected));
    for isa in Isa::available() {
        let mut got = Default::default();
        assert_eq!(isa.run(Lanes(&x, &mut got)), sum, "{isa:?}");
        assert_eq!(got, expected, "{isa:?}");
    }
}

/// What NaN becomes: the functions, then min and max with it as either operand.
struct Astray<'a>(&'a mut [f32; 7]);

impl Task for Astray<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (nan, one) = (s.splat(f32::NAN), s.splat(1.0));
        let results = [
            exp(s, nan),
            log2(s, nan),
            tanh(s, nan),
            s.min(one, nan),
            s.max(one, nan),
            s.min(nan, one),
            s.max(nan, one),
        ];
        for (out, r) in self.0.iter_mut().zip(results) {
            let mut lanes = [0.0; 16];
            s.store(&mut lanes, r);
            *out = lanes[0];
        }
    }
}

#[test]
fn nan_stays_and_min_and_max_take_the_second() {
    for isa in Isa::available() {
        let mut got = [0.0; 7];
        isa.run(Astray(&mut got));
        let [functions @ .., a, b] = got;
        assert!(functions.iter().all(|v| v.is_nan()) && (a, b) == (1.0, 1.0), "{isa:?} {got:?}");
    }
}

/// Neighbouring entries at scattered places, the last of them beyond the end.
struct Windows<'a>(&'a [f32], &'a [i32], &'a mut [Vec<f32>; 6]);

impl Task for Windows<'_> {
    type Out = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for i in self.1.chunks_exact(S::LANES) {
            let i = s.load_i(i);
            let ([a, b], [c, d, e, f]) = (s.gather2(self.0, i), s.gather4(self.0, i));
            for (out, v) in self.2.iter_mut().zip([a, b, c, d, e, f]) {
                let mut lanes = [0.0; 16];
                s.store(&mut lanes, v);
                out.extend(&lanes[..S::LANES]);
            }
        }
    }
}

/// Indices far apart, side by side, falling, at both ends and beyond, in short and long slices.
#[test]
fn windows_of_two_and_four_entries() {
    let patterns: [fn(i32) -> i32; 6] =
        [|k| k * 37, |k| 40 + k / 2, |k| 60 - k / 3, |k| k, |k| 97 + k / 6, |k| k * 29 - 1];
    for (len, pattern) in [21, 32, 100].into_iter().flat_map(|n| patterns.map(|p| (n, p))) {
        let p: Vec<f32> = (0..len).map(|i| i as f32).collect();
        let mut at: Vec<i32> = (0..32).map(|k| pattern(k).min(200)).collect();
        at[20] = i32::MAX;
        for isa in Isa::available() {
            let mut got = Default::default();
            isa.run(Windows(&p, &at, &mut got));
            for (lane, &i) in at.iter().enumerate() {
                for (k, got) in got.iter().enumerate() {
                    let (n, j) = if k < 2 { (2, k) } else { (4, k - 2) };
                    let first = (i as u32 as usize).min(p.len() - n);
                    assert_eq!(got[lane], p[first + j], "{isa:?}, lane {lane}, entry {k}");
                }
            }
        }
    }
}

#[test]
fn a_gather_index_beyond_the_end_reads_the_last_element() {
    struct Far;
    impl Task for Far {
        type Out = f32;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> f32 {
            let v = s.gather(&[1.0, 2.0], s.splat_i(-7));
            s.sum(v) / S::LANES as f32
        }
    }
    for isa in Isa::available() {
        assert_eq!(isa.run(Far), 2.0);
    }
}
