//! Header blocks become fields.

use std::sync::Arc;

use bytes::Bytes;

use super::super::place::Place;
use super::fields::{Block, Field, Form};
use super::integer::{integer, string};
use super::table::{Entry, Found, Table};

/// One direction's decoder, whose dynamic table lives as long as the connection.
#[derive(Debug)]
pub struct Decoder {
    table: Table,
    /// The largest size that the other side has allowed; `None` where that was said before the recording.
    allowed: Option<usize>,
}

impl Default for Decoder {
    /// At the start of a connection.
    fn default() -> Self {
        Self { table: Table::new(), allowed: Some(4096) }
    }
}

impl Decoder {
    /// In the middle of a connection, with a table that nothing is known of.
    pub fn late() -> Self {
        let mut decoder = Self::default();
        decoder.lose();
        decoder
    }

    /// A block was lost, and with it what it added to the table: from here on it is as at the beginning of a recording
    /// in the middle of a connection. Returns the entries whose index is no longer known.
    pub fn lose(&mut self) -> Vec<Arc<Entry>> {
        self.allowed = None;
        self.table.lose()
    }

    /// The other side has announced this SETTINGS_HEADER_TABLE_SIZE. The largest ever announced is what counts
    /// here: which one the encoder had seen when it wrote a block does not show.
    pub fn allow(&mut self, size: u32) {
        self.allowed = self.allowed.map(|allowed| allowed.max(size as usize));
    }

    /// The entries of the dynamic table, the newest first: the first of them has index 62.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.table.entries()
    }

    /// The size of the entries, as section 4.1 counts it, in bytes.
    pub fn size(&self) -> usize {
        self.table.size()
    }

    /// Decodes one whole block. `place` tells where some of its bytes are on the wire. What cannot be decoded is the
    /// last field and says why; the table is lost from there on.
    pub fn decode(&mut self, bytes: &Bytes, place: &dyn Fn(std::ops::Range<usize>) -> Place) -> Block {
        let mut block = Block { bytes: bytes.clone(), ..Block::default() };
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let start = bytes.len() - rest.len();
            let first = block.fields.iter().all(|field| matches!(field.form, Form::SizeUpdate(_)));
            let mut field = self.field(&mut rest, first, &mut block).unwrap_or_else(|why| {
                rest.clear();
                Field { at: 0..0, form: Form::Broken(why), name: None, value: None, entry: None, written: Vec::new() }
            });
            field.at = start..bytes.len() - rest.len();
            match field.form {
                Form::Added(_) => {
                    let value = field.value.clone().unwrap_or_default();
                    let (added, evicted) = self.table.add(field.name.clone(), value, place(field.at.clone()));
                    block.added.push(added);
                    block.evicted.extend(evicted);
                }
                Form::Broken(_) => block.evicted.extend(self.lose()),
                _ => {}
            }
            block.fields.push(field);
        }
        block
    }

    fn field(&mut self, rest: &mut Bytes, first: bool, block: &mut Block) -> Result<Field, String> {
        match rest.first() {
            Some(0x80..) => self.indexed(integer(rest, 7)?),
            Some(0x40..) => self.literal(rest, 6, Form::Added),
            Some(0x20..) if !first => Err("a table size update after a field".into()),
            Some(0x20..) => self.resize(integer(rest, 5)?, block),
            Some(0x10..) => self.literal(rest, 4, Form::NeverIndexed),
            _ => self.literal(rest, 4, Form::NotAdded),
        }
    }

    fn indexed(&self, index: usize) -> Result<Field, String> {
        let (name, value, entry) = match self.table.get(index)? {
            Found::Static(name, value) => (Some(name.into()), Some(value.into()), None),
            Found::Dynamic(entry) => (entry.name.clone(), Some(entry.value.clone()), Some(entry)),
            Found::Older => (None, None, None),
        };
        Ok(Field { at: 0..0, form: Form::Indexed(index), name, value, entry, written: Vec::new() })
    }

    fn resize(&mut self, size: usize, block: &mut Block) -> Result<Field, String> {
        if let Some(allowed) = self.allowed.filter(|allowed| size > *allowed) {
            return Err(format!("table size {size}, where SETTINGS allow {allowed}"));
        }
        block.evicted.extend(self.table.resize(size));
        let form = Form::SizeUpdate(size);
        Ok(Field { at: 0..0, form, name: None, value: None, entry: None, written: Vec::new() })
    }

    /// A field in letters, its name perhaps that of an entry.
    fn literal(&mut self, rest: &mut Bytes, prefix: u32, form: fn(usize) -> Form) -> Result<Field, String> {
        let index = integer(rest, prefix)?;
        let (mut name, mut entry, mut written) = (None, None, Vec::new());
        if index == 0 {
            let string = string(rest)?;
            name = Some(string.text.clone());
            written.push(string);
        } else {
            match self.table.get(index)? {
                Found::Static(own, _) => name = Some(own.into()),
                Found::Dynamic(found) => {
                    name.clone_from(&found.name);
                    entry = Some(found);
                }
                Found::Older => {}
            }
        }
        let string = string(rest)?;
        let value = Some(string.text.clone());
        written.push(string);
        Ok(Field { at: 0..0, form: form(index), name, value, entry, written })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::hex;
    use super::super::super::meaning::Meaning as _;
    use super::super::super::record::Direction;
    use super::*;

    fn decoder(capacity: usize) -> Decoder {
        let mut decoder = Decoder::default();
        decoder.table.resize(capacity);
        decoder
    }

    fn decode(decoder: &mut Decoder, block: &str) -> Block {
        let place = |at: std::ops::Range<usize>| Place {
            direction: Direction::ToServer,
            start: at.start as u64,
            end: at.end as u64,
        };
        decoder.decode(&hex(block), &place)
    }

    fn text(block: &Block) -> Vec<String> {
        block.spans(0).iter().map(|span| format!("{}: {}", span.what.name(), span.what.value())).collect()
    }

    /// Decodes blocks one after the other and checks fields and the table's size after each.
    fn check(mut decoder: Decoder, blocks: &[(&str, &[&str], usize)]) {
        for (block, expected, size) in blocks {
            let decoded = decode(&mut decoder, block);
            assert_eq!(text(&decoded), *expected);
            assert_eq!(decoder.size(), *size);
            let leaves: Vec<u8> =
                decoded.spans(0).iter().flat_map(|span| span.leaves()).flat_map(|leaf| leaf.bytes.to_vec()).collect();
            assert_eq!(leaves, hex(block));
        }
    }

    /// The note of a block's last span.
    fn last(block: &str) -> String {
        let spans = decode(&mut Decoder::default(), block).spans(0);
        spans.last().unwrap().what.note().into_owned()
    }

    #[test]
    fn appendix_c_2_representations() {
        let literal = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
        check(decoder(4096), &[(literal, &["custom-key: custom-header"], 55)]);
        let without = "040c 2f73 616d 706c 652f 7061 7468";
        check(decoder(4096), &[(without, &[":path: /sample/path"], 0)]);
        let never = "1008 7061 7373 776f 7264 0673 6563 7265 74";
        check(decoder(4096), &[(never, &["password: secret"], 0)]);
        check(decoder(4096), &[("82", &[":method: GET"], 0)]);
        for (block, note) in [
            (literal, "literal, added; new name"),
            (without, "literal, not added; name 4"),
            (never, "literal, never indexed; new name"),
            ("82", "indexed 2 of the static table"),
        ] {
            assert_eq!(last(block), note);
        }
    }

    const REQUESTS: [&[&str]; 3] = [
        &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
        &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
        &[
            ":method: GET",
            ":scheme: https",
            ":path: /index.html",
            ":authority: www.example.com",
            "custom-key: custom-value",
        ],
    ];

    #[test]
    fn appendix_c_3_requests_without_huffman() {
        let second = "8286 84be 5808 6e6f 2d63 6163 6865";
        let third = "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65";
        check(
            decoder(4096),
            &[
                ("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", REQUESTS[0], 57),
                (second, REQUESTS[1], 110),
                (third, REQUESTS[2], 164),
            ],
        );
    }

    #[test]
    fn appendix_c_4_requests_with_huffman() {
        check(
            decoder(4096),
            &[
                ("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", REQUESTS[0], 57),
                ("8286 84be 5886 a8eb 1064 9cbf", REQUESTS[1], 110),
                ("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", REQUESTS[2], 164),
            ],
        );
    }

    const RESPONSES: [&[&str]; 3] = [
        &[
            ":status: 302",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ],
        &[
            ":status: 307",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:21 GMT",
            "location: https://www.example.com",
        ],
        &[
            ":status: 200",
            "cache-control: private",
            "date: Mon, 21 Oct 2013 20:13:22 GMT",
            "location: https://www.example.com",
            "content-encoding: gzip",
            "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        ],
    ];

    #[test]
    fn appendix_c_5_responses_without_huffman_evict_old_entries() {
        let first = "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 \
            3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d";
        let third = "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 \
            7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 \
            6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31";
        check(
            decoder(256),
            &[(first, RESPONSES[0], 222), ("4803 3330 37c1 c0bf", RESPONSES[1], 222), (third, RESPONSES[2], 215)],
        );
    }

    #[test]
    fn appendix_c_6_responses_with_huffman_evict_old_entries() {
        let first = "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
            1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
        let third = "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 \
            e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07";
        check(
            decoder(256),
            &[(first, RESPONSES[0], 222), ("4883 640e ffc1 c0bf", RESPONSES[1], 222), (third, RESPONSES[2], 215)],
        );
    }

    #[test]
    fn a_size_update_empties_the_table_and_stands_first() {
        let mut decoder = Decoder::default();
        decode(&mut decoder, "40 01 61 01 62");
        assert_eq!(decoder.size(), 34);
        // 20: table size 0; 82: GET
        let block = decode(&mut decoder, "20 82");
        assert_eq!((text(&block), decoder.size()), (vec!["dynamic table size: 0".into(), ":method: GET".into()], 0));
        assert_eq!(block.evicted[0].value, "b");
        assert!(last("82 20").contains("after a field"));
        // 3f e2 1f: 31 + 0x62 + (0x1f << 7) = 4097
        assert_eq!(last("3f e2 1f"), "COMPRESSION_ERROR: table size 4097, where SETTINGS allow 4096");
        let mut decoder = Decoder::default();
        decoder.allow(8192);
        assert_eq!(text(&decode(&mut decoder, "3f e2 1f")), ["dynamic table size: 4097"]);
    }

    #[test]
    fn an_entry_larger_than_the_table_empties_it() {
        let mut decoder = decoder(40);
        decode(&mut decoder, "40 01 61 01 62");
        let block = decode(&mut decoder, "40 01 61 09 62 62 62 62 62 62 62 62 62");
        assert_eq!((text(&block), decoder.size()), (vec!["a: bbbbbbbbb".into()], 0));
        assert_eq!((block.added.len(), block.evicted.len()), (1, 2));
    }

    #[test]
    fn what_cannot_be_decoded_says_why() {
        assert!(last("80").contains("index 0"));
        assert!(last("be").contains("index 62, where the tables end at 61"));
        assert!(last("40 05 61").contains("a string of 5 octets, where the block has 1 more"));
        assert!(last("40").contains("ends inside a field"));
        assert!(last("ff 80 80 80 80 80").contains("more than five octets"));
        let block = decode(&mut Decoder::default(), "82 80 83");
        assert_eq!(text(&block), [":method: GET", "not decoded: "], "the fields before the error are kept");
    }

    #[test]
    fn a_reference_to_the_dynamic_table_knows_the_bytes_that_added_the_entry() {
        let mut decoder = Decoder::default();
        decode(&mut decoder, "82 40 01 61 01 62");
        let block = decode(&mut decoder, "be");
        let entry = block.fields[0].entry.as_ref().unwrap();
        assert_eq!((entry.added_by.start, entry.added_by.end, entry.number), (1, 6, 1));
    }

    #[test]
    fn in_the_middle_of_a_connection_older_entries_are_unknown_and_newer_ones_exact() {
        let mut decoder = Decoder::late();
        // 40 01 61 01 62 adds a: b, be is the newest entry, bf one from before the recording
        let block = decode(&mut decoder, "40 01 61 01 62 be bf");
        assert_eq!(text(&block), ["a: b", "a: b", "unknown: unknown"]);
        assert!(block.spans(0)[2].what.note().contains("before the recording"));
        // 7f 00 01 63: added, with the name of entry 63, which is unknown; it is an entry all the same
        let block = decode(&mut decoder, "7f 00 01 63 be bf");
        assert_eq!(text(&block), ["unknown: c", "unknown: c", "a: b"]);
        // 20 3f 21: table size 0, then 64; from there on everything is known again
        let block = decode(&mut decoder, "20 3f 21 40 01 61 01 62 bf");
        assert!(block.broken().unwrap().contains("index 63, where the tables end at 62"));
    }

    #[test]
    fn a_table_that_has_filled_up_since_is_known_whole() {
        let mut decoder = Decoder::late();
        // 3f 09: table size 40, which may hold one entry of before
        decode(&mut decoder, "3f 09");
        assert!(decode(&mut decoder, "be").broken().is_none());
        // an entry of 34 leaves no room for another, but that one was may not be clear: two of them do
        decode(&mut decoder, "40 01 61 01 62 40 01 61 01 63");
        assert!(decode(&mut decoder, "bf").broken().is_some());
    }
}
