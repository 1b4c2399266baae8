//! Any text is a service config or is refused; one that is taken keeps its own rules, and always gives the same answers.
//!
//! Input: a path on a line, then the config.
#![no_main]

use std::time::Duration;

use h2grpc::policy::ServiceConfig;
use h2grpc::wire::path::Path;
use http::uri::PathAndQuery;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (path, json) = text.split_once('\n').unwrap_or(("", text));
    let config = match ServiceConfig::from_json(json) {
        Ok(config) => config,
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(error.setting()) && text.len() < 1000, "an error text is bounded");
            return;
        }
    };
    assert_eq!(config.check(), Ok(()));

    let again = ServiceConfig::from_json(json).expect("it was taken before");
    assert_eq!((config.load_balancing, config.retry_throttling), (again.load_balancing, again.retry_throttling));
    let given = PathAndQuery::try_from(path).ok().and_then(|path| Path::parse(path).ok());
    let known = Path::new("a.B", "C").expect("a path");
    for path in given.iter().chain([&known]) {
        let found = config.for_method(path);
        assert_eq!(found, config.for_method(path));
        assert_eq!(found, again.for_method(path));
        let Some(policy) = found.and_then(|method| method.retry.as_ref()) else { continue };
        assert_eq!(policy.check(), Ok(()));
        let longest = policy.max_backoff.saturating_mul(6) / 5 + Duration::from_micros(1);
        for n in [1, 2, 5, u32::MAX] {
            // Seconds are computed in floating point: of ten thousand years the microseconds are not exact.
            assert!(policy.pause(n) <= longest + policy.max_backoff / 1_000_000);
        }
    }
});
