//! Which status an HTTP error becomes: rules of "HTTP to gRPC Status Code Mapping".

use super::rule::{BY_H2, Rule, Source, rules};

rules! { HttpStatusMapping;

    HTTP_400 "status.http-400" "Table"
        "HTTP 400 Bad Request without grpc-status is INTERNAL."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["http-errors"];

    HTTP_401 "status.http-401" "Table"
        "HTTP 401 Unauthorized without grpc-status is UNAUTHENTICATED."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["http-errors"];

    HTTP_403 "status.http-403" "Table"
        "HTTP 403 Forbidden without grpc-status is PERMISSION_DENIED."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["http-errors"];

    HTTP_404 "status.http-404" "Table"
        "HTTP 404 Not Found without grpc-status is UNIMPLEMENTED."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["http-errors"];

    HTTP_429 "status.http-429" "Table"
        "HTTP 429 Too Many Requests without grpc-status is UNAVAILABLE."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["http-errors"];

    HTTP_502 "status.http-502" "Table"
        "HTTP 502 Bad Gateway without grpc-status is UNAVAILABLE."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["http-errors"];

    HTTP_503 "status.http-503" "Table"
        "HTTP 503 Service Unavailable without grpc-status is UNAVAILABLE."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["proxy-error"];

    HTTP_504 "status.http-504" "Table"
        "HTTP 504 Gateway Timeout without grpc-status is UNAVAILABLE."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["http-errors"];

    HTTP_OTHER "status.http-other" "Table"
        "Any other HTTP status without grpc-status is UNKNOWN."
        kept ["src/wire/code.rs::from_http_status"]
        tests [
            "tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status",
            "src/wire/code.rs::http_statuses_map_as_in_the_table",
        ]
        golden ["http-errors"];

    HTTP_200 "status.http-200" "Below the table"
        "HTTP 200 without grpc-status is UNKNOWN: if all had been right, grpc-status would be there."
        kept ["src/wire/head.rs::read_response", "src/status.rs::from_trailers"]
        tests [
            "tests/spec_client.rs::missing_grpc_status_is_unknown",
            "tests/spec_client.rs::content_type_that_is_not_grpc_is_unknown",
        ]
        golden ["http-errors"];

    HTTP_1XX "status.http-1xx" "Below the table"
        "A head with an HTTP status of 100 to 199 is skipped, and the next head is read."
        kept [BY_H2]
        tests ["tests/spec_client.rs::informational_heads_are_skipped"]
        golden ["informational"];

    GRPC_STATUS_WINS "status.grpc-status-wins" "Above the table"
        "grpc-status is used wherever it is there, whatever the HTTP status."
        kept ["src/wire/head.rs::read_response"]
        tests ["tests/spec_client.rs::grpc_status_counts_whatever_the_http_status"]
        golden ["http-errors"];

    CLIENTS_ONLY "status.clients-only" "Above the table"
        "A server does not make an HTTP status of a gRPC status by this table."
        kept ["src/wire/head.rs::trailers_only", "src/call/driver.rs::trailers_only"]
        tests ["tests/spec_server.rs::unknown_service_or_method_is_unimplemented_with_the_path_and_trailers_only"]
        golden ["trailers-only"];
}
