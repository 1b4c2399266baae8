//! What a caller can set for a call, and what holds for it together with the settings of its method.

use std::sync::Arc;
use std::time::Duration;

use crate::metadata::Metadata;
use crate::policy::{MethodConfig, RetryPolicy};

/// What a caller can set for a call. The default sets nothing.
///
/// ```
/// use std::time::Duration;
/// use h2grpc::call::CallOptions;
/// use h2grpc::metadata::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.insert("trace-id", "7f3a")?;
/// let options = CallOptions::new().timeout(Duration::from_secs(2)).metadata(metadata);
/// # Ok::<(), h2grpc::metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallOptions {
    /// How long the call may take from its start until its status; sent as `grpc-timeout`, and kept on this side too.
    pub timeout: Option<Duration>,
    /// Metadata for the request head.
    pub metadata: Metadata,
    /// Whether the call waits while no server can be reached. Otherwise it fails at once, which is the default. It takes
    /// the place of what is set for the method.
    pub wait_for_ready: Option<bool>,
    /// Whether and when the call is tried again after a failure. It takes the place of the policy of the method.
    pub retry: Option<Arc<RetryPolicy>>,
}

impl CallOptions {
    /// Nothing is set.
    pub fn new() -> Self {
        CallOptions::default()
    }

    /// Gives the call `timeout` from its start.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends `metadata` in the request head.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Has the call wait while no server can be reached, until one can or the call's time is up.
    pub fn wait_for_ready(mut self, wait: bool) -> Self {
        self.wait_for_ready = Some(wait);
        self
    }

    /// Has the call tried again by this policy.
    pub fn retry(mut self, policy: impl Into<Arc<RetryPolicy>>) -> Self {
        self.retry = Some(policy.into());
        self
    }

    /// These options and `others` together: the metadata of both, and what `others` set in place of what these set.
    pub fn merge(&self, others: &CallOptions) -> Self {
        let mut metadata = self.metadata.clone();
        metadata.merge(&others.metadata);
        CallOptions {
            timeout: others.timeout.or(self.timeout),
            metadata,
            wait_for_ready: others.wait_for_ready.or(self.wait_for_ready),
            retry: others.retry.as_ref().or(self.retry.as_ref()).cloned(),
        }
    }

    /// What holds for a call with these options to a method with these settings.
    ///
    /// "The actual deadline used will be the minimum of the value specified here and the value set by the application via
    /// the gRPC client API", and of whether to wait: "The value specified via the gRPC client API will override the value
    /// set here" (service_config.proto).
    pub(crate) fn settle<'a>(&'a self, method: Option<&'a MethodConfig>) -> Settled<'a> {
        let timeouts = [self.timeout, method.and_then(|method| method.timeout)];
        Settled {
            timeout: timeouts.into_iter().flatten().min(),
            wait_for_ready: self.wait_for_ready.or(method.and_then(|method| method.wait_for_ready)).unwrap_or(false),
            retry: self.retry.as_ref().or(method.and_then(|method| method.retry.as_ref())),
        }
    }
}

/// What holds for one call: its caller's options and its method's settings together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled<'a> {
    pub(crate) timeout: Option<Duration>,
    pub(crate) wait_for_ready: bool,
    pub(crate) retry: Option<&'a Arc<RetryPolicy>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_merged_keep_what_the_others_do_not_say() {
        let named = |name: &str| {
            let mut metadata = Metadata::new();
            metadata.insert(name, "1").unwrap();
            CallOptions::new().metadata(metadata)
        };
        let both = named("a").timeout(Duration::from_secs(1)).merge(&named("b"));
        assert_eq!((both.timeout, both.metadata.len()), (Some(Duration::from_secs(1)), 2));
        assert_eq!(both.merge(&CallOptions::new().timeout(Duration::ZERO)).timeout, Some(Duration::ZERO));

        let (two, three) = (RetryPolicy::default().max_attempts(2), RetryPolicy::default().max_attempts(3));
        let waiting = CallOptions::new().wait_for_ready(true).retry(two.clone());
        let kept = waiting.merge(&CallOptions::new());
        assert_eq!((kept.wait_for_ready, kept.retry.as_deref()), (Some(true), Some(&two)));
        let replaced = waiting.merge(&CallOptions::new().wait_for_ready(false).retry(three.clone()));
        assert_eq!((replaced.wait_for_ready, replaced.retry.as_deref()), (Some(false), Some(&three)));
    }

    #[test]
    fn the_shorter_timeout_and_the_callers_other_options_hold() {
        let seconds = Duration::from_secs;
        let policy = RetryPolicy::default().max_attempts(2);
        let method = MethodConfig::new().timeout(seconds(2)).wait_for_ready(true).retry(RetryPolicy::default());
        let caller = CallOptions::new().timeout(seconds(3)).wait_for_ready(false).retry(policy.clone());
        let told =
            |settled: Settled<'_>| (settled.timeout, settled.wait_for_ready, settled.retry.map(|it| it.max_attempts));
        assert_eq!(told(CallOptions::new().settle(None)), (None, false, None));
        assert_eq!(told(CallOptions::new().settle(Some(&method))), (Some(seconds(2)), true, Some(5)));
        assert_eq!(told(caller.settle(None)), (Some(seconds(3)), false, Some(2)));
        assert_eq!(told(caller.settle(Some(&method))), (Some(seconds(2)), false, Some(2)));
        assert_eq!(caller.timeout(seconds(1)).settle(Some(&method)).timeout, Some(seconds(1)));
    }
}
