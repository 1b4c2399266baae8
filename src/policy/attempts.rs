//! The attempts of one call: whether there is another, and after which pause.

use std::time::Duration;

use super::push_back::PushBack;
use super::retry::{MOST_ATTEMPTS, RetryPolicy};
use super::throttle::Throttle;
use crate::limits::FREE_ATTEMPTS_AFTER_GOAWAY;
use crate::status::{Code, Status};

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server reset the stream with REFUSED_STREAM: it "has not been processed" (RFC 9113, section 8.7;
    /// rule h2.refused-stream).
    RefusedStream,
    /// The stream is above the last one that a GOAWAY names: the server has not processed it.
    Goaway,
    /// The server answered with this status, or the connection was lost, which makes it UNAVAILABLE.
    Status {
        /// The status code.
        code: Code,
        /// What the trailers say about another attempt.
        push_back: Option<PushBack>,
    },
}

impl From<&Status> for Failure {
    fn from(status: &Status) -> Failure {
        Failure::Status { code: status.code(), push_back: PushBack::read(status.metadata()) }
    }
}

/// The attempts of one call so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    /// Attempts that the policy has made: those beyond the first and the free ones.
    retries: u32,
    /// The same since the server last said when to come again.
    since_push_back: u32,
    /// Free ones after REFUSED_STREAM and GOAWAY.
    refused: u32,
    gone: u32,
    committed: bool,
}

impl Attempts {
    /// No other attempt can follow: a response head came, or the request is no longer in memory.
    ///
    /// "An RPC becomes committed in two scenarios" (gRFC A6, When Retries are Valid). How the attempt ends still counts
    /// for the throttle.
    pub(crate) fn commit(&mut self) {
        self.committed = true;
    }

    /// How many attempts came before this one, for `grpc-previous-rpc-attempts`, which is not sent when there are none.
    /// Free ones do not count: no server has processed them.
    pub(crate) fn previous(&self) -> u32 {
        self.retries
    }

    /// An attempt has failed. The pause before the next one; `None` when the call ends with this failure.
    ///
    /// Ask once for each attempt that fails, the last one too: the throttle counts them here. It counts successes by
    /// [`Throttle::success`].
    pub(crate) fn after(
        &mut self, policy: Option<&RetryPolicy>, throttle: Option<&Throttle>, failure: Failure,
    ) -> Option<Duration> {
        if self.is_free(failure) {
            return (!self.committed).then_some(Duration::ZERO);
        }
        let (code, push_back) = match failure {
            Failure::Status { code, push_back } => (code, push_back),
            Failure::RefusedStream | Failure::Goaway => (Code::UNAVAILABLE, None),
        };
        let never = push_back == Some(PushBack::Never);
        let policy = policy.filter(|policy| policy.retries(code));
        // "The only RPCs that are counted as failures for the throttling policy are RPCs that fail with a status code
        // that qualifies as a retryable [..] or that receive a pushback response indicating not to retry."
        let counts = policy.is_some() || never && code != Code::OK;
        let allowed = throttle.filter(|_| counts).is_none_or(Throttle::failure);
        let policy = policy.filter(|policy| self.retries + 1 < policy.max_attempts.min(MOST_ATTEMPTS))?;
        (allowed && !never && !self.committed).then(|| self.retry(policy, push_back))
    }

    /// Whether the attempt cost the server nothing, so that another is free (gRFC A6, Transparent Retries).
    ///
    /// One that has never left is free "until a success occurs, or the RPC's deadline passes". One that reached the
    /// server is tried again once, "this extra caution is needed because this case involves extra load on the wire". A
    /// GOAWAY is no sign of load, but of a server that closes a connection, and another connection is used then.
    fn is_free(&mut self, failure: Failure) -> bool {
        let (count, most) = match failure {
            Failure::RefusedStream => (&mut self.refused, 1),
            Failure::Goaway => (&mut self.gone, FREE_ATTEMPTS_AFTER_GOAWAY),
            Failure::Status { .. } => return false,
        };
        let free = *count < most;
        *count += u32::from(free);
        free
    }

    /// "Retry in n ms. If this attempt also fails, retry delay will reset to initial backoff for the following retry."
    fn retry(&mut self, policy: &RetryPolicy, push_back: Option<PushBack>) -> Duration {
        self.retries += 1;
        if let Some(PushBack::After(pause)) = push_back {
            self.since_push_back = 0;
            return pause;
        }
        self.since_push_back += 1;
        policy.pause(self.since_push_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::RetryThrottling;

    const UNAVAILABLE: Failure = status(Code::UNAVAILABLE, None);
    const FREE: Option<Duration> = Some(Duration::ZERO);

    const fn status(code: Code, push_back: Option<PushBack>) -> Failure {
        Failure::Status { code, push_back }
    }

    const fn later(code: Code, millis: u64) -> Failure {
        status(code, Some(PushBack::After(Duration::from_millis(millis))))
    }

    /// Its pauses can be told apart in spite of their jitter: 80 to 120 ms, 320 to 480, 1280 to 1920, 5120 to 7680.
    fn policy() -> RetryPolicy {
        RetryPolicy::default().max_attempts(5).backoff_multiplier(4.0).max_backoff(Duration::from_secs(60))
    }

    /// Which retry of the policy has this pause.
    fn nth(pause: Option<Duration>) -> u32 {
        let millis = pause.expect("another attempt").as_millis();
        (1..5)
            .find(|n| (80 * 4u128.pow(n - 1)..=120 * 4u128.pow(n - 1)).contains(&millis))
            .expect("a pause of the policy")
    }

    #[test]
    fn row_2_a_fatal_status_is_not_retried_whatever_push_back_says() {
        for failure in [status(Code::INTERNAL, None), later(Code::INTERNAL, 5), later(Code::OK, 5)] {
            let mut attempts = Attempts::default();
            assert_eq!(attempts.after(Some(&policy()), None, failure), None, "{failure:?}");
            assert_eq!(attempts.previous(), 0);
        }
    }

    #[test]
    fn row_3_a_retryable_status_is_retried_with_growing_pauses_until_the_attempts_are_used_up() {
        let mut attempts = Attempts::default();
        for n in 1..5 {
            assert_eq!(attempts.previous(), n - 1);
            assert_eq!(nth(attempts.after(Some(&policy()), None, UNAVAILABLE)), n);
        }
        assert_eq!(attempts.after(Some(&policy()), None, UNAVAILABLE), None);
        assert_eq!(attempts.previous(), 4);
    }

    #[test]
    fn row_4_push_back_that_says_never_ends_the_call() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.after(Some(&policy()), None, status(Code::UNAVAILABLE, Some(PushBack::Never))), None);
    }

    #[test]
    fn row_5_push_back_replaces_the_pause_and_resets_the_sequence() {
        let mut attempts = Attempts::default();
        assert_eq!(nth(attempts.after(Some(&policy()), None, UNAVAILABLE)), 1);
        assert_eq!(nth(attempts.after(Some(&policy()), None, UNAVAILABLE)), 2);
        assert_eq!(attempts.after(Some(&policy()), None, later(Code::UNAVAILABLE, 7)), Some(Duration::from_millis(7)));
        assert_eq!(nth(attempts.after(Some(&policy()), None, UNAVAILABLE)), 1);
        // "If the client has already exhausted its maxAttempts, the call will not be retried even if the server says to."
        assert_eq!(attempts.after(Some(&policy()), None, later(Code::UNAVAILABLE, 7)), None);
    }

    #[test]
    fn max_attempts_counts_the_first_and_is_never_more_than_five() {
        for (max, made) in [(0, 1), (1, 1), (2, 2), (4, 4), (5, 5), (6, 5), (u32::MAX, 5)] {
            let (policy, mut attempts) = (policy().max_attempts(max), Attempts::default());
            let retries = (0..20).take_while(|_| attempts.after(Some(&policy), None, UNAVAILABLE).is_some()).count();
            assert_eq!(retries + 1, made, "{max}");
        }
    }

    #[test]
    fn refused_stream_is_free_once_and_unavailable_then() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.after(Some(&policy()), None, Failure::RefusedStream), FREE);
        assert_eq!(attempts.previous(), 0);
        assert_eq!(nth(attempts.after(Some(&policy()), None, Failure::RefusedStream)), 1);
        assert_eq!(attempts.previous(), 1);
        assert_eq!(attempts.after(None, None, Failure::RefusedStream), None);
        let (internal, mut attempts) = (policy().retryable_codes([Code::INTERNAL]), Attempts::default());
        assert_eq!(attempts.after(Some(&internal), None, Failure::RefusedStream), FREE);
        assert_eq!(attempts.after(Some(&internal), None, Failure::RefusedStream), None);
    }

    #[test]
    fn goaway_is_free_sixteen_times_and_unavailable_then() {
        let mut attempts = Attempts::default();
        for _ in 0..16 {
            assert_eq!(attempts.after(None, None, Failure::Goaway), FREE);
        }
        assert_eq!(attempts.after(Some(&policy()), None, Failure::RefusedStream), FREE, "it is counted by itself");
        assert_eq!(nth(attempts.after(Some(&policy()), None, Failure::Goaway)), 1);
        assert_eq!(attempts.after(None, None, Failure::Goaway), None);
    }

    #[test]
    fn without_a_policy_a_status_ends_the_call() {
        for failure in [UNAVAILABLE, later(Code::UNAVAILABLE, 0)] {
            assert_eq!(Attempts::default().after(None, None, failure), None);
        }
    }

    #[test]
    fn a_committed_call_has_no_other_attempt_not_even_a_free_one() {
        for failure in [UNAVAILABLE, Failure::RefusedStream, Failure::Goaway] {
            let mut attempts = Attempts::default();
            attempts.commit();
            assert_eq!(attempts.after(Some(&policy()), None, failure), None, "{failure:?}");
        }
    }

    /// How many failures of this kind stop a fresh throttle of 10 tokens; `None` when they do not count.
    fn counted(policy: Option<&RetryPolicy>, committed: bool, failure: Failure) -> Option<u32> {
        let throttle = Throttle::new(&RetryThrottling::default());
        for _ in 0..4 {
            let mut attempts = Attempts { committed, ..Attempts::default() };
            attempts.after(policy, Some(&throttle), failure);
        }
        (!throttle.failure()).then_some(4)
    }

    #[test]
    fn the_throttle_counts_retryable_failures_and_push_back_that_says_never() {
        let policy = policy();
        let never = |code| status(code, Some(PushBack::Never));
        let rows = [
            (Some(&policy), false, UNAVAILABLE, true),
            (Some(&policy), true, UNAVAILABLE, true),
            (Some(&policy), false, later(Code::UNAVAILABLE, 1), true),
            (Some(&policy), false, never(Code::INTERNAL), true),
            (None, false, never(Code::INTERNAL), true),
            (Some(&policy), false, status(Code::INTERNAL, None), false),
            (Some(&policy), false, later(Code::INTERNAL, 1), false),
            (Some(&policy), false, never(Code::OK), false),
            (None, false, UNAVAILABLE, false),
            // "Transparent retries do not count as failures when deciding whether to throttle retry attempts."
            (Some(&policy), false, Failure::RefusedStream, false),
            (Some(&policy), false, Failure::Goaway, false),
        ];
        for (policy, committed, failure, counts) in rows {
            assert_eq!(counted(policy, committed, failure).is_some(), counts, "{failure:?}, committed: {committed}");
        }
    }

    #[test]
    fn a_throttled_call_ends_with_its_failure_but_its_free_attempts_stay() {
        let throttle = Throttle::new(&RetryThrottling::default());
        while throttle.failure() {}
        let mut attempts = Attempts::default();
        assert_eq!(attempts.after(Some(&policy()), Some(&throttle), later(Code::UNAVAILABLE, 1)), None);
        assert_eq!(attempts.after(Some(&policy()), Some(&throttle), Failure::Goaway), FREE);
        (0..100).for_each(|_| throttle.success());
        assert_eq!(nth(attempts.after(Some(&policy()), Some(&throttle), UNAVAILABLE)), 1);
    }

    #[test]
    fn a_status_from_trailers_brings_its_push_back() {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", 14.into());
        trailers.insert("grpc-retry-pushback-ms", 250.into());
        let failure = Failure::from(&Status::from_trailers(trailers));
        assert_eq!(failure, later(Code::UNAVAILABLE, 250));
        assert_eq!(Failure::from(&Status::unavailable("")), UNAVAILABLE);
    }
}
