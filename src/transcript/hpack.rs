//! Header blocks, decoded so that they can be explained: HPACK (RFC 7541).
//!
//! ```text
//! 83                  :method: POST          indexed 3 of the static table
//! 40 02 74 65 ...     te: trailers           literal, added; new name
//! ```

use std::{collections::VecDeque, ops::Range};

use bytes::Bytes;

use super::huffman;

/// The static table (Appendix A), entries 1 to 61: a name, and after a space its value if it has one.
const STATIC: &str = ":authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|\
    :status 204|:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|\
    accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|\
    content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|\
    cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|\
    last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|\
    server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate";
const STATIC_ENTRIES: usize = 61;

/// How a field is represented (section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A whole entry of the static or dynamic table.
    Indexed,
    /// Spelled out, and added to the dynamic table.
    Incremental,
    /// Spelled out, not added.
    WithoutIndexing,
    /// Spelled out, and no intermediary may ever index it: a secret.
    NeverIndexed,
    /// No field but a new size of the dynamic table.
    SizeUpdate,
}

/// One field of a header block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where in the block its bytes are.
    pub at: Range<usize>,
    /// Its representation.
    pub form: Form,
    /// The table entry of field or name: 1 to 61 are static, 62 is the newest dynamic one; 0 for a new name.
    pub index: usize,
    /// Whether name or value are Huffman-coded.
    pub huffman: bool,
    /// The name.
    pub name: Bytes,
    /// The value.
    pub value: Bytes,
}

impl Field {
    /// The representation in words.
    pub fn note(&self) -> String {
        let name = match (self.form, self.index) {
            (Form::SizeUpdate, _) => return "size update".into(),
            (Form::Indexed, 1..=STATIC_ENTRIES) => return format!("indexed {} of the static table", self.index),
            (Form::Indexed, _) => return format!("indexed {} of the dynamic table", self.index),
            (_, 0) => "new name".into(),
            (_, index) => format!("name {index}"),
        };
        let form = match self.form {
            Form::Incremental => "literal, added",
            Form::NeverIndexed => "literal, never indexed",
            _ => "literal, not added",
        };
        format!("{form}; {name}{}", if self.huffman { "; Huffman" } else { "" })
    }
}

/// One direction's decoder, whose dynamic table lives as long as the connection.
#[derive(Debug)]
pub struct Decoder {
    table: VecDeque<(Bytes, Bytes)>,
    size: usize,
    capacity: usize,
    allowed: usize,
    failed: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { table: VecDeque::new(), size: 0, capacity: 4096, allowed: 4096, failed: false }
    }
}

impl Decoder {
    /// The other side has announced this SETTINGS_HEADER_TABLE_SIZE. The largest ever announced is what counts
    /// here: which one the encoder had seen when it wrote a block does not show.
    pub fn allow(&mut self, size: u32) {
        self.allowed = self.allowed.max(size as usize);
    }

    /// Decodes one whole block: its fields as far as they go, and if that is not to the end, why. After an error the
    /// table is unknown, so every later block is an error too.
    pub fn decode(&mut self, block: &Bytes) -> (Vec<Field>, Result<(), String>) {
        if self.failed {
            return (Vec::new(), Err("the table is unknown since an earlier block was lost".into()));
        }
        let (mut fields, mut at) = (Vec::new(), 0);
        while at < block.len() {
            let mut input = Input { block, at, huffman: false };
            match self.field(&mut input, fields.iter().all(|field: &Field| field.form == Form::SizeUpdate)) {
                Ok((form, index, (name, value))) => {
                    fields.push(Field { at: at..input.at, form, index, huffman: input.huffman, name, value });
                    at = input.at;
                }
                Err(error) => {
                    self.fail();
                    return (fields, Err(format!("COMPRESSION_ERROR: {error}")));
                }
            }
        }
        (fields, Ok(()))
    }

    /// A block was lost, and with it what the table holds from here on.
    pub(super) fn fail(&mut self) {
        self.failed = true;
    }

    fn field(&mut self, input: &mut Input, first: bool) -> Result<(Form, usize, (Bytes, Bytes)), String> {
        let (form, prefix) = match input.octet()? {
            0x80.. => (Form::Indexed, 7),
            0x40.. => (Form::Incremental, 6),
            0x20.. => (Form::SizeUpdate, 5),
            0x10.. => (Form::NeverIndexed, 4),
            _ => (Form::WithoutIndexing, 4),
        };
        let index = input.integer(prefix)?;
        let entry = match form {
            Form::SizeUpdate if !first => return Err("a table size update after a field".into()),
            Form::SizeUpdate if index > self.allowed => {
                return Err(format!("table size {index}, where SETTINGS allow {}", self.allowed));
            }
            Form::SizeUpdate => {
                self.capacity = index;
                self.evict(0);
                return Ok((form, 0, ("dynamic table size".into(), index.to_string().into())));
            }
            Form::Indexed => self.entry(index)?,
            _ => {
                let name = if index == 0 { input.string()? } else { self.entry(index)?.0 };
                (name, input.string()?)
            }
        };
        if form == Form::Incremental {
            let size = size(&entry);
            self.evict(size);
            if size <= self.capacity {
                self.size += size;
                self.table.push_front(entry.clone());
            }
        }
        Ok((form, index, entry))
    }

    fn entry(&self, index: usize) -> Result<(Bytes, Bytes), String> {
        let place = index.checked_sub(1).ok_or("index 0")?;
        match STATIC.split('|').nth(place) {
            Some(entry) => {
                let (name, value) = entry.split_once(' ').unwrap_or((entry, ""));
                Ok((Bytes::from_static(name.as_bytes()), Bytes::from_static(value.as_bytes())))
            }
            None => {
                self.table.get(place - STATIC_ENTRIES).cloned().ok_or_else(|| {
                    format!("index {index}, where the tables end at {}", STATIC_ENTRIES + self.table.len())
                })
            }
        }
    }

    /// Section 4.4: the oldest entries go until `room` more fits, or the table is empty.
    fn evict(&mut self, room: usize) {
        while self.size + room > self.capacity {
            let Some(oldest) = self.table.pop_back() else { return };
            self.size -= size(&oldest);
        }
    }
}

/// Section 4.1: an entry's size, with an allowance for its bookkeeping.
fn size((name, value): &(Bytes, Bytes)) -> usize {
    name.len() + value.len() + 32
}

struct Input<'a> {
    block: &'a Bytes,
    at: usize,
    huffman: bool,
}

impl Input<'_> {
    fn octet(&self) -> Result<u8, String> {
        self.block.get(self.at).copied().ok_or_else(|| "the block ends inside a field".into())
    }

    /// Section 5.1: what does not fit the prefix follows in groups of seven bits, lowest first.
    fn integer(&mut self, prefix: u32) -> Result<usize, String> {
        let full = (1 << prefix) - 1;
        let mut value = self.octet()? as usize & full;
        self.at += 1;
        if value < full {
            return Ok(value);
        }
        for shift in [0, 7, 14, 21] {
            let octet = self.octet()?;
            self.at += 1;
            value += (octet as usize & 0x7f) << shift;
            if octet < 0x80 {
                return Ok(value);
            }
        }
        Err("an integer of more than five octets".into())
    }

    /// Section 5.2: a bit for Huffman, the length, the octets.
    fn string(&mut self) -> Result<Bytes, String> {
        let huffman = self.octet()? & 0x80 != 0;
        let length = self.integer(7)?;
        let left = self.block.len() - self.at;
        if length > left {
            return Err(format!("a string of {length} octets, where the block has {left} more"));
        }
        let octets = self.block.slice(self.at..self.at + length);
        self.at += length;
        self.huffman |= huffman;
        if huffman { Ok(huffman::decode(&octets)?.into()) } else { Ok(octets) }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::hex, *};

    fn decoder(capacity: usize) -> Decoder {
        Decoder { capacity, ..Decoder::default() }
    }

    fn text(fields: &[Field]) -> Vec<String> {
        let show = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        fields.iter().map(|field| format!("{}: {}", show(&field.name), show(&field.value))).collect()
    }

    /// Decodes blocks one after the other and checks fields and the table's size after each.
    fn check(mut decoder: Decoder, blocks: &[(&str, &[&str], usize)]) {
        for (block, expected, size) in blocks {
            let block = hex(block);
            let (fields, result) = decoder.decode(&block);
            assert_eq!(result, Ok(()));
            assert_eq!(text(&fields), *expected);
            assert_eq!(decoder.size, *size);
            assert_eq!(fields.iter().map(|field| field.at.len()).sum::<usize>(), block.len());
        }
    }

    fn error(block: &str) -> String {
        Decoder::default().decode(&hex(block)).1.unwrap_err()
    }

    #[test]
    fn appendix_c_1_integers() {
        for (bytes, prefix, value) in [("0a", 5, 10), ("1f 9a 0a", 5, 1337), ("2a", 8, 42)] {
            assert_eq!(Input { block: &hex(bytes), at: 0, huffman: false }.integer(prefix), Ok(value));
        }
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
            assert_eq!(Decoder::default().decode(&hex(block)).0[0].note(), note);
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
        decoder.decode(&hex("40 01 61 01 62"));
        assert_eq!(decoder.size, 34);
        // 20: table size 0; 82: GET
        let (fields, result) = decoder.decode(&hex("20 82"));
        assert_eq!((fields[0].form, fields.len(), result, decoder.size), (Form::SizeUpdate, 2, Ok(()), 0));
        assert!(error("82 20").contains("after a field"));
        // 3f e2 1f: 31 + 0x62 + (0x1f << 7) = 4097
        assert_eq!(error("3f e2 1f"), "COMPRESSION_ERROR: table size 4097, where SETTINGS allow 4096");
        let mut decoder = Decoder::default();
        decoder.allow(8192);
        assert_eq!(decoder.decode(&hex("3f e2 1f")).1, Ok(()));
    }

    #[test]
    fn an_entry_larger_than_the_table_empties_it() {
        let mut decoder = decoder(40);
        decoder.decode(&hex("40 01 61 01 62"));
        let (fields, result) = decoder.decode(&hex("40 01 61 09 62 62 62 62 62 62 62 62 62"));
        assert_eq!((fields.len(), result, decoder.size), (1, Ok(()), 0));
    }

    #[test]
    fn what_cannot_be_decoded_says_why_and_ends_the_table() {
        assert!(error("80").contains("index 0"));
        assert!(error("be").contains("index 62, where the tables end at 61"));
        assert!(error("40 05 61").contains("a string of 5 octets, where the block has 1 more"));
        assert!(error("40").contains("ends inside a field"));
        assert!(error("ff 80 80 80 80 80").contains("more than five octets"));
        let mut decoder = Decoder::default();
        let (fields, result) = decoder.decode(&hex("82 80 83"));
        assert_eq!((fields.len(), result.is_err()), (1, true), "the fields before the error are kept");
        assert!(decoder.decode(&hex("82")).1.unwrap_err().contains("earlier block"));
    }
}
