//! Rules of the "Keepalive User Guide".

use super::rule::{Rule, Source, rules};

rules! { Keepalive;

    TIME "keepalive.time" "GRPC_ARG_KEEPALIVE_TIME_MS"
        "A PING goes out when a connection has been silent for a time that can be set."
        kept ["src/connection/keepalive.rs::watch"]
        tests [
            "src/connection/keepalive.rs::a_client_pings_in_the_interval_after_a_call_has_begun",
            "src/connection/keepalive.rs::there_is_no_ping_while_there_are_signs_of_life",
        ]
        golden ["keepalive", "too-many-pings"];

    TIME_DEFAULT "keepalive.time-default" "Default Values"
        "A client sends no PING unless it is told to."
        kept ["src/connection/keepalive.rs::run", "src/client/connection.rs::connect"]
        tests ["tests/lossless.rs::keepalive_sends_no_ping_without_calls"]
        nowhere "a PING that is not sent has no bytes";

    TIMEOUT "keepalive.timeout" "GRPC_ARG_KEEPALIVE_TIMEOUT_MS"
        "A connection whose peer does not answer a PING within a time that can be set is closed."
        kept ["src/connection/keepalive.rs::is_unanswered"]
        tests [
            "src/connection/keepalive.rs::a_peer_that_does_not_answer_a_ping_is_given_up_after_the_timeout",
            "tests/spec_server.rs::peer_that_does_not_answer_a_ping_is_closed",
        ]
        golden ["keepalive"];

    TIMEOUT_DEFAULT "keepalive.timeout-default" "Default Values"
        "The answer to a PING may take 20 seconds by default."
        kept ["src/client/connection.rs::connect", "src/server/leave.rs::new"]
        tests ["tests/limits/main.rs::the_document_tells_the_limits_as_they_are"]
        nowhere "it is about time: how long an answer may take";

    WITHOUT_CALLS "keepalive.without-calls" "GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS"
        "A client without calls sends no PING unless it is told to. Servers count such PINGs as abuse."
        kept ["src/connection/keepalive.rs::has_reason"]
        tests [
            "src/connection/keepalive.rs::a_client_does_not_ping_without_calls_unless_it_is_told_to",
            "tests/lossless.rs::keepalive_sends_no_ping_without_calls",
        ]
        nowhere "a PING that is not sent has no bytes";

    BEGINS_CONNECTED "keepalive.begins-connected" "FAQ"
        "The time begins when the connection is ready."
        kept ["src/client/connection.rs::connect", "src/server/connection.rs::serve"]
        tests ["src/connection/keepalive.rs::a_client_pings_in_the_interval_after_a_call_has_begun"]
        golden ["keepalive"];

    TOO_MANY_PINGS "keepalive.too-many-pings" "FAQ"
        "A server may end a connection whose client sends PINGs too often: GOAWAY with ENHANCE_YOUR_CALM, and \
        too_many_pings as debug data. The client's calls learn why."
        kept ["src/client/connection.rs::leaving", "src/client/connection.rs::notice"]
        tests ["tests/lossless.rs::call_of_a_connection_that_the_server_kills_is_unavailable_with_the_servers_reason"]
        golden ["too-many-pings"];
}
