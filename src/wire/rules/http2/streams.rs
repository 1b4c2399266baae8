//! RFC 9113, section 5: streams, their numbers, their states and their errors.

use super::super::rule::{BY_H2, Rule, Source, rules};

rules! { Http2;

    STREAM_STATES "h2.stream-states" "5.1"
        "A stream is idle, open, half closed on either side, or closed. HEADERS open it, END_STREAM closes the half \
        of its sender, and RST_STREAM closes all."
        kept [BY_H2]
        tests [
            "tests/spec_http2/streams.rs::an_idle_stream_begins_with_headers",
            "tests/spec_http2/streams.rs::nothing_follows_the_end_of_a_request",
            "tests/spec_http2/streams.rs::a_reset_ends_its_stream_and_no_other",
        ]
        golden ["half-close-by-empty-data"];

    IDLE_BEGINS_WITH_HEADERS "h2.idle-begins-with-headers" "5.1"
        "A stream begins with HEADERS. Any other frame on an idle stream, PRIORITY aside, is PROTOCOL_ERROR."
        kept [BY_H2]
        tests ["tests/spec_http2/streams.rs::an_idle_stream_begins_with_headers"]
        golden ["get-feature"];

    HALF_CLOSED "h2.half-closed" "5.1"
        "Who has sent END_STREAM sends neither DATA nor HEADERS on the stream any more: STREAM_CLOSED."
        kept ["src/call/sending.rs::advance", BY_H2]
        tests ["tests/spec_http2/streams.rs::nothing_follows_the_end_of_a_request"]
        golden ["half-close-on-headers"];

    LATE_FRAMES "h2.late-frames" "5.1"
        "WINDOW_UPDATE and RST_STREAM may come for a short time after a stream has ended. They are ignored."
        kept [BY_H2]
        tests ["tests/spec_http2/streams.rs::window_update_and_rst_stream_may_come_after_the_end_of_a_stream"]
        nowhere "no recorded frame comes so late";

    FRAMES_AFTER_RESET "h2.frames-after-reset" "5.1"
        "Frames that were on their way when a stream was reset are ignored. DATA among them still counts for the \
        connection's window."
        kept ["src/server/connection.rs::handshake", BY_H2]
        tests ["tests/bounds.rs::late_frames_of_calls_that_the_server_has_ended_are_no_errors"]
        golden ["deadline"];

    STREAM_IDS "h2.stream-ids" "5.1.1"
        "Streams of a client have odd numbers, those of a server even ones. 0 is the connection."
        kept [BY_H2]
        tests [
            "tests/spec_http2/streams.rs::streams_of_a_client_have_odd_numbers_that_grow",
            "tests/spec_http2/client.rs::calls_have_the_odd_stream_numbers_one_after_the_other",
        ]
        golden ["get-feature", "rst-stream"];

    STREAM_IDS_GROW "h2.stream-ids-grow" "5.1.1"
        "A new stream has a larger number than all before it on its side, 2,147,483,647 at most. One that is smaller \
        is PROTOCOL_ERROR."
        kept [BY_H2]
        tests ["tests/spec_http2/streams.rs::streams_of_a_client_have_odd_numbers_that_grow"]
        golden ["get-feature", "rst-stream"];

    CONCURRENT_STREAMS "h2.concurrent-streams" "5.1.2"
        "Who has as many streams open as the peer allows opens no more. One too many is refused with REFUSED_STREAM."
        kept ["src/client/pool.rs::limit", BY_H2]
        tests [
            "tests/bounds.rs::a_stream_beyond_max_concurrent_streams_is_refused_and_the_others_and_the_connection_live",
            "tests/lossless.rs::calls_beyond_the_servers_limit_of_streams_pass_in_the_order_in_which_they_were_made",
        ]
        golden ["max-concurrent-streams", "refused-stream"];

    CONNECTION_ERROR "h2.connection-error" "5.4.1"
        "An error of the connection ends it: GOAWAY with the last stream and a code, and then the end of the byte \
        stream."
        kept [BY_H2]
        tests ["tests/spec_http2/streams.rs::goaway_has_the_last_stream_that_was_processed"]
        golden ["protocol-errors"];

    STREAM_ERROR "h2.stream-error" "5.4.2"
        "An error of a stream ends that alone: RST_STREAM with a code."
        kept [BY_H2]
        tests ["tests/bounds.rs::bytes_beyond_the_window_of_a_call_reset_that_call_alone"]
        golden ["protocol-errors", "refused-stream"];
}
