//! Rules of "gRPC over HTTP/2".

use super::rule::{Rule, Source, rules};

rules! { ProtocolHttp2;

    TE_TRAILERS "grpc.te-trailers" "Requests"
        "A request has the header te with the value trailers: a proxy that removes it may not pass on trailers."
        kept ["src/wire/head.rs::request", "src/wire/head.rs::read_request"]
        tests ["tests/spec_server.rs::missing_te_is_told"];

    LENGTH_PREFIX "grpc.length-prefix" "Requests"
        "Each message has a prefix of five bytes: one byte with the Compressed-Flag, and the length of the message in four \
        bytes, the highest first."
        kept ["src/wire/frame.rs::read_prefix"]
        tests ["tests/spec_server.rs::unary_answer_is_head_message_trailers"];
}
