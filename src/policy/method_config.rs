//! What holds for the calls of a method.

use std::sync::Arc;
use std::time::Duration;

use super::error::ConfigError;
use super::retry::RetryPolicy;

/// What holds for the calls of a method, or of all methods of a service. What is not set here holds as for the channel.
///
/// ```
/// use std::time::Duration;
/// use h2grpc::policy::{MethodConfig, RetryPolicy};
///
/// let lookups = MethodConfig::new().timeout(Duration::from_secs(2)).retry(RetryPolicy::default());
/// assert_eq!(lookups.wait_for_ready, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MethodConfig {
    /// How long a call may take from its start until its status. When the caller gives a time-out too, the shorter one
    /// holds.
    pub timeout: Option<Duration>,

    /// Whether a call waits while no server can be reached, and does not fail at once. What the caller says comes first.
    pub wait_for_ready: Option<bool>,

    /// The longest message of a request, in bytes. When the channel has a limit too, the smaller one holds. With 0 only
    /// an empty message may be sent.
    pub max_request_message_bytes: Option<usize>,

    /// The longest message of a response, in bytes, as for requests.
    pub max_response_message_bytes: Option<usize>,

    /// Whether and when a call that has failed is tried again. A policy that the caller gives takes its place.
    pub retry: Option<Arc<RetryPolicy>>,
}

impl MethodConfig {
    /// Nothing is set.
    pub fn new() -> Self {
        MethodConfig::default()
    }

    /// Sets [`timeout`](Self#structfield.timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets [`wait_for_ready`](Self#structfield.wait_for_ready).
    pub fn wait_for_ready(mut self, wait: bool) -> Self {
        self.wait_for_ready = Some(wait);
        self
    }

    /// Sets [`max_request_message_bytes`](Self#structfield.max_request_message_bytes).
    pub fn max_request_message_bytes(mut self, bytes: usize) -> Self {
        self.max_request_message_bytes = Some(bytes);
        self
    }

    /// Sets [`max_response_message_bytes`](Self#structfield.max_response_message_bytes).
    pub fn max_response_message_bytes(mut self, bytes: usize) -> Self {
        self.max_response_message_bytes = Some(bytes);
        self
    }

    /// Sets [`retry`](Self#structfield.retry).
    pub fn retry(mut self, policy: impl Into<Arc<RetryPolicy>>) -> Self {
        self.retry = Some(policy.into());
        self
    }

    /// Checks the retry policy, if there is one.
    ///
    /// # Errors
    /// As for [`RetryPolicy::check`].
    pub fn check(&self) -> Result<(), ConfigError> {
        self.retry.as_ref().map_or(Ok(()), |policy| policy.check())
    }
}
