//! Rules of the encoding of Protocol Buffers, by which messages are read.

use super::rule::{BY_PROST, Rule, Source, rules};

rules! { Protobuf;

    VARINT "protobuf.varint" "Base 128 Varints"
        "A varint has seven bits of a number in each byte, the lowest first. The highest bit of a byte says that \
        another follows."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::varints_have_seven_bits_a_byte_the_lowest_first"]
        golden ["get-feature"];

    VARINT_LENGTH "protobuf.varint-length" "Base 128 Varints"
        "A varint has at most ten bytes."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_varint_has_ten_bytes_at_most"]
        golden ["get-feature"];

    TAG "protobuf.tag" "Message Structure"
        "Each field begins with a varint: the number of the field times eight, and its wire type."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_field_begins_with_its_number_and_its_wire_type"]
        golden ["get-feature"];

    FIELD_NUMBER "protobuf.field-number" "Message Structure"
        "Field numbers go from 1 to 536,870,911."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_field_begins_with_its_number_and_its_wire_type"]
        golden ["get-feature"];

    WIRE_TYPES "protobuf.wire-types" "Message Structure"
        "Wire types are 0 varint, 1 eight bytes, 2 a length and as many bytes, 5 four bytes. 3 and 4 begin and end a \
        group, which is deprecated."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_field_of_each_wire_type_is_skipped_if_its_number_is_unknown"]
        golden ["get-feature"];

    UNKNOWN_FIELDS "protobuf.unknown-fields" "Message Structure"
        "A field with an unknown number is skipped. Its wire type tells its length."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_field_of_each_wire_type_is_skipped_if_its_number_is_unknown"]
        nowhere "no recorded message has a field that its reader does not know";

    BOOL_AND_ENUM "protobuf.bool-and-enum" "Bools and Enums"
        "A bool is the varint 0 or 1, and an enum the varint of its number."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_bool_and_an_enum_are_varints"]
        nowhere "messages of RouteGuide have neither";

    NEGATIVE "protobuf.negative" "Signed Integers"
        "A negative int32, int64 or enum is the varint of its 64 bits, and so has ten bytes."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_negative_int32_has_ten_bytes"]
        golden ["get-feature"];

    ZIGZAG "protobuf.zigzag" "Signed Integers"
        "sint32 and sint64 are in ZigZag: 0, -1, 1, -2 are the varints 0, 1, 2, 3."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::sint32_is_in_zigzag"]
        nowhere "messages of RouteGuide have no such field";

    FIXED "protobuf.fixed" "Non-varint Numbers"
        "fixed64, sfixed64 and double have eight bytes, fixed32, sfixed32 and float four, the lowest first."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::fixed_numbers_have_their_lowest_byte_first"]
        nowhere "messages of RouteGuide have no such field";

    LENGTH_DELIMITED "protobuf.length-delimited" "Length-Delimited Records"
        "Strings, bytes, messages and packed fields have a varint with their length before them."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::strings_bytes_and_messages_have_their_length_before_them"]
        golden ["get-feature", "route-chat"];

    UTF8 "protobuf.utf8" "Length-Delimited Records"
        "A string is UTF-8."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_string_that_is_not_utf8_is_refused"]
        golden ["get-feature", "route-chat"];

    SUBMESSAGE "protobuf.submessage" "Submessages"
        "A message in a field is its bytes. Its length is that of the inner message."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::strings_bytes_and_messages_have_their_length_before_them"]
        golden ["get-feature", "route-chat"];

    DEFAULT_OMITTED "protobuf.default-omitted" "Optional Fields"
        "A field without presence that has its default value is not written. An empty message has no bytes."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::default_values_are_not_written"]
        golden ["get-feature"];

    REPEATED "protobuf.repeated" "Repeated Fields"
        "A repeated field has a record for each element, in their order. Other fields may come between them."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::repeated_fields_are_read_packed_and_one_by_one"]
        nowhere "messages of RouteGuide have no such field";

    PACKED "protobuf.packed" "Packed Repeated Fields"
        "Repeated numbers are written as one record with all values. A reader takes them in either form, and mixed."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::repeated_fields_are_read_packed_and_one_by_one"]
        nowhere "messages of RouteGuide have no such field";

    LAST_ONE_WINS "protobuf.last-one-wins" "Last One Wins"
        "Of a field that is not repeated and comes more than once the last counts. Messages are merged."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::of_a_field_that_comes_twice_the_last_counts_and_messages_are_merged"]
        nowhere "no recorded message has a field twice";

    MAP "protobuf.map" "Maps"
        "A map is a repeated message with the key as field 1 and the value as field 2."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::a_map_is_a_repeated_message_of_key_and_value"]
        nowhere "messages of RouteGuide have no such field";

    ORDER "protobuf.order" "Field Order"
        "Fields may come in any order."
        kept [BY_PROST]
        tests ["tests/spec_protobuf.rs::fields_may_come_in_any_order"]
        nowhere "all recorded messages have their fields in the order of their numbers";

    TRUNCATED "protobuf.truncated" "Message Structure"
        "A message that ends inside a field is malformed."
        kept [BY_PROST]
        tests [
            "tests/spec_protobuf.rs::a_message_that_ends_inside_a_field_is_refused",
            "tests/spec_server.rs::bytes_that_are_no_message_are_internal",
        ]
        nowhere "no recorded message ends inside a field";
}
