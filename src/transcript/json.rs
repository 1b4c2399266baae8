//! What happened in a connection, as JSON for programs. `docs/tap.md` shows an example of each object.

use serde_json::{Map, Value as Json, json};

use super::grpc::{Call, Ended};
use super::http2::error_code;
use super::narrate::{Happened, HeaderField, Told};
use super::record::Direction;
use super::rows::{Detail, rows};
use super::{Event, protobuf::Types};
use crate::wire::Code;

impl Direction {
    /// Its name in JSON: "to_server" or "to_client".
    pub fn name(self) -> &'static str {
        ["to_server", "to_client"][self.index()]
    }
}

impl Told {
    /// It as a JSON object, whose "event" says what happened.
    pub fn json(&self) -> Map<String, Json> {
        let (event, more) = match &self.what {
            Happened::Call { path, fields } => {
                let (service, method) = path.trim_start_matches('/').rsplit_once('/').unwrap_or_default();
                let told = json!({"path": known(path), "service": known(service), "method": known(method), "headers": headers(fields)});
                ("call", told)
            }
            Happened::Head { fields } => ("response_head", json!({"headers": headers(fields)})),
            Happened::Message { number, kind, length, compressed, value } => {
                let mut told = json!({"number": number, "type": kind, "bytes": length, "compressed": compressed});
                match value {
                    Ok(value) => told["message"] = value.json(),
                    Err(why) => told["not_told"] = Json::from(*why),
                }
                ("message", told)
            }
            Happened::Trailers { fields } => ("trailers", json!({"headers": headers(fields)})),
            Happened::End(call) => ("call_end", end(call, self)),
            Happened::GoAway { code, last_stream, debug } => {
                let told = json!({"code": code, "name": error_code(*code), "last_stream": last_stream, "debug": debug});
                ("goaway", told)
            }
            Happened::Unread { bytes, start, why } => ("unread", json!({"bytes": bytes, "offset": start, "why": why})),
        };
        let mut object = Map::new();
        object.insert("event".into(), event.into());
        object.insert("time".into(), seconds(self.at));
        object.insert("stream".into(), self.stream.into());
        if let Some(direction) = self.direction {
            object.insert("direction".into(), direction.name().into());
        }
        if let Json::Object(more) = more {
            object.extend(more);
        }
        object
    }
}

impl Event {
    /// The frame as a JSON object of the event "frame": its bytes, and its leaves with what they mean. Values of
    /// credentials and cookies are in it.
    pub fn json(&self, types: &Types) -> Map<String, Json> {
        let tree = self.tree(types);
        let rows = rows(&tree, Detail::Leaves).into_iter().filter(|row| !row.derived).map(|row| {
            json!({
                "bytes": hex(&row.bytes),
                "depth": row.depth,
                "name": row.name,
                "value": String::from_utf8_lossy(&row.value),
                "note": row.note,
            })
        });
        let rows: Vec<Json> = rows.collect();
        let object = json!({
            "event": "frame",
            "time": seconds(self.at),
            "stream": self.stream(),
            "direction": self.direction.name(),
            "offset": self.start,
            "type": self.frame.name(),
            "flags": self.frame.flags().collect::<Vec<_>>(),
            "bytes": hex(&self.frame.bytes),
            "rows": rows,
        });
        match object {
            Json::Object(object) => object,
            _ => Map::new(),
        }
    }
}

fn headers(fields: &[HeaderField]) -> Json {
    fields.iter().map(|field| json!([field.name, field.value])).collect()
}

fn end(call: &Call, told: &Told) -> Json {
    let code = call.status.as_ref().and_then(|status| status.parse().ok());
    let reset = match call.ended {
        Some(Ended::Reset { by, code }) => json!({"direction": by.name(), "code": code, "name": error_code(code)}),
        _ => Json::Null,
    };
    json!({
        "path": known(&call.path),
        "ended": call.ended.is_some(),
        "status": code,
        "status_name": code.map(Code::from_u32).and_then(Code::name),
        "status_message": call.message,
        "http_status": call.http_status,
        "reset": reset,
        "seconds": seconds(told.at.saturating_sub(call.began)),
        "messages": {"to_server": call.messages[0], "to_client": call.messages[1]},
        "bytes": {"to_server": call.bytes[0], "to_client": call.bytes[1]},
    })
}

/// What is empty where it is not known.
fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn seconds(time: std::time::Duration) -> Json {
    // Microseconds are what a recording has.
    json!(time.as_micros() as f64 / 1e6)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
