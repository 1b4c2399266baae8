//! How long to leave a server alone that could not be reached: gRPC's connection-backoff.md.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;

const INITIAL: Duration = Duration::from_secs(1);
const MULTIPLIER: f64 = 1.6;
const JITTER: f64 = 0.2;
const MAX: Duration = Duration::from_secs(120);

/// Counts the attempts to connect since the last one that succeeded.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Notes an attempt that begins at `begin`. The next one may begin when the pause is over, which is counted from
    /// there.
    pub(super) fn attempt(&mut self, begin: Instant) -> Instant {
        self.attempts = self.attempts.saturating_add(1);
        begin + pause(self.attempts)
    }
}

/// The pause after the `failures`th failure in a row, counted from 1: it grows by 1.6 each time from one second up to
/// two minutes, give or take a fifth, so that a thousand clients of one server don't all come back at the same moment.
fn pause(failures: u32) -> Duration {
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let pause = (INITIAL.as_secs_f64() * MULTIPLIER.powi(exponent)).min(MAX.as_secs_f64());
    Duration::from_secs_f64(pause * rand::rng().random_range(1.0 - JITTER..=1.0 + JITTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_a_second_to_two_minutes() {
        for (failures, seconds) in [(1, 1.0), (2, 1.6), (3, 2.56), (11, 109.95), (12, 120.0), (u32::MAX, 120.0)] {
            let pause = pause(failures).as_secs_f64();
            assert!((seconds * 0.79..=seconds * 1.21).contains(&pause), "{failures}: {pause}");
        }
    }
}
