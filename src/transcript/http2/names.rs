//! The names of HTTP/2's numbers: frame types and their flags, settings, error codes.

/// The frame types from 0 on, each with its flags by their bits (RFC 9113, section 6; rules h2.data to
/// h2.continuation).
#[rustfmt::skip]
const TYPES: [(&str, &[(u8, &str)]); 10] = [
    ("DATA", &[(0x01, "END_STREAM"), (0x08, "PADDED")]),
    ("HEADERS", &[(0x01, "END_STREAM"), (0x04, "END_HEADERS"), (0x08, "PADDED"), (0x20, "PRIORITY")]),
    ("PRIORITY", &[]),
    ("RST_STREAM", &[]),
    ("SETTINGS", &[(0x01, "ACK")]),
    ("PUSH_PROMISE", &[(0x04, "END_HEADERS"), (0x08, "PADDED")]),
    ("PING", &[(0x01, "ACK")]),
    ("GOAWAY", &[]),
    ("WINDOW_UPDATE", &[]),
    ("CONTINUATION", &[(0x04, "END_HEADERS")]),
];

#[rustfmt::skip]
const SETTINGS: [Option<&str>; 10] = [
    None, Some("HEADER_TABLE_SIZE"), Some("ENABLE_PUSH"), Some("MAX_CONCURRENT_STREAMS"), Some("INITIAL_WINDOW_SIZE"),
    Some("MAX_FRAME_SIZE"), Some("MAX_HEADER_LIST_SIZE"), None, Some("ENABLE_CONNECT_PROTOCOL"),
    Some("NO_RFC7540_PRIORITIES"),
];

#[rustfmt::skip]
const ERROR_CODES: [&str; 14] = [
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
];

/// The name of a frame type, "UNKNOWN" for one that is not defined (rule h2.unknown-type).
pub fn frame_type(kind: u8) -> &'static str {
    TYPES.get(usize::from(kind)).map_or("UNKNOWN", |(name, _)| name)
}

/// The flags that are defined for a frame type, each with its bit.
pub(super) fn flags(kind: u8) -> &'static [(u8, &'static str)] {
    TYPES.get(usize::from(kind)).map_or(&[], |(_, flags)| flags)
}

/// The name of a setting, if it has one (RFC 9113, section 6.5.2; rules h2.setting-header-table-size to
/// h2.setting-max-header-list-size, and the registry).
pub fn setting(id: u16) -> Option<&'static str> {
    // gRPC's implementations in C++ and in Java announce this one; it is not in the registry.
    const ALLOW_TRUE_BINARY_METADATA: u16 = 0xfe03;
    match id {
        ALLOW_TRUE_BINARY_METADATA => Some("GRPC_ALLOW_TRUE_BINARY_METADATA"),
        id => SETTINGS.get(usize::from(id)).copied().flatten(),
    }
}

/// The name of an error code (RFC 9113, section 7; rule h2.error-codes), "UNKNOWN" for one that is not defined.
pub fn error_code(code: u32) -> &'static str {
    ERROR_CODES.get(code as usize).unwrap_or(&"UNKNOWN")
}
