// SPDX-License-Identifier: MIT OR Apache-2.0

use super::Simd;

/// e^x, relative error below 3e-7; x is clamped to +-87, NaN stays.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    let x = s.max(s.splat(-87.0), s.min(s.splat(87.0), x));
    let t = s.mul(x, s.splat(std::f32::consts::LOG2_E));
    let n = s.round(t);
    // x - n ln 2 in two parts, so that the difference keeps its low bits.
    let r = s.mul_add(n, s.splat(-0.693_359_4), x);
    let r = s.mul_add(n, s.splat(2.121_944_4e-4), r);
    let mut p = s.splat(1.987_569_2e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = s.mul_add(p, r, s.splat(c));
    }
    let p = s.mul_add(s.mul(r, r), p, s.add(r, s.splat(1.0)));
    let scale = s.float_of_bits(s.shl23(s.add_i(s.trunc(n), s.splat_i(127))));
    s.mul(p, scale)
}

/// log2(x) for normal positive x, absolute error below 2e-6; NaN stays.
#[inline(always)]
pub fn log2<S: Simd>(s: S, x: S::F) -> S::F {
    let bits = s.bits(x);
    let e = s.to_f(s.add_i(s.shr23(bits), s.splat_i(-127)));
    let one = s.splat(1.0);
    let m = s.add(
        s.float_of_bits(s.add_i(s.and_i(bits, s.splat_i(0x007F_FFFF)), s.splat_i(0x3F80_0000))),
        s.splat(0.0),
    );
    // Mantissas above sqrt 2 are halved, so that the series argument stays small.
    let big = s.gt(m, s.splat(std::f32::consts::SQRT_2));
    let m = s.select(big, s.mul(m, s.splat(0.5)), m);
    let e = s.select(big, s.add(e, one), e);
    // ln m = 2 atanh((m - 1) / (m + 1))
    let t = s.div(s.sub(m, one), s.add(m, one));
    let t2 = s.mul(t, t);
    let mut p = s.splat(1.0 / 9.0);
    for c in [1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0] {
        p = s.mul_add(p, t2, s.splat(c));
    }
    // The mantissa of NaN is a number, but x - x is not.
    let e = s.add(e, s.sub(x, x));
    s.mul_add(s.mul(t, p), s.splat(2.0 * std::f32::consts::LOG2_E), e)
}

/// tanh(x), absolute error below 1e-6.
#[inline(always)]
pub fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let e = exp(s, s.mul(x, s.splat(2.0)));
    let one = s.splat(1.0);
    s.sub(one, s.div(s.splat(2.0), s.add(e, one)))
}
