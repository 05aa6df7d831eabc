// SPDX-License-Identifier: MIT OR Apache-2.0

use std::time::{Duration, Instant};

/// Tells when something that happens often is due again.
pub struct Pace {
    period: Duration,
    last: Instant,
}

impl Pace {
    /// Due once in `period`, for the first time after one.
    pub fn new(period: Duration, now: Instant) -> Self {
        Self { period, last: now }
    }

    pub fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now.duration_since(self.last) >= self.period;
        if is_due {
            self.last = now;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_once_in_a_period() {
        let begin = Instant::now();
        let mut pace = Pace::new(Duration::from_secs(10), begin);
        let due = (0..400).filter(|i| pace.is_due(begin + Duration::from_millis(i * 100)));
        assert_eq!(due.collect::<Vec<_>>(), [100, 200, 300]);
    }
}
