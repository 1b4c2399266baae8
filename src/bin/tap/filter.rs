//! Which calls are shown: `status=5`, `path=/routeguide.*`, `metadata:x-id=7`.

use h2grpc::transcript::{Happened, HeaderField, Told};
use h2grpc::wire::Code;

/// A condition on a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    key: Key,
    /// What must not hold, where false.
    holds: bool,
    pattern: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Path,
    Service,
    Method,
    Status,
    Connection,
    Stream,
    Metadata(String),
}

const EXPECTED: &str = "expected KEY=PATTERN or KEY!=PATTERN, with path, service, method, status, connection, stream or \
    metadata:NAME as KEY, such as status=5 or path=/routeguide.*";

impl Clause {
    /// Reads a condition.
    pub fn read(text: &str) -> Result<Clause, String> {
        let (key, pattern) = text.split_once('=').ok_or_else(|| format!("there is no = in it; {EXPECTED}"))?;
        let (key, holds) = key.strip_suffix('!').map_or((key, true), |key| (key, false));
        let key = match key {
            "path" => Key::Path,
            "service" => Key::Service,
            "method" => Key::Method,
            "status" => Key::Status,
            "connection" => Key::Connection,
            "stream" => Key::Stream,
            _ => match key.strip_prefix("metadata:") {
                Some("") => return Err(format!("metadata: needs the name of a field; {EXPECTED}")),
                Some(name) => Key::Metadata(name.to_ascii_lowercase()),
                None => return Err(format!("\"{key}\" is no key; {EXPECTED}")),
            },
        };
        let is_number = pattern.parse::<u32>().is_ok();
        let is_name = (0..17).any(|code| Code::from_u32(code).name() == Some(pattern));
        match key {
            Key::Status if !is_number && !is_name && !pattern.contains('*') => {
                Err(format!("\"{pattern}\" is no status: expected a number such as 5, or a name such as NOT_FOUND"))
            }
            Key::Connection | Key::Stream if !is_number && !pattern.contains('*') => {
                Err(format!("\"{pattern}\" is no number"))
            }
            key => Ok(Clause { key, holds, pattern: pattern.to_owned() }),
        }
    }

    /// Whether the condition holds, if what happened decides it.
    fn decide(&self, connection: u64, told: &Told) -> Option<bool> {
        self.found(connection, told).map(|found| found == self.holds)
    }

    fn found(&self, connection: u64, told: &Told) -> Option<bool> {
        let fits = |text: &str| fits(&self.pattern, text);
        match (&self.key, &told.what) {
            (Key::Connection, _) => Some(fits(&connection.to_string())),
            (Key::Stream, _) => Some(fits(&told.stream.to_string())),
            (Key::Path, Happened::Call { path, .. }) => Some(fits(path)),
            (Key::Service, Happened::Call { path, .. }) => Some(fits(parts(path).0)),
            (Key::Method, Happened::Call { path, .. }) => Some(fits(parts(path).1)),
            (
                Key::Metadata(name),
                Happened::Call { fields, .. } | Happened::Head { fields } | Happened::Trailers { fields },
            ) => {
                let is_it = |field: &HeaderField| field.name == *name && fits(&field.value);
                fields.iter().any(is_it).then_some(true)
            }
            (Key::Status, Happened::End(call)) => {
                let status = call.status.as_deref().unwrap_or_default();
                let name = status.parse().ok().map(Code::from_u32).and_then(Code::name);
                Some(fits(status) || name.is_some_and(fits))
            }
            (_, Happened::End(_)) => Some(false),
            _ => None,
        }
    }
}

/// Service and method of a path.
fn parts(path: &str) -> (&str, &str) {
    path.trim_start_matches('/').rsplit_once('/').unwrap_or_default()
}

/// Whether a text fits a pattern, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match text.find(piece) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

/// What a filter says of one call, as far as is known.
#[derive(Debug)]
pub struct Decision {
    decided: Vec<Option<bool>>,
}

impl Decision {
    /// Nothing is known yet.
    pub fn new(clauses: &[Clause]) -> Self {
        Decision { decided: vec![None; clauses.len()] }
    }

    /// Takes what happened into account.
    pub fn hear(&mut self, clauses: &[Clause], connection: u64, told: &Told) {
        for (decided, clause) in self.decided.iter_mut().zip(clauses) {
            *decided = decided.or_else(|| clause.decide(connection, told));
        }
    }

    /// Whether the call is shown: `None` until that is known.
    pub fn is_shown(&self) -> Option<bool> {
        match () {
            () if self.decided.contains(&Some(false)) => Some(false),
            () if self.decided.contains(&None) => None,
            () => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("/routeguide.*", "/routeguide.RouteGuide/GetFeature", true),
            ("*Feature", "GetFeature", true),
            ("*Feature", "GetFeatures", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_what_was_expected() {
        for (text, why) in [
            ("status", "there is no = in it; expected KEY=PATTERN"),
            ("state=5", "\"state\" is no key; expected"),
            ("status=five", "\"five\" is no status: expected a number such as 5"),
            ("stream=x", "\"x\" is no number"),
            ("metadata:=7", "metadata: needs the name of a field"),
        ] {
            let error = Clause::read(text).unwrap_err();
            assert!(error.starts_with(why), "{text}: {error}");
        }
        for text in ["status=5", "status=NOT_FOUND", "status!=0", "metadata:X-Id=*", "path=", "path=a=b"] {
            assert!(Clause::read(text).is_ok(), "{text}");
        }
    }
}
