// SPDX-License-Identifier: MIT OR Apache-2.0

use super::Simd;

/// Eight lanes of plain Rust.
#[derive(Clone, Copy)]
pub struct Portable;

const N: usize = 8;

#[inline(always)]
fn map2<A: Copy, B: Copy, R: Copy + Default>(
    a: [A; N],
    b: [B; N],
    f: impl Fn(A, B) -> R,
) -> [R; N] {
    let mut r = [R::default(); N];
    for i in 0..N {
        r[i] = f(a[i], b[i]);
    }
    r
}

#[inline(always)]
fn map<A: Copy, R: Copy + Default>(a: [A; N], f: impl Fn(A) -> R) -> [R; N] {
    map2(a, a, |x, _| f(x))
}

impl Simd for Portable {
    const LANES: usize = N;
    type F = [f32; N];
    type I = [i32; N];
    type M = [bool; N];

    #[inline(always)]
    fn splat(self, v: f32) -> Self::F {
        [v; N]
    }
    #[inline(always)]
    fn load(self, p: &[f32]) -> Self::F {
        let mut r = [0.0; N];
        r.copy_from_slice(&p[..N]);
        r
    }
    #[inline(always)]
    fn store(self, p: &mut [f32], v: Self::F) {
        p[..N].copy_from_slice(&v);
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        map2(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        map2(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        map2(a, b, |a, b| a * b)
    }
    // Without hardware support `f32::mul_add` is a slow call, so this one rounds twice.
    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        map2(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        map(a, f32::sqrt)
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        map2(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        map2(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn floor(self, a: Self::F) -> Self::F {
        map(a, f32::floor)
    }
    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        map(a, f32::round_ties_even)
    }
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        map(a, f32::abs)
    }
    #[inline(always)]
    fn gt(self, a: Self::F, b: Self::F) -> Self::M {
        map2(a, b, |a, b| a > b)
    }
    #[inline(always)]
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F {
        let mut r = b;
        for i in 0..N {
            r[i] = if m[i] { a[i] } else { b[i] };
        }
        r
    }
    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let [a, b, c, d, e, f, g, h] = a;
        ((a + e) + (b + f)) + ((c + g) + (d + h))
    }
    #[inline(always)]
    fn splat_i(self, v: i32) -> Self::I {
        [v; N]
    }
    #[inline(always)]
    fn trunc(self, a: Self::F) -> Self::I {
        map(a, |a| a as i32)
    }
    #[inline(always)]
    fn to_f(self, a: Self::I) -> Self::F {
        map(a, |a| a as f32)
    }
    #[inline(always)]
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I {
        map2(a, b, i32::wrapping_add)
    }
    #[inline(always)]
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I {
        map2(a, b, i32::wrapping_mul)
    }
    #[inline(always)]
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I {
        map2(a, b, i32::min)
    }
    #[inline(always)]
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I {
        map2(a, b, i32::max)
    }
    #[inline(always)]
    fn and_i(self, a: Self::I, b: Self::I) -> Self::I {
        map2(a, b, |a, b| a & b)
    }
    #[inline(always)]
    fn shl23(self, a: Self::I) -> Self::I {
        map(a, |a| a << 23)
    }
    #[inline(always)]
    fn shr23(self, a: Self::I) -> Self::I {
        map(a, |a| (a as u32 >> 23) as i32)
    }
    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        map(a, |a| a.to_bits() as i32)
    }
    #[inline(always)]
    fn from_bits(self, a: Self::I) -> Self::F {
        map(a, |a| f32::from_bits(a as u32))
    }
    #[inline(always)]
    fn store_i(self, p: &mut [i32], v: Self::I) {
        p[..N].copy_from_slice(&v);
    }
    #[inline(always)]
    fn gather(self, p: &[f32], i: Self::I) -> Self::F {
        map(i, |i| p[(i as u32 as usize).min(p.len() - 1)])
    }
}
