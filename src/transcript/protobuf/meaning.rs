//! What bytes mean to Protocol Buffers.

use std::borrow::Cow;

use super::super::meaning;
use super::super::text::bytes;

/// How a field's value is delimited, by the low three bits of its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// A number in groups of seven bits.
    Varint = 0,
    /// Eight bytes.
    I64 = 1,
    /// A length and so many bytes.
    Len = 2,
    /// The start of a group, which is deprecated.
    StartGroup = 3,
    /// The end of a group.
    EndGroup = 4,
    /// Four bytes.
    I32 = 5,
}

impl Wire {
    /// The wire type with this number.
    pub fn from_number(number: u64) -> Option<Self> {
        [Wire::Varint, Wire::I64, Wire::Len, Wire::StartGroup, Wire::EndGroup, Wire::I32].get(number as usize).copied()
    }

    /// Its name in the specification.
    pub fn name(self) -> &'static str {
        match self {
            Wire::Varint => "VARINT",
            Wire::I64 => "I64",
            Wire::Len => "LEN",
            Wire::StartGroup => "SGROUP",
            Wire::EndGroup => "EGROUP",
            Wire::I32 => "I32",
        }
    }
}

/// What bytes mean to Protocol Buffers.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// A field with its tag and its value.
    Field {
        /// Its number in the .proto file.
        number: u64,
        /// Its name there, if it is known.
        name: Option<String>,
        /// How its value is delimited.
        wire: Wire,
        /// The type that the .proto file declares.
        declared: Option<String>,
        /// Its value: of a message the type's name.
        value: String,
        /// What else there is to say.
        note: String,
    },
    /// The number and the wire type of a field.
    Tag {
        /// The number.
        number: u64,
        /// The wire type.
        wire: Wire,
    },
    /// How many bytes the value takes.
    Length(u64),
    /// A number.
    Number {
        /// Its value as the declared type has it.
        value: String,
        /// How it is written.
        wire: Wire,
        /// How many bytes it takes.
        bytes: usize,
        /// Whether it is negative though it is written in two's complement, which takes ten bytes.
        negative: bool,
        /// Whether it is written in zigzag, the small ones of both signs first.
        zigzag: bool,
    },
    /// Letters.
    Text(String),
    /// Bytes of which nothing more is known.
    Bytes,
    /// What breaks the format, and the rest of its message.
    Malformed(&'static str),
}

impl meaning::Meaning for Meaning {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Meaning::Field { number, name: Some(name), .. } => format!("{number} {name}").into(),
            Meaning::Field { number, name: None, .. } => format!("{number} unknown").into(),
            Meaning::Tag { .. } => "tag".into(),
            Meaning::Length(_) => "length".into(),
            Meaning::Number { .. } => "value".into(),
            Meaning::Text(_) => "text".into(),
            Meaning::Bytes => "bytes".into(),
            Meaning::Malformed(_) => "malformed".into(),
        }
    }

    fn value(&self) -> Cow<'_, str> {
        match self {
            Meaning::Field { value, .. } | Meaning::Number { value, .. } => value.into(),
            Meaning::Tag { number, wire } => format!("{number}, {}", wire.name()).into(),
            Meaning::Length(length) => length.to_string().into(),
            Meaning::Text(text) => format!("{text:?}").into(),
            Meaning::Bytes | Meaning::Malformed(_) => "".into(),
        }
    }

    fn note(&self) -> Cow<'_, str> {
        match self {
            Meaning::Field { wire, declared, note, .. } => {
                let declared = declared.as_ref().map_or_else(String::new, |declared| format!(" {declared}"));
                format!("{}{declared}{note}", wire.name()).into()
            }
            Meaning::Number { negative: true, bytes, .. } => format!("negative: {bytes} bytes").into(),
            Meaning::Malformed(why) => (*why).into(),
            _ => "".into(),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Meaning::Field { number, name, wire, declared, value, .. } => {
                let name =
                    name.as_ref().map_or_else(|| format!("Field {number}"), |name| format!("Field {number}, {name}"));
                let declared = declared.as_ref().map_or_else(
                    || format!("of a kind that only the wire type tells, {}", wire.name()),
                    |declared| format!("of type {declared}"),
                );
                if value.is_empty() { format!("{name}, {declared}.") } else { format!("{name}, {declared}: {value}.") }
            }
            Meaning::Tag { number, wire } => format!(
                "{} times 8 plus {}: field {number}, and {}.",
                number,
                *wire as u8,
                match wire {
                    Wire::Varint => "a varint follows",
                    Wire::I64 => "eight bytes follow",
                    Wire::Len => "a length and so many bytes follow",
                    Wire::StartGroup => "a group begins",
                    Wire::EndGroup => "a group ends",
                    Wire::I32 => "four bytes follow",
                }
            ),
            Meaning::Length(length) => format!("The value takes {}.", bytes(length)),
            Meaning::Number { value, negative: true, .. } => format!(
                "{value}: a negative number of this type is written as 64 bits of two's complement, which takes ten bytes."
            ),
            Meaning::Number { value, zigzag: true, .. } => {
                format!("{value}: in zigzag, 0 is 0, -1 is 1, 1 is 2, and so small numbers of both signs are short.")
            }
            Meaning::Number { value, wire: Wire::Varint, bytes: 1, .. } => {
                format!("{value}: the first bit is 0, so this is the only byte, and seven bits are the number.")
            }
            Meaning::Number { value, wire: Wire::Varint, bytes, .. } => format!(
                "{value}, in {bytes} bytes: seven bits in each, the lowest first; the first bit says whether another follows."
            ),
            Meaning::Number { value, .. } => format!("{value}, the lowest byte first."),
            Meaning::Text(_) => "Text in UTF-8.".into(),
            Meaning::Bytes => "Bytes whose meaning the .proto file does not tell.".into(),
            Meaning::Malformed(why) => format!("This is no Protocol Buffers message: {why}."),
        }
    }

    fn rule(&self) -> Option<&'static str> {
        Some(match self {
            Meaning::Field { .. } | Meaning::Tag { .. } => "protobuf.tag",
            Meaning::Length(_) | Meaning::Text(_) | Meaning::Bytes => "protobuf.length-delimited",
            Meaning::Number { zigzag: true, .. } => "protobuf.zigzag",
            Meaning::Number { negative: true, .. } => "protobuf.negative",
            Meaning::Number { wire: Wire::Varint, .. } => "protobuf.varint",
            Meaning::Number { .. } => "protobuf.fixed",
            Meaning::Malformed(_) => "protobuf.truncated",
        })
    }

    fn is_broken(&self) -> bool {
        matches!(self, Meaning::Malformed(_))
    }
}
