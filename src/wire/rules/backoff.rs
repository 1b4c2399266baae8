//! Rules of the "gRPC Connection Backoff Protocol".

use super::rule::{Rule, Source, rules};

rules! { ConnectionBackoff;

    GROWS "backoff.grows" "Backoff"
        "The pause after a failed attempt to connect grows by a factor of 1.6 with each attempt."
        kept ["src/policy/growth.rs::pause"]
        tests ["src/client/backoff.rs::pauses_grow_from_a_second_to_two_minutes"];
}
