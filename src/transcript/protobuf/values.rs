//! Numbers, as the type that a .proto file declares has them.

use bytes::{Buf, Bytes};
use prost_types::field_descriptor_proto::Type;
use prost_types::{EnumValueDescriptorProto, FieldDescriptorProto};

use super::super::varint::varint;
use super::meaning::Wire;
use super::{Meaning, Types};

/// The wire type that a declared type is written with.
pub(super) fn wire_of(kind: Type) -> Wire {
    match kind {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => Wire::I64,
        Type::String | Type::Bytes | Type::Message => Wire::Len,
        Type::Group => Wire::StartGroup,
        Type::Float | Type::Fixed32 | Type::Sfixed32 => Wire::I32,
        _ => Wire::Varint,
    }
}

/// Takes a number off `rest`.
pub(super) fn number(rest: &mut Bytes, wire: Wire) -> Result<u64, &'static str> {
    match wire {
        Wire::I64 => rest.try_get_u64_le().map_err(|_| "a fixed 64-bit value has eight bytes"),
        Wire::I32 => rest.try_get_u32_le().map(u64::from).map_err(|_| "a fixed 32-bit value has four bytes"),
        _ => varint(rest, 10).ok_or("a varint has one to ten bytes"),
    }
}

impl Types {
    /// What a number means to its field, if that is declared.
    pub(super) fn meaning_of(
        &self, field: Option<&FieldDescriptorProto>, raw: u64, wire: Wire, bytes: usize,
    ) -> Meaning {
        let declared = field.map(FieldDescriptorProto::r#type);
        Meaning::Number {
            value: self.scalar(field, raw),
            wire,
            bytes,
            negative: raw >> 63 == 1 && matches!(declared, Some(Type::Int32 | Type::Int64 | Type::Enum)),
            zigzag: matches!(declared, Some(Type::Sint32 | Type::Sint64)),
        }
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
