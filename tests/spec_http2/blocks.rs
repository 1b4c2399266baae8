//! RFC 7541: header blocks. Numbers in comments are its sections.

use super::common::raw::{DATA, END_HEADERS, END_STREAM, HEADERS, Raw, SETTINGS, settings_of};
use super::*;

/// A head that begins with these bytes and goes on with the rest of a proper request.
fn with(begin: &[u8], rest: &[(&str, &str)]) -> Vec<u8> {
    [begin, &block(rest)].concat()
}

async fn ask(raw: &mut Raw, stream: u32, block: &[u8]) {
    raw.send(HEADERS, END_HEADERS, stream, block).await;
    raw.send(DATA, END_STREAM, stream, &point()).await;
}

async fn understands(raw: &mut Raw, stream: u32, block: &[u8]) {
    ask(raw, stream, block).await;
    gets_an_answer(raw, stream).await;
}

async fn refuses(what: &str, blocks: &[&[u8]]) {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    let (last, before) = blocks.split_last().unwrap();
    let mut stream = 1;
    for block in before {
        understands(&mut raw, stream, block).await;
        stream += 2;
    }
    raw.send(HEADERS, END_HEADERS, stream, last).await;
    ends(&mut raw, COMPRESSION_ERROR, what).await;
}

/// A literal of a name and a value without Huffman, after the first byte that says of which form it is (6.2).
fn literal(form: u8, name: &str, value: &str) -> Vec<u8> {
    [&[form, name.len() as u8][..], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
}

/// A proper head, its first fields from the static table.
fn proper() -> Vec<u8> {
    with(b"\x83\x86", &fields()[2..])
}

#[tokio::test]
async fn each_representation_of_a_field_is_read() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    // Indexed (6.1): :method: POST and :scheme: http of the static table.
    understands(&mut raw, 1, &proper()).await;
    for (stream, form) in [(3, 0x40), (5, 0x00), (7, 0x10)] {
        // Literals (6.2.1 to 6.2.3): a new name, and a name of the static table.
        let named = [&[form | 4, GET.len() as u8], GET.as_bytes()].concat();
        let head = [&b"\x83\x86"[..], &named, &literal(form, "te", "trailers")].concat();
        understands(&mut raw, stream, &with(&head, &fields()[5..])).await;
    }
}

#[tokio::test]
async fn the_dynamic_table_begins_with_its_newest_entry_after_the_61_of_the_static_table() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    let path = [&[0x44, GET.len() as u8], GET.as_bytes()].concat();
    let added = [&b"\x83\x86"[..], &path, &literal(0x40, "te", "trailers")].concat();
    understands(&mut raw, 1, &with(&added, &fields()[5..])).await;
    // 63 is the older one, :path, and 62 the newer one, te (2.3.3).
    understands(&mut raw, 3, &with(b"\x83\x86\xbf\xbe", &fields()[5..])).await;
    // The name alone of 63, with a new value.
    let other = [&[0x0f, 63 - 15, 1][..], b"/"].concat();
    raw.send(HEADERS, END_HEADERS, 5, &with(&[&b"\x83\x86"[..], &other, b"\xbe"].concat(), &fields()[5..])).await;
    let refused = raw.next_of(HEADERS).await;
    assert_eq!((refused.stream, refused.flags & END_STREAM), (5, END_STREAM), "the method / is unknown");
}

#[tokio::test]
async fn literals_that_are_not_added_leave_the_table_as_it_was() {
    let path = [&[0x04, GET.len() as u8], GET.as_bytes()].concat();
    let never = literal(0x10, "te", "trailers");
    let first = with(&[&b"\x83\x86"[..], &path, &never].concat(), &fields()[5..]);
    refuses("index 62 of an empty table", &[&first, b"\x83\x86\xbe"]).await;
}

#[tokio::test]
async fn an_entry_counts_32_bytes_more_and_the_oldest_leave_first() {
    // Room for two entries of 50 bytes (4.1).
    let size = [0x3f, 100 - 31];
    let entry = |name: &str| literal(0x40, name, "seventeen bytes..");
    let three = [&size[..], &proper(), &entry("1"), &entry("2"), &entry("3")].concat();
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    understands(&mut raw, 1, &three).await;
    understands(&mut raw, 3, &[&proper()[..], b"\xbe\xbf"].concat()).await;
    refuses("the entry that was evicted", &[&three, &[&proper()[..], b"\xc0"].concat()]).await;
}

#[tokio::test]
async fn an_entry_larger_than_the_table_empties_it() {
    let small = [&b"\x3f\x25"[..], &proper(), &literal(0x40, "a", "b")].concat(); // a table of 68 bytes
    let large = [proper(), literal(0x40, "large", &"x".repeat(60))].concat();
    let refers = [&proper()[..], b"\xbe"].concat();
    refuses("an entry of an empty table", &[&small, &refers, &large, &refers]).await;
}

#[tokio::test]
async fn a_size_update_stands_first_and_within_what_settings_allow() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    // Two of them, when the size went down and up again (4.2).
    understands(&mut raw, 1, &[&b"\x20\x3f\xe1\x1f"[..], &proper()].concat()).await;
    refuses("after a field", &[&[&proper()[..], b"\x20"].concat()]).await;
    refuses("4,097 bytes", &[&[&b"\x3f\xe2\x1f"[..], &proper()].concat()]).await;
    let added = [proper(), literal(0x40, "a", "b")].concat();
    refuses("an entry that a size of 0 has evicted", &[&added, &[&b"\x20"[..], &proper(), b"\xbe"].concat()]).await;
}

#[tokio::test]
async fn an_index_is_that_of_an_entry() {
    refuses("index 0", &[b"\x80"]).await;
    refuses("index 62 of an empty table", &[b"\xbe"]).await;
    refuses("the name at index 70", &[b"\x7f\x07\x01a"]).await;
}

#[tokio::test]
async fn integers_go_on_in_bytes_of_seven_bits_and_end() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    // A value of 300 bytes: 127, and 173 as ad 01 (5.1).
    let long = [&b"\x00\x01x\x7f\xad\x01"[..], &[b'v'; 300]].concat();
    understands(&mut raw, 1, &[proper(), long].concat()).await;
    refuses("an index without end", &[b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]).await;
    refuses("a length that is cut off", &[b"\x00\x01x\x7f"]).await;
}

#[tokio::test]
async fn a_string_lies_within_its_block() {
    refuses("five bytes of six", &[b"\x00\x01x\x06value"]).await;
}

#[tokio::test]
async fn strings_in_the_huffman_code_are_read() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    // te: trailers, as in the map of this crate.
    let te = b"\x83\x86\x40\x82\x49\x7f\x86\x4d\x83\x35\x05\xb1\x1f";
    let rest = [&fields()[2..4], &fields()[5..]].concat();
    let head = [&te[..2], &block(&rest[..2]), &te[2..], &block(&rest[2..])].concat();
    understands(&mut raw, 1, &head).await;
}

#[tokio::test]
async fn huffman_codes_end_with_ones_that_are_fewer_than_eight() {
    // "a" is 00011 (5.2).
    refuses("padding of zeros", &[b"\x00\x01x\x81\x18"]).await;
    refuses("padding of eleven ones", &[b"\x00\x01x\x82\x1f\xff"]).await;
    refuses("the end of a string inside one", &[b"\x00\x01x\x84\xff\xff\xff\xff"]).await;
}

#[tokio::test]
async fn a_table_that_the_client_forbids_is_not_used() {
    let running = serve();
    let mut raw = Raw::connect(running.address).await;
    raw.send(SETTINGS, 0, 0, &settings_of(&[(1, 0)])).await; // HEADER_TABLE_SIZE
    raw.until_quiet().await;
    for stream in [1, 3] {
        ask(&mut raw, stream, &proper()).await;
        let head = raw.next_of(HEADERS).await;
        // With an update of the size to 0 before the first block (4.2), and no index beyond the static table.
        let begin: &[u8] = if stream == 1 { &[0x20, 0x88] } else { &[0x88] };
        assert!(head.payload.starts_with(begin), "{head:?}");
        let trailers = raw.next_of(HEADERS).await;
        assert!(trailers.payload[0] & 0x80 == 0, "no entry of the dynamic table: {trailers:?}");
    }
}
