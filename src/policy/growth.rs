//! Pauses that grow from one attempt to the next.

use std::time::Duration;

use rand::RngExt;

/// A pause varies by so much of itself, so that a thousand clients that fail together do not all come back together.
const JITTER: f64 = 0.2;

/// How pauses grow. A growth that no rule allows has some pause too, if not a sensible one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    pub(crate) initial: Duration,
    pub(crate) multiplier: f64,
    pub(crate) max: Duration,
}

impl Growth {
    /// The `n`th pause, counted from 1, give or take a fifth.
    pub(crate) fn pause(&self, n: u32) -> Duration {
        self.jittered(n, rand::rng().random_range(1.0 - JITTER..=1.0 + JITTER))
    }

    /// The `n`th pause with a given jitter.
    pub(super) fn jittered(&self, n: u32, jitter: f64) -> Duration {
        let exponent = i32::try_from(n.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.multiplier.powi(exponent);
        Duration::try_from_secs_f64(grown.min(self.max.as_secs_f64()) * jitter).unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ_by_up_to_a_fifth() {
        let growth = Growth { initial: Duration::from_secs(1), multiplier: 2.0, max: Duration::from_secs(60) };
        let pauses: Vec<f64> = (0..1000).map(|_| growth.pause(1).as_secs_f64()).collect();
        assert!(pauses.iter().all(|pause| (0.8..=1.2).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause < 0.9) && pauses.iter().any(|pause| *pause > 1.1), "{pauses:?}");
    }
}
