//! The words by which a golden transcript shows a rule.
//!
//! Most spans name the rule of their form: a length, a setting, an integer of HPACK. What a rule says beyond that, an
//! order, a value, an answer, is found here by what the transcript says, one after the other.

macro_rules! words {
    ($($id:literal: $($words:literal),+;)*) => { &[$(($id, &[$($words),+])),*] };
}

/// The words of a rule, by its identifier. Spaces count as one, whether a line ends there or not.
pub const WORDS: &[(&str, &[&str])] = words! {
    "grpc.request-shape": "request head", "-> DATA stream 1 END_STREAM";
    "grpc.response-shape": "response head", "<- DATA stream 1", "bytes trailers";
    "grpc.call-definition-first": "content-type: application/grpc", "user-agent:", "request-id: 42";
    "grpc.method-post": ":method: POST";
    "grpc.scheme": ":scheme: http";
    "grpc.path": ":path: /routeguide.RouteGuide/Get";
    "grpc.authority": ":authority: localhost:50051";
    "grpc.te-trailers": "te: trailers";
    "grpc.timeout": "grpc-timeout: 498000u";
    "grpc.timeout-digits": "grpc-timeout: 498000u";
    "grpc.timeout-first": ":path: /routeguide.RouteGuide/GetFeature", "grpc-timeout: 498000u", "te: trailers";
    "grpc.timeout-absent": ":path: /routeguide.RouteGuide/ListFeatures", "te: trailers", "[4.004000] DATA";
    "grpc.server-deadline": "grpc-timeout: 498000u", "[0.502000] HEADERS", "grpc-status: 4 DEADLINE_EXCEEDED";
    "grpc.content-type": "content-type: application/grpc";
    "grpc.content-type-415": "content-type: application/json", ":status: 415";
    "grpc.accept-encoding": "grpc-accept-encoding: identity";
    "grpc.user-agent": "user-agent: h2grpc/0.1.0";
    "grpc.custom-metadata": "request-id: 42", "token-bin: //79/A";
    "grpc.header-name": "name: request-id";
    "grpc.ascii-value": "request-id: 42";
    "grpc.binary-base64": "token-bin: //79/A";
    "grpc.binary-padding": "token-bin: //79/A", "token-bin: AQ==,//79/A";
    "grpc.binary-unpadded": "token-bin: //79/A", "grpc-status-details-bin: CAk";
    "grpc.binary-commas": "token-bin: AQ==,//79/A";
    "grpc.header-limit": "<- SETTINGS stream 0 18 bytes", "MAX_HEADER_LIST_SIZE: 16384";
    "grpc.whole-messages":
        "-> DATA stream 1 3 bytes", "-> DATA stream 1 5 bytes", "-> DATA stream 1 END_STREAM 14 bytes";
    "grpc.flag-needs-encoding": "the head says no grpc-encoding";
    "grpc.request-end": "-> DATA stream 1 END_STREAM";
    "grpc.empty-data-end": "-> DATA stream 1 END_STREAM 0 bytes";
    "grpc.response-headers": ":status: 200", "content-type: application/grpc";
    "grpc.http-status-200": ":status: 200", "grpc-status: 5 NOT_FOUND";
    "grpc.trailers-only": "bytes Trailers-Only", ":status: 200", "content-type: application/grpc", "grpc-status:";
    "grpc.status-ends-stream": "<- HEADERS stream 1 END_STREAM END_HEADERS 36 bytes trailers", "grpc-status: 15";
    "grpc.trailers": "bytes trailers", "grpc-status: 15", "grpc-message: the rest is lost";
    "grpc.status-always": "bytes trailers", "grpc-status: 0 OK";
    "grpc.status-digits": "bytes trailers", "grpc-status: ";
    "grpc.status-message": "grpc-message: 100 %25 of Z%C3%BCrich%0Ais missing";
    "grpc.percent-plain": "grpc-message: no feature there";
    "grpc.percent-hex": "grpc-message: 100 %25 of Z%C3%BCrich%0Ais missing";
    "grpc.response-end": "<- HEADERS stream 1 END_STREAM END_HEADERS 12 bytes trailers";
    "grpc.synthesized-status": ":status: 503", "content-type: text/html";
    "grpc.response-header-limit": "-> SETTINGS stream 0 18 bytes", "MAX_HEADER_LIST_SIZE: 16384", "-> WINDOW_UPDATE";
    "grpc.stream-id": "-> HEADERS stream 1", "-> HEADERS stream 3";
    "grpc.data-boundaries": "messages 1 to 4";
    "grpc.errors-in-trailers": "END_STREAM END_HEADERS", "grpc-status:", "grpc-message:";
    "grpc.reset-closes": "RST_STREAM stream 1 4 bytes";
    "grpc.reset-no-error": "<- RST_STREAM stream", "error code: NO_ERROR 0x";
    "grpc.reset-protocol-error": "<- RST_STREAM stream", "error code: PROTOCOL_ERROR 0x";
    "grpc.reset-flow-control-error": "<- RST_STREAM stream", "error code: FLOW_CONTROL_ERROR 0x";
    "grpc.reset-settings-timeout": "<- RST_STREAM stream", "error code: SETTINGS_TIMEOUT 0x";
    "grpc.reset-frame-size-error": "<- RST_STREAM stream", "error code: FRAME_SIZE_ERROR 0x";
    "grpc.reset-compression-error": "<- RST_STREAM stream", "error code: COMPRESSION_ERROR 0x";
    "grpc.reset-connect-error": "<- RST_STREAM stream", "error code: CONNECT_ERROR 0x";
    "grpc.reset-inadequate-security": "<- RST_STREAM stream", "error code: INADEQUATE_SECURITY 0x";
    "grpc.reset-internal-error": "<- RST_STREAM stream", "error code: INTERNAL_ERROR 0x";
    "grpc.reset-refused-stream": "<- RST_STREAM stream", "error code: REFUSED_STREAM 0x";
    "grpc.reset-cancel": "<- RST_STREAM stream", "error code: CANCEL 0x";
    "grpc.reset-enhance-your-calm": "<- RST_STREAM stream", "error code: ENHANCE_YOUR_CALM 0x";
    "grpc.refused-stream-retry": "-> HEADERS stream 7", "error code: REFUSED_STREAM", "-> HEADERS stream 9";
    "grpc.client-cancellation": "RST_STREAM stream 1 4 bytes", "error code: CANCEL 0x8";
    "grpc.goaway": "last stream: 2147483647", "last stream: 3";
    "grpc.goaway-accepted-streams":
        "last stream: 3", "<- [0.063000] HEADERS stream 3 END_STREAM", "<- [0.085000] HEADERS stream 1 END_STREAM";
    "grpc.goaway-first": "<- [0.061000] GOAWAY stream 0";
    "grpc.ping-echo": "PING stream 0 8 bytes", "PING stream 0 ACK 8 bytes";
    "grpc.server-ping-unanswered": "<- [120.002000] PING", "-> [120.003000] PING stream 0 ACK", "<- [180.004000] PING";
    "grpc.protobuf-service-name": ":path: /routeguide.RouteGuide/GetFeature";
    "status.http-400": ":status: 400", "content-type: text/html";
    "status.http-401": ":status: 401", "content-type: text/html";
    "status.http-403": ":status: 403", "content-type: text/html";
    "status.http-404": ":status: 404", "content-type: text/html";
    "status.http-429": ":status: 429", "content-type: text/html";
    "status.http-502": ":status: 502", "content-type: text/html";
    "status.http-504": ":status: 504", "content-type: text/html";
    "status.http-503": ":status: 503", "content-type: text/html";
    "status.http-other": ":status: 418";
    "status.http-200": ":status: 200", "content-type: application/grpc", "-> DATA";
    "status.http-1xx": "informational response", ":status: 103", "response head";
    "status.grpc-status-wins": ":status: 503", "grpc-status: 5 NOT_FOUND";
    "status.clients-only": ":status: 200", "grpc-status: 5 NOT_FOUND";
    "code.ok": "grpc-status: 0 OK;";
    "code.invalid-argument": "grpc-status: 3 INVALID_ARGUMENT;";
    "code.deadline-exceeded": "grpc-status: 4 DEADLINE_EXCEEDED;";
    "code.not-found": "grpc-status: 5 NOT_FOUND;";
    "code.resource-exhausted": "grpc-status: 8 RESOURCE_EXHAUSTED;";
    "code.failed-precondition": "grpc-status: 9 FAILED_PRECONDITION;";
    "code.unimplemented": "grpc-status: 12 UNIMPLEMENTED;";
    "code.internal": "grpc-status: 13 INTERNAL;";
    "code.data-loss": "grpc-status: 15 DATA_LOSS;";
    "code.cancelled": "grpc-status: 1 CANCELLED;";
    "code.unknown": "grpc-status: 2 UNKNOWN;";
    "code.already-exists": "grpc-status: 6 ALREADY_EXISTS;";
    "code.permission-denied": "grpc-status: 7 PERMISSION_DENIED;";
    "code.aborted": "grpc-status: 10 ABORTED;";
    "code.out-of-range": "grpc-status: 11 OUT_OF_RANGE;";
    "code.unavailable": "grpc-status: 14 UNAVAILABLE;";
    "code.unauthenticated": "grpc-status: 16 UNAUTHENTICATED;";
    "code.unknown-number": "grpc-status: 99";
    "code.case-client-cancelled": "-> [1.005000] RST_STREAM stream 1", "error code: CANCEL 0x8";
    "code.case-deadline-passed": "error code: CANCEL 0x8", "grpc-status: 4 DEADLINE_EXCEEDED";
    "code.case-method-not-found": ":path: /routeguide.RouteGuide/GetWeather", "grpc-status: 12 UNIMPLEMENTED";
    "code.case-encoding-not-supported": "grpc-encoding: gzip", "grpc-status: 12 UNIMPLEMENTED";
    "code.case-flow-control-violation": "<- RST_STREAM stream", "error code: FLOW_CONTROL_ERROR";
    "code.case-status-not-parsed": "grpc-status: fine";
    "code.case-response-cardinality": "Trailers-Only", "grpc-status: 0 OK";
    "code.case-message-too-large": "message length: 5242880", "grpc-status: 8 RESOURCE_EXHAUSTED";
    "compression.none-by-default": "compressed: no";
    "compression.request-unsupported":
        "grpc-encoding: gzip", "grpc-status: 12 UNIMPLEMENTED",
        "grpc-message: messages compressed with gzip are not read here";
    "compression.accept-told": "grpc-status: 12 UNIMPLEMENTED", "grpc-accept-encoding: identity";
    "keepalive.time": "PING stream 0 8 bytes";
    "keepalive.timeout": "<- [180.004000] PING stream 0 8 bytes";
    "keepalive.begins-connected": "<- [0.002000] SETTINGS", "<- [120.002000] PING";
    "keepalive.too-many-pings": "GOAWAY stream 0", "error code: ENHANCE_YOUR_CALM", "debug data: too_many_pings";
    "backoff.reset-on-settings": "<- SETTINGS stream 0 18 bytes";
    "h2.server-preface": "<- SETTINGS stream 0 18 bytes";
    "h2.frame-length": "SETTINGS stream 0 18 bytes", "length: 18 of the payload";
    "h2.unknown-flags": "flags: END_HEADERS 0x80";
    "h2.reserved-bit": "80 00 00 01 stream: 1";
    "h2.header-block":
        "-> HEADERS stream 1 20 bytes", "-> CONTINUATION stream 1 40 bytes",
        "-> CONTINUATION stream 1 END_HEADERS 27 bytes";
    "h2.end-stream": "END_STREAM";
    "h2.padding-fits": "-> DATA stream 1 END_STREAM PADDED 33 bytes", "pad length: 10";
    "h2.end-headers": "END_HEADERS";
    "h2.headers-priority": "END_HEADERS PADDED PRIORITY", "depends on stream: 0", "weight less one: 15";
    "h2.rst-stream-on-idle": "RST_STREAM stream 5", "GOAWAY stream 0", "error code: PROTOCOL_ERROR";
    "h2.goaway-twice":
        "last stream: 2147483647", "error code: NO_ERROR", "PING stream 0 ACK", "last stream: 3",
        "error code: NO_ERROR";
    "h2.settings-format": "SETTINGS stream 0 18 bytes", "00 02 setting: ENABLE_PUSH setting 2 00 00 00 00 value: 0";
    "h2.settings-ack-empty": "SETTINGS stream 0 ACK 0 bytes";
    "h2.settings-ack": "<- SETTINGS stream 0 18 bytes", "-> SETTINGS stream 0 ACK";
    "h2.window-of-stream":
        "INITIAL_WINDOW_SIZE: 40 ", "<- DATA stream 1 40 bytes", "increment: 10 ", "<- DATA stream 1 10 bytes";
    "h2.only-data-flows":
        "INITIAL_WINDOW_SIZE: 40 ", "<- HEADERS stream 1 END_HEADERS 14 bytes", "<- DATA stream 1 40 bytes";
    "h2.window-begins": "WINDOW_UPDATE stream 0", "increment: 2031617";
    "h2.stream-states":
        "-> HEADERS stream 1 END_HEADERS", "-> DATA stream 1 END_STREAM 0 bytes",
        "<- HEADERS stream 1 END_STREAM END_HEADERS";
    "h2.idle-begins-with-headers": "-> HEADERS stream 1", "-> DATA stream 1";
    "h2.half-closed": "-> HEADERS stream 1 END_STREAM END_HEADERS", "<- HEADERS stream 1 END_HEADERS";
    "h2.frames-after-reset": "-> [0.501000] RST_STREAM stream 1", "<- [0.502000] HEADERS stream 1 END_STREAM";
    "h2.stream-ids": "-> HEADERS stream 1", "-> HEADERS stream 3";
    "h2.stream-ids-grow": "-> HEADERS stream 1", "-> HEADERS stream 3";
    "h2.concurrent-streams": "MAX_CONCURRENT_STREAMS: 1 ";
    "h2.connection-error": "GOAWAY stream 0", "error code: PROTOCOL_ERROR";
    "h2.stream-error": "<- RST_STREAM stream", "error code: ";
    "h2.message-framing":
        "-> HEADERS stream 1", "-> DATA stream 1 END_STREAM", "<- HEADERS stream 1 END_HEADERS", "<- DATA stream 1",
        "<- HEADERS stream 1 END_STREAM";
    "h2.informational": "informational response", ":status: 103", "response head", ":status: 200";
    "h2.trailers-end-stream": "<- HEADERS stream 1 END_STREAM END_HEADERS 36 bytes trailers";
    "h2.early-response":
        "-> DATA stream 1 9 bytes", "<- HEADERS stream 1 END_STREAM", "<- RST_STREAM stream 1", "error code: NO_ERROR";
    "h2.malformed":
        "content-length: 23", "-> DATA stream 1 END_STREAM 22 bytes", "<- RST_STREAM stream 1",
        "error code: PROTOCOL_ERROR";
    "h2.content-length":
        "content-length: 23", "-> DATA stream 1 END_STREAM 22 bytes", "<- RST_STREAM stream 1", "content-length: 22",
        "-> DATA stream 3 END_STREAM 22 bytes", "<- HEADERS stream 3";
    "h2.field-names": "te: trailers", "user-agent: h2grpc/0.1.0";
    "h2.field-values": "grpc-message: 100 %25 of Z%C3%BCrich%0Ais missing";
    "h2.te": "te: trailers";
    "h2.pseudo-fields":
        ":method: POST", ":scheme: http", ":authority: localhost:50051", ":path: /routeguide.RouteGuide/GetFeature",
        "te: trailers";
    "h2.request-pseudo-fields":
        ":method: POST", ":scheme: http", ":authority: localhost:50051", ":path: /routeguide.RouteGuide/GetFeature";
    "h2.response-pseudo-fields": "response head", ":status: 200";
    "h2.refused-stream": "<- RST_STREAM stream", "error code: REFUSED_STREAM";
    "hpack.order":
        ":method: POST", ":scheme: http", ":authority: localhost:50051", ":path: /routeguide.RouteGuide/GetFeature",
        "te: trailers", "content-type: application/grpc", "user-agent: h2grpc/0.1.0";
    "hpack.two-tables": "indexed 3 of the static table", "indexed 65 of the dynamic table";
    "hpack.index":
        "user-agent: h2grpc/0.1.0 literal, added", "user-agent: h2grpc/0.1.0 indexed 62 of the dynamic table";
    "hpack.size-limit": "HEADER_TABLE_SIZE: 0", "size update", "content-type: application/grpc literal, not added";
    "hpack.size-update-first": "response head", "size update", ":status: 200";
    "hpack.size-update-due": "HEADER_TABLE_SIZE: 0", "<- HEADERS stream 1", "size update";
    "hpack.huffman-padding": "a0 e4 1d 13 9d 09 b8 d8 00 d8 7f value: localhost:50051 Huffman";
    "hpack.indexed": "83 :method: POST indexed 3 of the static table";
    "protobuf.varint-length": "longitude: -746188906 VARINT int32, negative: 10 bytes";
    "protobuf.field-number": "1 latitude: 409146138", "2 longitude: -746188906";
    "protobuf.wire-types": "VARINT int32", "LEN string";
    "protobuf.utf8": "LEN string", "text: \"";
    "protobuf.submessage": "location: routeguide.Point LEN message, 17 bytes";
    "protobuf.default-omitted": "-> DATA stream 3 END_STREAM 5 bytes", "message length: 0 routeguide.Point";
};
