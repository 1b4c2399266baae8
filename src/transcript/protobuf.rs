//! Protocol Buffers' wire format, annotated: `08 9a a6 8c c3 01` is field 1 as a varint, and by the .proto a latitude.

use bytes::{Buf, Bytes};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto};

use super::part::Part;
pub use super::types::Types;
use super::varint::varint;

/// How deep messages are followed into messages; what lies deeper stays bytes. Protobuf's own parsers stop at 100.
const DEPTH: usize = 32;
const WIRE_TYPES: [&str; 6] = ["VARINT", "I64", "LEN", "SGROUP", "EGROUP", "I32"];

impl Types {
    /// What each byte of a message means. Of a type that is not known (`None`, or a name that is in no .proto file)
    /// numbers and wire types are shown. The parts together are always all the bytes.
    pub fn annotate(&self, message: Option<&str>, bytes: &Bytes) -> Vec<Part> {
        let mut parts = Vec::new();
        self.message(message.and_then(|name| self.messages.get(&format!(".{name}"))), bytes.clone(), 0, &mut parts);
        parts
    }

    fn message(&self, kind: Option<&DescriptorProto>, mut rest: Bytes, depth: usize, parts: &mut Vec<Part>) {
        while !rest.is_empty() {
            let start = rest.clone();
            let mut inner = (None, Bytes::new());
            let (name, value, note) = self.field(kind, &mut rest, depth, &mut inner).unwrap_or_else(|error| {
                rest.clear();
                ("malformed".into(), Bytes::new(), error.into())
            });
            let length = start.len() - rest.len() - inner.1.len();
            parts.push(Part { depth, ..Part::new(start.slice(..length), name, value, note) });
            self.message(inner.0, inner.1, depth + 1, parts);
        }
    }

    /// Takes a field off `rest` and gives its name, value and note. The content of a message field goes to `inner`.
    fn field<'a>(
        &'a self, kind: Option<&DescriptorProto>, rest: &mut Bytes, depth: usize,
        inner: &mut (Option<&'a DescriptorProto>, Bytes),
    ) -> Result<(String, Bytes, String), &'static str> {
        let tag = varint(rest, 10).ok_or("a tag is a varint of one to ten bytes")?;
        let (number, wire) = (tag >> 3, (tag & 7) as usize);
        if !(1..1 << 29).contains(&number) {
            return Err("field numbers go from 1 to 2^29 - 1");
        }
        let field = kind.and_then(|kind| kind.field.iter().find(|field| i64::from(field.number()) == number as i64));
        let declared = field.map(FieldDescriptorProto::r#type);
        let expected = declared.map(wire_type);
        let packable = wire == 2 && field.is_some_and(|field| field.label() == Label::Repeated);
        let name = format!("{number} {}", field.map_or("unknown", FieldDescriptorProto::name));
        let mut note = (*WIRE_TYPES.get(wire).ok_or("wire types 6 and 7 do not exist")?).to_owned();
        note += &declared.map_or_else(String::new, |kind| kind.as_str_name()[4..].replace('_', " ").to_lowercase());
        if expected.is_some_and(|expected| expected != wire && !packable) {
            note += ", of another wire type";
        }
        let value: Bytes = match wire {
            0 | 1 | 5 => {
                let before = rest.len();
                let raw = number_of(rest, wire)?;
                if raw >> 63 == 1 && matches!(declared, Some(Type::Int32 | Type::Int64 | Type::Enum)) {
                    note += &format!(", negative: {} bytes", before - rest.len());
                }
                self.scalar(field.filter(|_| expected == Some(wire)), raw).into()
            }
            2 => {
                let length = varint(rest, 10).ok_or("a length is a varint of one to ten bytes")?;
                let length = usize::try_from(length).ok().filter(|length| *length <= rest.len());
                let mut content = rest.split_to(length.ok_or("the length goes beyond the message")?);
                note += &format!(", {} bytes", content.len());
                match declared {
                    Some(Type::Message) if depth < DEPTH => {
                        let name = field.map_or("", FieldDescriptorProto::type_name);
                        *inner = (self.messages.get(name), content);
                        name.trim_start_matches('.').to_owned().into()
                    }
                    Some(Type::String) => format!("{:?}", String::from_utf8_lossy(&content)).into(),
                    Some(kind) if wire_type(kind) != 2 && packable => {
                        note += ", packed";
                        let mut numbers = Vec::new();
                        while !content.is_empty() {
                            numbers.push(self.scalar(field, number_of(&mut content, wire_type(kind))?));
                        }
                        format!("[{}]", numbers.join(", ")).into()
                    }
                    _ => content,
                }
            }
            _ => Bytes::new(),
        };
        Ok((name, value, note))
    }

    fn scalar(&self, field: Option<&FieldDescriptorProto>, raw: u64) -> String {
        let zigzag = (raw >> 1) as i64 ^ -((raw & 1) as i64);
        let Some(field) = field else { return raw.to_string() };
        match field.r#type() {
            Type::Int32 | Type::Sfixed32 => (raw as i32).to_string(),
            Type::Int64 | Type::Sfixed64 => (raw as i64).to_string(),
            Type::Uint32 | Type::Fixed32 => (raw as u32).to_string(),
            Type::Sint32 => (zigzag as i32).to_string(),
            Type::Sint64 => zigzag.to_string(),
            Type::Bool => (raw != 0).to_string(),
            Type::Float => f32::from_bits(raw as u32).to_string(),
            Type::Double => f64::from_bits(raw).to_string(),
            Type::Enum => {
                let mut values = self.enums.get(field.type_name()).into_iter().flat_map(|kind| &kind.value);
                let value = values.find(|value| value.number() == raw as i32);
                format!("{} {}", raw as i32, value.map_or("unknown", EnumValueDescriptorProto::name))
            }
            _ => raw.to_string(),
        }
    }
}

/// The wire type that a declared type is written with; 2 also for repeated scalars, packed.
fn wire_type(kind: Type) -> usize {
    match kind {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => 1,
        Type::String | Type::Bytes | Type::Message => 2,
        Type::Group => 3,
        Type::Float | Type::Fixed32 | Type::Sfixed32 => 5,
        _ => 0,
    }
}

fn number_of(rest: &mut Bytes, wire_type: usize) -> Result<u64, &'static str> {
    match wire_type {
        0 => varint(rest, 10).ok_or("a varint has one to ten bytes"),
        1 => rest.try_get_u64_le().map_err(|_| "a fixed 64-bit value has eight bytes"),
        _ => rest.try_get_u32_le().map(u64::from).map_err(|_| "a fixed 32-bit value has four bytes"),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::{EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};

    use super::super::fixtures::*;
    use super::*;

    /// The parts as `bytes | depth name: value | note`, one a line.
    fn lines(types: &Types, message: Option<&str>, bytes: &str) -> String {
        let bytes = hex(bytes);
        let parts = types.annotate(message, &bytes);
        assert_eq!(parts.iter().flat_map(|part| part.bytes.to_vec()).collect::<Vec<_>>(), bytes, "all bytes, in order");
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let line = |part: &Part| {
            let octets: Vec<_> = part.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!(
                "{} | {} {}: {} | {}\n",
                octets.concat(),
                part.depth,
                text(&part.name),
                text(&part.value),
                part.note
            )
        };
        parts.iter().map(line).collect()
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
            ("3a 01 07", "f7: \x07 | LEN bytes, 1 bytes"),
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
        let parts = types.annotate(Some("M"), &nested.into());
        assert_eq!(parts.iter().map(|part| part.depth).max(), Some(DEPTH));
    }
}
