//! What a client makes of the codes that end a call: of gRPC, of HTTP, and of HTTP/2.

use h2grpc::limits::ClientLimits;
use h2grpc::transcript::Recorded;
use h2grpc::wire::Code;

use crate::common::raw::{END_HEADERS, END_STREAM, HEADERS, RST_STREAM, field};
use crate::stage::{TRAIL, server_by_hand};

/// A frame that ends a call, and the status that the client reports then.
struct End {
    kind: u8,
    flags: u8,
    payload: Vec<u8>,
    code: Code,
}

impl End {
    fn head(fields: &[(&str, &str)], code: Code) -> Self {
        let payload = fields.iter().flat_map(|(name, value)| field(name, value)).collect();
        End { kind: HEADERS, flags: END_HEADERS | END_STREAM, payload, code }
    }

    fn grpc_status(status: &str, code: Code) -> Self {
        End::head(&[(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", status)], code)
    }

    fn http_status(status: &str, code: Code) -> Self {
        End::head(&[(":status", status), ("content-type", "text/html")], code)
    }

    fn reset(error: u32, code: Code) -> Self {
        End { kind: RST_STREAM, flags: 0, payload: error.to_be_bytes().into(), code }
    }
}

/// One call after the other, each with its end.
async fn calls(ends: impl IntoIterator<Item = End>) -> Recorded {
    let (line, client, mut server) = server_by_hand(ClientLimits::default(), &[]).await;
    for end in ends {
        let client = client.clone();
        let call = tokio::spawn(async move { client.get_feature(TRAIL).await });
        let (stream, _) = server.next_request().await.unwrap();
        server.send(end.kind, end.flags, stream, &end.payload).await;
        assert_eq!(call.await.unwrap().unwrap_err().code(), end.code);
    }
    line.end().await
}

pub async fn status_codes() -> Recorded {
    let named = [
        Code::CANCELLED,
        Code::UNKNOWN,
        Code::ALREADY_EXISTS,
        Code::PERMISSION_DENIED,
        Code::ABORTED,
        Code::OUT_OF_RANGE,
        Code::UNAVAILABLE,
        Code::UNAUTHENTICATED,
    ];
    let odd = [
        End::grpc_status("99", Code::from_u32(99)),
        End::grpc_status("fine", Code::UNKNOWN),
        End::grpc_status("0", Code::UNIMPLEMENTED), // a message was due
    ];
    calls(named.map(|code| End::grpc_status(&code.value().to_string(), code)).into_iter().chain(odd)).await
}

pub async fn http_errors() -> Recorded {
    let table = [
        ("400", Code::INTERNAL),
        ("401", Code::UNAUTHENTICATED),
        ("403", Code::PERMISSION_DENIED),
        ("404", Code::UNIMPLEMENTED),
        ("429", Code::UNAVAILABLE),
        ("502", Code::UNAVAILABLE),
        ("504", Code::UNAVAILABLE),
        ("418", Code::UNKNOWN),
    ];
    let odd = [
        End::head(&[(":status", "200"), ("content-type", "application/grpc")], Code::UNKNOWN),
        End::head(&[(":status", "503"), ("content-type", "application/grpc"), ("grpc-status", "5")], Code::NOT_FOUND),
    ];
    calls(table.map(|(status, code)| End::http_status(status, code)).into_iter().chain(odd)).await
}

pub async fn reset_codes() -> Recorded {
    calls([
        End::reset(0, Code::INTERNAL),
        End::reset(1, Code::INTERNAL),
        End::reset(3, Code::INTERNAL),
        End::reset(4, Code::INTERNAL),
        End::reset(6, Code::INTERNAL),
        End::reset(9, Code::INTERNAL),
        End::reset(10, Code::INTERNAL),
        End::reset(12, Code::PERMISSION_DENIED),
    ])
    .await
}
