// SPDX-License-Identifier: MIT OR Apache-2.0
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::avx2::Avx2;
use super::{Simd, Task};

/// Proof that the machine has AVX512F, AVX512DQ, AVX512BW, AVX512VL, FMA.
#[derive(Clone, Copy)]
pub struct Avx512(Avx2);

impl Avx512 {
    /// A value where the machine has the instructions.
    pub fn detect() -> Option<Self> {
        let avx2 = Avx2::detect()?;
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl"))
        .then_some(Self(avx2))
    }

    /// Runs `task` compiled for these instructions.
    pub fn call<T: Task>(self, task: T) -> T::Out {
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,fma")]
        fn inner<T: Task>(s: Avx512, task: T) -> T::Out {
            task.run(s)
        }
        // SAFETY: `self` exists only where `detect` found every feature of `inner`.
        unsafe { inner(self, task) }
    }
}

impl Simd for Avx512 {
    const LANES: usize = 16;
    type F = __m512;
    type I = __m512i;
    type M = __mmask16;

    #[inline(always)]
    fn splat(self, v: f32) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_set1_ps(v) }
    }

    #[inline(always)]
    fn load(self, p: &[f32]) -> Self::F {
        assert!(p.len() >= 16);
        // SAFETY: `self` proves that the instructions exist; the slice is long enough.
        unsafe { _mm512_loadu_ps(p.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, p: &mut [f32], v: Self::F) {
        assert!(p.len() >= 16);
        // SAFETY: `self` proves that the instructions exist; the slice is long enough.
        unsafe { _mm512_storeu_ps(p.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_sqrt_ps(a) }
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn floor(self, a: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_roundscale_ps::<1>(a) }
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_roundscale_ps::<0>(a) }
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_abs_ps(a) }
    }

    #[inline(always)]
    fn gt(self, a: Self::F, b: Self::F) -> Self::M {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) }
    }

    #[inline(always)]
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_mask_blend_ps(m, b, a) }
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_reduce_add_ps(a) }
    }

    #[inline(always)]
    fn sums8(self, v: [Self::F; 8]) -> [f32; 8] {
        // SAFETY: `self` proves that the instructions exist.
        let halves = unsafe {
            let mut halves = [_mm256_setzero_ps(); 8];
            for k in 0..8 {
                let high = _mm512_extractf32x8_ps::<1>(v[k]);
                halves[k] = _mm256_add_ps(_mm512_castps512_ps256(v[k]), high);
            }
            halves
        };
        self.0.sums8(halves)
    }

    #[inline(always)]
    fn splat_i(self, v: i32) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_set1_epi32(v) }
    }

    #[inline(always)]
    fn trunc(self, a: Self::F) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_cvttps_epi32(a) }
    }

    #[inline(always)]
    fn to_f(self, a: Self::I) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_cvtepi32_ps(a) }
    }

    #[inline(always)]
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_add_epi32(a, b) }
    }

    #[inline(always)]
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_mullo_epi32(a, b) }
    }

    #[inline(always)]
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_min_epi32(a, b) }
    }

    #[inline(always)]
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_max_epi32(a, b) }
    }

    #[inline(always)]
    fn and_i(self, a: Self::I, b: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_and_si512(a, b) }
    }

    #[inline(always)]
    fn shl23(self, a: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_slli_epi32::<23>(a) }
    }

    #[inline(always)]
    fn shr23(self, a: Self::I) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_srli_epi32::<23>(a) }
    }

    #[inline(always)]
    fn bits(self, a: Self::F) -> Self::I {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_castps_si512(a) }
    }

    #[inline(always)]
    fn float_of_bits(self, a: Self::I) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_castsi512_ps(a) }
    }

    #[inline(always)]
    fn load_i(self, p: &[i32]) -> Self::I {
        assert!(p.len() >= 16);
        // SAFETY: `self` proves that the instructions exist; the slice is long enough.
        unsafe { _mm512_loadu_si512(p.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store_i(self, p: &mut [i32], v: Self::I) {
        assert!(p.len() >= 16);
        // SAFETY: `self` proves that the instructions exist; the slice is long enough.
        unsafe { _mm512_storeu_si512(p.as_mut_ptr().cast(), v) }
    }

    #[inline(always)]
    fn first(self, i: Self::I) -> i32 {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_cvtsi512_si32(i) }
    }

    #[inline(always)]
    fn within(self, i: Self::I, start: i32, last: i32) -> Option<Self::I> {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let i = _mm512_sub_epi32(i, _mm512_set1_epi32(start));
            let inside = _mm512_cmple_epu32_mask(i, _mm512_set1_epi32(last));
            (inside == u16::MAX).then_some(i)
        }
    }

    #[inline(always)]
    fn counts(self, i: Self::I) -> bool {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            _mm512_cmpeq_epi32_mask(i, count) == u16::MAX
        }
    }

    #[inline(always)]
    fn permute(self, v: Self::F, i: Self::I) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_permutexvar_ps(i, v) }
    }

    #[inline(always)]
    fn permute2(self, [low, high]: [Self::F; 2], i: Self::I) -> Self::F {
        // SAFETY: `self` proves that the instructions exist.
        unsafe { _mm512_permutex2var_ps(low, i, high) }
    }

    #[inline(always)]
    fn shift(self, v: Self::F, by: usize) -> [Self::F; 2] {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let by = _mm512_set1_epi32(by as i32);
            let turned = self.permute(v, _mm512_sub_epi32(count, by));
            let left = _mm512_cmpgt_epi32_mask(by, count);
            [_mm512_maskz_mov_ps(!left, turned), _mm512_maskz_mov_ps(left, turned)]
        }
    }

    #[inline(always)]
    fn gather(self, p: &[f32], i: Self::I) -> Self::F {
        assert!(!p.is_empty() && p.len() <= i32::MAX as usize);
        let last = p.len() as i32 - 1;
        // SAFETY: `self` proves that the instructions exist; indices are clamped into the slice.
        unsafe {
            let i = _mm512_min_epu32(i, _mm512_set1_epi32(last));
            _mm512_i32gather_ps::<4>(i, p.as_ptr())
        }
    }

    #[inline(always)]
    fn gather2(self, p: &[f32], i: Self::I) -> [Self::F; 2] {
        assert!(p.len() >= 2 && p.len() <= i32::MAX as usize);
        let last = p.len() as i32 - 2;
        // SAFETY: `self` proves that the instructions exist; indices are clamped, so that both
        // entries lie in the slice. Eight bytes at a time are two entries.
        unsafe {
            let i = _mm512_min_epu32(i, _mm512_set1_epi32(last));
            let (low, high) = (_mm512_castsi512_si256(i), _mm512_extracti64x4_epi64::<1>(i));
            let a = _mm512_castpd_ps(_mm512_i32gather_pd::<4>(low, p.as_ptr().cast()));
            let b = _mm512_castpd_ps(_mm512_i32gather_pd::<4>(high, p.as_ptr().cast()));
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            [_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b)]
        }
    }

    #[inline(always)]
    fn gather4(self, p: &[f32], i: Self::I) -> [Self::F; 4] {
        assert!(p.len() >= 4 && p.len() <= i32::MAX as usize);
        let last = p.len() as i32 - 4;
        // SAFETY: `self` proves that the instructions exist; indices are clamped, so that all four
        // entries lie in the slice.
        unsafe {
            let mut at = [0i32; 16];
            self.store_i(&mut at, _mm512_min_epu32(i, _mm512_set1_epi32(last)));
            // Four loads of 16 bytes and three inserts take less time than one gather.
            let mut v = [_mm512_setzero_ps(); 4];
            for k in 0..4 {
                v[k] = _mm512_castps128_ps512(_mm_loadu_ps(p.as_ptr().add(at[k] as usize)));
                let next = _mm_loadu_ps(p.as_ptr().add(at[k + 4] as usize));
                v[k] = _mm512_insertf32x4::<1>(v[k], next);
                let next = _mm_loadu_ps(p.as_ptr().add(at[k + 8] as usize));
                v[k] = _mm512_insertf32x4::<2>(v[k], next);
                let next = _mm_loadu_ps(p.as_ptr().add(at[k + 12] as usize));
                v[k] = _mm512_insertf32x4::<3>(v[k], next);
            }
            let [a, b, c, d] = v;
            let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
            let (ab2, cd2) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
            [
                _mm512_shuffle_ps::<0x44>(ab, cd),
                _mm512_shuffle_ps::<0xEE>(ab, cd),
                _mm512_shuffle_ps::<0x44>(ab2, cd2),
                _mm512_shuffle_ps::<0xEE>(ab2, cd2),
            ]
        }
    }
}
