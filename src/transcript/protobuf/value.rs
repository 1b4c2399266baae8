//! A message as a value: its fields by name, for a line of text or for a program.

use std::collections::HashMap;
use std::fmt::{self, Write};

use bytes::Bytes;
use prost_types::field_descriptor_proto::Label;
use serde_json::{Map, Value as Json};

use super::super::span::{Span, What};
use super::{Meaning, Types};
use crate::wire::binary;

/// What a message or a field holds, as far as its bytes and the .proto file tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number as its type has it, also `true`, or the name of an enum's value.
    Number(String),
    /// Text.
    Text(String),
    /// Bytes of which nothing more is known.
    Bytes(Bytes),
    /// The fields of a message in the order of their first bytes, by their names, or by their numbers where no .proto
    /// file has a name.
    Message(Vec<(String, Value)>),
    /// The elements of a repeated field.
    List(Vec<Value>),
    /// Bytes that are no protobuf, and why.
    Malformed(&'static str),
}

impl Types {
    /// Reads a message, which is of this type if that is known.
    pub fn value(&self, message: Option<&str>, bytes: &Bytes) -> Value {
        self.fields(message, &self.spans(message, 0, bytes))
    }

    fn fields(&self, message: Option<&str>, spans: &[Span]) -> Value {
        let mut fields: Vec<(String, Value)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for span in spans {
            let (key, value, repeated) = match &span.what {
                What::Protobuf(Meaning::Field { number, name, .. }) => {
                    let key = name.clone().unwrap_or_else(|| number.to_string());
                    (key, self.field_value(span), self.is_repeated(message, *number))
                }
                What::Protobuf(Meaning::Malformed(why)) => ("malformed".to_owned(), Value::Malformed(why), false),
                _ => continue,
            };
            let place = *places.entry(key.clone()).or_insert(fields.len());
            match (fields.get_mut(place).map(|(_, value)| value), value) {
                (Some(Value::List(list)), Value::List(more)) => list.extend(more),
                (Some(Value::List(list)), value) => list.push(value),
                (Some(known), value) => {
                    let first = std::mem::replace(known, Value::List(Vec::new()));
                    *known = Value::List(vec![first, value]);
                }
                (None, value @ Value::List(_)) => fields.push((key, value)),
                (None, value) => fields.push((key, if repeated { Value::List(vec![value]) } else { value })),
            }
        }
        Value::Message(fields)
    }

    fn field_value(&self, span: &Span) -> Value {
        let What::Protobuf(Meaning::Field { declared, value, note, .. }) = &span.what else {
            return Value::Bytes(span.bytes.clone());
        };
        let parts = || span.children.iter().filter_map(|child| part(child, declared.as_deref()));
        match declared.as_deref() {
            Some("message") => self.fields(Some(value), &span.children),
            _ if note.ends_with("packed") => Value::List(parts().collect()),
            Some("string") => parts().next().unwrap_or(Value::Text(String::new())),
            None if note.ends_with("probably a message") => self.fields(None, &span.children),
            _ => parts().next().unwrap_or(Value::Bytes(Bytes::new())),
        }
    }

    fn is_repeated(&self, message: Option<&str>, number: u64) -> bool {
        let kind = message.and_then(|name| self.messages.get(&format!(".{name}")));
        let field = kind.and_then(|kind| kind.field.iter().find(|field| i64::from(field.number()) == number as i64));
        field.is_some_and(|field| field.label() == Label::Repeated)
    }
}

/// What a part of a field holds: a number, a text or bytes.
fn part(span: &Span, declared: Option<&str>) -> Option<Value> {
    match &span.what {
        What::Protobuf(Meaning::Number { value, .. }) => {
            // An enum's value is told as "1 NORTH", or as "1 unknown".
            let name = value.split_once(' ').filter(|_| declared == Some("enum"));
            Some(Value::Number(match name {
                Some((number, "unknown")) => number.to_owned(),
                Some((_, name)) => name.to_owned(),
                None => value.clone(),
            }))
        }
        What::Protobuf(Meaning::Text(text)) => Some(Value::Text(text.clone())),
        What::Protobuf(Meaning::Bytes) => Some(Value::Bytes(span.bytes.clone())),
        _ => None,
    }
}

impl Value {
    /// The value on one line of at most about `limit` bytes: `{latitude: 409146138, longitude: -746188906}`. What goes
    /// beyond is left out, and "…" stands for it.
    pub fn compact(&self, limit: usize) -> String {
        let mut line = Line { text: String::new(), limit };
        // It fails where the line is full.
        if write!(line, "{self}").is_err() {
            line.text.push('…');
        }
        line.text
    }

    /// The value in JSON. Bytes are in base64; infinite numbers and the names of an enum's values are strings.
    pub fn json(&self) -> Json {
        match self {
            Value::Number(number) => match (number.as_str(), number.parse::<i64>(), number.parse::<u64>()) {
                ("true", ..) => Json::Bool(true),
                ("false", ..) => Json::Bool(false),
                (_, Ok(number), _) => number.into(),
                (_, _, Ok(number)) => number.into(),
                _ => number
                    .parse::<f64>()
                    .ok()
                    .and_then(serde_json::Number::from_f64)
                    .map_or_else(|| Json::String(number.clone()), Json::Number),
            },
            Value::Text(text) => Json::String(text.clone()),
            Value::Bytes(bytes) => Json::String(binary::encode(bytes)),
            Value::Message(fields) => {
                Json::Object(fields.iter().map(|(name, value)| (name.clone(), value.json())).collect())
            }
            Value::List(values) => Json::Array(values.iter().map(Value::json).collect()),
            Value::Malformed(why) => Json::Object(Map::from_iter([("error".to_owned(), Json::from(*why))])),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => f.write_str(number),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Bytes(bytes) => {
                f.write_str("<")?;
                for (at, byte) in bytes.iter().take(SHOWN).enumerate() {
                    write!(f, "{}{byte:02x}", if at == 0 { "" } else { " " })?;
                }
                if bytes.len() > SHOWN {
                    write!(f, "… {} bytes", super::super::text::grouped(bytes.len()))?;
                }
                f.write_str(">")
            }
            Value::Message(fields) => {
                f.write_str("{")?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Value::List(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Malformed(why) => write!(f, "no protobuf: {why}"),
        }
    }
}

/// So many bytes of a field of bytes are shown in text.
const SHOWN: usize = 32;

/// Text that takes no more than its limit.
struct Line {
    text: String,
    limit: usize,
}

impl Write for Line {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.limit.saturating_sub(self.text.len());
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        let fits = (0..=room).rev().find(|at| more.is_char_boundary(*at)).unwrap_or(0);
        self.text.push_str(&more[..fits]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::{hex, route_guide};
    use super::*;

    fn read(message: Option<&str>, bytes: &str) -> Value {
        route_guide().value(message, &hex(bytes))
    }

    #[test]
    fn a_message_is_one_line_with_the_names_of_its_fields() {
        let point = read(Some("routeguide.Point"), "08 9aa68cc301 10 969f989cfdffffffff01");
        assert_eq!(point.to_string(), "{latitude: 409146138, longitude: -746188906}");
        assert_eq!(point.json().to_string(), r#"{"latitude":409146138,"longitude":-746188906}"#);
        let note = read(Some("routeguide.RouteNote"), "0a 02 08 05 12 03 68 22 0a");
        assert_eq!(note.to_string(), r#"{location: {latitude: 5}, message: "h\"\n"}"#);
    }

    #[test]
    fn without_names_there_are_numbers_and_the_most_likely_reading() {
        let note = read(None, "0a 02 08 05 12 02 68 69 1a 02 ff 00 1a 01 07 2d 00 00 20 c0");
        assert_eq!(note.to_string(), r#"{1: {1: 5}, 2: "hi", 3: [<ff 00>, <07>], 5: 3223322624}"#);
        assert_eq!(note.json()["3"][0], "/wA");
    }

    #[test]
    fn what_is_no_protobuf_is_said_to_be_none() {
        assert_eq!(read(None, "0e 01").to_string(), "{malformed: no protobuf: wire types 6 and 7 do not exist}");
        assert_eq!(read(Some("routeguide.Point"), "").to_string(), "{}");
    }

    #[test]
    fn a_long_value_is_cut() {
        let note = Value::Message(vec![("text".into(), Value::Text("é".repeat(100)))]);
        assert_eq!(note.compact(12), "{text: \"éé…");
        assert_eq!(note.compact(1000), note.to_string());
    }
}
