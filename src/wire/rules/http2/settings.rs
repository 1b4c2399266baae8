//! RFC 9113, section 6.5: settings.

use super::super::rule::{BY_H2, Rule, Source, rules};

rules! { Http2;

    SETTINGS "h2.settings" "6.5"
        "SETTINGS (type 4) tells what its sender can take. It belongs to the connection: on any stream but 0 it is \
        PROTOCOL_ERROR."
        kept ["src/connection/frames.rs::end_frame", BY_H2]
        tests [
            "tests/spec_http2/frames.rs::frames_on_a_stream_that_their_type_does_not_allow_end_the_connection",
            "tests/spec_http2/frames.rs::a_server_begins_with_settings_and_acknowledges_those_of_the_client",
        ]
        golden ["get-feature"];

    SETTINGS_FORMAT "h2.settings-format" "6.5.1"
        "Each setting has six bytes: its identifier in two, its value in four. Any other length of the payload is \
        FRAME_SIZE_ERROR."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::frames_of_a_wrong_size_are_told_as_frame_size_errors",
            "tests/spec_http2/frames.rs::a_server_begins_with_settings_and_acknowledges_those_of_the_client",
        ]
        golden ["get-feature"];

    SETTINGS_ACK_EMPTY "h2.settings-ack-empty" "6.5"
        "SETTINGS with the flag ACK (0x1) has no payload."
        kept [BY_H2]
        tests ["tests/spec_http2/frames.rs::frames_of_a_wrong_size_are_told_as_frame_size_errors"]
        golden ["get-feature"];

    SETTING_HEADER_TABLE_SIZE "h2.setting-header-table-size" "6.5.2"
        "SETTINGS_HEADER_TABLE_SIZE (0x1) is the largest dynamic table, in bytes, with which the peer may compress \
        fields: 4,096 unless it is told."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::a_table_that_the_client_forbids_is_not_used"]
        golden ["small-table"];

    SETTING_ENABLE_PUSH "h2.setting-enable-push" "6.5.2"
        "SETTINGS_ENABLE_PUSH (0x2) is 0 or 1. Any other value is PROTOCOL_ERROR. gRPC clients say 0."
        kept ["src/client/connection.rs::connect", BY_H2]
        tests [
            "tests/spec_http2/frames.rs::settings_beyond_their_limits_end_the_connection_and_unknown_ones_are_ignored",
            "tests/spec_http2/client.rs::a_client_begins_with_the_preface_and_with_settings_that_forbid_push",
        ]
        golden ["get-feature"];

    SETTING_MAX_CONCURRENT_STREAMS "h2.setting-max-concurrent-streams" "6.5.2"
        "SETTINGS_MAX_CONCURRENT_STREAMS (0x3) is the number of streams that the peer may have open at once."
        kept ["src/server/connection.rs::handshake", "src/client/connection.rs::settled", BY_H2]
        tests [
            "tests/bounds.rs::a_stream_beyond_max_concurrent_streams_is_refused_and_the_others_and_the_connection_live",
            "tests/spec_client.rs::calls_on_a_fresh_connection_wait_for_the_servers_limit_of_streams",
        ]
        golden ["max-concurrent-streams", "refused-stream"];

    SETTING_INITIAL_WINDOW_SIZE "h2.setting-initial-window-size" "6.5.2"
        "SETTINGS_INITIAL_WINDOW_SIZE (0x4) is the flow-control window for the peer's data with which each stream \
        begins: 65,535 bytes unless it is told. A value above 2,147,483,647 is FLOW_CONTROL_ERROR."
        kept ["src/server/connection.rs::handshake", "src/client/connection.rs::connect", BY_H2]
        tests [
            "tests/spec_http2/frames.rs::settings_beyond_their_limits_end_the_connection_and_unknown_ones_are_ignored",
            "tests/spec_http2/flow.rs::data_is_sent_as_far_as_the_window_of_its_stream_goes",
        ]
        golden ["flow-control", "get-feature"];

    SETTING_MAX_FRAME_SIZE "h2.setting-max-frame-size" "6.5.2"
        "SETTINGS_MAX_FRAME_SIZE (0x5) is the largest payload that its sender takes, from 16,384 to 16,777,215 bytes. \
        Any other value is PROTOCOL_ERROR."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::settings_beyond_their_limits_end_the_connection_and_unknown_ones_are_ignored",
            "tests/spec_http2/frames.rs::frames_are_no_longer_than_16_384_bytes_unless_the_client_allows_more",
        ]
        nowhere "no recorded peer sends it: all take frames of 16,384 bytes";

    SETTING_MAX_HEADER_LIST_SIZE "h2.setting-max-header-list-size" "6.5.2"
        "SETTINGS_MAX_HEADER_LIST_SIZE (0x6) tells how many bytes of fields its sender takes: of each field the name, \
        the value, and 32 more."
        kept [
            "src/server/connection.rs::handshake",
            "src/client/connection.rs::connect",
            "src/wire/head.rs::field_len",
        ]
        tests [
            "tests/spec_server.rs::header_list_over_its_limit_is_http_431",
            "src/wire/head.rs::a_huge_status_is_cut_so_that_the_peer_can_read_it",
        ]
        golden ["get-feature"];

    UNKNOWN_SETTING "h2.unknown-setting" "6.5.2"
        "A setting with an unknown identifier is ignored."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::settings_beyond_their_limits_end_the_connection_and_unknown_ones_are_ignored",
        ]
        golden ["unknown-frames"];

    SETTINGS_ACK "h2.settings-ack" "6.5.3"
        "Who receives SETTINGS applies its values in their order, and sends SETTINGS with the flag ACK at once."
        kept [BY_H2]
        tests [
            "tests/spec_http2/frames.rs::a_server_begins_with_settings_and_acknowledges_those_of_the_client",
            "tests/spec_http2/client.rs::settings_and_pings_of_a_server_are_acknowledged",
        ]
        golden ["get-feature"];
}
