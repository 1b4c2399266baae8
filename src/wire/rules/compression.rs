//! Rules of "gRPC Compression", as far as a stack needs them that compresses nothing.

use super::rule::{Rule, Source, rules};

rules! { Compression;

    NONE_BY_DEFAULT "compression.none-by-default" "Test cases"
        "Where no compression is set, messages are not compressed."
        kept ["src/codec/mod.rs::to_frame", "src/codec/mod.rs::encode"]
        tests ["tests/spec_server.rs::unary_answer_is_head_message_trailers"]
        golden ["get-feature"];

    REQUEST_UNSUPPORTED "compression.request-unsupported" "Compression Method Asymmetry Between Peers"
        "A request whose compression the server does not have ends with UNIMPLEMENTED. The message says so, and what \
        is supported."
        kept ["src/server/admit.rs::unknown_encoding"]
        tests ["tests/spec_server.rs::unknown_grpc_encoding_is_unimplemented_and_the_known_ones_are_listed"]
        golden ["compressed"];

    ACCEPT_TOLD "compression.accept-told" "Compression Method Asymmetry Between Peers"
        "With that status goes grpc-accept-encoding, which lists what the server reads, and not the compression that \
        it refused."
        kept ["src/server/admit.rs::unknown_encoding"]
        tests ["tests/spec_server.rs::unknown_grpc_encoding_is_unimplemented_and_the_known_ones_are_listed"]
        golden ["compressed"];

    RESPONSE_UNSUPPORTED "compression.response-unsupported" "Compression Method Asymmetry Between Peers"
        "A response whose compression the client does not have ends with INTERNAL. The message says so, and what is \
        supported."
        kept ["src/call/source.rs::read_head"]
        tests ["tests/spec_client.rs::encoding_that_was_not_offered_is_internal_and_named"]
        nowhere "no recorded server compresses";

    FLAG_NEEDS_ENCODING "compression.flag-needs-encoding" "Test cases"
        "A message whose Compressed-Flag is 1, in a call without a grpc-encoding other than identity, ends the call \
        with INTERNAL. The message names the flag."
        kept ["src/codec/mod.rs::decode"]
        tests [
            "tests/spec_server.rs::compressed_flag_without_grpc_encoding_is_internal",
            "tests/spec_client.rs::broken_frames_in_an_answer_are_internal",
        ]
        golden ["compressed-without-encoding"];
}
