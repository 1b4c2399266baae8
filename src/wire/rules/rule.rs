//! What a rule is, and the form in which the tables hold their rules.

/// A rule of a specification, where this crate keeps it, and what shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in comments, reports and `docs/rules.md`, such as `grpc.te-trailers`. Two rules never have the same.
    pub id: &'static str,
    /// The specification that has the rule.
    pub source: Source,
    /// The section of the specification: "Requests", "6.5.3".
    pub section: &'static str,
    /// The rule in our own words.
    pub text: &'static str,
    /// Who keeps it: `src/wire/head.rs::read_request` is a function, and `Limits::builder` after the file a method of a
    /// type. [`BY_H2`], [`BY_PROST`] and [`READ_ONLY`] stand for others.
    pub kept: &'static [&'static str],
    /// The tests that show it: `tests/spec_server.rs::missing_te_is_told`.
    pub tests: &'static [&'static str],
    /// Where it can be seen in bytes.
    pub bytes: InBytes,
}

/// Where a rule can be seen in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InBytes {
    /// In these golden transcripts: `get-feature` is `tests/golden/get-feature.txt`.
    Golden(&'static [&'static str]),
    /// In no golden transcript, for this reason.
    Nowhere(&'static str),
}

/// The crate h2 keeps the rule, on both sides of each connection.
pub const BY_H2: &str = "h2";

/// The crate prost keeps the rule, where it reads and writes messages.
pub const BY_PROST: &str = "prost";

/// The transcript explains the bytes by this rule. Neither this server nor this client sends such bytes.
pub const READ_ONLY: &str = "src/transcript";

/// A specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// How a call is told in HTTP/2.
    ProtocolHttp2,
    /// Which status an HTTP error becomes.
    HttpStatusMapping,
    /// The status codes.
    StatusCodes,
    /// Compressed messages.
    Compression,
    /// PING that finds out whether the peer is there.
    Keepalive,
    /// Pauses between attempts to connect.
    ConnectionBackoff,
    /// HTTP/2.
    Http2,
    /// The compression of header fields.
    Hpack,
    /// The encoding of Protocol Buffers.
    Protobuf,
}

impl Source {
    /// All of them, in the order of the tables.
    pub const ALL: [Source; 9] = [
        Source::ProtocolHttp2,
        Source::HttpStatusMapping,
        Source::StatusCodes,
        Source::Compression,
        Source::Keepalive,
        Source::ConnectionBackoff,
        Source::Http2,
        Source::Hpack,
        Source::Protobuf,
    ];

    /// The title of the document.
    pub const fn title(self) -> &'static str {
        match self {
            Source::ProtocolHttp2 => "gRPC over HTTP/2",
            Source::HttpStatusMapping => "HTTP to gRPC Status Code Mapping",
            Source::StatusCodes => "Status codes and their use in gRPC",
            Source::Compression => "gRPC Compression",
            Source::Keepalive => "Keepalive User Guide for gRPC Core (and dependents)",
            Source::ConnectionBackoff => "gRPC Connection Backoff Protocol",
            Source::Http2 => "RFC 9113: HTTP/2",
            Source::Hpack => "RFC 7541: HPACK: Header Compression for HTTP/2",
            Source::Protobuf => "Protocol Buffers: Encoding",
        }
    }

    /// Where the document can be read.
    pub const fn url(self) -> &'static str {
        match self {
            Source::ProtocolHttp2 => "https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md",
            Source::HttpStatusMapping => "https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md",
            Source::StatusCodes => "https://github.com/grpc/grpc/blob/master/doc/statuscodes.md",
            Source::Compression => "https://github.com/grpc/grpc/blob/master/doc/compression.md",
            Source::Keepalive => "https://github.com/grpc/grpc/blob/master/doc/keepalive.md",
            Source::ConnectionBackoff => "https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md",
            Source::Http2 => "https://www.rfc-editor.org/rfc/rfc9113",
            Source::Hpack => "https://www.rfc-editor.org/rfc/rfc7541",
            Source::Protobuf => "https://protobuf.dev/programming-guides/encoding/",
        }
    }
}

/// Makes a constant of each rule of a specification, and `RULES`, which has them all.
macro_rules! rules {
    (@ golden $names:tt) => { $crate::wire::rules::InBytes::Golden(&$names) };
    (@ nowhere $reason:literal) => { $crate::wire::rules::InBytes::Nowhere($reason) };
    ($source:ident; $(
        $name:ident $id:literal $section:literal $text:literal
        kept [$($kept:expr),+ $(,)?]
        tests [$($test:literal),* $(,)?]
        $in_bytes:ident $bytes:tt;
    )*) => {
        $(
            #[doc = $text]
            pub const $name: Rule = Rule {
                id: $id,
                source: Source::$source,
                section: $section,
                text: $text,
                kept: &[$($kept),+],
                tests: &[$($test),*],
                bytes: rules!(@ $in_bytes $bytes),
            };
        )*
        pub(crate) const RULES: &[&Rule] = &[$(&$name),*];
    };
}
pub(super) use rules;
