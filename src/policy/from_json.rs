//! The JSON form of a service config: the fields of gRPC's `service_config.proto`.

use std::sync::Arc;

use super::error::ConfigError;
use super::json::At;
use super::method_config::MethodConfig;
use super::retry::RetryPolicy;
use super::service_config::{Balance, ServiceConfig};
use super::throttle::RetryThrottling;
use crate::wire::Code;

impl ServiceConfig {
    /// Reads a service config as gRPC writes it: the JSON form of `service_config.proto`.
    ///
    /// Read are `methodConfig` with `name`, `timeout`, `waitForReady`, `maxRequestMessageBytes`,
    /// `maxResponseMessageBytes` and `retryPolicy`; `retryThrottling`; `loadBalancingConfig`, of which the first policy
    /// counts that is known here; and where that is not there the older `loadBalancingPolicy`. Other fields are ignored,
    /// as the specification has it. `hedgingPolicy` is one of them: this client does not hedge.
    ///
    /// ```
    /// use h2grpc::policy::{Balance, ServiceConfig};
    ///
    /// let config = ServiceConfig::from_json(
    ///     r#"{
    ///         "loadBalancingConfig": [{ "round_robin": {} }],
    ///         "methodConfig": [{
    ///             "name": [{ "service": "routeguide.RouteGuide", "method": "GetFeature" }],
    ///             "timeout": "1.5s",
    ///             "retryPolicy": {
    ///                 "maxAttempts": 4,
    ///                 "initialBackoff": "0.1s",
    ///                 "maxBackoff": "1s",
    ///                 "backoffMultiplier": 2,
    ///                 "retryableStatusCodes": ["UNAVAILABLE"]
    ///             }
    ///         }]
    ///     }"#,
    /// )?;
    /// assert_eq!(config.load_balancing, Some(Balance::RoundRobin));
    ///
    /// let error = ServiceConfig::from_json(r#"{ "methodConfig": [{ "timeout": "2 min" }] }"#).unwrap_err();
    /// assert_eq!(error.setting(), "methodConfig[0].timeout");
    /// # Ok::<(), h2grpc::policy::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// What is not JSON, and the first field with a value that it cannot have: then nothing of the config holds.
    pub fn from_json(json: &str) -> Result<ServiceConfig, ConfigError> {
        let not_json = |error| ConfigError::new("", format!("not JSON ({error})"), "an object");
        let value = serde_json::from_str(json).map_err(not_json)?;
        let root = At::root(&value);
        let mut config = ServiceConfig::new();
        config.load_balancing = balance(&root)?;
        config.retry_throttling = root.read("retryThrottling", throttling)?;
        for entry in root.elements("methodConfig")? {
            let method = Arc::new(method(&entry)?);
            for name in entry.elements("name")? {
                add(&mut config, &name, &method)?;
            }
        }
        Ok(config)
    }
}

/// Adds an entry under one of its names. "Each name entry must be unique across the entire ServiceConfig."
fn add(config: &mut ServiceConfig, name: &At<'_>, entry: &Arc<MethodConfig>) -> Result<(), ConfigError> {
    let service = name.read("service", At::text)?.unwrap_or_default();
    let method = name.read("method", At::text)?.unwrap_or_default();
    if service.is_empty() && !method.is_empty() {
        return Err(name.refuse("a service too where there is a method"));
    }
    match config.put(service, method, Arc::clone(entry)) {
        Some(_) => Err(name.refuse("a name that no other entry has")),
        None => Ok(()),
    }
}

fn method(entry: &At<'_>) -> Result<MethodConfig, ConfigError> {
    Ok(MethodConfig {
        timeout: entry.read("timeout", At::duration)?,
        wait_for_ready: entry.read("waitForReady", At::truth)?,
        max_request_message_bytes: entry.read("maxRequestMessageBytes", At::bytes)?,
        max_response_message_bytes: entry.read("maxResponseMessageBytes", At::bytes)?,
        retry: entry.read("retryPolicy", retry)?.map(Arc::new),
    })
}

fn retry(at: &At<'_>) -> Result<RetryPolicy, ConfigError> {
    at.required("retryableStatusCodes")?;
    let policy = RetryPolicy {
        max_attempts: at.required("maxAttempts")?.integer()?,
        initial_backoff: at.required("initialBackoff")?.duration()?,
        max_backoff: at.required("maxBackoff")?.duration()?,
        backoff_multiplier: at.required("backoffMultiplier")?.number()?,
        retryable_codes: at.elements("retryableStatusCodes")?.iter().map(code).collect::<Result<_, _>>()?,
    };
    policy.check().map_err(|error| renamed(error, at))?;
    Ok(policy)
}

fn throttling(at: &At<'_>) -> Result<RetryThrottling, ConfigError> {
    let throttling = RetryThrottling {
        max_tokens: at.required("maxTokens")?.integer()?,
        token_ratio: at.required("tokenRatio")?.number()?,
    };
    throttling.check().map_err(|error| renamed(error, at))?;
    Ok(throttling)
}

/// The error of a setting that has another name in JSON.
fn renamed(error: ConfigError, at: &At<'_>) -> ConfigError {
    let name = match error.setting() {
        "retry.max_attempts" => "maxAttempts",
        "retry.initial_backoff" => "initialBackoff",
        "retry.max_backoff" => "maxBackoff",
        "retry.backoff_multiplier" => "backoffMultiplier",
        "retry.retryable_codes" => "retryableStatusCodes",
        "retry_throttling.max_tokens" => "maxTokens",
        "retry_throttling.token_ratio" => "tokenRatio",
        other => other,
    };
    let path = format!("{}.{name}", at.path());
    error.renamed(path)
}

/// "Each status code MUST be a valid gRPC status code and specified in the integer form or the case-insensitive string
/// form" (gRFC A6, Validation of retryPolicy). OK is none that a call can fail with.
fn code(at: &At<'_>) -> Result<Code, ConfigError> {
    let mut codes = (1..=16).map(Code::from_u32);
    let found = match at.text() {
        Ok(text) => codes.find(|code| code.name().is_some_and(|name| name.eq_ignore_ascii_case(text))),
        Err(_) => at.integer().ok().and_then(|number| codes.find(|code| code.value() == number)),
    };
    found.ok_or_else(|| at.refuse("a status code other than OK, such as \"UNAVAILABLE\" or 14"))
}

/// "Multiple LB policies can be specified; clients will iterate through the list in order and stop at the first policy
/// that they support" (service_config.proto). What a policy has for settings is ignored.
fn balance(root: &At<'_>) -> Result<Option<Balance>, ConfigError> {
    let policies = root.elements("loadBalancingConfig")?;
    for policy in &policies {
        let (name, settings) = policy.only()?;
        settings.field("")?; // an object
        match name {
            "pick_first" => return Ok(Some(Balance::PickFirst)),
            "round_robin" => return Ok(Some(Balance::RoundRobin)),
            _ => {}
        }
    }
    if let Some(field) = root.field("loadBalancingConfig")?.filter(|_| !policies.is_empty()) {
        return Err(field.refuse("pick_first or round_robin among the policies"));
    }
    root.read("loadBalancingPolicy", |field| match field.text()?.to_ascii_lowercase().as_str() {
        "pick_first" => Ok(Some(Balance::PickFirst)),
        "round_robin" => Ok(Some(Balance::RoundRobin)),
        "" => Ok(None),
        _ => Err(field.refuse("pick_first or round_robin")),
    })
    .map(Option::flatten)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wire::path::Path;

    const POLICY: &str = r#"{ "maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"] }"#;

    fn find<'a>(config: &'a ServiceConfig, service: &str, method: &str) -> Option<&'a MethodConfig> {
        config.for_method(&Path::new(service, method).unwrap()).map(|config| &**config)
    }

    /// The setting that is refused, and the whole text.
    fn refused(json: &str) -> (String, String) {
        let error = ServiceConfig::from_json(json).expect_err(json);
        (error.setting().to_owned(), error.to_string())
    }

    #[test]
    fn all_fields_are_read() {
        let json = format!(
            r#"{{
                "methodConfig": [
                    {{
                        "name": [{{ "service": "a.B", "method": "C" }}, {{ "service": "a.D" }}],
                        "waitForReady": true, "timeout": "1.5s",
                        "maxRequestMessageBytes": 4096, "maxResponseMessageBytes": "0",
                        "retryPolicy": {POLICY},
                        "hedgingPolicy": {{ "maxAttempts": "any" }}, "somethingNew": [1]
                    }},
                    {{ "name": [{{}}], "timeout": "9s" }},
                    {{ "name": [], "timeout": "8s" }},
                    {{ "timeout": "7s" }}
                ],
                "retryThrottling": {{ "maxTokens": 10, "tokenRatio": 0.1 }},
                "loadBalancingConfig": [{{ "xds": {{ "a": 1 }} }}, {{ "round_robin": {{}} }}, {{ "pick_first": {{}} }}],
                "healthCheckConfig": {{ "serviceName": "x" }}
            }}"#
        );
        let config = ServiceConfig::from_json(&json).unwrap();
        let expected = MethodConfig::new()
            .wait_for_ready(true)
            .timeout(Duration::from_millis(1500))
            .max_request_message_bytes(4096)
            .max_response_message_bytes(0)
            .retry(RetryPolicy::default().max_attempts(4).backoff_multiplier(2.0));
        assert_eq!(find(&config, "a.B", "C"), Some(&expected));
        assert_eq!(find(&config, "a.D", "Any"), Some(&expected));
        assert_eq!(find(&config, "a.B", "Other"), Some(&MethodConfig::new().timeout(Duration::from_secs(9))));
        assert_eq!(config.retry_throttling, Some(RetryThrottling::default()));
        assert_eq!(config.load_balancing, Some(Balance::RoundRobin));
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn empty_null_and_missing_are_the_same() {
        for json in ["{}", r#"{ "methodConfig": null, "retryThrottling": null, "loadBalancingConfig": [] }"#] {
            let config = ServiceConfig::from_json(json).unwrap();
            assert_eq!((find(&config, "a", "B"), config.load_balancing), (None, None), "{json}");
        }
        for name in
            [r#"{ "service": "s" }"#, r#"{ "service": "s", "method": null }"#, r#"{ "service": "s", "method": "" }"#]
        {
            let json =
                format!(r#"{{ "methodConfig": [{{ "name": [{name}], "timeout": "1s", "waitForReady": null }}] }}"#);
            let config = ServiceConfig::from_json(&json).unwrap();
            assert_eq!(find(&config, "s", "M"), Some(&MethodConfig::new().timeout(Duration::from_secs(1))), "{name}");
        }
    }

    #[test]
    fn status_codes_are_names_in_any_case_or_numbers() {
        let json = format!(
            r#"{{ "methodConfig": [{{ "name": [{{}}], "retryPolicy": {} }}] }}"#,
            POLICY.replace(r#""UNAVAILABLE""#, r#"14, "aborted", "Cancelled", "DATA_LOSS", 16"#)
        );
        let config = ServiceConfig::from_json(&json).unwrap();
        let codes = &find(&config, "a", "B").unwrap().retry.as_ref().unwrap().retryable_codes;
        assert_eq!(
            codes[..],
            [Code::UNAVAILABLE, Code::ABORTED, Code::CANCELLED, Code::DATA_LOSS, Code::UNAUTHENTICATED]
        );
    }

    #[test]
    fn the_older_load_balancing_policy_counts_when_the_newer_is_not_there() {
        let read = |json| ServiceConfig::from_json(json).unwrap().load_balancing;
        assert_eq!(read(r#"{ "loadBalancingPolicy": "ROUND_ROBIN" }"#), Some(Balance::RoundRobin));
        assert_eq!(read(r#"{ "loadBalancingPolicy": "pick_first" }"#), Some(Balance::PickFirst));
        assert_eq!(read(r#"{ "loadBalancingPolicy": "" }"#), None);
        let both = r#"{ "loadBalancingPolicy": "round_robin", "loadBalancingConfig": [{ "pick_first": {} }] }"#;
        assert_eq!(read(both), Some(Balance::PickFirst));
    }

    #[test]
    fn what_is_not_json_is_told_with_its_place() {
        for (json, text) in [
            ("", "the service config is not JSON (EOF while parsing a value at line 1 column 0), expected an object"),
            (
                "{",
                "the service config is not JSON (EOF while parsing an object at line 1 column 1), expected an object",
            ),
            ("[]", "the service config is [], expected an object"),
            ("7", "the service config is 7, expected an object"),
        ] {
            assert_eq!(refused(json), (String::new(), text.to_owned()));
        }
        assert!(refused(&"[".repeat(100_000)).1.contains("recursion limit"));
    }

    #[test]
    fn a_field_that_cannot_be_is_refused_by_its_path() {
        for (field, json, text) in [
            ("methodConfig", r#"{ "methodConfig": {} }"#, "{}, expected an array"),
            ("methodConfig[0]", r#"{ "methodConfig": [1] }"#, "1, expected an object"),
            (
                "methodConfig[1].timeout",
                r#"{ "methodConfig": [{}, { "timeout": 5 }] }"#,
                "5, expected seconds in a string, such as \"1.5s\"",
            ),
            (
                "methodConfig[0].waitForReady",
                r#"{ "methodConfig": [{ "waitForReady": "yes" }] }"#,
                "\"yes\", expected true or false",
            ),
            (
                "methodConfig[0].maxRequestMessageBytes",
                r#"{ "methodConfig": [{ "maxRequestMessageBytes": -1 }] }"#,
                "-1, expected a whole number from 0 to 4294967295",
            ),
            (
                "methodConfig[0].maxResponseMessageBytes",
                r#"{ "methodConfig": [{ "maxResponseMessageBytes": "4M" }] }"#,
                "\"4M\", expected a whole number from 0 to 4294967295",
            ),
            ("methodConfig[0].name[0]", r#"{ "methodConfig": [{ "name": ["a"] }] }"#, "\"a\", expected an object"),
            (
                "methodConfig[0].name[0].service",
                r#"{ "methodConfig": [{ "name": [{ "service": 1 }] }] }"#,
                "1, expected a string",
            ),
            (
                "methodConfig[0].name[0]",
                r#"{ "methodConfig": [{ "name": [{ "method": "C" }] }] }"#,
                "{\"method\":\"C\"}, expected a service too where there is a method",
            ),
            (
                "methodConfig[1].name[0]",
                r#"{ "methodConfig": [{ "name": [{ "service": "a" }] }, { "name": [{ "service": "a" }] }] }"#,
                "{\"service\":\"a\"}, expected a name that no other entry has",
            ),
            (
                "methodConfig[0].name[1]",
                r#"{ "methodConfig": [{ "name": [{}, { "service": "" }] }] }"#,
                "{\"service\":\"\"}, expected a name that no other entry has",
            ),
            ("methodConfig[0].retryPolicy", r#"{ "methodConfig": [{ "retryPolicy": [] }] }"#, "[], expected an object"),
            ("retryThrottling.maxTokens", r#"{ "retryThrottling": {} }"#, "missing, expected a value"),
            (
                "retryThrottling.maxTokens",
                r#"{ "retryThrottling": { "maxTokens": 1001, "tokenRatio": 1 } }"#,
                "1001, expected 1 to 1000",
            ),
            (
                "retryThrottling.tokenRatio",
                r#"{ "retryThrottling": { "maxTokens": 10, "tokenRatio": 0 } }"#,
                "0, expected a number of at least 0.001",
            ),
            (
                "loadBalancingConfig",
                r#"{ "loadBalancingConfig": "round_robin" }"#,
                "\"round_robin\", expected an array",
            ),
            (
                "loadBalancingConfig[0]",
                r#"{ "loadBalancingConfig": [{ "a": {}, "round_robin": {} }] }"#,
                "{\"a\":{},\"round_robin\":{}}, expected an object with one field",
            ),
            (
                "loadBalancingConfig[0].round_robin",
                r#"{ "loadBalancingConfig": [{ "round_robin": 1 }] }"#,
                "1, expected an object",
            ),
            (
                "loadBalancingConfig",
                r#"{ "loadBalancingConfig": [{ "grpclb": {} }] }"#,
                "[{\"grpclb\":{}}], expected pick_first or round_robin among the policies",
            ),
            (
                "loadBalancingPolicy",
                r#"{ "loadBalancingPolicy": "grpclb" }"#,
                "\"grpclb\", expected pick_first or round_robin",
            ),
        ] {
            assert_eq!(refused(json), (field.to_owned(), format!("the setting {field} is {text}")), "{json}");
        }
    }

    #[test]
    fn a_retry_policy_that_a6_does_not_allow_is_refused_by_its_path() {
        let code = "a status code other than OK, such as \"UNAVAILABLE\" or 14";
        for (field, from, to, text) in [
            ("maxAttempts", "\"maxAttempts\": 4,", "", "missing, expected a value"),
            ("maxAttempts", ": 4", ": 1", "1, expected at least 2"),
            ("maxAttempts", ": 4", ": \"4\"", "\"4\", expected a whole number from 0 to 4294967295"),
            ("initialBackoff", "\"0.1s\"", "\"0s\"", "0ns, expected a time longer than zero"),
            ("initialBackoff", "\"0.1s\"", "\".1s\"", "\".1s\", expected seconds in a string, such as \"1.5s\""),
            ("maxBackoff", "\"1s\"", "null", "missing, expected a value"),
            ("maxBackoff", "\"1s\"", "\"-1s\"", "\"-1s\", expected seconds in a string, such as \"1.5s\""),
            ("backoffMultiplier", ": 2", ": 0", "0, expected a number greater than 0"),
            ("backoffMultiplier", ": 2", ": \"2\"", "\"2\", expected a number"),
            ("retryableStatusCodes", "[\"UNAVAILABLE\"]", "[]", "empty, expected at least one status code"),
            ("retryableStatusCodes", "[\"UNAVAILABLE\"]", "14", "14, expected an array"),
            ("retryableStatusCodes", "[\"UNAVAILABLE\"]", "null", "missing, expected a value"),
            ("retryableStatusCodes[0]", "\"UNAVAILABLE\"", "\"OK\"", &format!("\"OK\", expected {code}")),
            ("retryableStatusCodes[1]", "\"UNAVAILABLE\"", "14, 0", &format!("0, expected {code}")),
            ("retryableStatusCodes[0]", "\"UNAVAILABLE\"", "17", &format!("17, expected {code}")),
            ("retryableStatusCodes[0]", "\"UNAVAILABLE\"", "\"14\"", &format!("\"14\", expected {code}")),
            ("retryableStatusCodes[0]", "\"UNAVAILABLE\"", "true", &format!("true, expected {code}")),
        ] {
            let policy = POLICY.replacen(from, to, 1);
            let setting = format!("methodConfig[0].retryPolicy.{field}");
            let text = format!("the setting {setting} is {text}");
            assert_eq!(refused(&format!(r#"{{ "methodConfig": [{{ "retryPolicy": {policy} }}] }}"#)), (setting, text));
        }
    }
}
