//! What holds for the calls of a channel, method by method.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::ConfigError;
use super::method_config::MethodConfig;
use super::throttle::RetryThrottling;
use crate::wire::path::Path;

/// Which of a server's addresses get the calls of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// The first address that answers gets all calls, until its connection is lost.
    #[default]
    PickFirst,
    /// All addresses that answer get calls in turn.
    RoundRobin,
}

/// What holds for the calls of a channel: gRPC's service config, made in code or read from JSON.
///
/// For a call the most specific entry holds, and no other: that of its method, else that of its service, else the
/// default. Entries are not merged.
///
/// ```
/// use std::time::Duration;
/// use h2grpc::policy::{Balance, MethodConfig, RetryPolicy, RetryThrottling, ServiceConfig};
/// use h2grpc::wire::path::Path;
///
/// let config = ServiceConfig::new()
///     .method("routeguide.RouteGuide", "GetFeature", MethodConfig::new().retry(RetryPolicy::default()))
///     .service("routeguide.RouteGuide", MethodConfig::new().timeout(Duration::from_secs(10)))
///     .retry_throttling(RetryThrottling::default())
///     .load_balancing(Balance::RoundRobin);
/// config.check()?;
///
/// let chat = config.for_method(&Path::new("routeguide.RouteGuide", "RouteChat")?);
/// assert_eq!(chat.and_then(|method| method.timeout), Some(Duration::from_secs(10)));
/// assert!(config.for_method(&Path::new("demo.Echo", "Say")?).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
#[cfg_attr(feature = "service-config", doc = "The same from JSON: [`from_json`](Self::from_json).")]
#[cfg_attr(not(feature = "service-config"), doc = "With the feature `service-config` it can be read from JSON.")]
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServiceConfig {
    /// How the channel holds back its retries while too many calls fail. `None`, the default, holds none back.
    pub retry_throttling: Option<RetryThrottling>,

    /// Which of a server's addresses get the calls. `None` leaves it to the channel.
    pub load_balancing: Option<Balance>,

    /// `/package.Service/Method` for a method, `/package.Service/` for a service: what a path begins with.
    entries: HashMap<Box<str>, Arc<MethodConfig>>,
    default: Option<Arc<MethodConfig>>,
}

impl ServiceConfig {
    /// Nothing is set.
    pub fn new() -> Self {
        ServiceConfig::default()
    }

    /// What holds for one method. `service` is its full name, `package.Service`. A later entry of the same name takes the
    /// place of this one.
    pub fn method(mut self, service: &str, method: &str, config: MethodConfig) -> Self {
        self.put(service, method, Arc::new(config));
        self
    }

    /// What holds for the methods of a service that have no entry of their own.
    pub fn service(self, service: &str, config: MethodConfig) -> Self {
        self.method(service, "", config)
    }

    /// What holds for all methods that have no entry, neither of their own nor of their service.
    pub fn default_method(self, config: MethodConfig) -> Self {
        self.method("", "", config)
    }

    /// Sets [`retry_throttling`](Self#structfield.retry_throttling).
    pub fn retry_throttling(mut self, throttling: RetryThrottling) -> Self {
        self.retry_throttling = Some(throttling);
        self
    }

    /// Sets [`load_balancing`](Self#structfield.load_balancing).
    pub fn load_balancing(mut self, balance: Balance) -> Self {
        self.load_balancing = Some(balance);
        self
    }

    /// What holds for the calls of a method: "the most specific match wins" (service_config.proto).
    pub fn for_method(&self, path: &Path) -> Option<&Arc<MethodConfig>> {
        if self.entries.is_empty() {
            return self.default.as_ref();
        }
        let (method, slashes) = (path.as_str(), 2);
        let service = &method[..path.service().len() + slashes];
        self.entries.get(method).or_else(|| self.entries.get(service)).or(self.default.as_ref())
    }

    /// Checks all settings.
    ///
    /// # Errors
    /// A setting with a value that its rules do not allow; of a retry policy the name of its entry is told too.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (name, config) in &self.entries {
            config.check().map_err(|error| error.of(name))?;
        }
        self.default.as_ref().map_or(Ok(()), |config| config.check().map_err(|error| error.of("all methods")))?;
        self.retry_throttling.map_or(Ok(()), |throttling| throttling.check())
    }

    /// Adds an entry, and gives back the one that had this name.
    pub(super) fn put(&mut self, service: &str, method: &str, config: Arc<MethodConfig>) -> Option<Arc<MethodConfig>> {
        match (service, method) {
            ("", "") => self.default.replace(config),
            _ => self.entries.insert(format!("/{service}/{method}").into(), config),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::RetryPolicy;

    fn seconds(seconds: u64) -> MethodConfig {
        MethodConfig::new().timeout(Duration::from_secs(seconds))
    }

    fn found(config: &ServiceConfig, service: &str, method: &str) -> Option<u64> {
        let config = config.for_method(&Path::new(service, method).unwrap())?;
        config.timeout.map(|timeout| timeout.as_secs())
    }

    #[test]
    fn the_most_specific_match_wins() {
        let config = ServiceConfig::new()
            .default_method(seconds(1))
            .service("MyService", seconds(2))
            .method("MyService", "Foo", seconds(3))
            .method("pkg/MyService", "Foo", seconds(4));
        for (service, method, expected) in [
            ("MyService", "Foo", 3),
            ("MyService", "Bar", 2),
            ("MyService", "Foo2", 2),
            ("MyService2", "Foo", 1),
            ("AnotherService", "Baz", 1),
            ("pkg/MyService", "Foo", 4),
            ("pkg/MyService", "Bar", 1),
        ] {
            assert_eq!(found(&config, service, method), Some(expected), "{service}/{method}");
        }
    }

    #[test]
    fn a_query_in_the_path_changes_nothing() {
        let config = ServiceConfig::new().method("a.B", "C", seconds(3));
        let path = Path::parse(http::uri::PathAndQuery::from_static("/a.B/C?x=/y")).unwrap();
        assert_eq!(config.for_method(&path).and_then(|config| config.timeout), Some(Duration::from_secs(3)));
    }

    #[test]
    fn without_a_match_there_is_none_and_entries_are_not_merged() {
        let config = ServiceConfig::new().service("a.B", seconds(2)).method(
            "a.B",
            "C",
            MethodConfig::new().wait_for_ready(true),
        );
        assert_eq!((found(&config, "a.B", "C"), found(&config, "a.C", "C")), (None, None));
        assert_eq!(found(&ServiceConfig::new(), "a.B", "C"), None);
        assert_eq!(found(&ServiceConfig::new().default_method(seconds(1)), "a.B", "C"), Some(1));
    }

    #[test]
    fn check_names_the_entry_and_the_setting() {
        let wrong = || MethodConfig::new().retry(RetryPolicy::default().max_attempts(1));
        let refused = |config: ServiceConfig| config.check().unwrap_err().to_string();
        assert_eq!(
            refused(ServiceConfig::new().method("a.B", "C", wrong())),
            "the setting retry.max_attempts of /a.B/C is 1, expected at least 2"
        );
        assert_eq!(
            refused(ServiceConfig::new().default_method(wrong())),
            "the setting retry.max_attempts of all methods is 1, expected at least 2"
        );
        let throttling = RetryThrottling::default().max_tokens(0);
        assert!(
            refused(ServiceConfig::new().retry_throttling(throttling)).contains("retry_throttling.max_tokens is 0")
        );
        assert_eq!(ServiceConfig::new().check(), Ok(()));
    }
}
