//! What a caller can set for a call: a time-out and metadata.

use std::time::Duration;

use crate::metadata::Metadata;

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
}

impl CallOptions {
    /// No deadline, no metadata.
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

    /// These options and `others` together: the time-out of `others` where they have one, and the metadata of both.
    pub fn merge(&self, others: &CallOptions) -> Self {
        let mut metadata = self.metadata.clone();
        metadata.merge(&others.metadata);
        CallOptions { timeout: others.timeout.or(self.timeout), metadata }
    }
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
    }
}
