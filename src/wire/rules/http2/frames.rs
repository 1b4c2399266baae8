//! RFC 9113, sections 3, 4, 6 and 7: frames, and what each type of them may say.

use super::super::rule::{BY_H2, Rule, Source, rules};

rules! { Http2;

    CLIENT_PREFACE "h2.client-preface" "3.4"
        "A client begins with the 24 bytes \"PRI * HTTP/2.0\", two line ends, \"SM\", two line ends. Then its \
        SETTINGS follow."
        kept ["src/connection/greeting.rs::check", BY_H2]
        tests [
            "tests/spec_http2/client.rs::a_client_begins_with_the_preface_and_with_settings_that_forbid_push",
            "tests/spec_http2/frames.rs::a_preface_that_is_wrong_ends_the_connection",
            "tests/time.rs::no_call_is_served_without_settings",
        ]
        golden ["get-feature", "http1-server", "tls-client"];

    SERVER_PREFACE "h2.server-preface" "3.4"
        "The first frame of a server is SETTINGS."
        kept ["src/connection/greeting.rs::check", BY_H2]
        tests [
            "tests/spec_http2/frames.rs::a_server_begins_with_settings_and_acknowledges_those_of_the_client",
            "tests/spec_client.rs::a_server_that_speaks_another_protocol_is_unavailable_and_told_by_name",
        ]
        golden ["get-feature"];

    FRAME_HEADER "h2.frame-header" "4.1"
        "A frame begins with nine bytes: the length of its payload in three, its type and its flags in one each, and \
        in four a reserved bit and the number of its stream."
        kept ["src/connection/frames.rs::push", BY_H2]
        tests [
            "src/connection/frames.rs::frames_are_seen_however_they_are_cut",
            "tests/spec_http2/frames.rs::what_is_unknown_or_reserved_in_a_frame_is_ignored",
        ]
        golden ["get-feature"];

    FRAME_LENGTH "h2.frame-length" "4.1"
        "The length is that of the payload alone, without the nine bytes of the header."
        kept ["src/connection/frames.rs::push", BY_H2]
        tests [
            "src/connection/frames.rs::frames_are_seen_however_they_are_cut",
            "tests/spec_http2/frames.rs::frames_of_a_wrong_size_are_told_as_frame_size_errors",
        ]
        golden ["get-feature"];

    UNKNOWN_TYPE "h2.unknown-type" "4.1"
        "A frame of an unknown type is ignored."
        kept [BY_H2]
        tests ["tests/spec_http2/frames.rs::what_is_unknown_or_reserved_in_a_frame_is_ignored"]
        golden ["unknown-frames"];

    UNKNOWN_FLAGS "h2.unknown-flags" "4.1"
        "A flag that has no meaning for the type of its frame is ignored."
        kept [BY_H2]
        tests ["tests/spec_http2/frames.rs::what_is_unknown_or_reserved_in_a_frame_is_ignored"]
        golden ["unknown-frames"];

    RESERVED_BIT "h2.reserved-bit" "4.1"
        "The bit before the number of the stream is 0 when it is sent, and ignored when it is received."
        kept ["src/connection/frames.rs::number", BY_H2]
        tests ["tests/spec_http2/frames.rs::what_is_unknown_or_reserved_in_a_frame_is_ignored"]
        golden ["unknown-frames"];

    FRAME_SIZE "h2.frame-size" "4.2"
        "A payload has at most as many bytes as the receiver allows by SETTINGS_MAX_FRAME_SIZE, and never less than \
        16,384 are allowed. More is FRAME_SIZE_ERROR."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::frames_of_a_wrong_size_are_told_as_frame_size_errors",
            "tests/spec_http2/frames.rs::frames_are_no_longer_than_16_384_bytes_unless_the_client_allows_more",
        ]
        nowhere "no recorded peer sends a frame that is too large";

    HEADER_BLOCK "h2.header-block" "4.3"
        "A header block is one HEADERS frame and the CONTINUATION frames after it. No other frame comes between them."
        kept ["src/connection/frames.rs::begin_frame", BY_H2]
        tests [
            "tests/spec_http2/frames.rs::a_header_block_goes_on_in_continuation_frames_and_nothing_comes_between_them",
        ]
        golden ["continuation"];

    HEADER_BLOCK_DECODED "h2.header-block-decoded" "4.3"
        "Every header block is decoded, since it changes the dynamic table. One that cannot be decoded ends the \
        connection with COMPRESSION_ERROR."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::an_index_is_that_of_an_entry"]
        nowhere "no recorded peer sends a block that cannot be decoded";

    DATA "h2.data" "6.1"
        "DATA (type 0) has bytes of a request's or a response's content. It belongs to a stream: on stream 0 it is \
        PROTOCOL_ERROR."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::frames_on_a_stream_that_their_type_does_not_allow_end_the_connection",
            "tests/spec_server.rs::unary_answer_is_head_message_trailers",
        ]
        golden ["get-feature"];

    END_STREAM "h2.end-stream" "6.1"
        "The flag END_STREAM (0x1) on DATA or HEADERS says that its sender sends no more on the stream."
        kept ["src/connection/frames.rs::end_frame", BY_H2]
        tests [
            "src/connection/frames.rs::a_stream_is_ended_by_headers_or_by_data_or_is_reset",
            "tests/spec_http2/streams.rs::nothing_follows_the_end_of_a_request",
        ]
        golden ["get-feature", "half-close-by-empty-data", "half-close-on-headers"];

    PADDING "h2.padding" "6.1"
        "The flag PADDED (0x8) on DATA, HEADERS or PUSH_PROMISE puts one byte first, with the number of zero bytes \
        that stand after the content."
        kept [BY_H2]
        tests ["tests/spec_http2/frames.rs::padding_is_no_part_of_the_content_and_fits_its_frame"]
        golden ["padding"];

    PADDING_FITS "h2.padding-fits" "6.1"
        "Padding as long as the whole payload, or longer, is PROTOCOL_ERROR."
        kept [BY_H2]
        tests ["tests/spec_http2/frames.rs::padding_is_no_part_of_the_content_and_fits_its_frame"]
        golden ["padding"];

    HEADERS "h2.headers" "6.2"
        "HEADERS (type 1) begins a stream, or ends one with trailers. It has a piece of a header block. On stream 0 \
        it is PROTOCOL_ERROR."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::frames_on_a_stream_that_their_type_does_not_allow_end_the_connection",
            "tests/spec_http2/frames.rs::a_header_block_goes_on_in_continuation_frames_and_nothing_comes_between_them",
        ]
        golden ["get-feature", "trailers-only"];

    END_HEADERS "h2.end-headers" "6.2"
        "The flag END_HEADERS (0x4) says that the header block ends with this frame."
        kept ["src/connection/frames.rs::end_frame", BY_H2]
        tests [
            "src/connection/frames.rs::a_header_block_lasts_from_its_first_frame_to_the_flag_that_ends_it",
            "tests/spec_http2/frames.rs::a_header_block_goes_on_in_continuation_frames_and_nothing_comes_between_them",
        ]
        golden ["get-feature", "continuation"];

    HEADERS_PRIORITY "h2.headers-priority" "6.2"
        "The flag PRIORITY (0x20) on HEADERS puts five bytes before the header block: a bit and the number of a \
        stream in four, and a weight."
        kept [BY_H2]
        tests ["tests/spec_http2/frames.rs::padding_is_no_part_of_the_content_and_fits_its_frame"]
        golden ["padding"];

    PRIORITY "h2.priority" "6.3"
        "PRIORITY (type 2) has five bytes about the importance of a stream. It is deprecated, and it changes nothing."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::what_is_unknown_or_reserved_in_a_frame_is_ignored",
            "tests/spec_http2/frames.rs::frames_on_a_stream_that_their_type_does_not_allow_end_the_connection",
        ]
        golden ["padding", "unknown-frames"];

    RST_STREAM "h2.rst-stream" "6.4"
        "RST_STREAM (type 3) ends a stream at once. Its four bytes are an error code."
        kept ["src/connection/frames.rs::end_frame", BY_H2]
        tests [
            "tests/spec_http2/streams.rs::a_reset_ends_its_stream_and_no_other",
            "tests/spec_http2/frames.rs::frames_of_a_wrong_size_are_told_as_frame_size_errors",
        ]
        golden ["rst-stream", "cancel", "refused-stream"];

    RST_STREAM_ON_IDLE "h2.rst-stream-on-idle" "6.4"
        "RST_STREAM for a stream that has not begun is PROTOCOL_ERROR."
        kept [BY_H2]
        tests ["tests/spec_http2/streams.rs::an_idle_stream_begins_with_headers"]
        golden ["protocol-errors"];

    PUSH_PROMISE "h2.push-promise" "6.6"
        "PUSH_PROMISE (type 5) announces a stream that a server begins. A client sends none, and none is sent to a \
        client that has said SETTINGS_ENABLE_PUSH 0: PROTOCOL_ERROR."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::a_client_pushes_nothing",
            "tests/spec_http2/client.rs::a_server_that_pushes_breaks_a_rule",
        ]
        nowhere "no recorded peer pushes: gRPC has no use for it";

    PING "h2.ping" "6.7"
        "PING (type 6) has eight bytes, which the receiver sends back in a PING with the flag ACK (0x1). Any other \
        length is FRAME_SIZE_ERROR."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::a_ping_is_answered_with_its_own_eight_bytes",
            "tests/spec_http2/frames.rs::frames_of_a_wrong_size_are_told_as_frame_size_errors",
            "tests/spec_http2/frames.rs::frames_on_a_stream_that_their_type_does_not_allow_end_the_connection",
        ]
        golden ["goaway", "keepalive", "too-many-pings"];

    GOAWAY "h2.goaway" "6.8"
        "GOAWAY (type 7) ends a connection: a reserved bit and the number of the last stream that its sender has \
        processed or will, an error code, and debug data. It belongs to stream 0."
        kept ["src/connection/frames.rs::end_frame", BY_H2]
        tests [
            "src/connection/frames.rs::goaway_has_its_last_stream_code_and_debug_data",
            "tests/spec_http2/streams.rs::goaway_has_the_last_stream_that_was_processed",
            "tests/spec_http2/frames.rs::frames_on_a_stream_that_their_type_does_not_allow_end_the_connection",
        ]
        golden ["goaway", "too-many-pings"];

    GOAWAY_TWICE "h2.goaway-twice" "6.8"
        "A server that leaves in peace sends GOAWAY with the largest stream number and NO_ERROR first, and once it \
        knows what was on its way another with the last stream that it took."
        kept ["src/server/connection.rs::tend", BY_H2]
        tests ["tests/spec_http2/streams.rs::a_server_that_leaves_says_so_first_and_takes_what_comes_meanwhile"]
        golden ["goaway"];

    GOAWAY_UNPROCESSED "h2.goaway-unprocessed" "6.8"
        "A stream beyond the last one of GOAWAY was not processed."
        kept ["src/call/begin.rs::unprocessed"]
        tests ["tests/lossless.rs::goaway_every_20_calls_loses_none_of_500_small_ones"]
        nowhere "no recorded client has a call beyond the last stream";

    CONTINUATION "h2.continuation" "6.10"
        "CONTINUATION (type 9) goes on with the header block of the frame before it, on the same stream. Anywhere \
        else it is PROTOCOL_ERROR."
        kept ["src/connection/frames.rs::end_frame", BY_H2]
        tests [
            "tests/spec_http2/frames.rs::a_header_block_goes_on_in_continuation_frames_and_nothing_comes_between_them",
            "tests/spec_http2/frames.rs::frames_on_a_stream_that_their_type_does_not_allow_end_the_connection",
        ]
        golden ["continuation"];

    ERROR_CODES "h2.error-codes" "7"
        "Errors have these codes: 0 NO_ERROR, 1 PROTOCOL_ERROR, 2 INTERNAL_ERROR, 3 FLOW_CONTROL_ERROR, 4 \
        SETTINGS_TIMEOUT, 5 STREAM_CLOSED, 6 FRAME_SIZE_ERROR, 7 REFUSED_STREAM, 8 CANCEL, 9 COMPRESSION_ERROR, 10 \
        CONNECT_ERROR, 11 ENHANCE_YOUR_CALM, 12 INADEQUATE_SECURITY, 13 HTTP_1_1_REQUIRED."
        kept ["src/wire/code.rs::from_reset", BY_H2]
        tests [
            "src/wire/code.rs::rst_stream_codes_map_as_in_the_table",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["rst-stream", "goaway", "reset-codes"];
}
