//! Rules of the "Keepalive User Guide".

use super::rule::{Rule, Source, rules};

rules! { Keepalive;

    WITHOUT_CALLS "keepalive.without-calls" "Keepalive configuration options"
        "A client sends no PING while it has no call, unless it is told to."
        kept ["src/connection/keepalive.rs::has_reason"]
        tests ["src/connection/keepalive.rs::a_client_does_not_ping_without_calls_unless_it_is_told_to"];
}
