// SPDX-License-Identifier: MIT OR Apache-2.0

use super::Simd;

/// One lane of plain Rust: what runs where no vector type fits. Wider emulated vectors take the
/// compiler minutes and gain little.
#[derive(Clone, Copy)]
pub struct Portable;

impl Simd for Portable {
    const LANES: usize = 1;
    type F = f32;
    type I = i32;
    type M = bool;

    #[inline(always)]
    fn splat(self, v: f32) -> f32 {
        v
    }

    #[inline(always)]
    fn load(self, p: &[f32]) -> f32 {
        p[0]
    }

    #[inline(always)]
    fn store(self, p: &mut [f32], v: f32) {
        p[0] = v;
    }

    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }

    // Without hardware support `f32::mul_add` is a slow call, so this one rounds twice.
    #[inline(always)]
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }

    #[inline(always)]
    fn sqrt(self, a: f32) -> f32 {
        a.sqrt()
    }

    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }

    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }

    #[inline(always)]
    fn floor(self, a: f32) -> f32 {
        a.floor()
    }

    #[inline(always)]
    fn round(self, a: f32) -> f32 {
        a.round_ties_even()
    }

    #[inline(always)]
    fn abs(self, a: f32) -> f32 {
        a.abs()
    }

    #[inline(always)]
    fn gt(self, a: f32, b: f32) -> bool {
        a > b
    }

    #[inline(always)]
    fn select(self, m: bool, a: f32, b: f32) -> f32 {
        if m { a } else { b }
    }

    #[inline(always)]
    fn sum(self, a: f32) -> f32 {
        a
    }

    #[inline(always)]
    fn sums8(self, v: [f32; 8]) -> [f32; 8] {
        v
    }

    #[inline(always)]
    fn splat_i(self, v: i32) -> i32 {
        v
    }

    #[inline(always)]
    fn trunc(self, a: f32) -> i32 {
        a as i32
    }

    #[inline(always)]
    fn to_f(self, a: i32) -> f32 {
        a as f32
    }

    #[inline(always)]
    fn add_i(self, a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }

    #[inline(always)]
    fn mul_i(self, a: i32, b: i32) -> i32 {
        a.wrapping_mul(b)
    }

    #[inline(always)]
    fn min_i(self, a: i32, b: i32) -> i32 {
        a.min(b)
    }

    #[inline(always)]
    fn max_i(self, a: i32, b: i32) -> i32 {
        a.max(b)
    }

    #[inline(always)]
    fn and_i(self, a: i32, b: i32) -> i32 {
        a & b
    }

    #[inline(always)]
    fn shl23(self, a: i32) -> i32 {
        a << 23
    }

    #[inline(always)]
    fn shr23(self, a: i32) -> i32 {
        (a as u32 >> 23) as i32
    }

    #[inline(always)]
    fn bits(self, a: f32) -> i32 {
        a.to_bits() as i32
    }

    #[inline(always)]
    fn float_of_bits(self, a: i32) -> f32 {
        f32::from_bits(a as u32)
    }

    #[inline(always)]
    fn load_i(self, p: &[i32]) -> i32 {
        p[0]
    }

    #[inline(always)]
    fn store_i(self, p: &mut [i32], v: i32) {
        p[0] = v;
    }

    #[inline(always)]
    fn first(self, i: i32) -> i32 {
        i
    }

    #[inline(always)]
    fn within(self, i: i32, start: i32, last: i32) -> Option<i32> {
        (0..=last).contains(&(i - start)).then_some(i - start)
    }

    #[inline(always)]
    fn counts(self, i: i32) -> bool {
        i == 0
    }

    #[inline(always)]
    fn permute(self, v: f32, _: i32) -> f32 {
        v
    }

    #[inline(always)]
    fn permute2(self, v: [f32; 2], i: i32) -> f32 {
        v[i as usize % 2]
    }

    #[inline(always)]
    fn shift(self, v: f32, by: usize) -> [f32; 2] {
        if by == 0 { [v, 0.0] } else { [0.0, v] }
    }

    #[inline(always)]
    fn gather(self, p: &[f32], i: i32) -> f32 {
        p[(i as u32 as usize).min(p.len() - 1)]
    }

    #[inline(always)]
    fn gather2(self, p: &[f32], i: i32) -> [f32; 2] {
        window(p, i)
    }

    #[inline(always)]
    fn gather4(self, p: &[f32], i: i32) -> [f32; 4] {
        window(p, i)
    }
}

/// `N` entries from `i` on, or the last ones.
#[inline(always)]
fn window<const N: usize>(p: &[f32], i: i32) -> [f32; N] {
    let i = (i as u32 as usize).min(p.len() - N);
    *p[i..].first_chunk().expect("within the slice")
}
