//! Responses: their head, their trailers, and their status.

use super::super::rule::{BY_H2, Rule, Source, rules};

rules! { ProtocolHttp2;

    RESPONSE_HEADERS "grpc.response-headers" "Responses"
        "The head of a response has HTTP status 200 and the content-type, and then metadata."
        kept ["src/wire/head.rs::response_head", "src/call/sending.rs::send_head"]
        tests [
            "tests/spec_server.rs::unary_answer_is_head_message_trailers",
            "tests/echo.rs::metadata_goes_both_ways",
        ]
        golden ["get-feature"];

    HTTP_STATUS_200 "grpc.http-status-200" "Responses"
        "The HTTP status of a gRPC response is 200 whatever its gRPC status."
        kept ["src/wire/head.rs::response_head", "src/wire/head.rs::trailers_only"]
        tests ["tests/spec_server.rs::unknown_service_or_method_is_unimplemented_with_the_path_and_trailers_only"]
        golden ["trailers-only"];

    TRAILERS_ONLY "grpc.trailers-only" "Responses"
        "A response that is an error at once may be one header block: HTTP status, content-type and trailers."
        kept [
            "src/call/driver.rs::trailers_only",
            "src/wire/head.rs::trailers_only",
            "src/wire/head.rs::read_response",
        ]
        tests [
            "tests/spec_server.rs::unknown_service_or_method_is_unimplemented_with_the_path_and_trailers_only",
            "tests/spec_client.rs::status_is_read_from_trailers_only",
        ]
        golden ["trailers-only", "unknown-method"];

    STATUS_ENDS_STREAM "grpc.status-ends-stream" "Responses"
        "grpc-status counts only in the header block that ends the stream."
        kept ["src/wire/head.rs::read_response"]
        tests [
            "tests/spec_client.rs::grpc_status_in_a_head_that_does_not_end_the_stream_does_not_count",
            "tests/spec_client.rs::grpc_status_in_a_head_that_is_followed_by_trailers_alone_does_not_count",
        ]
        golden ["trailers"];

    TRAILERS "grpc.trailers" "Responses"
        "Trailers have grpc-status, perhaps grpc-message, and then metadata."
        kept ["src/wire/head.rs::put_status", "src/call/driver.rs::send_trailers"]
        tests [
            "src/wire/head.rs::trailers_start_with_the_status_and_have_no_reserved_names",
            "tests/echo.rs::a_status_arrives_whole",
        ]
        golden ["trailers"];

    STATUS_ALWAYS "grpc.status-always" "Responses"
        "Trailers have grpc-status also if it is OK."
        kept ["src/call/driver.rs::send_trailers", "src/wire/head.rs::put_status"]
        tests ["tests/spec_server.rs::unary_answer_is_head_message_trailers"]
        golden ["get-feature"];

    STATUS_DIGITS "grpc.status-digits" "Responses"
        "grpc-status is a decimal number without leading zeros."
        kept ["src/wire/code.rs::to_header_value", "src/wire/code.rs::parse"]
        tests [
            "src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers",
            "src/wire/code.rs::a_malformed_grpc_status_is_unknown",
        ]
        golden ["get-feature", "trailers"];

    STATUS_MESSAGE "grpc.status-message" "Responses"
        "grpc-message is text for humans: UTF-8 that is percent-encoded."
        kept ["src/wire/percent.rs::encode_within", "src/wire/percent.rs::decode"]
        tests [
            "src/wire/percent.rs::any_text_survives_the_wire_as_a_valid_header_value",
            "tests/spec_client.rs::status_is_read_from_trailers",
        ]
        golden ["percent-encoding"];

    PERCENT_PLAIN "grpc.percent-plain" "Responses"
        "Space and printable ASCII except the percent sign stand for themselves in grpc-message."
        kept ["src/wire/percent.rs::is_plain"]
        tests ["src/wire/percent.rs::printable_ascii_except_percent_stays_as_it_is"]
        golden ["trailers-only"];

    PERCENT_HEX "grpc.percent-hex" "Responses"
        "Any other byte of grpc-message is a percent sign and two hexadecimal digits, the letters as capitals."
        kept ["src/wire/percent.rs::encode_within"]
        tests ["src/wire/percent.rs::everything_else_becomes_percent_and_two_hex_digits"]
        golden ["percent-encoding"];

    PERCENT_LENIENT "grpc.percent-lenient" "Responses"
        "A grpc-message that is encoded wrongly is neither an error nor lost. What is wrong may stay as it is."
        kept ["src/wire/percent.rs::decode"]
        tests [
            "src/wire/percent.rs::broken_sequences_are_kept",
            "src/wire/percent.rs::bytes_that_are_not_utf8_are_replaced",
        ]
        nowhere "no recorded peer sends such a message";

    RESPONSE_END "grpc.response-end" "Responses"
        "The flag END_STREAM on the header block with the trailers ends a response."
        kept ["src/call/driver.rs::send_trailers", BY_H2]
        tests [
            "tests/spec_http2/flow.rs::headers_need_no_window",
            "tests/spec_http2/frames.rs::padding_is_no_part_of_the_content_and_fits_its_frame",
        ]
        golden ["get-feature"];

    SYNTHESIZED_STATUS "grpc.synthesized-status" "Responses"
        "A client makes up a status for a response that has none: a proxy's error, or an answer that is not gRPC."
        kept ["src/wire/head.rs::read_response", "src/status.rs::from_trailers"]
        tests [
            "tests/spec_client.rs::missing_grpc_status_is_unknown",
            "tests/spec_client.rs::content_type_that_is_not_grpc_is_unknown",
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
        ]
        golden ["proxy-error"];

    RESPONSE_HEADER_LIMIT "grpc.response-header-limit" "Responses"
        "A client may limit the size of the fields of a response."
        kept ["src/client/connection.rs::connect", BY_H2]
        tests ["tests/lossless.rs::response_whose_metadata_is_over_the_limit_ends_its_call_alone"]
        golden ["get-feature"];
}
