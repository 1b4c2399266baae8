//! Rules of "HTTP to gRPC Status Code Mapping".

use super::rule::{Rule, Source, rules};

rules! { HttpStatusMapping;

    HTTP_503 "status.http-503" "Mapping"
        "HTTP 503 Service Unavailable without a gRPC status is UNAVAILABLE."
        kept ["src/wire/code.rs::from_http_status"]
        tests ["tests/spec_client.rs::http_status_is_mapped_where_there_is_no_grpc_status"];
}
