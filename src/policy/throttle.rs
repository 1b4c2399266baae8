//! Retries in proportion: a channel that mostly fails makes none.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::error::ConfigError;

/// The most tokens that gRFC A6 allows.
const MOST_TOKENS: u32 = 1000;

/// Tokens are counted in thousandths, as "up to 3 decimal places are supported".
const TOKEN: u32 = 1000;

/// How a channel holds back its retries while too many of its calls fail: `retryThrottling` of gRFC A6.
///
/// A channel begins with all its tokens. A failure that its policy would try again takes one, a success gives
/// `token_ratio` back. Calls are tried again only while the channel has more than half of its tokens: so a server that is
/// down gets no more than its calls, and not several times as many.
///
/// ```
/// use h2grpc::policy::RetryThrottling;
/// let throttling = RetryThrottling::default().max_tokens(100).token_ratio(0.5);
/// assert!(throttling.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryThrottling {
    /// How many tokens there are: 1 to 1000.
    pub max_tokens: u32,

    /// How much of a token a success gives back: at least 0.001. Decimals after the third are ignored.
    pub token_ratio: f64,
}

/// Ten tokens and a tenth of one for a success, the example of gRFC A6: retries stop after five failures in a row, or
/// when more than one call in eleven fails for long.
impl Default for RetryThrottling {
    fn default() -> Self {
        RetryThrottling { max_tokens: 10, token_ratio: 0.1 }
    }
}

impl RetryThrottling {
    /// Sets [`max_tokens`](Self#structfield.max_tokens).
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = tokens;
        self
    }

    /// Sets [`token_ratio`](Self#structfield.token_ratio).
    pub fn token_ratio(mut self, ratio: f64) -> Self {
        self.token_ratio = ratio;
        self
    }

    /// Checks the settings by the rules of gRFC A6, "Validation of retryThrottling".
    ///
    /// # Errors
    /// The first setting with a value that the rules do not allow.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=MOST_TOKENS).contains(&self.max_tokens) {
            let (found, expected) = (self.max_tokens.to_string(), format!("1 to {MOST_TOKENS}"));
            return Err(ConfigError::new("retry_throttling.max_tokens", found, expected));
        }
        if thousandths(self.token_ratio) == 0 || !self.token_ratio.is_finite() {
            let found = self.token_ratio.to_string();
            return Err(ConfigError::new("retry_throttling.token_ratio", found, "a number of at least 0.001"));
        }
        Ok(())
    }
}

/// The whole thousandths of a number; 0 for one below 0.001 and for none at all.
fn thousandths(number: f64) -> u32 {
    // 0.57 is a little less than 0.57 in binary, and has 570 thousandths all the same.
    (number * f64::from(TOKEN) + 1e-6) as u32
}

/// The tokens of a channel, which all its calls share.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// All in thousandths of a token.
    max: u32,
    ratio: u32,
    tokens: AtomicU32,
}

impl Throttle {
    /// All tokens are there.
    pub(crate) fn new(throttling: &RetryThrottling) -> Self {
        let max = throttling.max_tokens.min(MOST_TOKENS) * TOKEN;
        Throttle { max, ratio: thousandths(throttling.token_ratio).min(max), tokens: AtomicU32::new(max) }
    }

    /// An attempt has ended well.
    pub(crate) fn success(&self) {
        // Nothing is written while all tokens are there, so the cores of a healthy channel do not contend.
        let more = |tokens: u32| (tokens < self.max).then(|| (tokens + self.ratio).min(self.max));
        let _ = self.tokens.fetch_update(Relaxed, Relaxed, more);
    }

    /// An attempt has failed in a way that counts. Says whether another may be made.
    pub(crate) fn failure(&self) -> bool {
        let fewer = |tokens: u32| Some(tokens.saturating_sub(TOKEN));
        let before = self.tokens.fetch_update(Relaxed, Relaxed, fewer).unwrap_or_default();
        before.saturating_sub(TOKEN) > self.max / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn throttle(max_tokens: u32, token_ratio: f64) -> Throttle {
        Throttle::new(&RetryThrottling { max_tokens, token_ratio })
    }

    fn tokens(throttle: &Throttle) -> u32 {
        throttle.tokens.load(Relaxed)
    }

    #[test]
    fn retries_stop_at_half_of_the_tokens_and_begin_again_above() {
        let throttle = throttle(10, 0.1);
        let allowed: Vec<bool> = (0..6).map(|_| throttle.failure()).collect();
        assert_eq!(allowed, [true, true, true, true, false, false]);
        (0..20).for_each(|_| throttle.success()); // 4 + 2 = 6, and 5 after the failure
        assert!(!throttle.failure());
        (0..11).for_each(|_| throttle.success()); // 5 + 1.1 = 6.1, and 5.1 after the failure
        assert!(throttle.failure());
    }

    #[test]
    fn decimals_after_the_third_are_ignored_and_others_are_exact() {
        for (ratio, expected) in
            [(0.5466, 546), (0.57, 570), (0.001, 1), (0.1, 100), (0.29, 290), (1.0, 1000), (7.0, 7000), (1e9, 10_000)]
        {
            assert_eq!(throttle(10, ratio).ratio, expected, "{ratio}");
        }
    }

    #[test]
    fn throttling_that_a6_does_not_allow_is_refused_by_the_name_of_its_setting() {
        let refused =
            |max_tokens, token_ratio| RetryThrottling { max_tokens, token_ratio }.check().unwrap_err().to_string();
        assert_eq!(refused(0, 0.1), "the setting retry_throttling.max_tokens is 0, expected 1 to 1000");
        assert_eq!(refused(1001, 0.1), "the setting retry_throttling.max_tokens is 1001, expected 1 to 1000");
        for (ratio, text) in [(0.0, "0"), (-1.0, "-1"), (0.0009, "0.0009"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
            let expected =
                format!("the setting retry_throttling.token_ratio is {text}, expected a number of at least 0.001");
            assert_eq!(refused(10, ratio), expected);
        }
        assert_eq!(RetryThrottling::default().check(), Ok(()));
        assert_eq!(RetryThrottling { max_tokens: 1000, token_ratio: 0.001 }.check(), Ok(()));
    }

    proptest! {
        #[test]
        fn tokens_are_never_below_none_nor_above_all(
            max_tokens in 0u32..2000, token_ratio: f64, successes in proptest::collection::vec(any::<bool>(), 0..500),
        ) {
            let throttle = throttle(max_tokens, token_ratio);
            let mut expected = throttle.max;
            for success in successes {
                if success {
                    throttle.success();
                    expected = (expected + throttle.ratio).min(throttle.max);
                } else {
                    expected = expected.saturating_sub(TOKEN);
                    prop_assert_eq!(throttle.failure(), expected > throttle.max / 2);
                }
                prop_assert_eq!(tokens(&throttle), expected);
                prop_assert!(expected <= MOST_TOKENS * TOKEN);
            }
        }
    }

    #[test]
    fn tokens_stay_within_bounds_when_threads_share_them() {
        let throttle = throttle(10, 0.3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..1000 {
                        match round % 3 {
                            0 => _ = throttle.failure(),
                            _ => throttle.success(),
                        }
                        assert!(tokens(&throttle) <= throttle.max);
                    }
                });
            }
        });
    }
}
