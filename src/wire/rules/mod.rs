//! The rules of the specifications that are kept here: of each one who keeps it, which tests show it, and which golden
//! transcripts have it in bytes.
//!
//! A comment in the source that quotes a rule names it, as in `rule grpc.te-trailers`. So a sentence of a specification
//! can be followed to the function that keeps it, from there to its test, and to its bytes in a transcript. Tests hold
//! that all of these exist, and write `docs/rules.md`. It is data and nothing else: a transcript tells with it which rule
//! some bytes follow, or which they break.
//!
//! ```
//! use h2grpc::wire::rules;
//! let rule = rules::find("grpc.te-trailers").unwrap();
//! assert_eq!(rule.id, rules::protocol_http2::TE_TRAILERS.id);
//! assert_eq!((rule.source.title(), rule.section), ("gRPC over HTTP/2", "Requests"));
//! ```

pub mod backoff;
pub mod compression;
pub mod hpack;
pub mod http2;
pub mod keepalive;
pub mod protobuf;
pub mod protocol_http2;
mod rule;
pub mod status_codes;
pub mod status_mapping;

pub use rule::{BY_H2, BY_PROST, InBytes, READ_ONLY, Rule, Source};

/// The tables, in the order of [`Source::ALL`].
const TABLES: [&[&Rule]; 15] = [
    protocol_http2::requests::RULES,
    protocol_http2::responses::RULES,
    protocol_http2::transport::RULES,
    status_mapping::RULES,
    status_codes::RULES,
    compression::RULES,
    keepalive::RULES,
    backoff::RULES,
    http2::frames::RULES,
    http2::settings::RULES,
    http2::flow::RULES,
    http2::streams::RULES,
    http2::messages::RULES,
    hpack::RULES,
    protobuf::RULES,
];

/// All rules, specification after specification.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    TABLES.into_iter().flatten().copied()
}

/// The rule with this identifier.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}
