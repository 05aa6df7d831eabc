// SPDX-License-Identifier: MIT OR Apache-2.0
//! Constant tables of the coder, computed by integer recipes (FORMAT-entropy section 2).

/// Probabilities leave [`Tables::squash`] within this distance from 0 and 65536.
const MIN_P: u16 = 24;
/// Largest magnitude in the logistic domain, where 256 is one natural unit.
pub(super) const MAX_STRETCH: i32 = 2047;
/// One in the fixed point of the recipes.
const ONE: u64 = 1 << 62;
/// exp(-1 / 512) * 2^62, rounded.
const DECAY: u64 = 0x3FE0_07FE_AAD5_5111;
/// The highest count a probability can have.
pub(super) const MAX_COUNT: u32 = 255;

/// Tables of the logistic domain and of the adaptation.
pub(super) struct Tables {
    /// 256 * ln(p / (1 - p)) at p = (i + 0.5) / 4096, rounded, within ±[`MAX_STRETCH`].
    pub stretch: [i16; 4096],
    /// 65536 / (1 + exp(-(i - 2048) / 256)), rounded, at least 24 away from 0 and 65536.
    pub squash: [u16; 4096],
    /// 65536 / (n + 1.6), rounded down: the share of the error by which a probability moves that
    /// was updated n times before.
    pub rate: [u32; MAX_COUNT as usize + 1],
}

/// The tables.
pub(super) static TABLES: Tables = Tables::new();

impl Tables {
    const fn new() -> Self {
        // decay[j] = exp(-j / 512)
        let mut decay = [ONE; 4098];
        let mut j = 1;
        while j < 4098 {
            decay[j] = ((decay[j - 1] as u128 * DECAY as u128) >> 62) as u64;
            j += 1;
        }
        let mut squash = [0u16; 4096];
        let mut x = 0;
        while x <= 2048 {
            let d = ONE as u128 + decay[2 * x] as u128;
            let p = ((65_536 * 2 * ONE as u128 + d) / (2 * d)) as u32;
            let p = if p > 65_536 - MIN_P as u32 { 65_536 - MIN_P as u32 } else { p };
            squash[2048 - x] = (65_536 - p) as u16;
            if x < 2048 {
                squash[2048 + x] = p as u16;
            }
            x += 1;
        }
        // The stretch of p is n when p lies between the sigmoids of n - 1/2 and n + 1/2.
        let mut stretch = [0i16; 4096];
        let (mut i, mut n) = (2048, 0);
        while i < 4096 {
            let p = (2 * i + 1) as u128;
            while n < MAX_STRETCH as usize
                && p * (ONE as u128 + decay[2 * n + 1] as u128) >= 8192 * ONE as u128
            {
                n += 1;
            }
            stretch[i] = n as i16;
            stretch[4095 - i] = -(n as i16);
            i += 1;
        }
        let mut rate = [0; MAX_COUNT as usize + 1];
        let mut n = 0;
        while n < rate.len() {
            rate[n] = (655_360 / (10 * n + 16)) as u32;
            n += 1;
        }
        Self { stretch, squash, rate }
    }

    /// The probability, in 1 / 65536, of a point of the logistic domain within ±2047.
    #[inline]
    pub fn probability(&self, x: i32) -> u32 {
        self.squash[(x + 2048) as usize & 4095].into()
    }
}

/// Cost of a decision of probability p, at [p >> 4], in 1 / 2048 bits: for estimates.
pub(super) static COST: [u16; 4096] = cost_table();

/// -log2((i + 0.5) / 4096) * 2048 by repeated squaring.
const fn cost_table() -> [u16; 4096] {
    let mut cost = [0; 4096];
    let mut i = 0;
    while i < 4096 {
        let v = 2 * i as u64 + 1;
        let whole = 63 - v.leading_zeros();
        // v in [1, 2) with 31 fractional bits
        let mut m = v << 31 >> whole;
        let (mut fraction, mut k) = (0u32, 0);
        while k < 11 {
            m = (m * m) >> 31;
            fraction <<= 1;
            if m >= 1 << 32 {
                m >>= 1;
                fraction |= 1;
            }
            k += 1;
        }
        cost[i] = ((13 << 11) - ((whole << 11) + fraction)) as u16;
        i += 1;
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_follow_their_float_formulas() {
        for (i, &cost) in COST.iter().enumerate() {
            let p = (i as f64 + 0.5) / 4096.0;
            let st = (256.0 * (p / (1.0 - p)).ln()).round().clamp(-2047.0, 2047.0);
            assert_eq!(f64::from(TABLES.stretch[i]), st, "stretch {i}");
            let x = (i as f64 - 2048.0) / 256.0;
            let sq = (65_536.0 / (1.0 + (-x).exp())).round().clamp(24.0, 65_512.0);
            assert_eq!(f64::from(TABLES.squash[i]), sq, "squash {i}");
            let bits = -p.log2() * 2048.0;
            assert!((f64::from(cost) - bits).abs() < 1.5, "cost {i}");
        }
        for (n, &r) in TABLES.rate.iter().enumerate() {
            assert_eq!(f64::from(r), (65_536.0 / (n as f64 + 1.6)).floor(), "rate {n}");
        }
    }
}
