//! What `src/limits.rs` does not say of each limit: its flag, what the peer sees when it is reached, and the tests.

use super::source::Limit;
use super::{client_rows, server_rows};

pub struct Row {
    /// The struct that the limit is a field of, or `constants`.
    pub set: &'static str,
    pub limit: &'static str,
    /// The program and its flag.
    pub flag: Option<(&'static str, &'static str)>,
    pub sees: &'static str,
    /// Files with the names of tests in them.
    pub tests: &'static [(&'static str, &'static str)],
}

impl Row {
    pub fn is_of(&self, limit: &Limit) -> bool {
        (self.set, self.limit) == (&limit.set, &limit.name)
    }
}

/// The sets of limits, in the order of the document.
pub const SETS: &[(&str, &str)] = &[
    ("Limits", "What a server allows its clients"),
    ("MethodLimits", "What a server allows the callers of one method"),
    ("ClientLimits", "What a client allows its server"),
    ("constants", "What cannot be set"),
];

/// Limits that are counts. Other numbers are of bytes.
pub const COUNTS: &[&str] =
    &["max_concurrent_streams", "max_connections", "max_connections_per_address", "FREE_ATTEMPTS_AFTER_GOAWAY"];

pub fn rows() -> impl Iterator<Item = &'static Row> {
    server_rows::ROWS.iter().chain(client_rows::ROWS)
}
