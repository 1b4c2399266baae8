//! Header blocks, decoded so that they can be explained: HPACK (RFC 7541).
//!
//! ```text
//! 83                  :method: POST          indexed 3 of the static table
//! 40 02 74 65 ...     te: trailers           literal, added; new name
//! ```

use std::{collections::VecDeque, sync::LazyLock};

use bytes::{Buf, Bytes};

use super::huffman;
use super::part::Part;
use super::varint::varint;

/// The static table (Appendix A), entries 1 to 61: names and values.
static STATIC: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| ENTRIES.split('|').map(|entry| entry.split_once(' ').unwrap_or((entry, ""))).collect());
const ENTRIES: &str = ":authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|\
    :status 204|:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|\
    accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|\
    content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|\
    cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|\
    last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|\
    server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate";
const SIZE_UPDATE: &str = "size update";

/// A name and a value.
type Entry = (Bytes, Bytes);
/// What one representation says, and which it is.
type Field = (Entry, String);

/// One direction's decoder, whose dynamic table lives as long as the connection.
#[derive(Debug)]
pub struct Decoder {
    table: VecDeque<Entry>,
    size: usize,
    capacity: usize,
    allowed: usize,
    /// Whether a block was lost, and with it what the table holds from there on.
    pub(super) failed: bool,
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

    /// Decodes one whole block: a part for each field, its note the representation (section 6). What cannot be
    /// decoded is a last part that says why; as the table is unknown from there on, so is every later block.
    pub fn decode(&mut self, block: &Bytes) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = block.clone();
        while !rest.is_empty() {
            let start = rest.clone();
            let first = parts.last().is_none_or(|part| part.note == SIZE_UPDATE);
            let ((name, value), note) = self.field(&mut rest, first).unwrap_or_else(|error| {
                self.failed = true;
                rest.clear();
                (("not decoded".into(), Bytes::new()), format!("COMPRESSION_ERROR: {error}"))
            });
            parts.push(Part::new(start.slice(..start.len() - rest.len()), name, value, note));
        }
        parts
    }

    fn field(&mut self, rest: &mut Bytes, first: bool) -> Result<Field, String> {
        match rest.first() {
            _ if self.failed => Err("the table is unknown since an earlier block was lost".into()),
            Some(0x80..) => self.indexed(integer(rest, 7)?),
            Some(0x40..) => self.literal(rest, 6, "added"),
            Some(0x20..) if !first => Err("a table size update after a field".into()),
            Some(0x20..) => self.resize(integer(rest, 5)?),
            Some(0x10..) => self.literal(rest, 4, "never indexed"),
            _ => self.literal(rest, 4, "not added"),
        }
    }

    fn indexed(&self, index: usize) -> Result<Field, String> {
        let table = if index <= STATIC.len() { "static" } else { "dynamic" };
        Ok((self.entry(index)?, format!("indexed {index} of the {table} table")))
    }

    fn resize(&mut self, size: usize) -> Result<Field, String> {
        if size > self.allowed {
            return Err(format!("table size {size}, where SETTINGS allow {}", self.allowed));
        }
        self.capacity = size;
        self.evict();
        Ok((("dynamic table size".into(), size.to_string().into()), SIZE_UPDATE.to_owned()))
    }

    /// A field in letters, its name perhaps that of an entry.
    fn literal(&mut self, rest: &mut Bytes, prefix: u32, form: &str) -> Result<Field, String> {
        let index = integer(rest, prefix)?;
        let (name, huffman) = if index == 0 { string(rest)? } else { (self.entry(index)?.0, false) };
        let (value, huffman_value) = string(rest)?;
        let source = if index == 0 { "new name".into() } else { format!("name {index}") };
        let note = format!("literal, {form}; {source}{}", if huffman || huffman_value { "; Huffman" } else { "" });
        let entry = (name, value);
        if form == "added" {
            self.size += size(&entry);
            self.table.push_front(entry.clone());
            self.evict();
        }
        Ok((entry, note))
    }

    fn entry(&self, index: usize) -> Result<Entry, String> {
        let place = index.checked_sub(1).ok_or("index 0")?;
        let fixed = STATIC.get(place).map(|(name, value)| ((*name).into(), (*value).into()));
        fixed
            .or_else(|| self.table.get(place - STATIC.len()).cloned())
            .ok_or_else(|| format!("index {index}, where the tables end at {}", STATIC.len() + self.table.len()))
    }

    /// Section 4.4: the oldest entries go until the others fit; a new one that is larger than the table goes too.
    fn evict(&mut self) {
        while self.size > self.capacity {
            self.size -= self.table.pop_back().as_ref().map_or(self.size, size);
        }
    }
}

/// Section 4.1: an entry's size, with an allowance for its bookkeeping.
fn size((name, value): &Entry) -> usize {
    name.len() + value.len() + 32
}

/// Section 5.1: what does not fit the first octet's `prefix` bits follows in groups of seven, the lowest first.
fn integer(rest: &mut Bytes, prefix: u32) -> Result<usize, String> {
    const CUT_SHORT: &str = "the block ends inside a field";
    let full = (1 << prefix) - 1;
    let value = rest.try_get_u8().map_err(|_| CUT_SHORT)? as usize & full;
    if value < full {
        return Ok(value);
    }
    let why = if rest.len() < 4 { CUT_SHORT } else { "an integer of more than five octets" };
    Ok(value + varint(rest, 4).ok_or(why)? as usize)
}

/// Section 5.2: a bit for Huffman, the length, the octets. Also tells whether that bit was set.
fn string(rest: &mut Bytes) -> Result<(Bytes, bool), String> {
    let huffman = rest.first().is_some_and(|octet| octet & 0x80 != 0);
    let length = integer(rest, 7)?;
    if length > rest.len() {
        return Err(format!("a string of {length} octets, where the block has {} more", rest.len()));
    }
    let octets = rest.split_to(length);
    Ok((if huffman { huffman::decode(&octets)?.into() } else { octets }, huffman))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::hex;
    use super::*;

    fn decoder(capacity: usize) -> Decoder {
        Decoder { capacity, ..Decoder::default() }
    }

    fn text(parts: &[Part]) -> Vec<String> {
        parts.iter().map(|part| format!("{}: {}", part.name.escape_ascii(), part.value.escape_ascii())).collect()
    }

    /// Decodes blocks one after the other and checks fields and the table's size after each.
    fn check(mut decoder: Decoder, blocks: &[(&str, &[&str], usize)]) {
        for (block, expected, size) in blocks {
            let block = hex(block);
            let parts = decoder.decode(&block);
            assert_eq!(text(&parts), *expected);
            assert_eq!(decoder.size, *size);
            assert_eq!(parts.iter().map(|part| part.bytes.len()).sum::<usize>(), block.len());
        }
    }

    /// The note of a block's last part.
    fn last(block: &str) -> String {
        Decoder::default().decode(&hex(block)).pop().unwrap().note
    }

    #[test]
    fn appendix_c_1_integers() {
        for (bytes, prefix, value) in [("0a", 5, 10), ("1f 9a 0a", 5, 1337), ("2a", 8, 42)] {
            assert_eq!(integer(&mut hex(bytes), prefix), Ok(value));
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
        decoder.decode(&hex("40 01 61 01 62"));
        assert_eq!(decoder.size, 34);
        // 20: table size 0; 82: GET
        let parts = decoder.decode(&hex("20 82"));
        assert_eq!((text(&parts), decoder.size), (vec!["dynamic table size: 0".into(), ":method: GET".into()], 0));
        assert!(last("82 20").contains("after a field"));
        // 3f e2 1f: 31 + 0x62 + (0x1f << 7) = 4097
        assert_eq!(last("3f e2 1f"), "COMPRESSION_ERROR: table size 4097, where SETTINGS allow 4096");
        let mut decoder = Decoder::default();
        decoder.allow(8192);
        assert_eq!(text(&decoder.decode(&hex("3f e2 1f"))), ["dynamic table size: 4097"]);
    }

    #[test]
    fn an_entry_larger_than_the_table_empties_it() {
        let mut decoder = decoder(40);
        decoder.decode(&hex("40 01 61 01 62"));
        let parts = decoder.decode(&hex("40 01 61 09 62 62 62 62 62 62 62 62 62"));
        assert_eq!((text(&parts), decoder.size), (vec!["a: bbbbbbbbb".into()], 0));
    }

    #[test]
    fn what_cannot_be_decoded_says_why_and_ends_the_table() {
        assert!(last("80").contains("index 0"));
        assert!(last("be").contains("index 62, where the tables end at 61"));
        assert!(last("40 05 61").contains("a string of 5 octets, where the block has 1 more"));
        assert!(last("40").contains("ends inside a field"));
        assert!(last("ff 80 80 80 80 80").contains("more than five octets"));
        let mut decoder = Decoder::default();
        let parts = decoder.decode(&hex("82 80 83"));
        assert_eq!(text(&parts), [":method: GET", "not decoded: "], "the fields before the error are kept");
        assert!(decoder.decode(&hex("82"))[0].note.contains("earlier block"));
    }
}
