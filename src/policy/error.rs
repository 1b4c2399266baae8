//! What is wrong with a setting.

use std::{error::Error, fmt, sync::Arc};

use crate::status::Status;

/// A setting with a value that cannot be: which one, what it is, and what is expected.
///
/// A setting has the name that it has where it was made: `retry.max_attempts` in code,
/// `methodConfig[0].retryPolicy.maxAttempts` in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    setting: String,
    found: String,
    expected: String,
}

impl ConfigError {
    pub(super) fn new(setting: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Self {
        ConfigError { setting: setting.into(), found: found.into(), expected: expected.into() }
    }

    /// The setting's name; empty when it is the service config as a whole.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// The same error, which says whose setting it is.
    pub(super) fn of(self, owner: &str) -> Self {
        ConfigError { setting: format!("{} of {owner}", self.setting), ..self }
    }

    /// The same error of the same setting, which has another name there.
    #[cfg_attr(not(feature = "service-config"), allow(dead_code))]
    pub(super) fn renamed(self, setting: String) -> Self {
        ConfigError { setting, ..self }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.setting.as_str() {
            "" => f.write_str("the service config")?,
            setting => write!(f, "the setting {setting}")?,
        }
        write!(f, " is {}, expected {}", self.found, self.expected)
    }
}

impl Error for ConfigError {}

/// A value that the caller should have given otherwise: INVALID_ARGUMENT.
impl From<ConfigError> for Status {
    fn from(error: ConfigError) -> Status {
        Status::invalid_argument(error.to_string()).with_source(Arc::new(error))
    }
}
