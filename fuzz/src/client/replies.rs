//! Whole answers of a server, legal and illegal.

use h2grpc::route_guide::{Feature, Point, RouteNote, RouteSummary};
use prost::Message;

use super::calls::Shape;
use crate::wire::{self, *};

/// The fields that a head or trailers may have. The first [`LEGAL`] are the head of a legal answer.
#[rustfmt::skip]
pub const FIELDS: &[(&str, &str)] = &[
    (":status", "200"), ("content-type", "application/grpc"),
    ("grpc-status", "0"), ("grpc-status", "5"), ("grpc-status", "00"), ("grpc-status", "+0"), ("grpc-status", ""),
    ("grpc-status", "-1"), ("grpc-status", "99999999999"), ("grpc-status", "0 "), ("grpc-message", "it failed"),
    ("grpc-message", "%"), ("grpc-message", "%ff%00\u{fc}"), ("grpc-status-details-bin", "CAUSAWE"),
    ("grpc-status-details-bin", "*"), ("grpc-retry-pushback-ms", "10"), ("grpc-retry-pushback-ms", "-1"),
    (":status", "100"), (":status", "103"), (":status", "101"), (":status", "204"), (":status", "404"),
    (":status", "503"), (":status", "999"), (":status", ""), (":status", "2000"), (":path", "/"), (":odd", "x"),
    ("content-type", "application/grpc+proto"), ("content-type", "text/html"), ("content-type", ""),
    ("grpc-encoding", "gzip"), ("grpc-encoding", "identity"), ("content-length", "0"), ("content-length", "10"),
    ("content-length", "x"), ("a-bin", "AAA,AA=="), ("a-bin", "*"), ("Upper", "x"), ("connection", "close"),
    ("transfer-encoding", "chunked"), ("x", "\0"), ("x", "\u{ff}"), ("", "x"), ("a b", "x"), ("te", "trailers"),
    ("x", LONG),
];
pub const LEGAL: usize = 2;

const LONG: &str = match str::from_utf8(&[b'a'; 4000]) {
    Ok(text) => text,
    Err(_) => "",
};

/// A message that the method of this shape responds with.
fn message(shape: Shape, number: u8) -> Vec<u8> {
    let location = Some(Point { latitude: i32::from(number), longitude: -1 });
    wire::message(&match shape {
        Shape::Unary | Shape::ServerStreaming => Feature { name: "here".to_owned(), location }.encode_to_vec(),
        Shape::ClientStreaming => {
            let (point_count, elapsed_time) = (i32::from(number), 1);
            RouteSummary { point_count, feature_count: 0, distance: 7, elapsed_time }.encode_to_vec()
        }
        Shape::Bidirectional => RouteNote { location, message: "hello".to_owned() }.encode_to_vec(),
    })
}

const CASES: u8 = 24;

/// How many of the answers are as they should be: the first ones.
const GOOD: u8 = 4;

/// Whether the `case`-th answer is as it should be.
pub fn is_legal(case: u8) -> bool {
    case % CASES < GOOD
}

/// The `case`-th answer on `stream`, with `count` messages where that is free, cut as `cut` says.
pub fn reply(stream: u32, shape: Shape, case: u8, count: u8, cut: u8) -> Vec<u8> {
    let due = if shape.has_one_response() { 1 } else { usize::from(count) % 20 };
    let messages: Vec<u8> = (0..due as u8).flat_map(|number| message(shape, number)).collect();
    let one = message(shape, count);
    let head = |fields: &[(&str, &str)]| wire::head(stream, &wire::block(fields), false, usize::from(cut >> 4) % 3);
    let end = |fields: &[(&str, &str)]| wire::head(stream, &wire::block(fields), true, 0);
    let legal = || head(&FIELDS[..LEGAL]);
    let data = |bytes: &[u8]| {
        let size = [1, 2, 5, 7, 16, 100, 1000, 10_000][usize::from(cut) % 8].max(bytes.len() / 50 + 1);
        bytes.chunks(size).flat_map(|piece| frame(DATA, 0, stream, piece)).collect::<Vec<u8>>()
    };
    let ok = || end(&[("grpc-status", "0")]);
    let only = |code| end(&[FIELDS[0], FIELDS[1], ("grpc-status", code), ("grpc-message", "no")]);
    let reset = |code: u32| frame(RST_STREAM, 0, stream, &code.to_be_bytes());
    match case % CASES {
        0..GOOD => [legal(), data(&messages), ok()].concat(),
        4 => [legal(), ok()].concat(),
        5 => [legal(), data(&one), data(&one), ok()].concat(),
        6 => only("5"),
        7 => only("0"),
        8 => [legal(), data(&messages), end(&[("grpc-status", "13"), ("grpc-status-details-bin", "CAU")])].concat(),
        9 => [legal(), data(&messages)].concat(),
        10 => [legal(), data(&messages), frame(DATA, END_STREAM, stream, b"")].concat(),
        11 => {
            [head(&[(":status", "503"), ("content-type", "text/html")]), data(b"<html>"), end(&[("x", "y")])].concat()
        }
        12 => [head(&[(":status", "103"), ("link", "x")]), legal(), data(&messages), ok()].concat(),
        13 => [legal(), data(&one[..one.len() - 1]), ok()].concat(),
        14 => [legal(), data(&[&[1], &one[1..]].concat()), ok()].concat(),
        15 => [legal(), data(&[&[2], &one[1..]].concat()), ok()].concat(),
        16 => [legal(), data(&wire::message(&[0xff])), ok()].concat(),
        17 => [legal(), data(&messages), reset(NO_ERROR)].concat(),
        18 => reset(REFUSED_STREAM),
        19 => [legal(), data(&messages), ok(), reset(NO_ERROR)].concat(),
        20 => [legal(), data(&messages), end(&[("grpc-status", "0"), ("grpc-status", "5")])].concat(),
        21 => [head(&[FIELDS[0], FIELDS[1], ("grpc-encoding", "gzip")]), data(&messages), ok()].concat(),
        22 => [legal(), data(&messages), end(&[("x", "y")])].concat(),
        _ => [legal(), data(&messages), ok(), data(&messages), ok()].concat(),
    }
}
