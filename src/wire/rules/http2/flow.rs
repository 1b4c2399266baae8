//! RFC 9113, sections 5.2 and 6.9: flow control.

use super::super::rule::{BY_H2, Rule, Source, rules};

rules! { Http2;

    WINDOW_UPDATE "h2.window-update" "6.9"
        "WINDOW_UPDATE (type 8) adds its 31-bit number to the window of its stream, or on stream 0 to that of the \
        connection. Any other length than four bytes is FRAME_SIZE_ERROR."
        kept [BY_H2]
        tests [
            "tests/spec_http2/flow.rs::data_is_sent_as_far_as_the_window_of_its_stream_goes",
            "tests/spec_http2/frames.rs::frames_of_a_wrong_size_are_told_as_frame_size_errors",
        ]
        golden ["flow-control", "get-feature"];

    WINDOW_UPDATE_ZERO "h2.window-update-zero" "6.9"
        "A WINDOW_UPDATE of 0 is PROTOCOL_ERROR: of its stream, or on stream 0 of the connection."
        kept [BY_H2]
        tests ["tests/spec_http2/flow.rs::a_window_update_of_nothing_is_an_error_of_what_it_is_for"]
        nowhere "no recorded peer sends one";

    WINDOW_OVERFLOW "h2.window-overflow" "6.9.1"
        "A window above 2,147,483,647 bytes is FLOW_CONTROL_ERROR: of its stream, or of the connection."
        kept [BY_H2]
        tests ["tests/spec_http2/flow.rs::a_window_beyond_its_largest_size_is_a_flow_control_error"]
        nowhere "no recorded window comes near it";

    WINDOW_OF_STREAM "h2.window-of-stream" "6.9.1"
        "No more bytes of DATA are sent on a stream than its window has."
        kept ["src/call/sending.rs::advance", BY_H2]
        tests [
            "tests/spec_http2/flow.rs::data_is_sent_as_far_as_the_window_of_its_stream_goes",
            "tests/bounds.rs::bytes_beyond_the_window_of_a_call_reset_that_call_alone",
        ]
        golden ["flow-control"];

    WINDOW_OF_CONNECTION "h2.window-of-connection" "6.9.1"
        "No more bytes of DATA are sent on all streams together than the connection's window has."
        kept [BY_H2]
        tests [
            "tests/spec_http2/flow.rs::data_is_sent_as_far_as_the_window_of_the_connection_goes",
            "tests/bounds.rs::bytes_beyond_the_window_of_a_connection_end_it",
        ]
        nowhere "no recorded call fills the window of its connection";

    WINDOW_COUNTS_PADDING "h2.window-counts-padding" "6.9.1"
        "All of a DATA frame's payload counts, its padding too."
        kept [BY_H2]
        tests ["tests/spec_http2/flow.rs::padding_counts_for_the_window"]
        nowhere "no recorded padding fills a window";

    ONLY_DATA_FLOWS "h2.only-data-flows" "5.2.1"
        "Of all frames DATA alone needs room in a window."
        kept [BY_H2]
        tests ["tests/spec_http2/flow.rs::headers_need_no_window"]
        golden ["flow-control"];

    WINDOW_BEGINS "h2.window-begins" "6.9.2"
        "The windows of a connection and its streams begin with 65,535 bytes. Only WINDOW_UPDATE changes that of the \
        connection."
        kept [BY_H2]
        tests ["tests/spec_http2/flow.rs::data_is_sent_as_far_as_the_window_of_the_connection_goes"]
        golden ["get-feature"];

    WINDOW_FOLLOWS_SETTINGS "h2.window-follows-settings" "6.9.2"
        "A new SETTINGS_INITIAL_WINDOW_SIZE changes the windows of all open streams by the difference. A window may \
        be below zero then."
        kept [BY_H2]
        tests ["tests/spec_http2/flow.rs::a_new_initial_window_changes_the_windows_of_open_streams"]
        nowhere "no recorded peer changes it while a stream is open";
}
