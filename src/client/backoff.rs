//! How long to leave a server alone that could not be reached (gRPC, connection-backoff.md; rules backoff.initial,
//! backoff.multiplier, backoff.max and backoff.jitter).

use std::time::Duration;

use tokio::time::Instant;

use crate::policy::Growth;

/// INITIAL_BACKOFF, MULTIPLIER and MAX_BACKOFF.
const PAUSES: Growth = Growth { initial: Duration::from_secs(1), multiplier: 1.6, max: Duration::from_secs(120) };

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
        begin + PAUSES.pause(self.attempts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_a_second_to_two_minutes() {
        for (failures, seconds) in [(1, 1.0), (2, 1.6), (3, 2.56), (11, 109.95), (12, 120.0), (u32::MAX, 120.0)] {
            let pause = PAUSES.pause(failures).as_secs_f64();
            assert!((seconds * 0.79..=seconds * 1.21).contains(&pause), "{failures}: {pause}");
        }
    }
}
