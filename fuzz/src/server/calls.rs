//! Whole calls, most of them legal, and how each must end.

use h2grpc::route_guide::tour::{TUTORIAL_POINTS, TUTORIAL_RECTANGLE};
use h2grpc::route_guide::{Point, RouteNote};
use prost::Message;

use super::service::{FLOOD, MESSAGE};
use crate::wire;

/// The fields that a head may have. The first [`LEGAL`] are the head of a legal call, but that its handler waits for a
/// message.
#[rustfmt::skip]
pub const FIELDS: &[(&str, &str)] = &[
    (":method", "POST"), (":scheme", "http"), (":path", "/routeguide.RouteGuide/RouteChat"), (":authority", "a.b:1"),
    ("te", "trailers"), ("content-type", "application/grpc"),
    (":path", "/routeguide.RouteGuide/RecordRoute"), (":path", "/fuzz.Odd/Slow"), (":path", "/fuzz.Odd/Flood"),
    (":path", "/fuzz.Odd/Early"), (":path", "*"), (":path", ""), (":path", "no slash"), (":path", "/a/b/c?d#e"),
    (":path", "/%00/\u{fc}"), (":method", "GET"), (":method", "CONNECT"), (":method", ""), (":scheme", "ftp"),
    (":authority", ""), (":authority", "@:::"), (":status", "200"), (":protocol", "websocket"), (":odd", "x"),
    ("content-type", "application/grpc+proto"), ("content-type", "application/json"), ("content-type", ""),
    ("te", "gzip"), ("grpc-timeout", "1S"), ("grpc-timeout", "0n"), ("grpc-timeout", "50m"),
    ("grpc-timeout", "99999999H"), ("grpc-timeout", "1"), ("grpc-timeout", "-1S"), ("grpc-encoding", "gzip"),
    ("grpc-encoding", "identity"), ("grpc-accept-encoding", "gzip,identity"), ("a-bin", "AAA"), ("a-bin", "AA==,AAE"),
    ("a-bin", "*"), ("content-length", "5"), ("content-length", "0"), ("content-length", "x"), ("Upper", "x"),
    ("connection", "close"), ("transfer-encoding", "chunked"), ("host", "b"), ("cookie", "a=b"), ("x", "\0"),
    ("x", "\u{7f}\u{ff}"), ("", "x"), ("a b", "x"), ("grpc-status", "0"), ("expect", "100-continue"), ("x", LONG),
];
pub const LEGAL: usize = 6;

const LONG: &str = match str::from_utf8(&[b'a'; 4000]) {
    Ok(text) => text,
    Err(_) => "",
};

/// How a call must end.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub http: &'static str,
    pub code: u32,
    /// How many messages come with it, where that is certain.
    pub messages: Option<usize>,
    /// Its deadline may pass while its answer is on its way, and then it is reset.
    pub may_be_reset: bool,
}

/// A call in bytes.
#[derive(Debug)]
pub struct Call {
    pub bytes: Vec<u8>,
    pub expected: Expected,
}

/// A call before it is bytes.
struct Plan {
    path: &'static str,
    method: &'static str,
    content_type: &'static str,
    more: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    expected: Expected,
}

/// The `case`-th call on `stream`, with `count` messages where that is free, cut as `cut` says.
pub fn call(stream: u32, case: u8, count: u8, cut: u8) -> Call {
    let Plan { path, method, content_type, more, body, expected } = plan(case, usize::from(count) % 12);
    let first = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a.b:1")];
    let fields = [&first[..], &[("content-type", content_type)], more].concat();
    let mut bytes = wire::head(stream, &wire::block(&fields), false, usize::from(cut >> 4) % 4);
    let size = [1, 2, 3, 5, 7, 16, 100, 10_000][usize::from(cut) % 8].max(body.len() / 50 + 1);
    bytes.extend(wire::body(stream, &body, size));
    Call { bytes, expected }
}

const GET_FEATURE: &str = "/routeguide.RouteGuide/GetFeature";
const TE: (&str, &str) = ("te", "trailers");

fn plan(case: u8, count: usize) -> Plan {
    let point = wire::message(&TUTORIAL_POINTS[0].encode_to_vec());
    let ends = |code, messages| Expected { http: "200", code, messages, may_be_reset: false };
    let plan = |path, body, expected| Plan {
        path,
        method: "POST",
        content_type: "application/grpc",
        more: &[TE],
        body,
        expected,
    };
    let get = |body, code| plan(GET_FEATURE, body, ends(code, Some(usize::from(code == 0))));
    match case % 26 {
        0 => get(point, 0),
        1 => get(wire::message(b""), 0),
        2 => plan("/RouteGuide/ListFeatures", wire::message(&TUTORIAL_RECTANGLE.encode_to_vec()), ends(12, Some(0))),
        3 => {
            let rectangle = wire::message(&TUTORIAL_RECTANGLE.encode_to_vec());
            plan("/routeguide.RouteGuide/ListFeatures", rectangle, ends(0, None))
        }
        4 => plan("/routeguide.RouteGuide/RecordRoute", point.repeat(count), ends(0, Some(1))),
        5 => {
            let note = RouteNote { location: Some(Point::default()), message: "n".repeat(count) };
            let answers = count * count.saturating_sub(1) / 2;
            let notes = wire::message(&note.encode_to_vec()).repeat(count);
            plan("/routeguide.RouteGuide/RouteChat", notes, ends(0, Some(answers)))
        }
        6 => plan("/fuzz.Odd/Slow", point, ends(0, Some(1))),
        7 => {
            let late = Expected { may_be_reset: true, ..ends(4, Some(0)) };
            Plan { more: &[TE, ("grpc-timeout", "500m")], ..plan("/fuzz.Odd/Slow", point, late) }
        }
        8 => plan("/fuzz.Odd/Flood", point, ends(0, Some(FLOOD))),
        9 => plan("/fuzz.Odd/Fail", point, ends(10, Some(0))),
        10 => plan("/fuzz.Odd/Early", point.repeat(count), ends(0, Some(1))),
        11 => plan("/routeguide.RouteGuide/Other", point, ends(12, Some(0))),
        12 => Plan { method: "GET", ..plan(GET_FEATURE, point, Expected { http: "405", ..ends(13, Some(0)) }) },
        13 => {
            let refused = Expected { http: "415", ..ends(3, Some(0)) };
            Plan { content_type: "application/json", ..plan(GET_FEATURE, point, refused) }
        }
        14 => Plan { more: &[], ..get(point, 13) },
        15 => get(Vec::new(), 12),
        16 => get(point.repeat(2), 12),
        17 => get(wire::message(&[0; MESSAGE + 1]), 8),
        18 => get([&[1], &point[1..]].concat(), 13),
        19 => get([&[2], &point[1..]].concat(), 13),
        20 => get(point[..point.len() - 1].to_vec(), 13),
        21 => get(wire::message(&[0xff]), 13),
        22 => Plan { more: &[TE, ("grpc-encoding", "gzip")], ..get(point, 12) },
        23 => Plan { more: &[TE, ("grpc-timeout", "1")], ..get(point, 13) },
        24 => Plan { more: &[TE, ("a-bin", "AA,AAE"), ("x", LONG), ("cookie", "a=b")], ..get(point, 0) },
        _ => Plan { content_type: "application/grpc+proto;a=b", ..get(point, 0) },
    }
}
