//! The fields of a message, as spans.

use bytes::Bytes;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};

use super::super::span::{Cutter, Span};
use super::super::varint::varint;
use super::guess::{Guess, guess};
use super::meaning::Wire;
use super::values::{number, wire_of};
use super::{Meaning, Types};

/// How deep messages are followed into messages; what lies deeper stays bytes. Protobuf's own parsers stop at 100.
const DEPTH: usize = 32;

impl Types {
    /// What each byte of a message means; the first of them is at `start`. Of a type that is not known (`None`, or a
    /// name that is in no .proto file) numbers and wire types are told, and the most likely reading. The spans together
    /// are always all the bytes.
    pub fn spans(&self, message: Option<&str>, start: u64, bytes: &Bytes) -> Vec<Span> {
        let kind = message.and_then(|name| self.messages.get(&format!(".{name}")));
        self.message(kind, &mut Cutter::new(start, bytes.clone()), 0)
    }

    fn message(&self, kind: Option<&DescriptorProto>, rest: &mut Cutter, depth: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        while !rest.rest.is_empty() {
            let before = rest.clone();
            spans.push(self.field(kind, rest, depth).unwrap_or_else(|why| {
                *rest = before;
                rest.rest(Meaning::Malformed(why))
            }));
        }
        spans
    }

    /// Takes a field off `rest`.
    fn field(&self, kind: Option<&DescriptorProto>, rest: &mut Cutter, depth: usize) -> Result<Span, &'static str> {
        let before = rest.clone();
        let (tag, length) = peek(&rest.rest, |bytes| varint(bytes, 10).ok_or("a tag is a varint of one to ten bytes"))?;
        let number = tag >> 3;
        if !(1..1 << 29).contains(&number) {
            return Err("field numbers go from 1 to 2^29 - 1");
        }
        let wire = Wire::from_number(tag & 7).ok_or("wire types 6 and 7 do not exist")?;
        let field = kind.and_then(|kind| kind.field.iter().find(|field| i64::from(field.number()) == number as i64));
        let mut children = Vec::from_iter(rest.leaf(length, Meaning::Tag { number, wire }));
        let Told { value, note } = match wire {
            Wire::Varint | Wire::I64 | Wire::I32 => self.number(field, rest, wire, &mut children)?,
            Wire::Len => self.delimited(field, rest, depth, &mut children)?,
            Wire::StartGroup | Wire::EndGroup => Told::default(),
        };
        let declared = field.map(|field| type_name(field.r#type()));
        let name = field.map(|field| field.name().to_owned());
        Ok(rest.since(&before, Meaning::Field { number, name, wire, declared, value, note }, children))
    }

    fn number(
        &self, field: Option<&FieldDescriptorProto>, rest: &mut Cutter, wire: Wire, children: &mut Vec<Span>,
    ) -> Result<Told, &'static str> {
        let (raw, length) = peek(&rest.rest, |bytes| number(bytes, wire))?;
        let fits = field.filter(|field| wire_of(field.r#type()) == wire);
        let meaning = self.meaning_of(fits, raw, wire, length);
        let mut told = Told::default();
        if let Meaning::Number { value, negative, .. } = &meaning {
            told.value.clone_from(value);
            if *negative {
                told.note = format!(", negative: {length} bytes");
            }
        }
        if field.is_some() && fits.is_none() {
            told.note += ", of another wire type";
        }
        children.extend(rest.leaf(length, meaning));
        Ok(told)
    }

    /// A length and so many bytes: text, bytes, a message, or numbers side by side.
    fn delimited(
        &self, field: Option<&FieldDescriptorProto>, rest: &mut Cutter, depth: usize, children: &mut Vec<Span>,
    ) -> Result<Told, &'static str> {
        let (told, prefix) =
            peek(&rest.rest, |bytes| varint(bytes, 10).ok_or("a length is a varint of one to ten bytes"))?;
        let length = usize::try_from(told).ok().filter(|length| *length <= rest.rest.len() - prefix);
        let length = length.ok_or("the length goes beyond the message")?;
        children.extend(rest.leaf(prefix, Meaning::Length(told)));
        let (start, content) = rest.take(length).ok_or("the length goes beyond the message")?;
        let mut inner = Cutter::new(start, content.clone());
        let declared = field.map(FieldDescriptorProto::r#type);
        let packable = field.is_some_and(|field| field.label() == Label::Repeated);
        let mut note = format!(", {length} bytes");
        let value = match (declared, declared.map(wire_of)) {
            (Some(Type::Message), _) if depth < DEPTH => {
                let name = field.map_or("", FieldDescriptorProto::type_name);
                children.extend(self.message(self.messages.get(name), &mut inner, depth + 1));
                name.trim_start_matches('.').to_owned()
            }
            (Some(Type::String), _) => text(&content, &mut inner, children),
            (Some(_), Some(wire @ (Wire::Varint | Wire::I64 | Wire::I32))) if packable => {
                note += ", packed";
                self.packed(field, wire, &mut inner, children)?
            }
            (Some(Type::Bytes), _) => octets(&mut inner, children),
            (Some(_), _) => {
                note += ", of another wire type";
                octets(&mut inner, children)
            }
            (None, _) => match guess(&content) {
                Guess::Text if !content.is_empty() => {
                    note += ", probably text";
                    text(&content, &mut inner, children)
                }
                Guess::Message if depth < DEPTH => {
                    note += ", probably a message";
                    children.extend(self.message(None, &mut inner, depth + 1));
                    String::new()
                }
                _ => octets(&mut inner, children),
            },
        };
        Ok(Told { value, note })
    }

    fn packed(
        &self, field: Option<&FieldDescriptorProto>, wire: Wire, inner: &mut Cutter, children: &mut Vec<Span>,
    ) -> Result<String, &'static str> {
        let mut numbers = Vec::new();
        while !inner.rest.is_empty() {
            let (raw, length) = peek(&inner.rest, |bytes| number(bytes, wire))?;
            let meaning = self.meaning_of(field, raw, wire, length);
            if let Meaning::Number { value, .. } = &meaning {
                numbers.push(value.clone());
            }
            children.extend(inner.leaf(length, meaning));
        }
        Ok(format!("[{}]", numbers.join(", ")))
    }
}

/// What a field's line says beside its name and type.
#[derive(Default)]
struct Told {
    value: String,
    note: String,
}

/// Reads from the front of `bytes`; tells what was read and how many bytes it took.
fn peek<T>(
    bytes: &Bytes, read: impl FnOnce(&mut Bytes) -> Result<T, &'static str>,
) -> Result<(T, usize), &'static str> {
    let mut rest = bytes.clone();
    let read = read(&mut rest)?;
    Ok((read, bytes.len() - rest.len()))
}

fn text(content: &Bytes, inner: &mut Cutter, children: &mut Vec<Span>) -> String {
    let text = String::from_utf8_lossy(content).into_owned();
    let shown = format!("{text:?}");
    if !content.is_empty() {
        children.push(inner.rest(Meaning::Text(text)));
    }
    shown
}

fn octets(inner: &mut Cutter, children: &mut Vec<Span>) -> String {
    if !inner.rest.is_empty() {
        children.push(inner.rest(Meaning::Bytes));
    }
    String::new()
}

/// The name of a type as .proto files write it.
fn type_name(kind: Type) -> String {
    kind.as_str_name()["TYPE_".len()..].to_lowercase()
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::{EnumDescriptorProto, EnumValueDescriptorProto, FileDescriptorProto, FileDescriptorSet};

    use super::super::super::fixtures::*;
    use super::super::super::meaning::Meaning as _;
    use super::super::super::span::What;
    use super::*;

    /// The fields as `bytes | depth name: value | note`, one a line; the bytes are those of a field's own leaves.
    fn lines(types: &Types, message: Option<&str>, bytes: &str) -> String {
        let bytes = hex(bytes);
        let spans = types.spans(message, 0, &bytes);
        let leaves: Vec<u8> = spans.iter().flat_map(Span::leaves).flat_map(|leaf| leaf.bytes.to_vec()).collect();
        assert_eq!(leaves, bytes, "all bytes, in order");
        let mut text = String::new();
        for span in &spans {
            span.walk(&mut |span, depth| {
                let What::Protobuf(meaning @ (Meaning::Field { .. } | Meaning::Malformed(_))) = &span.what else {
                    return;
                };
                let own =
                    span.children.iter().filter(|child| !matches!(child.what, What::Protobuf(Meaning::Field { .. })));
                let own: Vec<u8> = own.flat_map(|child| child.bytes.to_vec()).collect();
                let own = if span.children.is_empty() { span.bytes.to_vec() } else { own };
                let octets: String = own.iter().map(|byte| format!("{byte:02x}")).collect();
                text += &format!("{octets} | {depth} {}: {} | {}\n", meaning.name(), meaning.value(), meaning.note());
            });
        }
        text
    }

    #[test]
    fn a_point_is_seventeen_bytes_as_a_negative_int32_takes_ten() {
        assert_eq!(
            lines(&route_guide(), Some("routeguide.Point"), "08 9a a6 8c c3 01 10 96 9f 98 9c fd ff ff ff ff 01"),
            "089aa68cc301 | 0 1 latitude: 409146138 | VARINT int32\n\
             10969f989cfdffffffff01 | 0 2 longitude: -746188906 | VARINT int32, negative: 10 bytes\n"
        );
    }

    #[test]
    fn messages_inside_messages_are_followed() {
        assert_eq!(
            lines(&route_guide(), Some("routeguide.RouteNote"), "0a 02 08 05 12 02 68 69"),
            "0a02 | 0 1 location: routeguide.Point | LEN message, 2 bytes\n\
             0805 | 1 1 latitude: 5 | VARINT int32\n\
             12026869 | 0 2 message: \"hi\" | LEN string, 2 bytes\n"
        );
    }

    #[test]
    fn of_unknown_fields_the_most_likely_reading_is_told() {
        for (bytes, expected) in [
            ("0a 02 68 69", "1 unknown: \"hi\" | LEN, 2 bytes, probably text"),
            ("0a 02 08 05", "1 unknown:  | LEN, 2 bytes, probably a message"),
            ("0a 02 08 05", "0805 | 1 1 unknown: 5 | VARINT"),
            ("0a 02 08 80", "1 unknown:  | LEN, 2 bytes\n"),
        ] {
            let shown = lines(&Types::default(), None, bytes);
            assert!(shown.contains(expected), "{bytes}: {shown}");
        }
    }

    #[test]
    fn unknown_fields_and_types_are_shown_by_number() {
        let unknown = "1805 | 0 3 unknown: 5 | VARINT\n";
        assert_eq!(lines(&route_guide(), Some("routeguide.Point"), "18 05"), unknown);
        assert_eq!(lines(&route_guide(), None, "18 05"), unknown);
        assert_eq!(lines(&Types::default(), Some("no.Such"), "18 05"), unknown);
        assert_eq!(
            lines(&route_guide(), Some("routeguide.Point"), "0d 01 00 00 00"),
            "0d01000000 | 0 1 latitude: 1 | I32 int32, of another wire type\n"
        );
    }

    #[test]
    fn malformed_input_is_kept_and_explained() {
        for (bytes, why) in [
            ("08", "a varint has one to ten bytes"),
            ("08 ff ff ff ff ff ff ff ff ff ff 01", "a varint has one to ten bytes"),
            ("ff", "a tag is a varint"),
            ("00 01", "field numbers go from 1"),
            ("0e 01", "wire types 6 and 7"),
            ("0a 05 61", "the length goes beyond the message"),
            ("09 01", "eight bytes"),
            ("0d 01", "four bytes"),
        ] {
            let shown = lines(&route_guide(), Some("routeguide.Point"), bytes);
            assert!(shown.contains("malformed") && shown.contains(why), "{bytes}: {shown}");
        }
    }

    #[test]
    fn every_scalar_type_is_read_as_declared() {
        let field = |number, kind: Type, label: Label, type_name: &str| FieldDescriptorProto {
            name: Some(format!("f{number}")),
            number: Some(number),
            r#type: Some(kind.into()),
            label: Some(label.into()),
            type_name: Some(type_name.into()),
            ..Default::default()
        };
        let one = |number, kind| field(number, kind, Label::Optional, "");
        let value = EnumValueDescriptorProto { name: Some("NORTH".into()), number: Some(1), ..Default::default() };
        let set = FileDescriptorSet {
            file: vec![FileDescriptorProto {
                message_type: vec![DescriptorProto {
                    name: Some("M".into()),
                    field: vec![
                        one(1, Type::Sint32),
                        one(2, Type::Bool),
                        one(3, Type::Double),
                        one(4, Type::Float),
                        field(5, Type::Enum, Label::Optional, ".E"),
                        field(6, Type::Int32, Label::Repeated, ""),
                        one(7, Type::Bytes),
                        field(8, Type::Message, Label::Optional, ".M"),
                        one(9, Type::Sfixed32),
                    ],
                    ..Default::default()
                }],
                enum_type: vec![EnumDescriptorProto {
                    name: Some("E".into()),
                    value: vec![value],
                    ..Default::default()
                }],
                ..Default::default()
            }],
        };
        let types = Types::decode(&set.encode_to_vec()).unwrap();
        for (bytes, expected) in [
            ("08 03", "f1: -2 | VARINT sint32"),
            ("10 01", "f2: true | VARINT bool"),
            ("19 00 00 00 00 00 00 f8 3f", "f3: 1.5 | I64 double"),
            ("25 00 00 20 c0", "f4: -2.5 | I32 float"),
            ("28 01", "f5: 1 NORTH | VARINT enum"),
            ("28 02", "f5: 2 unknown | VARINT enum"),
            ("32 03 01 ac 02", "f6: [1, 300] | LEN int32, 3 bytes, packed"),
            ("30 01", "f6: 1 | VARINT int32"),
            ("3a 01 07", "f7:  | LEN bytes, 1 bytes"),
            ("4d ff ff ff ff", "f9: -1 | I32 sfixed32"),
            ("32 01 80", "malformed:  | a varint has one to ten bytes"),
        ] {
            let shown = lines(&types, Some("M"), bytes);
            assert!(shown.contains(expected), "{bytes}: {shown}");
        }
        // 40 messages inside one another: each adds a tag and a length.
        let mut nested = Vec::new();
        for _ in 0..40 {
            nested.splice(0..0, [0x42, nested.len() as u8]);
        }
        let mut deepest = 0;
        types.spans(Some("M"), 0, &nested.into())[0].walk(&mut |_, depth| deepest = deepest.max(depth));
        assert_eq!(deepest, DEPTH + 1, "the innermost content is a leaf of bytes");
    }
}
