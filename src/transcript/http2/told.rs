//! What is told of the bytes of HTTP/2: names, values, notes, rules.

use std::borrow::Cow;

use super::super::meaning;
use super::meaning::{Foreign as Peer, Meaning};
use super::names::{error_code, flags, frame_type, setting};
use super::sentences;

impl meaning::Meaning for Meaning {
    fn name(&self) -> Cow<'_, str> {
        use Meaning::*;
        let name = match self {
            Preface => "preface",
            Frame { kind, .. } => frame_type(*kind),
            Header { .. } => "frame header",
            Length(_) => "length",
            Type(_) => "type",
            Flags { .. } => "flags",
            Stream(_) => "stream",
            PadLength(_) => "pad length",
            Padding(_) => "padding",
            Dependency(_) => "depends on stream",
            Weight(_) => "weight less one",
            ErrorCode(_) => "error code",
            LastStream(_) => "last stream",
            DebugData(_) => "debug data",
            PromisedStream(_) => "promised stream",
            Setting { id, .. } => setting(*id).unwrap_or("unknown setting"),
            SettingId(_) => "setting",
            SettingValue { .. } => "value",
            OpaqueData => "opaque data",
            Increment(_) => "increment",
            UnknownPayload(_) => "payload",
            WrongSize { .. } => "malformed",
            Fragment => "piece of a header block",
            Content => "data",
            Text(_) => "text",
            Rest => "more of the payload",
            Torn { .. } => "cut off",
            Foreign(_) => "not HTTP/2",
            Earlier => "from before the recording",
        };
        name.into()
    }

    fn value(&self) -> Cow<'_, str> {
        use Meaning::*;
        match self {
            Header { kind, flags, stream, length } => {
                let stream = stream & 0x7fff_ffff;
                format!("length {length}, type {kind}, flags {flags:#04x}, stream {stream}").into()
            }
            Length(number) | Dependency(number) | LastStream(number) | PromisedStream(number) | Stream(number) => {
                (number & 0x7fff_ffff).to_string().into()
            }
            Increment(number) => (number & 0x7fff_ffff).to_string().into(),
            Type(kind) if frame_type(*kind) == "UNKNOWN" => format!("unknown {kind}").into(),
            Type(kind) => frame_type(*kind).into(),
            Flags { kind, bits } => flag_names(*kind, *bits).into(),
            PadLength(number) | Weight(number) => number.to_string().into(),
            ErrorCode(code) => error_code(*code).into(),
            DebugData(text) | Text(text) => text.into(),
            Setting { value, .. } | SettingValue { value, .. } => value.to_string().into(),
            SettingId(id) => setting(*id).map_or_else(|| format!("unknown {id}").into(), Cow::from),
            Preface => "PRI * HTTP/2.0 ... SM".into(),
            _ => "".into(),
        }
    }

    fn note(&self) -> Cow<'_, str> {
        use Meaning::*;
        match self {
            Preface => "the client speaks HTTP/2".into(),
            Length(_) => "of the payload".into(),
            Type(kind) => format!("type {kind}").into(),
            Flags { kind, bits } if bits & !known(*kind) != 0 => format!("{bits:#04x}, some undefined").into(),
            Stream(number) if number >> 31 == 1 => "reserved bit set".into(),
            Stream(0) => "the connection".into(),
            Dependency(_) | Weight(_) => "deprecated by RFC 9113".into(),
            ErrorCode(code) => format!("{code:#x}").into(),
            Setting { id, .. } | SettingId(id) => format!("setting {id}").into(),
            Increment(_) => "bytes more may be sent".into(),
            UnknownPayload(kind) => format!("frame type {kind} is unknown: ignored").into(),
            WrongSize { kind, length } => {
                format!("FRAME_SIZE_ERROR: {length} bytes do not fit a {} frame", frame_type(*kind)).into()
            }
            Fragment => "gathered where the block ends".into(),
            Rest => "of the frame before".into(),
            Torn { expected: Some(length) } => format!("the recording ends inside this frame of {length} bytes").into(),
            Torn { expected: None } => "the recording ends inside a frame header or preface".into(),
            Foreign(Peer::Http1) => "this is HTTP/1".into(),
            Foreign(Peer::Tls) => "this is TLS".into(),
            Foreign(Peer::Unknown) => "expected the client preface, PRI * HTTP/2.0 ...".into(),
            Earlier => "a frame that began before the recording".into(),
            _ => "".into(),
        }
    }

    fn sentence(&self) -> String {
        sentences::of(self)
    }

    fn rule(&self) -> Option<&'static str> {
        use Meaning::*;
        Some(match self {
            Preface | Foreign(_) => "h2.client-preface",
            Frame { kind, .. } | WrongSize { kind, .. } => of_type(*kind),
            Header { .. } | Length(_) | Type(_) | Flags { .. } | Stream(_) => "h2.frame-header",
            PadLength(_) | Padding(_) => "h2.padding",
            Dependency(_) | Weight(_) => "h2.priority",
            ErrorCode(_) => "h2.error-codes",
            LastStream(_) | DebugData(_) => "h2.goaway",
            PromisedStream(_) => "h2.push-promise",
            Setting { id, .. } | SettingId(id) | SettingValue { id, .. } => of_setting(*id),
            OpaqueData => "h2.ping",
            Increment(_) => "h2.window-update",
            UnknownPayload(_) => "h2.unknown-type",
            Fragment => "h2.continuation",
            Content | Text(_) | Rest | Torn { .. } | Earlier => return None,
        })
    }

    fn is_broken(&self) -> bool {
        matches!(self, Meaning::WrongSize { .. } | Meaning::Foreign(_) | Meaning::Increment(0))
    }
}

/// The flags that are set: by name, and as a number those that the type does not define.
fn flag_names(kind: u8, bits: u8) -> String {
    let mut names: Vec<String> =
        flags(kind).iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| (*name).to_owned()).collect();
    let unknown = bits & !known(kind);
    if unknown != 0 {
        names.push(format!("{unknown:#04x}"));
    }
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
}

/// All flags of a type.
fn known(kind: u8) -> u8 {
    flags(kind).iter().fold(0, |all, (bit, _)| all | bit)
}

fn of_type(kind: u8) -> &'static str {
    const RULES: [&str; 10] = [
        "h2.data",
        "h2.headers",
        "h2.priority",
        "h2.rst-stream",
        "h2.settings",
        "h2.push-promise",
        "h2.ping",
        "h2.goaway",
        "h2.window-update",
        "h2.continuation",
    ];
    RULES.get(usize::from(kind)).unwrap_or(&"h2.unknown-type")
}

fn of_setting(id: u16) -> &'static str {
    const RULES: [&str; 6] = [
        "h2.setting-header-table-size",
        "h2.setting-enable-push",
        "h2.setting-max-concurrent-streams",
        "h2.setting-initial-window-size",
        "h2.setting-max-frame-size",
        "h2.setting-max-header-list-size",
    ];
    RULES.get(usize::from(id).wrapping_sub(1)).unwrap_or(&"h2.unknown-setting")
}
