// SPDX-License-Identifier: MIT OR Apache-2.0
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::{Simd, Task};

/// Proof that the machine has AVX2, FMA.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// A value where the machine has the instructions.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    /// Runs `task` compiled for these instructions.
    pub fn call<T: Task>(self, task: T) -> T::Out {
        #[target_feature(enable = "avx2,fma")]
        fn inner<T: Task>(s: Avx2, task: T) -> T::Out {
            task.run(s)
        }
        // SAFETY: `self` exists only where `detect` found every feature of `inner`.
        unsafe { inner(self, task) }
    }

    /// Sums of the lanes of each half of each vector.
    #[inline(always)]
    fn sums4(self, [a, b, c, d]: [__m256; 4]) -> __m256 {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            _mm256_add_ps(_mm256_shuffle_ps::<0x44>(ab, cd), _mm256_shuffle_ps::<0xEE>(ab, cd))
        }
    }
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    type F = __m256;
    type I = __m256i;
    type M = __m256;

    #[inline(always)]
    fn splat(self, v: f32) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_set1_ps(v) }
    }

    #[inline(always)]
    fn load(self, p: &[f32]) -> Self::F {
        assert!(p.len() >= 8);
        // SAFETY: `self` proves that the instructions exist; the slice is long enough.
        unsafe { _mm256_loadu_ps(p.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, p: &mut [f32], v: Self::F) {
        assert!(p.len() >= 8);
        // SAFETY: `self` proves that the instructions exist; the slice is long enough.
        unsafe { _mm256_storeu_ps(p.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_sqrt_ps(a) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn floor(self, a: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_floor_ps(a) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
    }

    #[inline(always)]
    fn gt(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_cmp_ps::<_CMP_GT_OQ>(a, b) }
    }

    #[inline(always)]
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_blendv_ps(b, a, m) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let mut lanes = [0.0; 8];
        self.store(&mut lanes, a);
        let [a, b, c, d, e, f, g, h] = lanes;
        ((a + e) + (b + f)) + ((c + g) + (d + h))
    }

    #[inline(always)]
    fn sums8(self, v: [Self::F; 8]) -> [f32; 8] {
        let [a, b, c, d, e, f, g, h] = v;
        let (low, high) = (self.sums4([a, b, c, d]), self.sums4([e, f, g, h]));
        let mut sums = [0.0; 8];
        // SAFETY: `self` proves that the instructions exist.
        let v = unsafe {
            let first = _mm256_permute2f128_ps::<0x20>(low, high);
            _mm256_add_ps(first, _mm256_permute2f128_ps::<0x31>(low, high))
        };
        self.store(&mut sums, v);
        sums
    }

    #[inline(always)]
    fn splat_i(self, v: i32) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_set1_epi32(v) }
    }

    #[inline(always)]
    fn trunc(self, a: Self::F) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_cvttps_epi32(a) }
    }

    #[inline(always)]
    fn to_f(self, a: Self::I) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_cvtepi32_ps(a) }
    }

    #[inline(always)]
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_add_epi32(a, b) }
    }

    #[inline(always)]
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_mullo_epi32(a, b) }
    }

    #[inline(always)]
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_min_epi32(a, b) }
    }

    #[inline(always)]
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_max_epi32(a, b) }
    }

    #[inline(always)]
    fn and_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_and_si256(a, b) }
    }

    #[inline(always)]
    fn shl23(self, a: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_slli_epi32::<23>(a) }
    }

    #[inline(always)]
    fn shr23(self, a: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_srli_epi32::<23>(a) }
    }

    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_castps_si256(a) }
    }

    #[inline(always)]
    fn float_of_bits(self, a: Self::I) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_castsi256_ps(a) }
    }

    #[inline(always)]
    fn load_i(self, p: &[i32]) -> Self::I {
        assert!(p.len() >= 8);
        // SAFETY: `self` proves that the instructions exist; the slice is long enough.
        unsafe { _mm256_loadu_si256(p.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_i(self, p: &mut [i32], v: Self::I) {
        assert!(p.len() >= 8);
        // SAFETY: `self` proves that the instructions exist; the slice is long enough.
        unsafe { _mm256_storeu_si256(p.as_mut_ptr().cast(), v) }
    }

    #[inline(always)]
    fn first(self, i: Self::I) -> i32 {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_cvtsi256_si32(i) }
    }

    #[inline(always)]
    fn within(self, i: Self::I, start: i32, last: i32) -> Option<Self::I> {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let i = _mm256_sub_epi32(i, _mm256_set1_epi32(start));
            let least = _mm256_min_epu32(i, _mm256_set1_epi32(last));
            (_mm256_movemask_epi8(_mm256_cmpeq_epi32(i, least)) == -1).then_some(i)
        }
    }

    #[inline(always)]
    fn counts(self, i: Self::I) -> bool {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let count = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_movemask_epi8(_mm256_cmpeq_epi32(i, count)) == -1
        }
    }

    #[inline(always)]
    fn permute(self, v: Self::F, i: Self::I) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm256_permutevar8x32_ps(v, i) }
    }

    #[inline(always)]
    fn permute2(self, [low, high]: [Self::F; 2], i: Self::I) -> Self::F {
        // SAFETY: `self` proves that the instructions exist. Bit 3 of the index chooses the vector.
        unsafe {
            let is_high = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(i));
            _mm256_blendv_ps(self.permute(low, i), self.permute(high, i), is_high)
        }
    }

    #[inline(always)]
    fn shift(self, v: Self::F, by: usize) -> [Self::F; 2] {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let count = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let by = _mm256_set1_epi32(by as i32);
            let turned = self.permute(v, _mm256_sub_epi32(count, by));
            let left = _mm256_castsi256_ps(_mm256_cmpgt_epi32(by, count));
            [_mm256_andnot_ps(left, turned), _mm256_and_ps(left, turned)]
        }
    }

    #[inline(always)]
    fn gather(self, p: &[f32], i: Self::I) -> Self::F {
        assert!(!p.is_empty() && p.len() <= i32::MAX as usize);
        let last = p.len() as i32 - 1;
        // SAFETY: `self` proves that the instructions exist; indices are clamped into the slice.
        unsafe {
            let i = _mm256_min_epu32(i, _mm256_set1_epi32(last));
            _mm256_i32gather_ps::<4>(p.as_ptr(), i)
        }
    }

    #[inline(always)]
    fn gather2(self, p: &[f32], i: Self::I) -> [Self::F; 2] {
        assert!(p.len() >= 2 && p.len() <= i32::MAX as usize);
        let last = p.len() as i32 - 2;
        // SAFETY: `self` proves that the instructions exist; indices are clamped, so that both
        // entries lie in the slice. Eight bytes at a time are two entries.
        unsafe {
            let i = _mm256_min_epu32(i, _mm256_set1_epi32(last));
            let (low, high) = (_mm256_castsi256_si128(i), _mm256_extracti128_si256::<1>(i));
            let a = _mm256_castpd_ps(_mm256_i32gather_pd::<4>(p.as_ptr().cast(), low));
            let b = _mm256_castpd_ps(_mm256_i32gather_pd::<4>(p.as_ptr().cast(), high));
            let (even, odd) = (_mm256_shuffle_ps::<0x88>(a, b), _mm256_shuffle_ps::<0xDD>(a, b));
            let (even, odd) = (_mm256_castps_pd(even), _mm256_castps_pd(odd));
            [
                _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(even)),
                _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(odd)),
            ]
        }
    }

    #[inline(always)]
    fn gather4(self, p: &[f32], i: Self::I) -> [Self::F; 4] {
        assert!(p.len() >= 4 && p.len() <= i32::MAX as usize);
        let last = p.len() as i32 - 4;
        // SAFETY: `self` proves that the instructions exist; indices are clamped, so that all four
        // entries lie in the slice.
        unsafe {
            let mut at = [0i32; 8];
            self.store_i(&mut at, _mm256_min_epu32(i, _mm256_set1_epi32(last)));
            // Two loads of 16 bytes take less time than one gather.
            let mut v = [_mm256_setzero_ps(); 4];
            for k in 0..4 {
                let low = _mm_loadu_ps(p.as_ptr().add(at[k] as usize));
                let high = _mm_loadu_ps(p.as_ptr().add(at[k + 4] as usize));
                v[k] = _mm256_set_m128(high, low);
            }
            let [a, b, c, d] = v;
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ab2, cd2) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            [
                _mm256_shuffle_ps::<0x44>(ab, cd),
                _mm256_shuffle_ps::<0xEE>(ab, cd),
                _mm256_shuffle_ps::<0x44>(ab2, cd2),
                _mm256_shuffle_ps::<0xEE>(ab2, cd2),
            ]
        }
    }
}
