//! What a page has in it, read back from its JSON.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::super::fixtures::*;
use super::super::protobuf::Types;
use super::super::record::{Direction, Direction::*, Recorded};
use super::super::{Transcript, http2};
use super::HtmlOptions;
use crate::wire::binary;

const SECRET: &str = "Bearer hunter2-hunter2";

fn data(page: &str) -> Value {
    let (_, rest) = page.split_once(r#"id="data">"#).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn frames(data: &Value) -> &[Value] {
    list(&data["chapters"][0]["frames"])
}

fn bytes_of(value: &Value) -> Vec<u8> {
    binary::decode(value.as_str().unwrap().as_bytes()).unwrap()
}

fn whole() -> HtmlOptions {
    HtmlOptions { secrets: true, ..HtmlOptions::default() }
}

/// All spans below one, itself included.
fn nodes(node: &Value) -> Vec<&Value> {
    let mut all = vec![node];
    all.extend(list(&node[2]).iter().flat_map(nodes));
    all.extend(list(&node[4]["spans"]).iter().flat_map(nodes));
    all
}

/// The lengths of a span's leaves.
fn leaves(node: &Value) -> u64 {
    let children = list(&node[2]);
    if children.is_empty() { node[1].as_u64().unwrap() } else { children.iter().map(leaves).sum() }
}

/// The meanings of all spans as `name: value`.
fn told(data: &Value) -> Vec<String> {
    let table = &data["table"];
    let text = |number: &Value| table["strings"][number.as_u64().unwrap() as usize].as_str().unwrap();
    let meaning = |node: &&Value| &table["meanings"][node[0].as_u64().unwrap() as usize];
    let spans = frames(data).iter().flat_map(|frame| nodes(&frame["r"]));
    spans
        .collect::<Vec<_>>()
        .iter()
        .map(meaning)
        .map(|meaning| format!("{}: {}", text(&meaning[0]), text(&meaning[1])))
        .collect()
}

fn literal(name: &str, value: &str) -> Vec<u8> {
    [&[0x40, name.len() as u8][..], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
}

/// A request with a field of the application.
fn request(name: &str, value: &str) -> Vec<u8> {
    [&[0x83, 0x86, 0x44, 22][..], b"/RouteGuide/GetFeature", &[0x5f, 16], b"application/grpc", &literal(name, value)]
        .concat()
}

fn transcript(pieces: &[(Direction, Vec<u8>)]) -> Transcript {
    Transcript::read(&record(pieces), &route_guide())
}

/// A call whose answer comes in two DATA frames.
fn call() -> Transcript {
    let answer = hex("00 0000000a 0a 04 48657265 12 02 08 05");
    transcript(&[
        (ToServer, frame(4, 0, 0, &[])),
        (ToClient, frame(4, 1, 0, &[])),
        (ToServer, request_head()),
        (ToServer, frame(DATA, 1, 1, &hex(POINT))),
        (ToClient, frame(HEADERS, 4, 1, &hex("88 5f 8b 1d75d0620d263d4c4d6564"))),
        (ToClient, frame(DATA, 0, 1, &answer[..7])),
        (ToClient, frame(DATA, 0, 1, &answer[7..])),
        (ToClient, frame(HEADERS, 5, 1, &literal("grpc-status", "0"))),
        (ToServer, frame(HEADERS, 5, 3, &hex("83 86 bf be"))),
    ])
}

#[test]
fn every_byte_stands_in_the_page_once() {
    let transcript = call();
    let data = data(&transcript.to_html(&whole()));
    assert_eq!(frames(&data).len(), transcript.events.len());
    for (told, event) in frames(&data).iter().zip(&transcript.events) {
        assert_eq!(bytes_of(&told["b"]), event.frame.bytes);
        assert_eq!(leaves(&told["r"]), event.frame.bytes.len() as u64);
    }
}

#[test]
fn links_lead_to_bytes_of_frames_in_the_page() {
    let data = data(&call().to_html(&whole()));
    let links: Vec<&Value> =
        frames(&data).iter().flat_map(|frame| nodes(&frame["r"])).flat_map(|node| list(&node[3])).collect();
    // The ACK to its SETTINGS, the message's second piece to its first, the end to its call, two fields to entries.
    assert_eq!(links.len(), 5, "{links:?}");
    for link in links {
        let [number, start, length] = [0, 1, 2].map(|at| link[1][at].as_u64().unwrap());
        let bytes = bytes_of(&frames(&data)[number as usize]["b"]);
        assert!(start + length <= bytes.len() as u64, "{link}");
    }
}

/// What the page says in any form: its text, and its bytes.
fn says(page: &str, secret: &str) -> bool {
    fn base64(value: &Value) -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(list) => list.iter().flat_map(base64).collect(),
            Value::Object(map) => map.values().flat_map(base64).collect(),
            _ => Vec::new(),
        }
    }
    let bytes = base64(&data(page)).into_iter().filter_map(|text| binary::decode(text.as_bytes()).ok());
    page.contains(secret)
        || bytes.into_iter().any(|bytes| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()))
}

#[test]
fn credentials_are_hidden_wherever_they_stand() {
    let block = request("authorization", SECRET);
    let half = block.len() - 8;
    let never =
        [&block[..block.len() - SECRET.len() - 17], &[0x10, 4], b"mine", &[SECRET.len() as u8], SECRET.as_bytes()]
            .concat();
    type Case = (&'static str, Vec<(Direction, Vec<u8>)>);
    let cases: [Case; 6] = [
        ("a field", vec![(ToServer, frame(HEADERS, 4, 1, &block))]),
        (
            "an entry of the table",
            vec![(ToServer, frame(HEADERS, 4, 1, &block)), (ToServer, frame(HEADERS, 4, 3, &hex("83 86 be")))],
        ),
        (
            "a block of two frames",
            vec![
                (ToServer, frame(HEADERS, 0, 1, &block[..half])),
                (ToServer, frame(CONTINUATION, 4, 1, &block[half..])),
            ],
        ),
        ("a block that does not end", vec![(ToServer, frame(HEADERS, 0, 1, &block))]),
        ("a frame that is cut off", vec![(ToServer, frame(HEADERS, 4, 1, &block)[..block.len() + 7].to_vec())]),
        ("a field that its sender calls secret", vec![(ToServer, frame(HEADERS, 4, 1, &never))]),
    ];
    for (what, pieces) in cases {
        let transcript = transcript(&pieces);
        for secret in [SECRET, "hunter2"] {
            assert!(!says(&transcript.to_html(&HtmlOptions::default()), secret), "{what}");
        }
        assert!(says(&transcript.to_html(&whole()), "hunter2"), "{what}: shown to those who want it");
    }
}

#[test]
fn a_request_of_http_1_shows_its_first_line_alone() {
    let mut recorded = Recorded::default();
    recorded.push(ToServer, b"POST /upload HTTP/1.1\r\nAuthorization: Bearer hunter2\r\n\r\n");
    let page = Transcript::read(&recorded, &Types::default()).to_html(&HtmlOptions::default());
    assert!(says(&page, "POST /upload HTTP/1.1") && !says(&page, "hunter2"));
}

#[test]
fn credentials_in_the_huffman_code_are_hidden_with_their_letters() {
    // 41: a literal with the name :authority would do; here 10 57 is never indexed with the name 23, authorization, and
    // 86 a8 eb 10 64 9c bf is "no-cache" in the Huffman code (RFC 7541, C.4.2; rule hpack.huffman).
    let block = [&hex("83 86 1f 08 86 a8eb10649cbf")[..]].concat();
    let transcript = transcript(&[(ToServer, frame(HEADERS, 5, 1, &block))]);
    assert!(told(&data(&transcript.to_html(&whole()))).contains(&"authorization: no-cache".to_owned()));
    let page = transcript.to_html(&HtmlOptions::default());
    assert!(!says(&page, "no-cache") && !page.contains(&binary::encode(&hex("a8eb10649cbf"))));
    let data = data(&page);
    assert!(told(&data).contains(&"authorization: (hidden)".to_owned()));
    assert_eq!(data["table"]["letters"], Value::Object(Default::default()));
}

#[test]
fn what_peers_send_cannot_become_markup() {
    let hostile = "</script><script>alert(1)</script><!--";
    let mut types = transcript(&[
        (ToServer, frame(HEADERS, 4, 1, &request(hostile, hostile))),
        (ToClient, frame(7, 0, 0, &[&[0; 8][..], hostile.as_bytes()].concat())),
    ]);
    types.calls.entry(9).or_default().path = hostile.into();
    let page = types.to_html(&HtmlOptions { title: hostile.into(), ..HtmlOptions::default() });
    let empty = Transcript::default().to_html(&HtmlOptions::default());
    for tag in ["<script", "</script", "<!--"] {
        assert_eq!(page.matches(tag).count(), empty.matches(tag).count(), "{tag}");
    }
    assert!(told(&data(&page)).contains(&format!("{hostile}: {hostile}")));
}

#[test]
fn characters_that_do_not_show_as_themselves_are_escaped() {
    let value = "\u{202e}evil\u{1}";
    let transcript = transcript(&[(ToServer, frame(HEADERS, 4, 1, &request("mine", value)))]);
    let page = transcript.to_html(&HtmlOptions::default());
    assert!(!page.contains('\u{202e}'));
    assert!(told(&data(&page)).contains(&r"mine: \xe2\x80\xaeevil\x01".to_owned()));
}

#[test]
fn large_frames_are_cut_and_the_page_has_a_limit() {
    let body = frame(DATA, 0, 1, &[&[0, 0, 1, 0x86, 0xa0][..], &[8; 100_000]].concat());
    let pieces = vec![(ToServer, request_head()), (ToServer, body)];
    let transcript = transcript(&pieces);
    let told = data(&transcript.to_html(&HtmlOptions { frame: 100, ..HtmlOptions::default() }));
    let last = frames(&told).last().unwrap();
    assert_eq!((bytes_of(&last["b"]).len(), last["x"].as_u64()), (100, Some(100_014)));
    assert!(nodes(&last["r"]).len() < 200);

    let pings = frame(6, 0, 0, &[0; 8]).repeat(5000);
    let transcript = Transcript::read(&record(&[(ToServer, pings)]), &Types::default());
    let all = transcript.to_html(&HtmlOptions::default()).len();
    let page = transcript.to_html(&HtmlOptions { size: 200_000, ..HtmlOptions::default() });
    let left_out = data(&page)["chapters"][0]["left_out"].as_u64().unwrap();
    assert!(left_out > 3000 && page.len() < all / 2, "{left_out} of 5001, {} of {all} bytes", page.len());
}

/// A connection of many small calls.
fn busy(calls: u32) -> Transcript {
    let mut pieces = Vec::new();
    for call in 0..calls {
        let stream = 2 * call + 1;
        let point =
            [&hex("00 00000008 08")[..], &[0x80 | call as u8, 0x80 | (call >> 7) as u8, 1], &hex("10 96 9f 03")]
                .concat();
        let block = if call == 0 { request("mine", "value") } else { hex("83 86 c0 bf be").to_vec() };
        pieces.push((ToServer, frame(HEADERS, 4, stream, &block)));
        pieces.push((ToServer, frame(DATA, 1, stream, &point)));
        pieces.push((ToClient, frame(HEADERS, 4, stream, &hex("88 5f 8b 1d75d0620d263d4c4d6564"))));
        pieces.push((
            ToClient,
            frame(DATA, 0, stream, &[&hex("00 00000010 0a 04 48657265 12 08")[..], &point[5..]].concat()),
        ));
        pieces.push((ToClient, frame(HEADERS, 5, stream, &literal("grpc-status", "0"))));
    }
    transcript(&pieces)
}

#[test]
fn ten_thousand_frames_fit_15_million_bytes() {
    let page = busy(2000).to_html(&HtmlOptions::default());
    assert_eq!(frames(&data(&page)).len(), 10_001);
    assert!(page.len() < 15_000_000, "{} bytes", page.len());
}

/// The texts of the steps between frames.
fn steps(data: &Value) -> Vec<&str> {
    list(&data["chapters"][0]["steps"]).iter().map(|step| step["text"].as_str().unwrap()).collect()
}

#[test]
fn what_happens_between_frames_is_told() {
    let mut recorded = record(&[(ToServer, frame(HEADERS, 4, 1, &request("grpc-timeout", "20m")))]);
    let at = |micros| std::time::Duration::from_micros(micros);
    recorded.push_at(ToServer, at(100), &frame(DATA, 1, 1, &hex(POINT)));
    recorded.push_at(ToClient, at(1600), &frame(HEADERS, 5, 1, &[&[0x88][..], &literal("grpc-status", "0")].concat()));
    let page = data(&Transcript::read(&recorded, &route_guide()).to_html(&HtmlOptions::default()));
    let expected = [
        "A clock starts: the client waits for 20 ms at most",
        "The server works on the call: 1.5 ms",
        "The call on stream 1 is over: OK, 1.6 ms after it began",
    ];
    assert_eq!(steps(&page), expected);
}

#[test]
fn a_stall_is_told_with_its_cause_and_its_end() {
    let settings = frame(4, 0, 0, &hex("0004 00000003"));
    let transcript = transcript(&[
        (ToClient, settings),
        (ToServer, frame(4, 1, 0, &[])),
        (ToServer, request_head()),
        (ToServer, frame(DATA, 0, 1, &[0, 0, 0])),
        (ToClient, frame(8, 0, 1, &[0, 0, 0, 9])),
        (ToServer, frame(DATA, 0, 1, &[0; 9])),
    ]);
    let page = data(&transcript.to_html(&HtmlOptions::default()));
    let stalls = list(&page["chapters"][0]["stalls"]);
    let ends: Vec<_> = stalls.iter().map(|stall| (stall["from"].as_u64(), stall["to"].as_u64())).collect();
    assert_eq!(ends, [(Some(4), Some(5)), (Some(6), None)]);
    assert_eq!(
        stalls[0]["text"],
        "The client had used up what the server allowed. WINDOW_UPDATE of the server ended the wait."
    );
    assert!(steps(&page)[0].starts_with("The window of stream 1 is empty: the client must wait"));
}

#[test]
fn empty_torn_foreign_and_late_recordings_make_pages() {
    let cases: [(&[u8], bool); 5] = [
        (b"", false),
        (b"", true),
        (b"PRI * HTT", false),
        (b"\x16\x03\x01\x02\x00\x01\x00", false),
        (b"\xff\xff\x00\x00\x08\x06\x00\x00\x00\x00\x00", true),
    ];
    for (bytes, late) in cases {
        let mut recorded = Recorded { late, ..Recorded::default() };
        recorded.push(ToServer, bytes);
        let page = data(&Transcript::read(&recorded, &Types::default()).to_html(&HtmlOptions::default()));
        let all: Vec<u8> = frames(&page).iter().flat_map(|frame| bytes_of(&frame["b"])).collect();
        assert_eq!(all.len(), bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_make_a_page_with_all_of_them(
        pieces in prop::collection::vec((any::<bool>(), 0u8..11, any::<u8>(), 0u32..4, prop::collection::vec(any::<u8>(), 0..60)), 0..20),
        raw in prop::collection::vec(any::<u8>(), 0..40), late in any::<bool>(),
    ) {
        let mut recorded = Recorded { late, ..Recorded::default() };
        recorded.push(ToServer, http2::PREFACE);
        for (back, kind, flags, stream, payload) in pieces {
            recorded.push(if back { ToClient } else { ToServer }, &frame(kind, flags, stream, &payload));
        }
        recorded.push(ToClient, &raw);
        let transcript = Transcript::read(&recorded, &route_guide());
        let page = data(&transcript.to_html(&whole()));
        for (told, event) in frames(&page).iter().zip(&transcript.events) {
            prop_assert_eq!(Bytes::from(bytes_of(&told["b"])), event.frame.bytes.clone());
            prop_assert_eq!(leaves(&told["r"]), event.frame.bytes.len() as u64);
        }
        data(&transcript.to_html(&HtmlOptions { frame: 7, size: 2000, ..HtmlOptions::default() }));
    }
}
