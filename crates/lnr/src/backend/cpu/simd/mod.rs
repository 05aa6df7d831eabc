// SPDX-License-Identifier: MIT OR Apache-2.0
//! Vectors of f32 behind one trait, chosen at run time. The only place of this layer with unsafe
//! code: a value of a vector type exists only where its instructions do.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod math;
mod portable;

use crate::base::{Error, Result};

pub use math::{exp, log2, tanh};

/// The variable that [`Isa::chosen`] reads.
const VARIABLE: &str = "LNR_ISA";

/// Operations on [`Simd::LANES`] lanes. Slices passed in must have at least that many elements.
pub trait Simd: Copy + Send + Sync + 'static {
    /// Lanes of a vector.
    const LANES: usize;
    /// A vector of f32.
    type F: Copy;
    /// A vector of i32.
    type I: Copy;
    /// One truth value per lane.
    type M: Copy;

    /// All lanes `v`.
    fn splat(self, v: f32) -> Self::F;
    /// The first lanes of `p`.
    fn load(self, p: &[f32]) -> Self::F;
    /// Writes to the first lanes of `p`.
    fn store(self, p: &mut [f32], v: Self::F);
    /// a + b
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// a - b
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// a * b
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// a * b + c
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// a / b
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// Square root.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// Smaller of two; `b` where one is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// Larger of two; `b` where one is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// Largest integer not above.
    fn floor(self, a: Self::F) -> Self::F;
    /// Nearest integer, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    /// Absolute value.
    fn abs(self, a: Self::F) -> Self::F;
    /// a > b
    fn gt(self, a: Self::F, b: Self::F) -> Self::M;
    /// `a` where `m`, else `b`.
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F;
    /// Sum of the lanes.
    fn sum(self, a: Self::F) -> f32;

    /// Sums of the lanes of each vector.
    fn sums8(self, v: [Self::F; 8]) -> [f32; 8];

    /// All lanes `v`.
    fn splat_i(self, v: i32) -> Self::I;
    /// Rounded towards zero.
    fn trunc(self, a: Self::F) -> Self::I;
    /// As f32.
    fn to_f(self, a: Self::I) -> Self::F;
    /// a + b
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// a * b, low half
    fn mul_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Smaller of two.
    fn min_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Larger of two.
    fn max_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// a & b
    fn and_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// a << 23
    fn shl23(self, a: Self::I) -> Self::I;
    /// a >> 23, logical
    fn shr23(self, a: Self::I) -> Self::I;
    /// The bits of a vector of f32.
    fn bits(self, a: Self::F) -> Self::I;
    /// The f32 with these bits.
    fn float_of_bits(self, a: Self::I) -> Self::F;
    /// The first lanes of `p`.
    fn load_i(self, p: &[i32]) -> Self::I;
    /// Writes to the first lanes of `p`.
    fn store_i(self, p: &mut [i32], v: Self::I);
    /// The first lane.
    fn first(self, i: Self::I) -> i32;
    /// `i - start`, where that is in `0..=last` in every lane.
    fn within(self, i: Self::I, start: i32, last: i32) -> Option<Self::I>;
    /// Whether every lane of `i` holds its number.
    fn counts(self, i: Self::I) -> bool;
    /// Lane `i` of `v` per lane; `i` counts modulo [`Simd::LANES`].
    fn permute(self, v: Self::F, i: Self::I) -> Self::F;
    /// Lane `i` of two vectors per lane; `i` counts modulo twice [`Simd::LANES`].
    fn permute2(self, v: [Self::F; 2], i: Self::I) -> Self::F;
    /// The lanes moved up by `by`, at most [`Simd::LANES`], and those that left; zeros elsewhere.
    fn shift(self, v: Self::F, by: usize) -> [Self::F; 2];
    /// `p[i]` per lane; an index beyond the end (as unsigned) reads the last element.
    fn gather(self, p: &[f32], i: Self::I) -> Self::F;
    /// `p[i]` and `p[i + 1]` per lane; where that is beyond the end (`i` as unsigned), the last two.
    fn gather2(self, p: &[f32], i: Self::I) -> [Self::F; 2];
    /// `p[i]` to `p[i + 3]` per lane; where that is beyond the end (`i` as unsigned), the last four.
    fn gather4(self, p: &[f32], i: Self::I) -> [Self::F; 4];
}

/// Work written once for every vector type.
pub trait Task {
    /// Its result.
    type Out;
    /// Does it; must be `#[inline(always)]`, as must be everything it calls with vectors.
    fn run<S: Simd>(self, s: S) -> Self::Out;
}

/// Instruction sets with a vector type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// 16 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 8 lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// One lane of plain Rust.
    Portable,
}

impl Isa {
    /// Lanes of a vector.
    pub fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => 16,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 8,
            Self::Portable => 1,
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "AVX2",
            Self::Portable => "no SIMD",
        }
    }

    /// Every set this machine has, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if avx512::Avx512::detect().is_some() {
                all.push(Self::Avx512);
            }
            if avx2::Avx2::detect().is_some() {
                all.push(Self::Avx2);
            }
        }
        all.push(Self::Portable);
        all
    }

    /// The fastest set, or the one that the environment variable `LNR_ISA` names, which is for
    /// comparing them on one machine.
    ///
    /// # Errors
    /// [`Error::Backend`] when the variable names none that this machine has.
    pub fn chosen() -> Result<Self> {
        let all = Self::available();
        let Ok(wanted) = std::env::var(VARIABLE) else { return Ok(all[0]) };
        all.iter().copied().find(|isa| isa.name() == wanted).ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|isa| isa.name()).collect();
            Error::Backend(format!("{VARIABLE}: no {wanted:?} here; choose {}", names.join(", ")))
        })
    }

    /// Runs `task` with this set's vectors; with plain Rust where the machine lacks the set.
    pub fn run<T: Task>(self, task: T) -> T::Out {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => match avx512::Avx512::detect() {
                Some(s) => s.call(task),
                None => task.run(portable::Portable),
            },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => match avx2::Avx2::detect() {
                Some(s) => s.call(task),
                None => task.run(portable::Portable),
            },
            Self::Portable => task.run(portable::Portable),
        }
    }
}

#[cfg(test)]
mod tests;
