//! Rules of RFC 7541 by which header blocks are read.

use super::rule::{BY_H2, Rule, Source, rules};

rules! { Hpack;

    SIZE_UPDATE_FIRST "hpack.size-update-first" "4.2"
        "An update of the size of the dynamic table comes before the first field of a header block."
        kept [BY_H2]
        tests ["src/transcript/hpack.rs::what_is_refused"];
}
