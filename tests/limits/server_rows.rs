//! The rows of `Limits` and `MethodLimits`.

use super::table::Row;

const ACCOUNT: &str = "tests/account.rs";
const BOUNDS: &str = "tests/bounds.rs";
const PROGRAM: &str = "tests/server_program.rs";
const SPEC_SERVER: &str = "tests/spec_server.rs";
const TIME: &str = "tests/time.rs";

pub const ROWS: &[Row] = &[
    Row {
        set: "Limits",
        limit: "max_message",
        flag: Some(("server", "--max-message")),
        sees: "The call ends with RESOURCE_EXHAUSTED, which names the limit, as soon as the prefix is there. The connection \
            lives on.",
        tests: &[
            (SPEC_SERVER, "message_over_the_limit_is_resource_exhausted_before_it_has_come"),
            (PROGRAM, "max_message_is_applied"),
        ],
    },
    Row {
        set: "Limits",
        limit: "max_concurrent_streams",
        flag: Some(("server", "--max-streams")),
        sees: "SETTINGS_MAX_CONCURRENT_STREAMS; a stream beyond it ends with RST_STREAM REFUSED_STREAM.",
        tests: &[
            (BOUNDS, "a_stream_beyond_max_concurrent_streams_is_refused_and_the_others_and_the_connection_live"),
            (PROGRAM, "max_streams_is_applied"),
        ],
    },
    Row {
        set: "Limits",
        limit: "max_header_list",
        flag: None,
        sees: "The call ends with HTTP status 431, and the connection lives on. Beyond four times the limit the \
            connection ends with GOAWAY ENHANCE_YOUR_CALM.",
        tests: &[
            (SPEC_SERVER, "header_list_over_its_limit_is_http_431"),
            (BOUNDS, "a_header_list_that_is_far_beyond_its_limit_ends_the_connection"),
        ],
    },
    Row {
        set: "Limits",
        limit: "stream_window",
        flag: None,
        sees: "It waits for WINDOW_UPDATE. A peer that sends on gets RST_STREAM FLOW_CONTROL_ERROR.",
        tests: &[(BOUNDS, "bytes_beyond_the_window_of_a_call_reset_that_call_alone")],
    },
    Row {
        set: "Limits",
        limit: "connection_window",
        flag: None,
        sees: "It waits for WINDOW_UPDATE. A peer that sends on gets GOAWAY FLOW_CONTROL_ERROR.",
        tests: &[(BOUNDS, "bytes_beyond_the_window_of_a_connection_end_it")],
    },
    Row {
        set: "Limits",
        limit: "small_frame_budget",
        flag: None,
        sees: "GOAWAY ENHANCE_YOUR_CALM; the connection ends.",
        tests: &[
            (BOUNDS, "small_frames_that_nobody_reads_end_their_connection_when_their_budget_is_spent"),
            (SPEC_SERVER, "a_hundred_thousand_points_in_a_data_frame_each_are_counted"),
        ],
    },
    Row {
        set: "Limits",
        limit: "handshake_timeout",
        flag: None,
        sees: "The connection is closed.",
        tests: &[
            (TIME, "the_handshake_is_not_over_until_settings_have_come"),
            (SPEC_SERVER, "silent_connection_is_closed_after_the_handshake_timeout"),
        ],
    },
    Row {
        set: "Limits",
        limit: "header_timeout",
        flag: None,
        sees: "The connection is closed.",
        tests: &[
            (TIME, "a_header_block_that_never_ends_ends_its_connection_though_bytes_arrive_all_the_time"),
            (SPEC_SERVER, "header_block_that_never_ends_is_closed"),
        ],
    },
    Row {
        set: "Limits",
        limit: "message_timeout",
        flag: None,
        sees: "The call ends with DEADLINE_EXCEEDED. The connection lives on.",
        tests: &[
            (TIME, "a_message_that_is_dripped_ends_its_call_and_no_other"),
            (TIME, "a_stream_that_is_silent_between_messages_lasts"),
        ],
    },
    Row {
        set: "Limits",
        limit: "call_idle_timeout",
        flag: Some(("server", "--call-idle-timeout")),
        sees: "The call ends with DEADLINE_EXCEEDED, or with RST_STREAM CANCEL where the status cannot leave. The \
            connection lives on.",
        tests: &[
            (TIME, "a_silent_call_ends_after_the_call_idle_timeout_and_one_that_moves_does_not"),
            (TIME, "an_answer_that_nobody_reads_ends_after_the_call_idle_timeout"),
            (PROGRAM, "call_idle_timeout_is_applied"),
        ],
    },
    Row {
        set: "Limits",
        limit: "keepalive_interval",
        flag: None,
        sees: "PING.",
        tests: &[
            (TIME, "there_is_no_ping_while_anything_arrives"),
            (SPEC_SERVER, "peer_that_does_not_answer_a_ping_is_closed"),
        ],
    },
    Row {
        set: "Limits",
        limit: "keepalive_timeout",
        flag: None,
        sees: "The connection is closed.",
        tests: &[
            (TIME, "a_peer_that_stops_reading_is_closed_though_its_call_sends"),
            (TIME, "an_idle_peer_that_does_not_answer_goaway_is_closed_after_the_keepalive_timeout"),
        ],
    },
    Row {
        set: "Limits",
        limit: "idle_timeout",
        flag: Some(("server", "--idle-timeout")),
        sees: "GOAWAY NO_ERROR; then the connection is closed.",
        tests: &[(TIME, "idle_ends_when_it_says_with_goaway_no_error"), (PROGRAM, "idle_timeout_is_applied")],
    },
    Row {
        set: "Limits",
        limit: "max_connection_age",
        flag: Some(("server", "--max-connection-age")),
        sees: "GOAWAY NO_ERROR; calls in flight go on.",
        tests: &[
            (TIME, "a_connection_leaves_at_its_age_a_tenth_more_or_less_and_its_calls_have_their_grace"),
            (PROGRAM, "max_connection_age_is_applied"),
        ],
    },
    Row {
        set: "Limits",
        limit: "max_connection_age_grace",
        flag: Some(("server", "--max-connection-age-grace")),
        sees: "The connection is closed, and its calls are lost.",
        tests: &[
            (TIME, "a_connection_leaves_at_its_age_a_tenth_more_or_less_and_its_calls_have_their_grace"),
            (TIME, "a_stop_shortens_the_grace_of_an_old_connection"),
            (PROGRAM, "max_connection_age_grace_is_applied"),
        ],
    },
    Row {
        set: "Limits",
        limit: "drain_timeout",
        flag: Some(("server", "--drain-timeout")),
        sees: "GOAWAY NO_ERROR when the server stops. When the time is up the connection is closed, and its calls are lost.",
        tests: &[
            (PROGRAM, "drain_timeout_is_applied"),
            (TIME, "an_open_call_is_not_idle_however_silent"),
            (
                "tests/sturdy.rs",
                "sigterm_with_a_stream_that_never_ends_cuts_it_off_after_the_drain_timeout_and_exits_with_0",
            ),
        ],
    },
    Row {
        set: "Limits",
        limit: "memory",
        flag: Some(("server", "--max-memory")),
        sees: "Who holds more than a share: a smaller window, then RESOURCE_EXHAUSTED with `grpc-retry-pushback-ms` for new \
            calls. Who holds most and moves least: GOAWAY ENHANCE_YOUR_CALM.",
        tests: &[
            (ACCOUNT, "who_holds_for_long_and_takes_nothing_leaves_with_enhance_your_calm_though_it_answers_pings"),
            (PROGRAM, "max_memory_is_applied"),
            ("tests/memory.rs", "answers_of_route_chat_that_nobody_reads"),
            ("tests/memory.rs", "features_in_short_runs_that_nobody_reads"),
            ("tests/memory.rs", "long_messages_that_never_end"),
            ("tests/memory.rs", "calls_with_a_byte_of_data_each_among_much_else"),
        ],
    },
    Row {
        set: "Limits",
        limit: "connection_memory",
        flag: None,
        sees: "A smaller window from half of it on; from three quarters on RESOURCE_EXHAUSTED with \
            `grpc-retry-pushback-ms` for new calls; beyond it RESOURCE_EXHAUSTED for the call that asks for more.",
        tests: &[
            (ACCOUNT, "the_window_shrinks_before_any_call_is_refused"),
            (ACCOUNT, "new_calls_of_a_connection_that_has_three_quarters_of_its_memory_are_refused_with_push_back"),
            (ACCOUNT, "a_charge_beyond_the_memory_of_a_connection_ends_its_call_alone"),
            (ACCOUNT, "a_message_beyond_the_memory_of_a_connection_ends_its_call_alone"),
        ],
    },
    Row {
        set: "Limits",
        limit: "max_connections",
        flag: Some(("server", "--max-connections")),
        sees: "It waits in the listen queue: its connection opens, and nothing is answered until another connection ends.",
        tests: &[
            (BOUNDS, "a_connection_beyond_max_connections_waits_until_another_has_left"),
            (PROGRAM, "max_connections_is_applied"),
        ],
    },
    Row {
        set: "Limits",
        limit: "max_connections_per_address",
        flag: Some(("server", "--max-connections-per-address")),
        sees: "GOAWAY ENHANCE_YOUR_CALM with \"too many connections from this address\"; the connection is closed.",
        tests: &[
            (
                BOUNDS,
                "a_connection_beyond_those_of_its_address_is_turned_away_with_a_reason_and_another_may_come_when_one_has_left",
            ),
            (PROGRAM, "max_connections_per_address_is_applied"),
        ],
    },
    Row {
        set: "MethodLimits",
        limit: "max_message",
        flag: None,
        sees: "The call ends with RESOURCE_EXHAUSTED, which names the method's limit. The connection lives on.",
        tests: &[(
            "tests/hooks.rs",
            "a_method_has_its_own_limit_under_each_name_of_its_service_and_the_others_have_the_servers",
        )],
    },
];
