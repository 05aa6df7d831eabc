// SPDX-License-Identifier: MIT OR Apache-2.0

use lnr::stream::GroupHeader;

/// Bytes of a frame unit; most have so many.
const FRAME_UNIT: u64 = 7;

/// Bits per second of the stream: of all groups, of the one with the least and of the one with the most.
/// Those of single access units say nothing: the first one of a group has everything.
#[derive(Default)]
pub(super) struct Bitrates {
    n_bytes: u64,
    n_ns: u64,
    least: Option<u32>,
    most: u32,
    /// The whole file was seen.
    is_final: bool,
    /// The mean that was told.
    told: Option<u32>,
    /// Upstream tells the mean, and knows it better.
    pub upstream_tells: bool,
}

impl Bitrates {
    /// Counts a group by its header and the bytes of its first access unit.
    pub fn add_group(&mut self, n_bytes: usize, header: &GroupHeader) {
        let n_others = u64::from(header.n_frames().saturating_sub(1));
        if !self.is_final {
            self.add(n_bytes as u64 + n_others * FRAME_UNIT, header.duration());
        }
    }

    /// Counts all groups of a file: byte offsets and times in ns at which they begin, and the end.
    pub fn set_file(&mut self, groups: impl Iterator<Item = (u64, u64)>, end: (u64, u64)) {
        let told = self.told;
        *self = Self { told, upstream_tells: self.upstream_tells, ..Self::default() };
        let mut last: Option<(u64, u64)> = None;
        for next in groups.chain([end]) {
            if let Some(last) = last.replace(next) {
                self.add(next.0.saturating_sub(last.0), next.1.saturating_sub(last.1));
            }
        }
        self.is_final = self.n_ns > 0;
    }

    fn add(&mut self, n_bytes: u64, n_ns: u64) {
        let Some(rate) = per_second(n_bytes, n_ns) else { return };
        self.n_bytes = self.n_bytes.saturating_add(n_bytes);
        self.n_ns = self.n_ns.saturating_add(n_ns);
        self.least = Some(self.least.map_or(rate, |least| least.min(rate)));
        self.most = self.most.max(rate);
    }

    /// Whether the mean is off by a tenth from what was told; from now on it counts as told.
    pub fn has_news(&mut self) -> bool {
        let Some(mean) = per_second(self.n_bytes, self.n_ns) else { return false };
        let is_known = |told: u32| self.upstream_tells || mean.abs_diff(told) <= told / 10;
        if self.told.is_some_and(is_known) {
            return false;
        }
        self.told = Some(mean);
        true
    }

    /// The mean, as it was told last.
    pub fn mean(&self) -> Option<u32> {
        self.told
    }

    /// The rates of the groups with the least and with the most.
    pub fn range(&self) -> Option<(u32, u32)> {
        self.least.map(|least| (least, self.most))
    }
}

fn per_second(n_bytes: u64, n_ns: u64) -> Option<u32> {
    let bits = u128::from(n_bytes) * 8_000_000_000;
    bits.checked_div(u128::from(n_ns)).map(|rate| u32::try_from(rate).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_rates_once() {
        let mut rates = Bitrates::default();
        assert!(!rates.has_news());
        // A second of 1000 bytes, two of 500, one of 4000.
        let groups = [(100, 0), (1100, 1_000_000_000), (1600, 3_000_000_000)];
        rates.set_file(groups.into_iter(), (5600, 4_000_000_000));
        assert!(rates.has_news() && !rates.has_news());
        assert_eq!((rates.mean(), rates.range()), (Some(11_000), Some((2000, 32_000))));
    }

    #[test]
    fn a_stream_tells_what_changed() {
        let mut rates = Bitrates::default();
        rates.add(1000, 1_000_000_000);
        assert!(rates.has_news());
        rates.add(1050, 1_000_000_000);
        assert!(!rates.has_news());
        rates.add(2000, 1_000_000_000);
        assert!(rates.has_news());
        rates.add(5, 0);
        assert!(!rates.has_news());
        assert_eq!((rates.mean(), rates.range()), (Some(10_800), Some((8000, 16_000))));
    }
}
