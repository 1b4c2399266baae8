//! Any headers are read or refused without a panic; what is answered can be read again and fits a header block.
//!
//! Input, as text: the method, the path and the HTTP status, each on a line, then lines of `name: value`.
#![no_main]

use h2grpc::metadata::Metadata;
use h2grpc::status::Status;
use h2grpc::wire::head;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}

fuzz_target!(|data: &[u8]| {
    let mut lines = data.split(|byte| *byte == b'\n');
    let method = http::Method::from_bytes(lines.next().unwrap_or_default()).unwrap_or(http::Method::POST);
    let uri = http::Uri::try_from(lines.next().unwrap_or_default()).unwrap_or_default();
    let status = http::StatusCode::from_bytes(lines.next().unwrap_or_default()).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().skip(1).position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..=colon], line[colon + 2..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }

    let mut request = Request::new(());
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers.clone());
    let parts = request.into_parts().0;
    match head::read_request(&parts).and_then(|_| head::read_path(parts.uri.clone())) {
        Ok(path) => assert!(!path.service().is_empty() && !path.method().is_empty()),
        Err(refusal) => {
            let parts = head::refuse(&refusal).into_parts().0;
            let read = head::read_response(&parts, true).expect("our own answer").status.expect("Trailers-Only");
            let refused = Status::from(refusal);
            assert_eq!((read.code, read.message.as_str()), (refused.code(), refused.message()));
        }
    }

    let mut response = Response::new(());
    (*response.status_mut(), *response.headers_mut()) = (status, headers.clone());
    let parts = response.into_parts().0;
    if let Ok(read) = head::read_response(&parts, false) {
        assert_eq!(read.status, None);
    }
    match head::read_response(&parts, true) {
        Ok(read) => assert_eq!(read.status, head::read_status(&headers)),
        Err(error) => assert!(!error.message.is_empty()),
    }

    // A status that came is sent on: it is within bounds, and comes out the same, metadata and all, if it was before.
    let received = Status::from_trailers(headers.clone());
    let trailers = received.to_trailers();
    assert!(size(&trailers) <= head::MAX_STATUS_LEN + 64);
    assert_eq!(trailers.keys().next().map(HeaderName::as_str), Some("grpc-status"));
    let again = Status::from_trailers(trailers);
    assert_eq!(again.code(), received.code());
    assert!(received.message().starts_with(again.message()));
    if size(&headers) < head::MAX_STATUS_LEN / 4 {
        assert_eq!(again.message(), received.message());
        assert_eq!(again.details(), received.details());
        assert_eq!(again.metadata().len(), received.metadata().len());
    }

    let metadata = Metadata::from_headers(headers);
    for (name, _) in metadata.iter() {
        let _ = (metadata.get(name.as_str()), metadata.get_all_bin(name.as_str()).count());
    }
    let len = metadata.len();
    let mut headers = http::HeaderMap::new();
    metadata.copy_to(&mut headers);
    assert_eq!(headers.len(), len);
});
