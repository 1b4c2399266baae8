//! Rules of RFC 7541, by which header blocks are read.

use super::rule::{BY_H2, Rule, Source, rules};

rules! { Hpack;

    ORDER "hpack.order" "2.2"
        "Fields keep the order in which they stand in the block."
        kept [BY_H2]
        tests ["tests/spec_http2/heads.rs::pseudo_headers_come_first_once_and_are_those_of_requests"]
        golden ["get-feature"];

    TWO_TABLES "hpack.two-tables" "2.3"
        "Fields are looked up in a static table, which never changes, and in a dynamic table. Each direction of a \
        connection has its own."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::the_dynamic_table_begins_with_its_newest_entry_after_the_61_of_the_static_table",
        ]
        golden ["get-feature"];

    STATIC_TABLE "hpack.static-table" "2.3.1"
        "The static table has the 61 entries of appendix A, with the indices 1 to 61."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::each_representation_of_a_field_is_read"]
        golden ["get-feature"];

    DYNAMIC_TABLE "hpack.dynamic-table" "2.3.2"
        "The dynamic table is a list of entries in the order of their coming. It lives as long as the connection."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::the_dynamic_table_begins_with_its_newest_entry_after_the_61_of_the_static_table",
        ]
        golden ["get-feature", "late-recording"];

    INDEX "hpack.index" "2.3.3"
        "Index 62 is the newest entry of the dynamic table, and the oldest entry has the largest index."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::the_dynamic_table_begins_with_its_newest_entry_after_the_61_of_the_static_table",
        ]
        golden ["get-feature"];

    INDEX_IN_TABLE "hpack.index-in-table" "2.3.3"
        "An index beyond both tables is an error of decoding."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::an_index_is_that_of_an_entry",
            "tests/spec_http2/blocks.rs::literals_that_are_not_added_leave_the_table_as_it_was",
        ]
        nowhere "no recorded peer uses such an index";

    ENTRY_SIZE "hpack.entry-size" "4.1"
        "The size of an entry is the length of its name and of its value, and 32 bytes more."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::an_entry_counts_32_bytes_more_and_the_oldest_leave_first"]
        nowhere "no recorded table is so full that the size of an entry shows";

    SIZE_LIMIT "hpack.size-limit" "4.2"
        "The table is no larger than SETTINGS_HEADER_TABLE_SIZE of the decoder's side allows. Within that the encoder \
        chooses."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::a_size_update_stands_first_and_within_what_settings_allow",
            "tests/spec_http2/blocks.rs::a_table_that_the_client_forbids_is_not_used",
        ]
        golden ["small-table"];

    SIZE_UPDATE_FIRST "hpack.size-update-first" "4.2"
        "An update of the table's size comes before the first field of a block, at most two of them."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::a_size_update_stands_first_and_within_what_settings_allow"]
        golden ["small-table"];

    SIZE_UPDATE_DUE "hpack.size-update-due" "4.2"
        "An encoder whose peer has lowered the limit begins its next block with an update of the size."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::a_table_that_the_client_forbids_is_not_used"]
        golden ["small-table"];

    RESIZE_EVICTS "hpack.resize-evicts" "4.3"
        "A smaller size evicts the oldest entries until the others fit. A size of 0 empties the table."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::a_size_update_stands_first_and_within_what_settings_allow"]
        nowhere "no recorded table is made smaller while it has entries";

    ADD_EVICTS "hpack.add-evicts" "4.4"
        "Before an entry is added the oldest leave until it fits."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::an_entry_counts_32_bytes_more_and_the_oldest_leave_first"]
        nowhere "no recorded entry has to leave for another";

    ENTRY_TOO_LARGE "hpack.entry-too-large" "4.4"
        "An entry larger than the whole table empties it, and is not added. That is no error."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::an_entry_larger_than_the_table_empties_it"]
        nowhere "no recorded entry is larger than its table";

    INTEGER "hpack.integer" "5.1"
        "An integer fills the rest of its first byte. Where that is all ones, bytes of seven bits follow, the lowest \
        first, and the highest bit of each says whether another follows."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::integers_go_on_in_bytes_of_seven_bits_and_end"]
        golden ["get-feature"];

    INTEGER_LIMIT "hpack.integer-limit" "5.1"
        "An integer that is larger or longer than the decoder takes is an error of decoding."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::integers_go_on_in_bytes_of_seven_bits_and_end"]
        nowhere "no recorded peer sends such an integer";

    STRING "hpack.string" "5.2"
        "A string has a bit for Huffman, its length as an integer with a prefix of seven bits, and as many bytes."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::each_representation_of_a_field_is_read",
            "tests/spec_http2/blocks.rs::a_string_lies_within_its_block",
        ]
        golden ["continuation", "not-grpc"];

    HUFFMAN "hpack.huffman" "5.2"
        "A string with the bit set is in the Huffman code of appendix B."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::strings_in_the_huffman_code_are_read"]
        golden ["get-feature"];

    HUFFMAN_PADDING "hpack.huffman-padding" "5.2"
        "The last byte of a Huffman string is filled with ones. Eight of them or more, or a zero, are an error of \
        decoding."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::huffman_codes_end_with_ones_that_are_fewer_than_eight"]
        golden ["get-feature"];

    HUFFMAN_EOS "hpack.huffman-eos" "5.2"
        "The code for the end of a string, 30 ones, never stands in a string."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::huffman_codes_end_with_ones_that_are_fewer_than_eight"]
        nowhere "the code stands in no string";

    INDEXED "hpack.indexed" "6.1"
        "1xxxxxxx is a field of a table: its index is in seven bits. Index 0 is an error of decoding."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::each_representation_of_a_field_is_read",
            "tests/spec_http2/blocks.rs::an_index_is_that_of_an_entry",
        ]
        golden ["get-feature"];

    LITERAL_ADDED "hpack.literal-added" "6.2.1"
        "01xxxxxx is a literal that is added to the dynamic table. Six bits have the index of its name, or 0 if the \
        name follows as a string."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::each_representation_of_a_field_is_read",
            "tests/spec_http2/blocks.rs::the_dynamic_table_begins_with_its_newest_entry_after_the_61_of_the_static_table",
        ]
        golden ["get-feature"];

    LITERAL_NOT_ADDED "hpack.literal-not-added" "6.2.2"
        "0000xxxx is a literal that is not added to the dynamic table. Four bits have the index of its name, or 0."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::each_representation_of_a_field_is_read",
            "tests/spec_http2/blocks.rs::literals_that_are_not_added_leave_the_table_as_it_was",
        ]
        golden ["get-feature", "continuation"];

    LITERAL_NEVER_INDEXED "hpack.literal-never-indexed" "6.2.3"
        "0001xxxx is a literal that no proxy on the way may add to a table either. Four bits have the index of its \
        name, or 0."
        kept [BY_H2]
        tests [
            "tests/spec_http2/blocks.rs::each_representation_of_a_field_is_read",
            "tests/spec_http2/blocks.rs::literals_that_are_not_added_leave_the_table_as_it_was",
        ]
        nowhere "no recorded peer sends a field that way";

    SIZE_UPDATE "hpack.size-update" "6.3"
        "001xxxxx is an update of the dynamic table's size: the new size is in five bits."
        kept [BY_H2]
        tests ["tests/spec_http2/blocks.rs::a_size_update_stands_first_and_within_what_settings_allow"]
        golden ["small-table"];
}
