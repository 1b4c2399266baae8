//! What this crate reads in the golden files, as the lines that the judges print.

use std::fs;

use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::transcript::protobuf::{Meaning, Types};
use h2grpc::transcript::{Direction, Event, Recorded, Span, Transcript, What};

use crate::source;

/// A golden file.
pub struct Golden {
    /// Its name without `.txt`.
    pub name: String,
    pub recorded: Recorded,
}

/// All golden files, by their names.
pub fn golden() -> Result<Vec<Golden>, String> {
    let folder = source("tests/golden");
    let entries = fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".txt").map(str::to_owned)).collect();
    names.sort_unstable();
    let read = |name: String| {
        let file = folder.join(format!("{name}.txt"));
        let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let recorded = Recorded::parse(&text).map_err(|error| format!("{}, {error}", file.display()))?;
        Ok(Golden { name, recorded })
    };
    names.into_iter().map(read).collect()
}

/// The frames, header fields and messages of a direction; with `inside`, also the fields of the messages.
pub fn lines(recorded: &Recorded, direction: Direction, inside: bool) -> Vec<String> {
    let types = Types::decode(FILE_DESCRIPTOR_SET).expect("the descriptors that the build has made");
    let transcript = Transcript::read(recorded, &types);
    let mut lines = Vec::new();
    for event in transcript.events.iter().filter(|event| event.direction == direction) {
        lines.extend(of_event(event));
        if inside {
            let mut fields = Vec::new();
            collect(&transcript.tree(event), &mut fields);
            lines.extend(of_fields(&fields));
        }
    }
    lines
}

/// A field of a message.
struct Field {
    /// As tshark names a field that the .proto file does not have, if it is one.
    name: String,
    declared: String,
    value: String,
}

fn collect(span: &Span, fields: &mut Vec<Field>) {
    if let What::Protobuf(Meaning::Field { name, declared, value, .. }) = &span.what {
        let (name, declared) = (name.clone().unwrap_or("<UNKNOWN>".into()), declared.clone().unwrap_or_default());
        fields.push(Field { name, declared, value: value.clone() });
    }
    let derived = span.pane.iter().flat_map(|pane| &pane.spans);
    span.children.iter().chain(derived).for_each(|span| collect(span, fields));
}

/// In the order in which tshark tells them: names, numbers, texts.
fn of_fields(fields: &[Field]) -> Vec<String> {
    let of = |kind: &'static str| fields.iter().filter(move |field| field.declared == kind);
    let names = fields.iter().map(|field| format!("  inside {}", field.name));
    let numbers = of("int32").map(|field| format!("  int32 {}", field.value));
    let texts = of("string").map(|field| format!("  string {}", field.value.trim_matches('"')));
    names.chain(numbers).chain(texts).collect()
}

fn of_event(event: &Event) -> Vec<String> {
    let Some(kind) = event.frame.kind() else { return Vec::new() };
    let (stream, length) = (event.frame.stream(), event.frame.length());
    let flags = event.frame.bytes[4];
    let mut lines = vec![format!("type {kind} flags {flags:#04x} stream {stream} length {length}")];
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for (name, value) in event.block.iter().flat_map(|block| block.pairs()) {
        lines.push(format!("  field {}: {}", text(name), text(value)));
    }
    for message in event.pieces.iter().filter_map(|piece| piece.message.as_ref()) {
        lines.push(format!("  message compressed {} length {}", message.compressed, message.length));
    }
    lines
}
