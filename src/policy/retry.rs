//! Whether and when a call that has failed is tried again.

use std::time::Duration;

use super::error::ConfigError;
use super::growth::Growth;
use crate::wire::Code;

/// The most attempts that a call has, whatever its policy says: gRFC A6's limit for clients.
pub(super) const MOST_ATTEMPTS: u32 = 5;

/// When a call that has failed is tried again, and how often: the retry policy of gRFC A6.
///
/// It is for calls that a server may have begun to process. A call that no server has processed needs no policy: it is
/// tried again whatever the policy says. The call's deadline holds for all attempts together.
///
/// A call is tried again as long as nothing of its response has come and its request is still in the client's memory.
/// A server can say in its trailers when to come again, or not to (`grpc-retry-pushback-ms`), and the client obeys.
///
/// ```
/// use std::time::Duration;
/// use h2grpc::policy::RetryPolicy;
/// use h2grpc::status::Code;
///
/// let policy = RetryPolicy::default().max_attempts(3).retryable_codes([Code::UNAVAILABLE, Code::ABORTED]);
/// assert!(policy.check().is_ok());
/// assert!(policy.pause(2) >= Duration::from_millis(160));
/// let error = RetryPolicy::default().max_attempts(1).check().unwrap_err();
/// assert_eq!(error.to_string(), "the setting retry.max_attempts is 1, expected at least 2");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many attempts a call has, the first one included: 2 to 5. A larger number counts as 5, as gRFC A6 has it.
    pub max_attempts: u32,

    /// The pause before the second attempt, give or take a fifth.
    pub initial_backoff: Duration,

    /// The longest pause, give or take a fifth.
    pub max_backoff: Duration,

    /// What a pause is multiplied by to have the next.
    pub backoff_multiplier: f64,

    /// The status codes after which a call is tried again. Name here only those with which the server has done nothing,
    /// unless the method can safely be carried out twice.
    pub retryable_codes: Vec<Code>,
}

/// Five attempts, the most that gRFC A6 allows, with pauses of 100, 300, 900 and 1000 ms. With their jitter they are at
/// least 1.8 s together. A channel that could not reach a server dials it again 0.8 to 1.2 s later, so a server that is
/// back within 0.8 s may be restarted without a lost call. A call that is to wait longer needs
/// [`wait_for_ready`](crate::call::CallOptions::wait_for_ready). UNAVAILABLE alone is tried again: it is the one code
/// that means "try again" for every method.
impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 5,
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            backoff_multiplier: 3.0,
            retryable_codes: vec![Code::UNAVAILABLE],
        }
    }
}

impl RetryPolicy {
    /// Sets [`max_attempts`](Self#structfield.max_attempts).
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets [`initial_backoff`](Self#structfield.initial_backoff).
    pub fn initial_backoff(mut self, pause: Duration) -> Self {
        self.initial_backoff = pause;
        self
    }

    /// Sets [`max_backoff`](Self#structfield.max_backoff).
    pub fn max_backoff(mut self, pause: Duration) -> Self {
        self.max_backoff = pause;
        self
    }

    /// Sets [`backoff_multiplier`](Self#structfield.backoff_multiplier).
    pub fn backoff_multiplier(mut self, multiplier: f64) -> Self {
        self.backoff_multiplier = multiplier;
        self
    }

    /// Sets [`retryable_codes`](Self#structfield.retryable_codes).
    pub fn retryable_codes(mut self, codes: impl IntoIterator<Item = Code>) -> Self {
        self.retryable_codes = codes.into_iter().collect();
        self
    }

    /// Checks the policy by the rules of gRFC A6, "Validation of retryPolicy".
    ///
    /// # Errors
    /// The first setting with a value that the rules do not allow.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.max_attempts < 2 {
            return Err(ConfigError::new("retry.max_attempts", self.max_attempts.to_string(), "at least 2"));
        }
        lasts("retry.initial_backoff", self.initial_backoff)?;
        lasts("retry.max_backoff", self.max_backoff)?;
        if !(self.backoff_multiplier > 0.0 && self.backoff_multiplier.is_finite()) {
            let found = self.backoff_multiplier.to_string();
            return Err(ConfigError::new("retry.backoff_multiplier", found, "a number greater than 0"));
        }
        if self.retryable_codes.is_empty() {
            return Err(ConfigError::new("retry.retryable_codes", "empty", "at least one status code"));
        }
        match self.retryable_codes.iter().find(|code| **code == Code::OK || code.name().is_none()) {
            Some(code) => Err(ConfigError::new("retry.retryable_codes", code.to_string(), "the codes 1 to 16 of gRPC")),
            None => Ok(()),
        }
    }

    /// The pause before the `n`th retry since the call began or a server last said when to come again; counted from 1.
    ///
    /// "The n-th retry attempt will occur after min(initialBackoff * backoffMultiplier^(n-1), maxBackoff) *
    /// random(0.8, 1.2)" (gRFC A6, Exponential Backoff, as revised in 2024; before, it was a random part of that time).
    /// So a thousand calls that fail together do not all come back together.
    pub fn pause(&self, n: u32) -> Duration {
        self.growth().pause(n)
    }

    fn growth(&self) -> Growth {
        Growth { initial: self.initial_backoff, multiplier: self.backoff_multiplier, max: self.max_backoff }
    }

    /// Whether a call that ended with this code is tried again.
    pub(crate) fn retries(&self, code: Code) -> bool {
        code != Code::OK && self.retryable_codes.contains(&code)
    }
}

fn lasts(setting: &str, pause: Duration) -> Result<(), ConfigError> {
    match pause.is_zero() {
        true => Err(ConfigError::new(setting, format!("{pause:?}"), "a time longer than zero")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_policy_that_a6_does_not_allow_is_refused_by_the_name_of_its_setting() {
        let refused = |policy: RetryPolicy| policy.check().unwrap_err().to_string();
        let policy = RetryPolicy::default;
        let rows = [
            (policy().max_attempts(0), "retry.max_attempts is 0, expected at least 2"),
            (policy().max_attempts(1), "retry.max_attempts is 1, expected at least 2"),
            (
                policy().initial_backoff(Duration::ZERO),
                "retry.initial_backoff is 0ns, expected a time longer than zero",
            ),
            (policy().max_backoff(Duration::ZERO), "retry.max_backoff is 0ns, expected a time longer than zero"),
            (policy().backoff_multiplier(0.0), "retry.backoff_multiplier is 0, expected a number greater than 0"),
            (policy().backoff_multiplier(-1.5), "retry.backoff_multiplier is -1.5, expected a number greater than 0"),
            (
                policy().backoff_multiplier(f64::NAN),
                "retry.backoff_multiplier is NaN, expected a number greater than 0",
            ),
            (policy().retryable_codes([]), "retry.retryable_codes is empty, expected at least one status code"),
            (
                policy().retryable_codes([Code::ABORTED, Code::OK]),
                "retry.retryable_codes is OK, expected the codes 1 to 16 of gRPC",
            ),
            (
                policy().retryable_codes([Code::from_u32(17)]),
                "retry.retryable_codes is code 17, expected the codes 1 to 16 of gRPC",
            ),
        ];
        for (policy, text) in rows {
            assert_eq!(refused(policy), format!("the setting {text}"));
        }
    }

    #[test]
    fn the_default_policy_is_legal_and_a_multiplier_below_one_is_too() {
        assert_eq!(RetryPolicy::default().check(), Ok(()));
        assert_eq!(RetryPolicy::default().backoff_multiplier(0.5).max_attempts(u32::MAX).check(), Ok(()));
    }

    #[test]
    fn pauses_grow_from_the_first_to_the_longest() {
        let policy = RetryPolicy::default();
        for (n, millis) in [(1, 100), (2, 300), (3, 900), (4, 1000), (5, 1000), (u32::MAX, 1000)] {
            assert_eq!(policy.growth().jittered(n, 1.0), Duration::from_millis(millis), "{n}");
        }
        assert_eq!(policy.growth().jittered(1, 0.8), Duration::from_millis(80));
        assert_eq!(
            policy.growth().jittered(9, 1.2),
            Duration::from_millis(1200),
            "jitter goes beyond the longest pause too"
        );
    }

    #[test]
    fn attempts_of_the_default_outlast_the_back_off_of_a_channel() {
        let policy = RetryPolicy::default();
        let shortest: Duration = (1..policy.max_attempts).map(|n| policy.growth().jittered(n, 0.8)).sum();
        assert!(shortest > Duration::from_millis(1200 + 500), "{shortest:?}");
    }

    proptest! {
        #[test]
        fn a_pause_is_within_a_fifth_of_its_rule(
            initial in 1u64..100_000, max in 1u64..100_000, multiplier in 0.1f64..10.0, n in 1u32..10,
        ) {
            let policy = RetryPolicy::default()
                .initial_backoff(Duration::from_millis(initial))
                .max_backoff(Duration::from_millis(max))
                .backoff_multiplier(multiplier);
            let rule = policy.growth().jittered(n, 1.0).as_secs_f64();
            let pause = policy.pause(n).as_secs_f64();
            prop_assert!(rule <= max as f64 / 1000.0 + 1e-9);
            prop_assert!(pause >= rule * 0.8 - 1e-8 && pause <= rule * 1.2 + 1e-8, "{pause} for {rule}");
        }

        #[test]
        fn no_policy_however_wrong_makes_a_pause_panic(
            initial: Duration, max: Duration, multiplier: f64, n: u32,
        ) {
            let policy = RetryPolicy::default().initial_backoff(initial).max_backoff(max).backoff_multiplier(multiplier);
            policy.pause(n);
        }
    }
}
