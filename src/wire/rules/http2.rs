//! Rules of RFC 9113 by which the frames of a connection are read.

use super::rule::{BY_H2, Rule, Source, rules};

rules! { Http2;

    FRAME_HEADER "h2.frame-header" "4.1"
        "A frame begins with nine bytes: the length of its payload in three, its type and its flags in one each, and in four a \
        reserved bit and the number of its stream."
        kept ["src/connection/frames.rs::push", BY_H2]
        tests ["src/transcript/http2.rs::header_type_flags_and_stream"];

    SETTINGS_ACK "h2.settings-ack" "6.5.3"
        "Who receives SETTINGS applies them, and sends SETTINGS with the flag ACK and no payload."
        kept [BY_H2]
        tests ["tests/time.rs::no_call_is_served_without_settings"];
}
