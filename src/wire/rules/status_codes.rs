//! The status codes, and which of them the stack itself uses: rules of "Status codes and their use in gRPC".

use super::rule::{Rule, Source, rules};

rules! { StatusCodes;

    OK "code.ok" "Codes"
        "0 is OK: the call did what was asked."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["get-feature"];

    CANCELLED "code.cancelled" "Codes"
        "1 is CANCELLED: the call was cancelled, mostly by its caller."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["status-codes"];

    UNKNOWN "code.unknown" "Codes"
        "2 is UNKNOWN: an error of which nothing better is known."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["status-codes"];

    INVALID_ARGUMENT "code.invalid-argument" "Codes"
        "3 is INVALID_ARGUMENT: the request can never be right, whatever the state of the system."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["not-grpc"];

    DEADLINE_EXCEEDED "code.deadline-exceeded" "Codes"
        "4 is DEADLINE_EXCEEDED: the deadline passed before the call ended."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["deadline"];

    NOT_FOUND "code.not-found" "Codes"
        "5 is NOT_FOUND: what was asked for does not exist."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["trailers-only"];

    ALREADY_EXISTS "code.already-exists" "Codes"
        "6 is ALREADY_EXISTS: what was to be made exists already."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["status-codes"];

    PERMISSION_DENIED "code.permission-denied" "Codes"
        "7 is PERMISSION_DENIED: the caller is known, and may not do this."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["status-codes"];

    RESOURCE_EXHAUSTED "code.resource-exhausted" "Codes"
        "8 is RESOURCE_EXHAUSTED: a quota, a limit or memory is used up."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["oversize"];

    FAILED_PRECONDITION "code.failed-precondition" "Codes"
        "9 is FAILED_PRECONDITION: the system is not in the state that the call needs."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["binary-metadata"];

    ABORTED "code.aborted" "Codes"
        "10 is ABORTED: the call was in conflict with another one."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["status-codes"];

    OUT_OF_RANGE "code.out-of-range" "Codes"
        "11 is OUT_OF_RANGE: the call asked for something beyond the end of a valid range."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["status-codes"];

    UNIMPLEMENTED "code.unimplemented" "Codes"
        "12 is UNIMPLEMENTED: the server has no such method."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["unknown-method"];

    INTERNAL "code.internal" "Codes"
        "13 is INTERNAL: something that must never be is so: a bug, or broken bytes."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["compressed-without-encoding"];

    UNAVAILABLE "code.unavailable" "Codes"
        "14 is UNAVAILABLE: the service cannot be reached now, and may be tried again later."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["status-codes"];

    DATA_LOSS "code.data-loss" "Codes"
        "15 is DATA_LOSS: data is lost or damaged for good."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["trailers"];

    UNAUTHENTICATED "code.unauthenticated" "Codes"
        "16 is UNAUTHENTICATED: the credentials of the caller are missing or wrong."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"]
        golden ["status-codes"];

    UNKNOWN_NUMBER "code.unknown-number" "Codes"
        "A number that has no name is an error as well. It is kept as it came."
        kept ["src/wire/code.rs::parse", "src/wire/code.rs::from_u32"]
        tests ["src/wire/code.rs::an_unknown_number_is_kept", "tests/spec_client.rs::unknown_status_codes_are_kept"]
        golden ["status-codes"];

    CASE_CLIENT_CANCELLED "code.case-client-cancelled" "Cases"
        "A call that its application cancels ends with CANCELLED, on both sides."
        kept ["src/call/ending.rs::drop", "src/call/error.rs::status_of_reset"]
        tests ["tests/hooks.rs::a_call_that_its_client_drops_is_told_as_cancelled_on_each_side"]
        golden ["cancel"];

    CASE_DEADLINE_PASSED "code.case-deadline-passed" "Cases"
        "A call whose deadline passes before its status has come ends with DEADLINE_EXCEEDED, on both sides."
        kept ["src/call/deadline.rs::status", "src/call/begin.rs::status"]
        tests [
            "tests/hooks.rs::a_deadline_is_told_as_deadline_exceeded_by_the_side_that_keeps_it",
            "tests/spec_client.rs::reset_after_the_deadline_is_deadline_exceeded",
        ]
        golden ["deadline"];

    CASE_NOT_SENT_IN_TIME "code.case-not-sent-in-time" "Cases"
        "A call that could not be sent before its deadline ends with DEADLINE_EXCEEDED."
        kept ["src/client/hub.rs::granted"]
        tests ["tests/lossless.rs::calls_whose_deadline_passes_while_they_wait_open_no_stream"]
        nowhere "a call that is never sent has no bytes";

    CASE_METHOD_NOT_FOUND "code.case-method-not-found" "Cases"
        "A method that the server does not have is UNIMPLEMENTED."
        kept ["src/server/router.rs::find"]
        tests ["tests/spec_server.rs::unknown_service_or_method_is_unimplemented_with_the_path_and_trailers_only"]
        golden ["unknown-method"];

    CASE_SERVER_SHUTS_DOWN "code.case-server-shuts-down" "Cases"
        "A call that a server does not take because it shuts down is UNAVAILABLE."
        kept ["src/call/error.rs::status_of", "src/policy/attempts.rs::after"]
        tests ["src/policy/attempts.rs::goaway_is_free_sixteen_times_and_unavailable_then"]
        nowhere "no recorded server leaves a call untaken";

    CASE_CONNECTION_BREAKS "code.case-connection-breaks" "Cases"
        "A call whose connection breaks after some of it was sent is UNAVAILABLE."
        kept ["src/call/error.rs::status_of"]
        tests ["tests/spec_client.rs::lost_connection_is_unavailable_and_names_the_server"]
        nowhere "the client makes up the status when no more bytes come";

    CASE_ENCODING_NOT_SUPPORTED "code.case-encoding-not-supported" "Cases"
        "A compression of the client that the server does not have is UNIMPLEMENTED."
        kept ["src/server/admit.rs::unknown_encoding"]
        tests ["tests/spec_server.rs::unknown_grpc_encoding_is_unimplemented_and_the_known_ones_are_listed"]
        golden ["compressed"];

    CASE_OUT_OF_RESOURCES "code.case-out-of-resources" "Cases"
        "A server that has used up a resource says RESOURCE_EXHAUSTED."
        kept ["src/call/error.rs::status_of", "src/route_guide/notes.rs::add"]
        tests ["tests/reference.rs::a_chat_that_stores_too_much_is_resource_exhausted_and_its_neighbour_goes_on"]
        nowhere "no recorded server has used up a resource";

    CASE_FLOW_CONTROL_VIOLATION "code.case-flow-control-violation" "Cases"
        "A call whose peer breaks the rules of flow control ends with INTERNAL."
        kept ["src/wire/code.rs::from_reset"]
        tests ["src/wire/code.rs::rst_stream_codes_map_as_in_the_table"]
        golden ["reset-codes"];

    CASE_STATUS_NOT_PARSED "code.case-status-not-parsed" "Cases"
        "A grpc-status that cannot be read is UNKNOWN."
        kept ["src/wire/code.rs::parse"]
        tests ["src/wire/code.rs::a_malformed_grpc_status_is_unknown"]
        golden ["status-codes"];

    CASE_REQUEST_CARDINALITY "code.case-request-cardinality" "Cases"
        "A request with no message or two where the method takes one is UNIMPLEMENTED."
        kept ["src/call/inbound.rs::one"]
        tests [
            "tests/spec_server.rs::unary_request_without_message_or_with_two_is_unimplemented",
            "tests/spec_server.rs::request_ending_in_its_headers_frame_has_no_message",
        ]
        nowhere "no recorded client sends no message or two where one is due";

    CASE_RESPONSE_CARDINALITY "code.case-response-cardinality" "Cases"
        "A response with no message or two where the method gives one is UNIMPLEMENTED."
        kept ["src/call/inbound.rs::one"]
        tests ["tests/spec_client.rs::unary_answer_without_message_or_with_two_is_unimplemented"]
        golden ["status-codes"];

    CASE_RESPONSE_NOT_PARSED "code.case-response-not-parsed" "Cases"
        "A response that is no such message is INTERNAL."
        kept ["src/codec/protobuf.rs::decode"]
        tests ["tests/spec_client.rs::broken_frames_in_an_answer_are_internal"]
        nowhere "no recorded server sends bytes that are no message";

    CASE_REQUEST_NOT_PARSED "code.case-request-not-parsed" "Cases"
        "A request that is no such message is INTERNAL."
        kept ["src/codec/protobuf.rs::decode"]
        tests ["tests/spec_server.rs::bytes_that_are_no_message_are_internal"]
        nowhere "no recorded client sends bytes that are no message";

    CASE_MESSAGE_TOO_LARGE "code.case-message-too-large" "Cases"
        "A message over the limit of its sender or its receiver is RESOURCE_EXHAUSTED."
        kept ["src/wire/frame.rs::gather", "src/status.rs::from"]
        tests [
            "tests/spec_server.rs::message_over_the_limit_is_resource_exhausted_before_it_has_come",
            "tests/echo.rs::a_message_over_the_limit_is_resource_exhausted_on_either_side",
        ]
        golden ["oversize"];
}
