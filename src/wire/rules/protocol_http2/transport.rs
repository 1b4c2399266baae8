//! How calls use HTTP/2: streams, errors, cancellation, and the end of connections.

use super::super::rule::{BY_H2, Rule, Source, rules};

rules! { ProtocolHttp2;

    STREAM_ID "grpc.stream-id" "Stream Identification"
        "Each call has a stream of its own, whose number names it on its connection."
        kept ["src/client/connection.rs::open"]
        tests ["tests/spec_http2/client.rs::calls_have_the_odd_stream_numbers_one_after_the_other"]
        golden ["get-feature"];

    DATA_BOUNDARIES "grpc.data-boundaries" "Data Frames"
        "Where DATA frames begin and end says nothing about where messages do."
        kept ["src/wire/frame.rs::push", "src/wire/frame.rs::gather"]
        tests [
            "tests/spec_server.rs::any_cut_of_the_request_gives_the_same_answer",
            "src/wire/frame.rs::any_cut_gives_the_same_messages_or_the_same_error",
        ]
        golden ["message-in-many-frames", "flow-control", "many-messages-in-a-frame"];

    ERRORS_IN_TRAILERS "grpc.errors-in-trailers" "Errors"
        "An error of the application or of the runtime is told as a status in trailers."
        kept ["src/server/finish.rs::finish"]
        tests [
            "tests/echo.rs::a_status_arrives_whole",
            "tests/echo.rs::messages_before_an_error_arrive_before_the_status",
        ]
        golden ["trailers", "trailers-only"];

    RESET_CLOSES "grpc.reset-closes" "Errors"
        "RST_STREAM closes both directions of a call at once, and its application gets an error."
        kept ["src/call/driver.rs::poll_yield", "src/call/begin.rs::status"]
        tests [
            "tests/echo.rs::a_reset_ends_a_call_whose_request_is_read_in_another_task",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["rst-stream", "cancel"];

    RESET_NO_ERROR "grpc.reset-no-error" "Errors"
        "RST_STREAM with NO_ERROR (0) ends the call with INTERNAL: a status was due."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests [
            "src/wire/code.rs::rst_stream_codes_map_as_in_the_table",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["reset-codes"];

    RESET_PROTOCOL_ERROR "grpc.reset-protocol-error" "Errors"
        "RST_STREAM with PROTOCOL_ERROR (1) ends the call with INTERNAL."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests [
            "src/wire/code.rs::rst_stream_codes_map_as_in_the_table",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["reset-codes"];

    RESET_INTERNAL_ERROR "grpc.reset-internal-error" "Errors"
        "RST_STREAM with INTERNAL_ERROR (2) ends the call with INTERNAL."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests [
            "src/wire/code.rs::rst_stream_codes_map_as_in_the_table",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["rst-stream"];

    RESET_FLOW_CONTROL_ERROR "grpc.reset-flow-control-error" "Errors"
        "RST_STREAM with FLOW_CONTROL_ERROR (3) ends the call with INTERNAL."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests ["src/wire/code.rs::rst_stream_codes_map_as_in_the_table"]
        golden ["reset-codes"];

    RESET_SETTINGS_TIMEOUT "grpc.reset-settings-timeout" "Errors"
        "RST_STREAM with SETTINGS_TIMEOUT (4) ends the call with INTERNAL."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests ["src/wire/code.rs::rst_stream_codes_map_as_in_the_table"]
        golden ["reset-codes"];

    RESET_FRAME_SIZE_ERROR "grpc.reset-frame-size-error" "Errors"
        "RST_STREAM with FRAME_SIZE_ERROR (6) ends the call with INTERNAL."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests ["src/wire/code.rs::rst_stream_codes_map_as_in_the_table"]
        golden ["reset-codes"];

    RESET_REFUSED_STREAM "grpc.reset-refused-stream" "Errors"
        "RST_STREAM with REFUSED_STREAM (7) ends the call with UNAVAILABLE: the server has not processed it."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests [
            "src/wire/code.rs::rst_stream_codes_map_as_in_the_table",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["refused-stream"];

    RESET_CANCEL "grpc.reset-cancel" "Errors"
        "RST_STREAM with CANCEL (8) ends the call with CANCELLED."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests [
            "src/wire/code.rs::rst_stream_codes_map_as_in_the_table",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["rst-stream"];

    RESET_COMPRESSION_ERROR "grpc.reset-compression-error" "Errors"
        "RST_STREAM with COMPRESSION_ERROR (9) ends the call with INTERNAL."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests ["src/wire/code.rs::rst_stream_codes_map_as_in_the_table"]
        golden ["reset-codes"];

    RESET_CONNECT_ERROR "grpc.reset-connect-error" "Errors"
        "RST_STREAM with CONNECT_ERROR (10) ends the call with INTERNAL."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests ["src/wire/code.rs::rst_stream_codes_map_as_in_the_table"]
        golden ["reset-codes"];

    RESET_ENHANCE_YOUR_CALM "grpc.reset-enhance-your-calm" "Errors"
        "RST_STREAM with ENHANCE_YOUR_CALM (11) ends the call with RESOURCE_EXHAUSTED."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests [
            "src/wire/code.rs::rst_stream_codes_map_as_in_the_table",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["rst-stream"];

    RESET_INADEQUATE_SECURITY "grpc.reset-inadequate-security" "Errors"
        "RST_STREAM with INADEQUATE_SECURITY (12) ends the call with PERMISSION_DENIED."
        kept ["src/wire/code.rs::from_reset", "src/call/error.rs::status_of"]
        tests [
            "src/wire/code.rs::rst_stream_codes_map_as_in_the_table",
            "tests/spec_client.rs::reset_streams_map_by_the_table",
        ]
        golden ["reset-codes"];

    REFUSED_STREAM_RETRY "grpc.refused-stream-retry" "Errors"
        "A call that was refused with REFUSED_STREAM was not processed and may be made again."
        kept ["src/call/begin.rs::unprocessed"]
        tests ["tests/lossless.rs::call_that_is_refused_once_is_tried_again"]
        golden ["rst-stream"];

    NO_SILENT_RETRY "grpc.no-silent-retry" "Idempotency and Retries"
        "A call that may have begun on a server is not made again unless the application allows it."
        kept ["src/policy/attempts.rs::after"]
        tests [
            "tests/retries.rs::without_a_policy_no_status_is_retried",
            "tests/restarts.rs::server_that_is_killed_and_restarted_fails_the_calls_in_flight_and_no_other",
        ]
        nowhere "a request that is not sent again has no bytes";

    CLIENT_CANCELLATION "grpc.client-cancellation" "Errors"
        "A client cancels a call with RST_STREAM and CANCEL: because its application gives the call up, or because \
        its deadline has passed."
        kept ["src/call/driver.rs::poll_yield", "src/call/source.rs::poll_chunk", BY_H2]
        tests [
            "tests/spec_client.rs::call_given_up_after_finish_began_is_cancelled",
            "tests/spec_http2/client.rs::a_call_whose_deadline_passes_is_reset_with_cancel",
        ]
        golden ["cancel", "deadline"];

    SERVER_CANCEL "grpc.server-cancel" "Errors"
        "A server uses RST_STREAM with CANCEL only to end a call whose messages it cannot complete. Otherwise it \
        sends trailers."
        kept ["src/server/finish.rs::finish"]
        tests [
            "tests/spec_server.rs::deadline_resets_a_stream_that_flow_control_blocks",
            "tests/bounds.rs::the_deadline_ends_a_call_whose_last_answer_waits_for_the_window",
        ]
        nowhere "no recorded server has to give up a call whose client takes no more bytes";

    GOAWAY "grpc.goaway" "GOAWAY Frame"
        "GOAWAY says that no new streams are taken. Calls beyond its last stream were not processed, and are made \
        again elsewhere."
        kept ["src/client/connection.rs::notice", "src/call/begin.rs::unprocessed"]
        tests [
            "tests/lossless.rs::goaway_every_20_calls_loses_none_of_500_small_ones",
            "tests/spec_client.rs::connection_that_is_going_away_is_replaced",
        ]
        golden ["goaway"];

    GOAWAY_ACCEPTED_STREAMS "grpc.goaway-accepted-streams" "GOAWAY Frame"
        "Calls up to the last stream of GOAWAY go on to their end."
        kept ["src/client/connection.rs::leaves", "src/server/leave.rs::leave"]
        tests [
            "tests/echo.rs::a_stop_lets_calls_in_flight_end_and_refuses_new_connections",
            "tests/spec_http2/streams.rs::a_server_that_leaves_says_so_first_and_takes_what_comes_meanwhile",
        ]
        golden ["goaway"];

    GOAWAY_FIRST "grpc.goaway-first" "GOAWAY Frame"
        "A server sends GOAWAY before it ends a connection."
        kept ["src/server/connection.rs::tend", "src/server/leave.rs::leave"]
        tests [
            "tests/spec_server.rs::idle_connection_is_sent_away_with_goaway_no_error",
            "tests/spec_http2/streams.rs::a_server_that_leaves_says_so_first_and_takes_what_comes_meanwhile",
        ]
        golden ["goaway"];

    PING_ECHO "grpc.ping-echo" "PING Frame"
        "Either side may send PING, and the other answers with exactly its bytes."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::a_ping_is_answered_with_its_own_eight_bytes",
            "tests/spec_http2/client.rs::settings_and_pings_of_a_server_are_acknowledged",
        ]
        golden ["goaway", "too-many-pings"];

    CLIENT_PING_UNANSWERED "grpc.client-ping-unanswered" "PING Frame"
        "A PING of a client that is not answered in time ends its calls with UNAVAILABLE."
        kept ["src/connection/keepalive.rs::watch", "src/client/connection.rs::fails"]
        tests ["tests/lossless.rs::peer_that_stops_is_found_out_by_keepalive_and_dialled_again"]
        nowhere "no recorded server is silent after the PING of a client";

    SERVER_PING_UNANSWERED "grpc.server-ping-unanswered" "PING Frame"
        "A PING of a server that is not answered in time ends the connection."
        kept ["src/connection/keepalive.rs::watch", "src/server/leave.rs::poll"]
        tests ["tests/spec_server.rs::peer_that_does_not_answer_a_ping_is_closed"]
        golden ["keepalive"];

    CONNECTION_FAILURE "grpc.connection-failure" "Connection failure"
        "A client's calls on a connection that is lost end with UNAVAILABLE."
        kept ["src/call/error.rs::status_of", "src/call/link.rs::status"]
        tests [
            "tests/spec_client.rs::lost_connection_is_unavailable_and_names_the_server",
            "tests/hooks.rs::a_client_is_told_of_its_calls_on_a_connection_that_is_lost",
        ]
        nowhere "a connection that is lost has no more bytes";

    PROTOBUF_SERVICE_NAME "grpc.protobuf-service-name" "Appendix A"
        "The name of a service is that of its .proto file's package, a dot, and its own."
        kept ["src/service/compare.rs::full_name"]
        tests [
            "tests/declaration.rs::service_macro_agrees_with_the_compiled_proto",
            "tests/spec_client.rs::request_head_has_what_the_specification_asks_for",
        ]
        golden ["get-feature"];
}
