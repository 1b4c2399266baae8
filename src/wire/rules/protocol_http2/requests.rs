//! Requests: their fields, their messages, and their end.

use super::super::rule::{BY_H2, Rule, Source, rules};

rules! { ProtocolHttp2;

    REQUEST_SHAPE "grpc.request-shape" "Outline"
        "A request is a header block, any number of messages, and the end of the stream."
        kept ["src/client/channel.rs::start", "src/call/inbound.rs::poll_message"]
        tests [
            "tests/spec_server.rs::unary_answer_is_head_message_trailers",
            "tests/spec_client.rs::request_head_has_what_the_specification_asks_for",
        ]
        golden ["get-feature", "record-route"];

    RESPONSE_SHAPE "grpc.response-shape" "Outline"
        "A response is a header block, any number of messages, and trailers. One without messages may be \
        Trailers-Only."
        kept ["src/call/driver.rs::poll_end", "src/call/source.rs::poll_progress"]
        tests [
            "tests/spec_server.rs::unary_answer_is_head_message_trailers",
            "tests/spec_client.rs::status_is_read_from_trailers",
        ]
        golden ["get-feature", "list-features"];

    CALL_DEFINITION_FIRST "grpc.call-definition-first" "Requests"
        "The fields that define the call come before custom metadata."
        kept ["src/wire/head.rs::request"]
        tests ["src/wire/head.rs::a_request_has_the_fields_of_call_definition_in_order"]
        golden ["binary-metadata"];

    METHOD_POST "grpc.method-post" "Requests"
        "The method of a request is POST."
        kept ["src/wire/head.rs::request", "src/wire/head.rs::read_request"]
        tests [
            "tests/spec_server.rs::method_other_than_post_is_http_405",
            "tests/spec_client.rs::request_head_has_what_the_specification_asks_for",
        ]
        golden ["get-feature"];

    SCHEME "grpc.scheme" "Requests"
        "The scheme of a request is http or https."
        kept ["src/wire/head.rs::request"]
        tests ["src/wire/head.rs::a_request_has_the_fields_of_call_definition_in_order"]
        golden ["get-feature"];

    PATH "grpc.path" "Requests"
        "The path is a slash, the name of the service, a slash, and the name of the method."
        kept ["src/wire/path.rs::parse", "src/wire/path.rs::new", "src/wire/head.rs::read_path"]
        tests [
            "src/wire/path.rs::a_path_is_a_service_and_a_method",
            "tests/spec_server.rs::unknown_service_or_method_is_unimplemented_with_the_path_and_trailers_only",
        ]
        golden ["get-feature", "unknown-method"];

    PATH_CASE_SENSITIVE "grpc.path-case-sensitive" "Requests"
        "Small and capital letters of a path are different letters."
        kept ["src/server/router.rs::find"]
        tests ["tests/spec_server.rs::unknown_service_or_method_is_unimplemented_with_the_path_and_trailers_only"]
        nowhere "it is about how a server compares paths";

    AUTHORITY "grpc.authority" "Requests"
        "The authority of a request is the virtual host name of the server."
        kept ["src/wire/head.rs::request", "src/client/channel.rs::start"]
        tests ["tests/names.rs::authority_is_the_host_unless_it_is_set_apart"]
        golden ["get-feature"];

    TE_TRAILERS "grpc.te-trailers" "Requests"
        "A request has the field te with the value trailers. A proxy that removes it may not pass on trailers."
        kept ["src/wire/head.rs::request", "src/wire/head.rs::read_request"]
        tests [
            "tests/spec_server.rs::missing_te_is_told",
            "tests/spec_client.rs::request_head_has_what_the_specification_asks_for",
        ]
        golden ["get-feature", "not-grpc"];

    TIMEOUT "grpc.timeout" "Requests"
        "grpc-timeout is a number and a unit: H hours, M minutes, S seconds, m milliseconds, u microseconds, n \
        nanoseconds."
        kept ["src/wire/timeout.rs::parse", "src/wire/timeout.rs::format"]
        tests [
            "src/wire/timeout.rs::all_six_units_are_read",
            "tests/spec_server.rs::malformed_timeout_is_refused_and_quoted",
        ]
        golden ["deadline"];

    TIMEOUT_DIGITS "grpc.timeout-digits" "Requests"
        "The number in grpc-timeout has at most eight digits."
        kept ["src/wire/timeout.rs::parse", "src/wire/timeout.rs::format"]
        tests [
            "src/wire/timeout.rs::the_finest_unit_that_fits_eight_digits_is_written",
            "tests/spec_server.rs::malformed_timeout_is_refused_and_quoted",
        ]
        golden ["deadline"];

    TIMEOUT_FIRST "grpc.timeout-first" "Requests"
        "grpc-timeout comes right after the pseudo-header fields."
        kept ["src/wire/head.rs::request"]
        tests ["src/wire/head.rs::a_request_has_the_fields_of_call_definition_in_order"]
        golden ["deadline"];

    TIMEOUT_ABSENT "grpc.timeout-absent" "Requests"
        "A call without grpc-timeout may last as long as it likes."
        kept ["src/server/admit.rs::read"]
        tests ["tests/time.rs::a_stream_that_is_silent_between_messages_lasts"]
        golden ["late-head"];

    SERVER_DEADLINE "grpc.server-deadline" "Requests"
        "A server gives a call the time of grpc-timeout, and ends it when that is over."
        kept ["src/server/admit.rs::read", "src/server/patience.rs::poll"]
        tests ["tests/spec_server.rs::deadline_ends_a_stream_whose_client_sends_nothing"]
        golden ["deadline"];

    CONTENT_TYPE "grpc.content-type" "Requests"
        "The content-type is application/grpc, with the format of the messages after a plus sign if it is told."
        kept ["src/wire/head.rs::request", "src/wire/head.rs::response_head", "src/wire/head.rs::is_grpc"]
        tests [
            "tests/spec_server.rs::content_type_other_than_grpc_is_http_415",
            "tests/spec_client.rs::content_type_that_is_not_grpc_is_unknown",
        ]
        golden ["get-feature", "not-grpc"];

    CONTENT_TYPE_415 "grpc.content-type-415" "Requests"
        "A server answers a request whose content-type does not begin with application/grpc with HTTP status 415."
        kept ["src/wire/head.rs::read_request", "src/wire/head.rs::refuse"]
        tests ["tests/spec_server.rs::content_type_other_than_grpc_is_http_415"]
        golden ["not-grpc"];

    MESSAGE_ENCODING "grpc.message-encoding" "Requests"
        "grpc-encoding tells how messages with the Compressed-Flag 1 are compressed. identity means that they are \
        not."
        kept ["src/server/admit.rs::read", "src/call/source.rs::read_head"]
        tests [
            "tests/spec_server.rs::unknown_grpc_encoding_is_unimplemented_and_the_known_ones_are_listed",
            "tests/spec_client.rs::encoding_that_was_not_offered_is_internal_and_named",
        ]
        golden ["compressed"];

    ACCEPT_ENCODING "grpc.accept-encoding" "Requests"
        "grpc-accept-encoding lists the compressions that its sender reads, joined by commas."
        kept ["src/server/admit.rs::unknown_encoding"]
        tests ["tests/spec_server.rs::unknown_grpc_encoding_is_unimplemented_and_the_known_ones_are_listed"]
        golden ["compressed"];

    USER_AGENT "grpc.user-agent" "User Agents"
        "A client tells its library and the version in user-agent."
        kept ["src/wire/head.rs::request"]
        tests ["tests/spec_client.rs::request_head_has_what_the_specification_asks_for"]
        golden ["get-feature"];

    CUSTOM_METADATA "grpc.custom-metadata" "Requests"
        "All other fields are metadata of the application. Those whose name ends in -bin hold bytes, the others text."
        kept ["src/metadata.rs::get_all", "src/metadata.rs::get_all_bin", "src/wire/head.rs::copy_custom"]
        tests ["tests/echo.rs::metadata_goes_both_ways"]
        golden ["binary-metadata"];

    HEADER_NAME "grpc.header-name" "Requests"
        "A name of metadata consists of digits, small letters, underscores, hyphens and dots."
        kept ["src/metadata.rs::checked_name"]
        tests ["src/metadata.rs::illegal_names_and_values_are_refused"]
        golden ["binary-metadata"];

    ASCII_VALUE "grpc.ascii-value" "Requests"
        "A value of text consists of printable ASCII characters and spaces."
        kept ["src/metadata.rs::ascii_entry"]
        tests ["src/metadata.rs::illegal_names_and_values_are_refused"]
        golden ["binary-metadata"];

    ASCII_VALUE_TRIMMED "grpc.ascii-value-trimmed" "Requests"
        "A value of text neither begins nor ends with white space. It may be taken off."
        kept ["src/metadata.rs::ascii_entry"]
        tests ["src/metadata.rs::ascii_and_binary_values_round_trip"]
        nowhere "the spaces are taken off before anything is sent";

    ASCII_VALUE_LENIENT "grpc.ascii-value-lenient" "Requests"
        "A value that HTTP allows and gRPC does not is no error. It may be ignored."
        kept ["src/metadata.rs::get_all"]
        tests ["tests/spec_server.rs::value_that_only_http_allows_is_no_error"]
        nowhere "no recorded peer sends such a value";

    RESERVED_NAMES "grpc.reserved-names" "Requests"
        "Names that begin with \"grpc-\" belong to gRPC. An application must not use them for its metadata."
        kept ["src/wire/head.rs::reserved", "src/metadata.rs::checked_name"]
        tests [
            "src/metadata.rs::reserved_names_are_refused_with_a_reason",
            "src/wire/head.rs::trailers_start_with_the_status_and_have_no_reserved_names",
        ]
        nowhere "such metadata is refused before anything is sent";

    BINARY_BASE64 "grpc.binary-base64" "Requests"
        "Values of names that end in -bin are bytes in base64 with the alphabet of RFC 4648, section 4."
        kept ["src/wire/binary.rs::encode", "src/wire/binary.rs::decode"]
        tests ["src/wire/binary.rs::what_is_not_base64_is_refused", "tests/echo.rs::metadata_goes_both_ways"]
        golden ["binary-metadata"];

    BINARY_PADDING "grpc.binary-padding" "Requests"
        "A reader of base64 takes it with padding and without."
        kept ["src/wire/binary.rs::decode"]
        tests ["src/wire/binary.rs::padded_values_are_accepted"]
        golden ["binary-metadata"];

    BINARY_UNPADDED "grpc.binary-unpadded" "Requests"
        "A writer of base64 leaves the padding out."
        kept ["src/wire/binary.rs::encode"]
        tests ["src/wire/binary.rs::values_are_sent_without_padding"]
        golden ["binary-metadata"];

    BINARY_COMMAS "grpc.binary-commas" "Requests"
        "A value of a -bin name is split at its commas before each part is decoded."
        kept ["src/wire/binary.rs::split", "src/metadata.rs::get_all_bin"]
        tests [
            "src/wire/binary.rs::comma_joined_values_are_split_before_decoding",
            "tests/spec_server.rs::metadata_names_of_the_protocol_are_no_burden",
        ]
        golden ["binary-metadata"];

    DUPLICATE_NAMES "grpc.duplicate-names" "Requests"
        "A name may come more than once. Its values keep their order."
        kept ["src/metadata.rs::get_all", "src/metadata.rs::copy_to"]
        tests [
            "src/metadata.rs::ascii_and_binary_values_round_trip",
            "src/metadata.rs::reserved_headers_of_a_peer_are_readable_but_neither_listed_nor_sent",
        ]
        nowhere "no recorded peer sends a name twice";

    HEADER_LIMIT "grpc.header-limit" "Requests"
        "A server may limit the size of a request's fields: of each field the name, the value, and 32 bytes more."
        kept ["src/server/connection.rs::handshake", BY_H2]
        tests ["tests/spec_server.rs::header_list_over_its_limit_is_http_431"]
        golden ["get-feature"];

    LENGTH_PREFIX "grpc.length-prefix" "Requests"
        "A message in a DATA frame has a prefix of five bytes: the Compressed-Flag and the length."
        kept ["src/wire/frame.rs::read_prefix", "src/wire/frame.rs::encode_with"]
        tests [
            "src/wire/frame.rs::a_frame_is_a_flag_a_big_endian_length_and_the_message",
            "tests/spec_server.rs::unary_answer_is_head_message_trailers",
        ]
        golden ["get-feature", "many-messages-in-a-frame", "message-in-many-frames"];

    COMPRESSED_FLAG "grpc.compressed-flag" "Requests"
        "The Compressed-Flag is one byte: 1 for a compressed message, 0 for one that is not compressed."
        kept ["src/wire/frame.rs::gather"]
        tests [
            "src/wire/frame.rs::a_flag_other_than_0_and_1_is_an_error_at_once",
            "tests/spec_server.rs::flag_bytes_other_than_0_and_1_are_internal",
        ]
        golden ["get-feature", "compressed", "compressed-without-encoding"];

    MESSAGE_LENGTH "grpc.message-length" "Requests"
        "The length is that of the message without its prefix, in four bytes, the highest first."
        kept ["src/wire/frame.rs::read_prefix", "src/wire/frame.rs::encode_with"]
        tests [
            "src/wire/frame.rs::a_frame_is_a_flag_a_big_endian_length_and_the_message",
            "tests/spec_server.rs::message_over_the_limit_is_resource_exhausted_before_it_has_come",
        ]
        golden ["get-feature", "message-in-many-frames", "oversize"];

    WHOLE_MESSAGES "grpc.whole-messages" "Requests"
        "A stream does not end inside a message."
        kept ["src/wire/frame.rs::finish"]
        tests [
            "tests/spec_server.rs::end_of_stream_inside_a_frame_is_internal",
            "tests/spec_client.rs::broken_frames_in_an_answer_are_internal",
        ]
        golden ["message-in-many-frames"];

    FLAG_NEEDS_ENCODING "grpc.flag-needs-encoding" "Requests"
        "Without grpc-encoding the Compressed-Flag is 0."
        kept ["src/codec/mod.rs::decode", "src/codec/mod.rs::to_frame"]
        tests [
            "tests/spec_server.rs::compressed_flag_without_grpc_encoding_is_internal",
            "tests/spec_client.rs::broken_frames_in_an_answer_are_internal",
        ]
        golden ["compressed-without-encoding"];

    REQUEST_END "grpc.request-end" "Requests"
        "The flag END_STREAM on the last DATA frame ends a request."
        kept ["src/call/sending.rs::advance", "src/client/channel.rs::start"]
        tests [
            "tests/spec_server.rs::request_ending_in_its_headers_frame_has_no_message",
            "tests/spec_http2/client.rs::a_request_stream_that_is_finished_ends_with_an_empty_data_frame",
        ]
        golden ["get-feature", "route-chat"];

    EMPTY_DATA_END "grpc.empty-data-end" "Requests"
        "A request that ends when nothing is left to send ends with an empty DATA frame that has END_STREAM."
        kept ["src/call/sending.rs::advance"]
        tests ["tests/spec_http2/client.rs::a_request_stream_that_is_finished_ends_with_an_empty_data_frame"]
        golden ["half-close-by-empty-data"];
}
