//! RFC 9113, section 8: requests and responses.

use super::super::rule::{BY_H2, Rule, Source, rules};

rules! { Http2;

    MESSAGE_FRAMING "h2.message-framing" "8.1"
        "A message is a header block, DATA frames, and perhaps a header block with trailers. The last frame has \
        END_STREAM."
        kept [BY_H2]
        tests [
            "tests/spec_http2/streams.rs::a_request_may_end_with_trailers",
            "tests/spec_server.rs::unary_answer_is_head_message_trailers",
        ]
        golden ["get-feature"];

    INFORMATIONAL "h2.informational" "8.1"
        "Before its response a server may send header blocks with a :status of 100 to 199."
        kept [BY_H2]
        tests ["tests/spec_client.rs::informational_heads_are_skipped"]
        golden ["informational"];

    TRAILERS_END_STREAM "h2.trailers-end-stream" "8.1"
        "A header block after the first one, that of the final :status, ends its stream. One without END_STREAM is \
        malformed."
        kept [BY_H2]
        tests ["tests/spec_http2/streams.rs::headers_after_the_head_end_the_stream"]
        golden ["trailers"];

    EARLY_RESPONSE "h2.early-response" "8.1"
        "A server may send its whole response before the request has ended, and then asks with RST_STREAM and \
        NO_ERROR for no more of the request."
        kept ["src/call/driver.rs::poll_end", BY_H2]
        tests [
            "tests/spec_server.rs::answer_before_the_end_of_its_request_is_followed_by_rst_stream_no_error",
            "tests/spec_client.rs::send_after_an_early_answer_is_told_to_read_the_response_and_cannot_hide_its_status",
        ]
        golden ["oversize"];

    MALFORMED "h2.malformed" "8.1.1"
        "A message that breaks these rules is malformed: PROTOCOL_ERROR of its stream."
        kept [BY_H2]
        tests ["tests/spec_http2/heads.rs::a_request_has_method_scheme_and_path"]
        golden ["protocol-errors"];

    CONTENT_LENGTH "h2.content-length" "8.1.1"
        "If there is a content-length, it is the number of bytes in all DATA frames."
        kept [BY_H2]
        tests ["tests/spec_http2/heads.rs::a_content_length_that_is_not_that_of_the_data_is_malformed"]
        golden ["protocol-errors"];

    FIELD_NAMES "h2.field-names" "8.2.1"
        "Names of fields are in lower case, without spaces or control characters, and with a colon at the beginning \
        only."
        kept ["src/metadata.rs::checked_name", BY_H2]
        tests ["tests/spec_http2/heads.rs::names_of_fields_are_in_lower_case_and_of_legal_characters"]
        golden ["get-feature"];

    FIELD_VALUES "h2.field-values" "8.2.1"
        "Values of fields have neither NUL nor CR nor LF, and no white space at either end."
        kept ["src/metadata.rs::ascii_entry", BY_H2]
        tests [
            "tests/spec_http2/heads.rs::values_of_fields_have_no_line_ends",
            "src/wire/percent.rs::a_space_at_either_end_is_encoded",
            "src/metadata.rs::illegal_names_and_values_are_refused",
        ]
        golden ["percent-encoding"];

    CONNECTION_FIELDS "h2.connection-fields" "8.2.2"
        "The fields connection, keep-alive, proxy-connection, transfer-encoding and upgrade do not exist in HTTP/2."
        kept ["src/wire/head.rs::reserved", BY_H2]
        tests [
            "tests/spec_http2/heads.rs::fields_about_the_connection_are_malformed",
            "src/metadata.rs::reserved_names_are_refused_with_a_reason",
        ]
        nowhere "no recorded peer sends them";

    TE "h2.te" "8.2.2"
        "The only value of the field te is trailers."
        kept ["src/wire/head.rs::request", BY_H2]
        tests ["tests/spec_http2/heads.rs::fields_about_the_connection_are_malformed"]
        golden ["get-feature"];

    PSEUDO_FIELDS "h2.pseudo-fields" "8.3"
        "Pseudo-header fields begin with a colon. They come before all other fields, each at most once, and no others \
        exist than those of the message."
        kept [BY_H2]
        tests ["tests/spec_http2/heads.rs::pseudo_headers_come_first_once_and_are_those_of_requests"]
        golden ["get-feature"];

    REQUEST_PSEUDO_FIELDS "h2.request-pseudo-fields" "8.3.1"
        "A request has :method, :scheme and a :path that is not empty, and may have :authority."
        kept ["src/wire/head.rs::request", BY_H2]
        tests [
            "tests/spec_http2/heads.rs::a_request_has_method_scheme_and_path",
            "tests/spec_client.rs::request_head_has_what_the_specification_asks_for",
        ]
        golden ["get-feature"];

    RESPONSE_PSEUDO_FIELDS "h2.response-pseudo-fields" "8.3.2"
        "A response has :status, a number of three digits, and no other pseudo-header field."
        kept ["src/wire/head.rs::response_head", BY_H2]
        tests [
            "tests/spec_server.rs::unary_answer_is_head_message_trailers",
            "tests/spec_http2/heads.rs::pseudo_headers_come_first_once_and_are_those_of_requests",
        ]
        golden ["get-feature"];

    REFUSED_STREAM "h2.refused-stream" "8.7"
        "REFUSED_STREAM says that a request was not processed at all. It may be sent again."
        kept ["src/call/begin.rs::unprocessed"]
        tests ["tests/lossless.rs::call_that_is_refused_once_is_tried_again"]
        golden ["refused-stream", "rst-stream"];

    HEADER_LIST_TOO_LARGE "h2.header-list-too-large" "10.5.1"
        "A server may answer a header list beyond its limit with HTTP status 431."
        kept [BY_H2]
        tests ["tests/spec_server.rs::header_list_over_its_limit_is_http_431"]
        nowhere "no recorded client sends so many fields";
}
