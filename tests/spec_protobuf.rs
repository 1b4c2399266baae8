//! The rules of the encoding of Protocol Buffers, one test each, told to the codec of this crate byte by byte.

use std::collections::HashMap;

use bytes::Bytes;
use h2grpc::codec::Payload;
use h2grpc::status::Status;
use h2grpc::wire::Code;
use prost::Message;

/// A field of each kind.
#[derive(Clone, PartialEq, Message)]
struct All {
    #[prost(int32, tag = "1")]
    int: i32,
    #[prost(uint64, tag = "2")]
    unsigned: u64,
    #[prost(sint32, tag = "3")]
    signed: i32,
    #[prost(bool, tag = "4")]
    truth: bool,
    #[prost(fixed64, tag = "5")]
    fixed: u64,
    #[prost(float, tag = "6")]
    float: f32,
    #[prost(string, tag = "7")]
    string: String,
    #[prost(bytes = "vec", tag = "8")]
    bytes: Vec<u8>,
    #[prost(message, optional, tag = "9")]
    inner: Option<Inner>,
    #[prost(int32, repeated, tag = "10")]
    numbers: Vec<i32>,
    #[prost(map = "string, int32", tag = "11")]
    map: HashMap<String, i32>,
    #[prost(enumeration = "Side", tag = "12")]
    side: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Inner {
    #[prost(int32, tag = "1")]
    one: i32,
    #[prost(int32, tag = "2")]
    two: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
enum Side {
    North = 0,
    South = 1,
}

fn read(bytes: &[u8]) -> Result<All, Status> {
    let mut message = All::default();
    Payload::decode(&mut message, bytes, || Bytes::copy_from_slice(bytes))?;
    Ok(message)
}

fn written(message: &All) -> Vec<u8> {
    let mut bytes = Vec::new();
    Payload::encode(message, &mut bytes);
    assert_eq!(bytes.len(), Payload::encoded_len(message));
    bytes
}

/// These bytes are this message, and are written for it.
fn same(bytes: &[u8], message: All) {
    assert_eq!(read(bytes).as_ref().ok(), Some(&message), "{bytes:02x?}");
    assert_eq!(written(&message), bytes, "{message:?}");
}

fn refused(bytes: &[u8]) {
    let status = read(bytes).expect_err(&format!("{bytes:02x?}"));
    assert_eq!(status.code(), Code::INTERNAL);
    assert!(status.message().contains("All"), "{status}");
}

#[test]
fn varints_have_seven_bits_a_byte_the_lowest_first() {
    same(&[0x10, 0x01], All { unsigned: 1, ..All::default() });
    same(&[0x10, 0x96, 0x01], All { unsigned: 150, ..All::default() });
    same(&[&[0x10][..], &[0xff; 9], &[0x01]].concat(), All { unsigned: u64::MAX, ..All::default() });
}

#[test]
fn a_varint_has_ten_bytes_at_most() {
    refused(&[&[0x10][..], &[0x80; 10], &[0x01]].concat());
}

#[test]
fn a_field_begins_with_its_number_and_its_wire_type() {
    // 7 * 8 + 2.
    same(b"\x3a\x01x", All { string: "x".to_owned(), ..All::default() });
    refused(b"\x02\x01x"); // the number 0
    refused(b"\x3d\x01\x02\x03\x04"); // a string of the wire type of four bytes
}

#[test]
fn a_field_of_each_wire_type_is_skipped_if_its_number_is_unknown() {
    let known = All { int: 5, ..All::default() };
    for unknown in [
        &b"\xa0\x06\x96\x01"[..],
        b"\xa1\x06\x01\x02\x03\x04\x05\x06\x07\x08",
        b"\xa2\x06\x03abc",
        b"\xa5\x06\x01\x02\x03\x04",
        b"\xa3\x06\x08\x01\xa4\x06",
    ] {
        let bytes = [unknown, b"\x08\x05", unknown].concat();
        assert_eq!(read(&bytes).as_ref().ok(), Some(&known), "{unknown:02x?}");
    }
    for reserved in [&b"\xa6\x06\x01"[..], b"\xa7\x06\x01"] {
        refused(reserved); // the wire types 6 and 7
    }
}

#[test]
fn a_bool_and_an_enum_are_varints() {
    same(&[0x20, 0x01], All { truth: true, ..All::default() });
    same(&[0x60, 0x01], All { side: Side::South as i32, ..All::default() });
    same(&[0x60, 0x07], All { side: 7, ..All::default() }); // a number that has no name is kept
}

#[test]
fn a_negative_int32_has_ten_bytes() {
    same(&[&[0x08, 0xfe][..], &[0xff; 8], &[0x01]].concat(), All { int: -2, ..All::default() });
}

#[test]
fn sint32_is_in_zigzag() {
    for (number, varint) in [(-1, 1), (1, 2), (-2, 3), (2, 4)] {
        same(&[0x18, varint], All { signed: number, ..All::default() });
    }
    same(b"\x18\xff\xff\xff\xff\x0f", All { signed: i32::MIN, ..All::default() });
}

#[test]
fn fixed_numbers_have_their_lowest_byte_first() {
    same(b"\x29\x01\x00\x00\x00\x00\x00\x00\x80", All { fixed: 1 << 63 | 1, ..All::default() });
    same(b"\x35\x00\x00\x20\xc0", All { float: -2.5, ..All::default() });
}

#[test]
fn strings_bytes_and_messages_have_their_length_before_them() {
    same("\x3a\x05caf\u{e9}".as_bytes(), All { string: "caf\u{e9}".to_owned(), ..All::default() });
    same(b"\x42\x02\x00\xff", All { bytes: vec![0, 255], ..All::default() });
    same(b"\x4a\x04\x08\x01\x10\x02", All { inner: Some(Inner { one: 1, two: 2 }), ..All::default() });
    same(b"\x4a\x00", All { inner: Some(Inner::default()), ..All::default() });
}

#[test]
fn a_string_that_is_not_utf8_is_refused() {
    refused(b"\x3a\x01\xff");
}

#[test]
fn default_values_are_not_written() {
    same(b"", All::default());
    assert_eq!(read(b"\x08\x00\x3a\x00").ok(), Some(All::default()));
}

#[test]
fn repeated_fields_are_read_packed_and_one_by_one() {
    let numbers = |numbers: &[i32]| All { numbers: numbers.to_vec(), ..All::default() };
    same(b"\x52\x03\x01\xac\x02", numbers(&[1, 300]));
    assert_eq!(read(b"\x50\x01\x50\xac\x02").ok(), Some(numbers(&[1, 300])));
    assert_eq!(read(b"\x50\x01\x08\x00\x52\x02\x02\x03\x50\x04").ok(), Some(numbers(&[1, 2, 3, 4])));
}

#[test]
fn of_a_field_that_comes_twice_the_last_counts_and_messages_are_merged() {
    assert_eq!(read(b"\x08\x01\x08\x02").ok(), Some(All { int: 2, ..All::default() }));
    let merged = All { inner: Some(Inner { one: 3, two: 2 }), ..All::default() };
    assert_eq!(read(b"\x4a\x04\x08\x01\x10\x02\x4a\x02\x08\x03").ok(), Some(merged));
}

#[test]
fn a_map_is_a_repeated_message_of_key_and_value() {
    let map = |entries: &[(&str, i32)]| All {
        map: entries.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect(),
        ..All::default()
    };
    same(b"\x5a\x05\x0a\x01a\x10\x01", map(&[("a", 1)]));
    assert_eq!(read(b"\x5a\x05\x0a\x01a\x10\x01\x5a\x05\x10\x02\x0a\x01b").ok(), Some(map(&[("a", 1), ("b", 2)])));
}

#[test]
fn fields_may_come_in_any_order() {
    let both = All { int: 1, string: "x".to_owned(), ..All::default() };
    for bytes in [&b"\x08\x01\x3a\x01x"[..], b"\x3a\x01x\x08\x01"] {
        assert_eq!(read(bytes).as_ref().ok(), Some(&both));
    }
}

#[test]
fn a_message_that_ends_inside_a_field_is_refused() {
    for bytes in
        [&b"\x08"[..], b"\x08\x80", b"\x29\x01\x02", b"\x35\x01", b"\x3a\x05abc", b"\x4a\x02\x08", b"\xa3\x06\x08\x01"]
    {
        refused(bytes);
    }
}
