//! Rules of "gRPC Compression".

use super::rule::{Rule, Source, rules};

rules! { Compression;

    FLAG_NEEDS_ENCODING "compression.flag-needs-encoding" "Compression Method Asymmetry"
        "A message with Compressed-Flag 1 in a call without grpc-encoding ends the call with INTERNAL."
        kept ["src/codec/mod.rs::decode"]
        tests ["tests/spec_server.rs::compressed_flag_without_grpc_encoding_is_internal"];
}
