//! Two recordings compared by what they mean: calls, header fields, messages and statuses. How header blocks are
//! compressed, how messages are cut into frames, and when what passed makes no difference.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

use super::grpc::Role;
use super::narrate::{Happened, HeaderField, Told};
use super::record::Direction;
use super::transcript::Transcript;

/// What is compared.
#[derive(Clone, Debug)]
pub struct Compare {
    /// Whether requests are compared too, and not only what answers them.
    pub requests: bool,
    /// Header fields that may differ.
    pub ignored: Vec<String>,
    /// Whether to show the values of credentials and cookies.
    pub secrets: bool,
}

impl Default for Compare {
    /// Both sides, but for the `date` of an answer.
    fn default() -> Self {
        Compare { requests: true, ignored: vec!["date".to_owned()], secrets: false }
    }
}

/// Something that is not the same in both recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The call: its path, and which of the calls to this path it is, from 1 on.
    pub call: (String, usize),
    /// What differs: "response head x-id", "response message 2", "status".
    pub what: String,
    /// What the first recording has; `None` if nothing.
    pub first: Option<String>,
    /// What the second one has.
    pub second: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, number) = &self.call;
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        writeln!(f, "call {number} to {path:?}: {} differs", self.what)?;
        write!(f, "  - {}\n  + {}", side(&self.first), side(&self.second))
    }
}

/// What a call said.
#[derive(Debug, Default)]
struct Said {
    /// The fields of its kinds of header blocks by their names.
    heads: BTreeMap<(&'static str, String), Vec<String>>,
    messages: [Vec<Message>; 2],
    outcome: String,
}

/// A message: what it says, whatever the order of its fields, and a line that shows it.
#[derive(Debug)]
struct Message {
    says: Result<Json, &'static str>,
    shown: String,
}

impl Said {
    fn hear(&mut self, told: Told, direction: Direction, ignored: &[String]) {
        let (of, fields) = match told.what {
            Happened::Call { fields, .. } => ("request head", fields),
            Happened::Head { fields } => ("response head", fields),
            Happened::Trailers { fields } => ("trailers", fields),
            Happened::Message { value, .. } => {
                let shown = value.as_ref().map_or_else(|why| (*why).to_owned(), |value| value.compact(SHOWN));
                let says = value.map(|value| without_defaults(value.json()));
                self.messages[direction.index()].push(Message { says, shown });
                return;
            }
            _ => return,
        };
        for HeaderField { name, value, .. } in fields.into_iter().filter(|field| !ignored.contains(&field.name)) {
            self.heads.entry((of, name)).or_default().push(value);
        }
    }
}

/// A message without the fields that have their default values: some stacks write them, and others do not.
fn without_defaults(message: Json) -> Json {
    let is_default = |value: &Json| *value == 0 || *value == "" || *value == false;
    match message {
        Json::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, without_defaults(value)));
            Json::Object(fields.filter(|(_, value)| !is_default(value)).collect())
        }
        Json::Array(values) => values.into_iter().map(without_defaults).collect(),
        value => value,
    }
}

/// How much of a message is shown.
const SHOWN: usize = 400;

impl Compare {
    /// The differences of two recordings. The first call to a path is compared with the first one to that path, and so
    /// on.
    pub fn differences(&self, first: &Transcript, second: &Transcript) -> Vec<Difference> {
        let (first, second) = (self.calls(first), self.calls(second));
        let mut calls: Vec<_> = first.keys().chain(second.keys()).collect();
        calls.sort();
        calls.dedup();
        let mut differences = Vec::new();
        for call in calls {
            match (first.get(call), second.get(call)) {
                (Some(first), Some(second)) => self.call(call, (first, second), &mut differences),
                (first, second) => differences.push(Difference {
                    call: call.clone(),
                    what: "the call".to_owned(),
                    first: first.map(|said| said.outcome.clone()),
                    second: second.map(|said| said.outcome.clone()),
                }),
            }
        }
        differences
    }

    /// What each call said, by its path and its number among the calls to that path.
    fn calls(&self, transcript: &Transcript) -> BTreeMap<(String, usize), Said> {
        let mut calls: BTreeMap<u32, Said> = BTreeMap::new();
        for event in &transcript.events {
            if event.role == Role::RequestHead {
                calls.insert(event.stream(), Said::default());
            }
            for told in event.told(&transcript.types, self.secrets) {
                if let Some(said) = calls.get_mut(&told.stream) {
                    said.hear(told, event.direction, &self.ignored);
                }
            }
        }
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        // Streams have their numbers in the order in which the calls began.
        let numbered = calls.into_iter().filter_map(|(stream, said)| {
            let call = transcript.calls.get(&stream)?;
            let number = numbers.entry(&call.path).or_default();
            *number += 1;
            Some(((call.path.clone(), *number), Said { outcome: call.ending(), ..said }))
        });
        numbered.collect()
    }

    fn call(&self, call: &(String, usize), (first, second): (&Said, &Said), differences: &mut Vec<Difference>) {
        let mut differ = |what: String, first: Option<String>, second: Option<String>| {
            differences.push(Difference { call: call.clone(), what, first, second });
        };
        let mut names: Vec<_> = first.heads.keys().chain(second.heads.keys()).collect();
        names.sort();
        names.dedup();
        for name @ (of, field) in names {
            let text = |said: &Said| said.heads.get(name).map(|values| format!("{:?}", values.join(", ")));
            let compared = self.requests || !of.starts_with("request");
            if compared && first.heads.get(name) != second.heads.get(name) {
                differ(format!("{of} {field}"), text(first), text(second));
            }
        }
        let ways = if self.requests { &Direction::BOTH[..] } else { &[Direction::ToClient] };
        for way in ways {
            let of = ["request", "response"][way.index()];
            let [first, second] = [first, second].map(|said| &said.messages[way.index()]);
            for number in 0..first.len().max(second.len()) {
                let (first, second) = (first.get(number), second.get(number));
                if first.map(|message| &message.says) != second.map(|message| &message.says) {
                    let shown = |message: Option<&Message>| message.map(|message| message.shown.clone());
                    differ(format!("{of} message {}", number + 1), shown(first), shown(second));
                }
            }
        }
        if first.outcome != second.outcome {
            differ("end".to_owned(), Some(first.outcome.clone()), Some(second.outcome.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::record::Direction::*;
    use super::*;

    fn literal(name: &str, value: &str) -> Vec<u8> {
        [&[0, name.len() as u8], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
    }

    /// A call whose point is cut in two after `cut` bytes, answered with these fields.
    fn call(cut: usize, point: &[u8], trailers: &[(&str, &str)]) -> Transcript {
        let block = trailers.iter().flat_map(|(name, value)| literal(name, value)).collect::<Vec<u8>>();
        let recorded = record(&[
            (ToServer, request_head()),
            (ToServer, frame(DATA, 0, 1, &point[..cut])),
            (ToServer, frame(DATA, 1, 1, &point[cut..])),
            (ToClient, frame(HEADERS, 4, 1, &[&[0x88], &literal("date", &cut.to_string())[..]].concat())),
            (ToClient, frame(HEADERS, 5, 1, &block)),
        ]);
        Transcript::read(&recorded, &route_guide())
    }

    fn told(differences: &[Difference]) -> Vec<String> {
        differences.iter().map(Difference::to_string).collect()
    }

    #[test]
    fn frames_order_of_fields_and_dates_make_no_difference() {
        let point = hex(POINT);
        // Longitude, latitude, and an unknown field of 0.
        let turned = hex("00 00000013 10 969f989cfdffffffff01 08 9aa68cc301 18 00");
        let first = call(3, &point, &[("grpc-status", "0"), ("x-id", "7")]);
        let second = call(9, &turned, &[("x-id", "7"), ("grpc-status", "0")]);
        assert_eq!(told(&Compare::default().differences(&first, &second)), [""; 0]);
    }

    #[test]
    fn fields_messages_and_the_end_are_compared_in_that_order() {
        let first = call(3, &hex(POINT), &[("grpc-status", "0"), ("authorization", "first")]);
        let second = call(3, &hex("00 00000002 08 05"), &[("grpc-status", "5"), ("authorization", "second")]);
        let path = "call 1 to \"/RouteGuide/GetFeature\"";
        let expected = [
            format!("{path}: trailers grpc-status differs\n  - \"0\"\n  + \"5\""),
            format!(
                "{path}: request message 1 differs\n  - {{latitude: 409146138, longitude: -746188906}}\n  + {{latitude: 5}}"
            ),
            format!("{path}: end differs\n  - OK\n  + NOT_FOUND"),
        ];
        assert_eq!(told(&Compare::default().differences(&first, &second)), expected);
        let answers = Compare { requests: false, ..Compare::default() };
        assert_eq!(answers.differences(&first, &second).len(), 2);
        let ignoring = Compare { ignored: vec!["grpc-status".into(), "date".into()], ..answers };
        assert_eq!(ignoring.differences(&first, &second).len(), 1);
    }

    #[test]
    fn a_call_that_only_one_recording_has_is_told() {
        let first = call(3, &hex(POINT), &[("grpc-status", "0")]);
        let differences = Compare::default().differences(&first, &Transcript::default());
        assert_eq!(told(&differences), ["call 1 to \"/RouteGuide/GetFeature\": the call differs\n  - OK\n  + nothing"]);
    }
}
