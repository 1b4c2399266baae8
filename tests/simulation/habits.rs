//! What the client of a seed does about failures: it retries by a policy, holds its retries back, waits for connections.

use std::time::Duration;

use h2grpc::policy::{MethodConfig, RetryPolicy, RetryThrottling, ServiceConfig};

use crate::calls::{Plan, Shape};

/// The client's settings, which follow from the seed.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// How many attempts a call has that is retried; 1 without a policy.
    pub attempts: u32,
    pub is_throttled: bool,
    waiting: Waiting,
    /// The one shape whose method has no policy.
    unretried: Shape,
}

/// Which calls wait for a connection.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    None,
    Half,
    All,
}

/// The pause before the first retry. Each one after it is twice as long.
const PAUSE: Duration = Duration::from_millis(100);

/// What the retry throttling of a seed allows at first, and then for each success.
const TOKENS: u32 = 10;
const RATIO: f64 = 0.1;

impl Habits {
    pub fn of(seed: u64) -> Habits {
        let shapes = [Shape::Unary, Shape::ServerStreaming, Shape::ClientStreaming, Shape::Bidirectional];
        Habits {
            attempts: [1, 4, 5][(seed % 3) as usize],
            is_throttled: seed % 7 < 2,
            waiting: [Waiting::None, Waiting::Half, Waiting::All][(seed / 3 % 3) as usize],
            unretried: shapes[(seed / 5 % 4) as usize],
        }
    }

    pub fn config(&self) -> ServiceConfig {
        let mut config = ServiceConfig::new();
        if self.attempts > 1 {
            let policy = RetryPolicy::default()
                .max_attempts(self.attempts)
                .initial_backoff(PAUSE)
                .backoff_multiplier(2.0)
                .max_backoff(Duration::from_secs(10));
            config = config.service("test.v1.Jobs", MethodConfig::new().retry(policy));
            config = config.method("test.v1.Jobs", self.unretried.method(), MethodConfig::new());
        }
        if self.is_throttled {
            let throttling = RetryThrottling::default().max_tokens(TOKENS).token_ratio(RATIO);
            config = config.retry_throttling(throttling);
        }
        config
    }

    /// How many attempts `plan`'s call has.
    pub fn attempts(&self, plan: &Plan) -> u32 {
        if plan.shape == self.unretried { 1 } else { self.attempts }
    }

    /// Whether a call waits for a connection.
    pub fn waits(&self, call: u64) -> bool {
        match self.waiting {
            Waiting::None => false,
            Waiting::Half => call.is_multiple_of(2),
            Waiting::All => true,
        }
    }

    /// The least time in which `attempts` fail one after the other: that of the pauses between them.
    pub fn pauses(attempts: u32) -> Duration {
        (0..attempts - 1).map(|retry| PAUSE * 2_u32.pow(retry) * 8 / 10).sum()
    }

    /// How many retries there may be in all with so many calls that succeed: each takes a token, of which there must be
    /// more than half left.
    pub fn most_retries(&self, successes: u64) -> u64 {
        if self.is_throttled { u64::from(TOKENS / 2) + (successes as f64 * RATIO).ceil() as u64 } else { u64::MAX }
    }

    /// Whether the policy has a call tried again as long as its response has not begun.
    pub fn saves(&self, plan: &Plan) -> bool {
        self.attempts(plan) > 1 && !self.is_throttled && self.waits(plan.call) && plan.is_short()
    }
}
