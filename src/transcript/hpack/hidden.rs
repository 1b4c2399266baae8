//! Header blocks without their secrets, of the same length and as decodable as before.
//!
//! ```text
//! 0f 08 06 73 65 63 72 65 74    authorization: secret
//! 0f 08 06 2a 2a 2a 2a 2a 2a    authorization: ******
//! ```
//!
//! A value's letters become "*". In the Huffman code "*" takes eight bits, and other letters more or less: so that the
//! octets and the letters both stay as many as they were, some are "0" (five bits), "$" (13) or "\\" (19). So frames keep their
//! lengths and the dynamic table its sizes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::fields::{Block, Field, Form};
use super::huffman;
use super::table::Entry;

/// What stands for bytes that cannot be decoded: index 0, which is an error wherever a field may begin.
pub(in super::super) const UNDECODABLE: u8 = 0x80;

impl Block {
    /// The block with other letters in the values of secret fields, and without what could not be decoded. `None` if
    /// nothing has to change.
    pub(in super::super) fn hidden(&self, is_secret: &dyn Fn(Option<&Bytes>) -> bool) -> Option<Block> {
        let mut hidden = self.clone();
        let mut bytes = BytesMut::from(&self.bytes[..]);
        let mut changed = false;
        for field in &mut hidden.fields {
            if matches!(field.form, Form::Broken(_)) {
                bytes[field.at.clone()].fill(UNDECODABLE);
                changed = true;
            } else if field.is_field() && is_secret(field.name.as_ref()) {
                field.hide(&mut bytes);
                changed = true;
            }
        }
        let added: Vec<_> = hidden.fields.iter().filter(|field| matches!(field.form, Form::Added(_))).collect();
        for (entry, field) in hidden.added.iter_mut().zip(added) {
            let value = field.value.clone().unwrap_or_default();
            *entry = Arc::new(Entry { value, ..Entry::clone(entry) });
        }
        for entry in &mut hidden.evicted {
            if is_secret(entry.name.as_ref()) {
                *entry = Arc::new(entry.hidden());
                changed = true;
            }
        }
        hidden.bytes = bytes.freeze();
        changed.then_some(hidden)
    }
}

impl Field {
    fn hide(&mut self, block: &mut BytesMut) {
        self.value = self.value.as_ref().map(stars);
        if let Some(entry) = &mut self.entry {
            *entry = Arc::new(entry.hidden());
        }
        let Some(value) = self.written.last_mut() else { return };
        value.text = if value.huffman { letters(value.octets.len(), value.text.len()) } else { stars(&value.text) };
        value.octets = if value.huffman { huffman::encode(&value.text).into() } else { value.text.clone() };
        self.value = Some(value.text.clone());
        let start = self.at.end - value.octets.len();
        block[start..self.at.end].copy_from_slice(&value.octets);
    }
}

impl Entry {
    fn hidden(&self) -> Entry {
        Entry { value: stars(&self.value), ..self.clone() }
    }
}

fn stars(value: &Bytes) -> Bytes {
    vec![b'*'; value.len()].into()
}

/// So many letters that take so many octets in the Huffman code. What the last octet has left is padding.
fn letters(octets: usize, letters: usize) -> Bytes {
    // Pairs of letters with fewer and with more bits. One of the pairs has the average between its two.
    const PAIRS: [(u8, usize, u8, usize); 3] = [(b'0', 5, b'*', 8), (b'*', 8, b'$', 13), (b'$', 13, b'\\', 19)];
    for (few, few_bits, many, many_bits) in PAIRS {
        let bits = (8 * octets).saturating_sub(few_bits * letters);
        let count = bits / (many_bits - few_bits);
        if count <= letters {
            return [vec![many; count], vec![few; letters - count]].concat().into();
        }
    }
    // No text takes so many bits. The octets stay as many, and are other letters.
    vec![b'*'; octets].into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Decoder;
    use super::*;
    use crate::transcript::place::Place;
    use crate::transcript::record::Direction;

    fn decode(decoder: &mut Decoder, block: &[u8]) -> Block {
        let place = |at: std::ops::Range<usize>| Place {
            direction: Direction::ToServer,
            start: at.start as u64,
            end: at.end as u64,
        };
        decoder.decode(&Bytes::copy_from_slice(block), &place)
    }

    fn is_secret(name: Option<&Bytes>) -> bool {
        name.is_none_or(|name| name == "authorization")
    }

    /// A field that is added to the table, with the name of entry 23, `authorization`.
    fn authorization(value: &[u8], coded: bool) -> Vec<u8> {
        let octets = if coded { huffman::encode(value) } else { value.to_vec() };
        assert!(octets.len() < 127);
        [&[0x57, octets.len() as u8 | if coded { 0x80 } else { 0 }], &octets[..]].concat()
    }

    #[test]
    fn values_of_secret_fields_become_stars_and_everything_else_stays() {
        let mut decoder = Decoder::default();
        let bytes = [&[0x83][..], &authorization(b"secret", false), &[0xbe, 0x40, 1, b'a', 1, b'b']].concat();
        let hidden = decode(&mut decoder, &bytes).hidden(&is_secret).unwrap();
        let mut again = Decoder::default();
        let read = decode(&mut again, hidden.bytes());
        let pairs =
            |block: &Block| block.pairs().map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>();
        let expected = [(":method", "POST"), ("authorization", "******"), ("authorization", "******"), ("a", "b")];
        assert_eq!(pairs(&read), expected.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(pairs(&hidden), pairs(&read));
        assert_eq!(hidden.added[0].value, "******");
        assert_eq!(again.size(), decoder.size());
        assert!(decode(&mut decoder, &[0x83]).hidden(&is_secret).is_none());
    }

    #[test]
    fn what_cannot_be_decoded_is_left_out() {
        let hidden = decode(&mut Decoder::default(), b"\x83\x57\x7fsecret").hidden(&is_secret).unwrap();
        assert_eq!(&hidden.bytes()[..], [&[0x83][..], &[UNDECODABLE; 8]].concat());
    }

    proptest! {
        #[test]
        fn in_the_huffman_code_octets_and_letters_stay_as_many(value in "[ -~]{0,60}") {
            let bytes = authorization(value.as_bytes(), true);
            let mut decoder = Decoder::default();
            let hidden = decode(&mut decoder, &bytes).hidden(&is_secret).unwrap();
            prop_assert_eq!(hidden.bytes().len(), bytes.len());
            let mut again = Decoder::default();
            let read = decode(&mut again, hidden.bytes());
            prop_assert_eq!(read.broken(), None);
            let shown = read.get("authorization").unwrap();
            prop_assert!(shown.iter().all(|letter| b"*0$\\".contains(letter)));
            prop_assert_eq!(again.size(), decoder.size());
        }
    }
}
