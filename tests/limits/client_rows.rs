//! The rows of `ClientLimits` and of the constants, which hold for both sides.

use super::table::Row;

const ACCOUNT: &str = "tests/account.rs";
const LOSSLESS: &str = "tests/lossless.rs";
const MEMORY: &str = "tests/memory.rs";
const SPEC_SERVER: &str = "tests/spec_server.rs";
const TIME: &str = "tests/time.rs";

pub const ROWS: &[Row] = &[
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
        limit: "SEND_BUFFER",
        flag: None,
        sees: "Nothing: the handler waits until the peer reads.",
        tests: &[(ACCOUNT, "what_http2_holds_of_a_call_whose_answers_are_not_read_is_bounded")],
    },
    Row {
        set: "constants",
        limit: "SCARCE_BATCH",
        flag: None,
        sees: "Nothing: messages of a stream come in smaller DATA frames.",
        tests: &[(MEMORY, "answers_of_route_chat_that_nobody_reads")],
    },
    Row {
        set: "constants",
        limit: "SCARCE_QUEUED",
        flag: None,
        sees: "Nothing: the handlers wait until the peer reads.",
        tests: &[(MEMORY, "answers_of_route_chat_that_nobody_reads")],
    },
    Row {
        set: "constants",
        limit: "SCARCE_WINDOW",
        flag: None,
        sees: "WINDOW_UPDATE comes later.",
        tests: &[(ACCOUNT, "the_window_shrinks_before_any_call_is_refused")],
    },
    Row {
        set: "constants",
        limit: "PUSH_BACK",
        flag: None,
        sees: "`grpc-retry-pushback-ms` with RESOURCE_EXHAUSTED.",
        tests: &[(
            ACCOUNT,
            "new_calls_of_a_connection_that_has_three_quarters_of_its_memory_are_refused_with_push_back",
        )],
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
        limit: "STOPPED_HANDSHAKE",
        flag: None,
        sees: "The connection is closed.",
        tests: &[
            (TIME, "a_handshake_goes_on_when_the_server_stops_and_its_call_is_answered"),
            (TIME, "a_silent_connection_holds_up_a_server_that_stops_for_a_second"),
        ],
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
