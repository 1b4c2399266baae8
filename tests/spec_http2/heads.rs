//! Section 8: what makes a request well-formed.

use super::common::raw::{END_HEADERS, END_STREAM, HEADERS, Raw};
use super::*;

/// A request whose fields were changed is refused with PROTOCOL_ERROR. If h2 resets its stream, the connection lives on.
async fn is_malformed(what: &str, change: impl FnOnce(&mut Vec<(&'static str, &'static str)>)) {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    let mut changed = fields();
    change(&mut changed);
    raw.send(HEADERS, END_HEADERS, 1, &block(&changed)).await;
    match end(&mut raw, 1).await {
        End::Stream(code) => {
            assert_eq!(code, PROTOCOL_ERROR, "{what}");
            is_answered(&mut raw, 3).await;
        }
        End::Connection(code) => assert_eq!(code, PROTOCOL_ERROR, "{what}"),
    }
}

#[tokio::test]
async fn names_of_fields_are_in_lower_case_and_of_legal_characters() {
    is_malformed("upper case", |fields| fields.push(("X-Custom", "1"))).await;
    is_malformed("a space", |fields| fields.push(("x custom", "1"))).await;
    is_malformed("a colon inside", |fields| fields.push(("x:custom", "1"))).await;
}

#[tokio::test]
async fn values_of_fields_have_no_line_ends() {
    is_malformed("CR", |fields| fields.push(("x", "1\r2"))).await;
    is_malformed("LF", |fields| fields.push(("x", "1\n2"))).await;
    is_malformed("NUL", |fields| fields.push(("x", "1\x002"))).await;
}

#[tokio::test]
async fn fields_about_the_connection_are_malformed() {
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
        is_malformed(name, |fields| fields.push((name, "x"))).await;
    }
    is_malformed("te: gzip", |fields| fields[4] = ("te", "gzip")).await;
}

#[tokio::test]
async fn pseudo_headers_come_first_once_and_are_those_of_requests() {
    is_malformed("after a field", |fields| fields.swap(2, 4)).await;
    is_malformed("twice", |fields| fields.insert(0, (":path", "/"))).await;
    is_malformed("unknown", |fields| fields.insert(0, (":protocol-x", "1"))).await;
    is_malformed("of a response", |fields| fields.insert(0, (":status", "200"))).await;
}

#[tokio::test]
async fn a_request_has_method_scheme_and_path() {
    for (at, name) in [":method", ":scheme", ":path"].into_iter().enumerate() {
        is_malformed(name, |fields| {
            fields.remove(at);
        })
        .await;
    }
    is_malformed("empty path", |fields| fields[2] = (":path", "")).await;
}

#[tokio::test]
async fn a_content_length_that_is_not_that_of_the_data_is_malformed() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    let head = [fields(), vec![("content-length", "23")]].concat();
    raw.send(HEADERS, END_HEADERS, 1, &block(&head)).await;
    raw.send(DATA, END_STREAM, 1, &point()).await;
    assert_eq!(end(&mut raw, 1).await, End::Stream(PROTOCOL_ERROR));
    let head = [fields(), vec![("content-length", "22")]].concat();
    raw.send(HEADERS, END_HEADERS, 3, &block(&head)).await;
    raw.send(DATA, END_STREAM, 3, &point()).await;
    gets_an_answer(&mut raw, 3).await;
}
