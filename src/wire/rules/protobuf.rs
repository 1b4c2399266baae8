//! Rules of the encoding of Protocol Buffers by which messages are read.

use super::rule::{BY_PROST, Rule, Source, rules};

rules! { Protobuf;

    VARINT "protobuf.varint" "Base 128 Varints"
        "A varint has seven bits of the number in each byte, the lowest first. The highest bit of a byte says that another \
        follows."
        kept [BY_PROST]
        tests ["src/transcript/protobuf.rs::every_scalar_type_is_read_as_declared"];
}
