//! What a client does beyond one attempt at a call: retries, and settings for each method.
//!
//! In come settings, made in code or read from JSON, and how attempts have failed. Out goes what holds for a call, and the
//! pause before its next attempt. All of it is decided here, and nothing is done: this module knows neither connections
//! nor clocks.
//!
//! The specification is gRFC A6, "gRPC Retry Design": "gRPC client library will automatically retry failed RPCs according
//! to a policy set by the service owner." What a server can say about it stands in its trailers:
//!
//! ```text
//! HEADERS  grpc-status: 14   grpc-retry-pushback-ms: 250   END_STREAM       try again after 250 ms
//! HEADERS  grpc-status: 14   grpc-retry-pushback-ms: -1    END_STREAM       do not try again
//! ```
//!
//! and the head of the next attempt tells the server how many there were before:
//!
//! ```text
//! HEADERS  :path: /routeguide.RouteGuide/GetFeature   grpc-previous-rpc-attempts: 1   ..
//! ```

mod attempts;
mod chance;
mod error;
#[cfg(feature = "service-config")]
mod from_json;
mod growth;
#[cfg(feature = "service-config")]
mod json;
mod method_config;
mod push_back;
mod retry;
mod service_config;
mod throttle;

pub(crate) use attempts::{Attempts, Failure};
pub use chance::seed_pauses;
pub use error::ConfigError;
pub(crate) use growth::Growth;
pub use method_config::MethodConfig;
pub use retry::RetryPolicy;
pub use service_config::{Balance, ServiceConfig};
pub use throttle::RetryThrottling;
pub(crate) use throttle::Throttle;
