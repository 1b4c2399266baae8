//! Reading a feature database in the format of the published RouteGuide tutorials.

use std::io::{BufReader, Read};
use std::{fmt, fs::File, path::Path};

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::features::Gathered;
use super::{Feature, Features, Point};

const FORMAT: &str = "a database is a JSON array of {\"location\": {\"latitude\": .., \"longitude\": ..}, \
                      \"name\": \"..\"}, the coordinates int32 in units of 10^-7 degrees";

/// What some editors begin a UTF-8 file with. It is no part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a feature database was refused: who, where, what was expected and what was found.
#[derive(Debug)]
pub struct LoadError {
    /// The file's name.
    pub file: String,
    /// Line and column (in bytes, from 1) where reading stopped; none when the file could not be read.
    pub place: Option<(usize, usize)>,
    /// What is wrong there, or what the system says.
    pub problem: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, problem } = self;
        match place {
            Some((line, column)) => write!(f, "{file}:{line}:{column}: {problem} ({FORMAT})"),
            None => write!(f, "cannot read the feature database {file}: {problem}"),
        }
    }
}

impl std::error::Error for LoadError {}

impl Features {
    /// The database in a file, or the [embedded](Features::embedded) one when no file is named.
    pub fn open(file: Option<&Path>) -> Result<Self, LoadError> {
        file.map_or_else(|| Ok(Self::embedded()), Self::load)
    }

    /// Loads the database in the file `path`; see [`Features::parse`].
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(json) => Self::parse(json, &file),
            Err(error) => Err(LoadError { file, place: None, problem: error.to_string() }),
        }
    }

    /// Reads a database from `json`, called `file` in errors, in the tutorials' published format:
    ///
    /// ```json
    /// [{"location": {"latitude": 409146138, "longitude": -746188906}, "name": "Berkshire Valley .."}, ..]
    /// ```
    ///
    /// All four fields are required, so a misspelt one is noticed; other fields are skipped. Any int32 is a legal
    /// coordinate: [`off_globe`](Self::off_globe) tells of those that are probably mistakes. A byte order mark at the
    /// beginning is skipped. Entries are taken over one by one as they are read: the file needs no memory beside what it
    /// becomes.
    pub fn parse(mut json: impl Read, file: &str) -> Result<Self, LoadError> {
        let refused = |place, problem| LoadError { file: file.to_owned(), place, problem };
        let mut start = Vec::new();
        let read = json.by_ref().take(BYTE_ORDER_MARK.len() as u64 + 1).read_to_end(&mut start);
        read.map_err(|error| refused(None, error.to_string()))?;
        let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&start);
        if start.is_empty() {
            return Err(refused(Some((1, 1)), "the file is empty".to_owned()));
        }
        let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 18, start.chain(json)));
        let features = json.deserialize_seq(Entries).and_then(|features| json.end().map(|()| features));
        features.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            let problem = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
            refused((!error.is_io()).then_some((line, column)), problem.to_owned())
        })
    }
}

// A flattened field, here for what else an object may hold, also has serde refuse an array of the fields' values in
// place of the object: nobody agrees on their order.

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Entry {
    location: Location,
    name: String,
    #[serde(flatten)]
    _others: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Location {
    latitude: i32,
    longitude: i32,
    #[serde(flatten)]
    _others: IgnoredAny,
}

/// A visitor of the array that hands each entry on at once.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Features;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Features, A::Error> {
        let mut gathered = Gathered::new();
        while let Some(Entry { location: Location { latitude, longitude, .. }, name, .. }) = entries.next_element()? {
            let feature = Feature { name, location: Some(Point { latitude, longitude }) };
            gathered.push(&feature).map_err(de::Error::custom)?;
        }
        Ok(gathered.into_features())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        Features::parse(json.as_bytes(), "places.json").expect_err(json).to_string()
    }

    #[test]
    fn the_published_format_is_read_in_order() {
        let json = r#" [{"location": {"latitude": 409146138, "longitude": -746188906}, "name": "Trail, \"Jefferson\", NJ"},
            {"name": "", "location": {"longitude": -2147483648, "latitude": 2147483647, "altitude": 3}, "tags": [{}]}] "#;
        let features = Features::parse(json.as_bytes(), "places.json").expect("it is valid");
        let (trail, unnamed) =
            (Point { latitude: 409146138, longitude: -746188906 }, Point { latitude: i32::MAX, longitude: i32::MIN });
        assert_eq!(features.points().collect::<Vec<_>>(), [trail, unnamed]);
        assert_eq!(features.get(0).name, "Trail, \"Jefferson\", NJ");
        assert_eq!(features.get(1), Feature { name: String::new(), location: Some(unnamed) });
        assert!(Features::parse("[]".as_bytes(), "places.json").expect("an empty one too").is_empty());
    }

    #[test]
    fn a_byte_order_mark_before_the_json_is_skipped() {
        for json in ["[]", "[{\"location\": {\"latitude\": 1, \"longitude\": 2}, \"name\": \"\u{feff}\"}]"] {
            let read = |json: &str| {
                let features = Features::parse(json.as_bytes(), "places.json").expect(json);
                (0..features.len()).map(|index| features.get(index)).collect::<Vec<_>>()
            };
            assert_eq!(read(&format!("\u{feff}{json}")), read(json));
        }
        assert!(refusal("\u{feff}\u{feff}[]").contains("places.json:1:1: expected value"));
    }

    #[test]
    fn coordinates_beyond_the_globe_are_accepted_and_told() {
        let entries = |places: &[(i32, i32)]| {
            let entry = |(latitude, longitude)| {
                format!(r#"{{"location": {{"latitude": {latitude}, "longitude": {longitude}}}, "name": "a"}}"#)
            };
            let json = format!("[{}]", places.iter().copied().map(entry).collect::<Vec<_>>().join(","));
            Features::parse(json.as_bytes(), "places.json").expect(&json)
        };
        let poles = entries(&[(900_000_000, 1_800_000_000), (-900_000_000, -1_800_000_000), (0, 0)]);
        assert!(poles.off_globe().is_none());
        let odd = entries(&[(0, 0), (-900_000_001, 5), (1, 1), (7, 1_800_000_001), (i32::MIN, i32::MAX)]);
        let off_globe = odd.off_globe().expect("three are");
        assert_eq!((off_globe.count, off_globe.first, odd.len()), (3, 1, 5));
        assert_eq!(
            off_globe.to_string(),
            "3 of 5 features have a latitude beyond 90 degrees or a longitude beyond 180; the first is number 2, \
             latitude -900000001 and longitude 5 in units of 10^-7 degrees"
        );
    }

    #[test]
    fn a_broken_file_is_refused_with_file_line_column_and_what_was_expected() {
        let location = r#"{"location": {"latitude": 1, "longitude": 2}"#;
        let cases = [
            (String::new(), "places.json:1:1: the file is empty"),
            ("\u{feff}".into(), "places.json:1:1: the file is empty"),
            ("\n".into(), "places.json:2:0: EOF while parsing a value"),
            ("\u{feff}{}".into(), "places.json:1:1: invalid type: map, expected an array of features"),
            ("{}".into(), "places.json:1:1: invalid type: map, expected an array of features"),
            ("[\n{}\n]".into(), "places.json:2:2: missing field `location`"),
            (format!("[{location}}}]"), "places.json:1:46: missing field `name`"),
            (format!("[{location}, \"name\": \"a\"}},\n]"), "places.json:2:1: trailing comma"),
            (format!("[{location}, \"name\": 5}}]"), "places.json:1:57: invalid type: integer `5`, expected a string"),
            (format!("[{location}, \"name\": \"a\"}}"), "places.json:1:59: EOF while parsing a list"),
            (format!("[{location}, \"name\": \"a\"}}] x"), "places.json:1:62: trailing characters"),
            (
                r#"[{"location": {"latitude": 2147483648, "#.into(),
                "places.json:1:38: invalid value: integer `2147483648`, expected i32",
            ),
            (
                r#"[{"location": {"latitude": 40.9, "#.into(),
                "places.json:1:32: invalid type: floating point `40.9`, expected i32",
            ),
            (
                r#"[{"location": [1, 2], "name": ""}]"#.into(),
                "places.json:1:15: invalid type: sequence, expected an object",
            ),
            (r#"[[[1, 2], ""]]"#.into(), "places.json:1:2: invalid type: sequence, expected an object"),
            (r#"[{"name": "a", "name": "b"}]"#.into(), "places.json:1:22: duplicate field `name`"),
        ];
        let hint = format!(" ({FORMAT})");
        for (json, expected) in cases {
            assert_eq!(refusal(&json), format!("{expected}{hint}"), "for {json}");
        }
        let long = "x".repeat(super::super::features::MAX_NAME_BYTES + 1);
        let refusal = refusal(&format!("[\n{location}, \"name\": \"{long}\"}}]"));
        assert!(refusal.contains("a name of 1048577 bytes, expected at most 1048576"), "{refusal}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let missing = Features::load(Path::new("no/such/places.json")).expect_err("there is none").to_string();
        assert!(missing.starts_with("cannot read the feature database no/such/places.json: "), "{missing}");
        let directory = Features::load(Path::new(env!("CARGO_MANIFEST_DIR"))).expect_err("a directory");
        assert!(directory.place.is_none(), "{directory}");
    }
}
