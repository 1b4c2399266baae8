//! What `src/limits.rs` does not say of each limit: its flag, what the peer sees when it is reached, and the tests.

use super::source::Limit;

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

const BOUNDS: &str = "tests/bounds.rs";
const LOSSLESS: &str = "tests/lossless.rs";
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
    Row {
        set: "ClientLimits",
        limit: "connect_timeout",
        flag: Some(("client", "--connect-timeout")),
        sees: "The server: its connection is closed. The caller: UNAVAILABLE, which names the time.",
        tests: &[
            (LOSSLESS, "peer_that_accepts_and_stays_silent_is_unavailable_after_the_connect_timeout"),
            ("tests/client_program.rs", "a_silent_server_is_given_up_after_the_connect_timeout"),
        ],
    },
    Row {
        set: "ClientLimits",
        limit: "idle_timeout",
        flag: None,
        sees: "The connection is closed. The caller's next call dials again.",
        tests: &[
            (LOSSLESS, "connection_without_a_call_is_closed_after_the_idle_timeout_and_the_next_call_dials_again"),
            (LOSSLESS, "connection_with_a_call_is_not_idle_however_long_that_takes"),
        ],
    },
    Row {
        set: "ClientLimits",
        limit: "retry_buffer",
        flag: None,
        sees: "The server: no further attempt of this call. The caller: the status of the attempt that failed.",
        tests: &[
            ("tests/retries.rs", "request_that_is_longer_than_the_buffer_is_not_sent_again"),
            ("tests/begin_again.rs", "stream_of_which_one_message_could_not_be_kept_is_not_sent_again_without_it"),
        ],
    },
    Row {
        set: "ClientLimits",
        limit: "max_message",
        flag: None,
        sees: "The server: RST_STREAM CANCEL. The caller: RESOURCE_EXHAUSTED, which names the limit. The connection lives on.",
        tests: &[
            (LOSSLESS, "response_whose_message_is_over_the_limit_ends_its_call_alone_before_it_has_come"),
            ("tests/echo.rs", "a_message_over_the_limit_is_resource_exhausted_on_either_side"),
        ],
    },
    Row {
        set: "ClientLimits",
        limit: "max_header_list",
        flag: None,
        sees: "The server: RST_STREAM PROTOCOL_ERROR. The caller: INTERNAL. The connection lives on.",
        tests: &[
            (LOSSLESS, "response_whose_metadata_is_over_the_limit_ends_its_call_alone"),
            (LOSSLESS, "windows_and_the_longest_header_list_are_told_to_the_server_at_once"),
        ],
    },
    Row {
        set: "ClientLimits",
        limit: "stream_window",
        flag: None,
        sees: "The server waits for WINDOW_UPDATE.",
        tests: &[(LOSSLESS, "windows_and_the_longest_header_list_are_told_to_the_server_at_once")],
    },
    Row {
        set: "ClientLimits",
        limit: "connection_window",
        flag: None,
        sees: "The server waits for WINDOW_UPDATE.",
        tests: &[(LOSSLESS, "windows_and_the_longest_header_list_are_told_to_the_server_at_once")],
    },
    Row {
        set: "ClientLimits",
        limit: "small_frame_budget",
        flag: None,
        sees: "The server: GOAWAY ENHANCE_YOUR_CALM; the connection ends. The callers: UNAVAILABLE, which says so.",
        tests: &[
            (LOSSLESS, "small_frames_that_the_caller_does_not_read_end_their_connection_when_their_budget_is_spent"),
            ("tests/spec_client.rs", "late_reader_of_many_empty_messages_keeps_its_connection"),
        ],
    },
    Row {
        set: "ClientLimits",
        limit: "keepalive_interval",
        flag: Some(("client", "--keepalive")),
        sees: "PING.",
        tests: &[
            ("tests/client_program.rs", "a_silent_connection_is_asked_by_ping_with_keepalive"),
            (LOSSLESS, "keepalive_sends_no_ping_without_calls"),
            (LOSSLESS, "peer_that_stops_is_found_out_by_keepalive_and_dialled_again"),
        ],
    },
    Row {
        set: "ClientLimits",
        limit: "keepalive_timeout",
        flag: None,
        sees: "The server: its connection is closed. The caller: UNAVAILABLE, which names the time; the next call dials again.",
        tests: &[(LOSSLESS, "peer_that_stops_is_found_out_by_keepalive_and_dialled_again")],
    },
    Row {
        set: "ClientLimits",
        limit: "keepalive_without_calls",
        flag: None,
        sees: "No PING while the connection has no call.",
        tests: &[(LOSSLESS, "keepalive_sends_no_ping_without_calls")],
    },
    Row {
        set: "constants",
        limit: "BATCH",
        flag: None,
        sees: "Nothing: the handler or the caller waits for room. Messages of a stream come in DATA frames of up to this size.",
        tests: &[
            ("tests/echo.rs", "a_handler_ahead_of_its_reader_is_held_up_and_nothing_is_lost"),
            ("tests/echo.rs", "a_handler_ahead_of_its_reader_is_held_up_with_messages_encoded_before_too"),
        ],
    },
    Row {
        set: "constants",
        limit: "WRITE_BUFFER",
        flag: None,
        sees: "Nothing: what follows waits until the peer reads.",
        tests: &[("src/connection/transport.rs", "a_peer_that_does_not_read_fills_one_buffer_and_no_more")],
    },
    Row {
        set: "constants",
        limit: "FREE_ATTEMPTS_AFTER_GOAWAY",
        flag: None,
        sees: "The server: no further attempt of this call. The caller: UNAVAILABLE, unless a retry policy has attempts left.",
        tests: &[("src/policy/attempts.rs", "goaway_is_free_sixteen_times_and_unavailable_then")],
    },
    Row {
        set: "constants",
        limit: "MESSAGE_STEP",
        flag: None,
        sees: "As for `message_timeout`.",
        tests: &[(TIME, "a_message_that_is_dripped_ends_its_call_and_no_other")],
    },
    Row {
        set: "constants",
        limit: "TURN",
        flag: None,
        sees: "Nothing: the rest is done after the other connections had their turn.",
        tests: &[(SPEC_SERVER, "connection_that_is_always_busy_lets_the_others_of_its_thread_run")],
    },
    Row {
        set: "constants",
        limit: "SENT_AT_A_STRETCH",
        flag: None,
        sees: "Nothing: the rest is sent after the other calls had their turn.",
        tests: &[(
            "tests/fair.rs",
            "a_call_on_another_connection_is_answered_while_forty_chats_with_open_windows_have_most_of_their_answers_to_send",
        )],
    },
];
