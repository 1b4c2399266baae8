//! Reading a feature database in the format of the published RouteGuide tutorials.

use std::{fmt, fs::File, io, io::Read, marker::PhantomData, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    features::{Builder, Features},
    proto::{Feature, Point},
};

const FORMAT: &str = r#"a database is a JSON array of {"location": {"latitude": .., "longitude": ..}, "name": ".."}, the coordinates int32 in units of 10^-7 degrees"#;

/// Why a feature database was refused.
#[derive(Debug)]
pub enum LoadError {
    /// The file could not be opened or read.
    Read {
        /// The file's name.
        file: String,
        /// What the system says.
        error: io::Error,
    },
    /// The file is not a feature database.
    Format {
        /// The file's name.
        file: String,
        /// The line where reading stopped, from 1.
        line: usize,
        /// The byte of that line, from 1; 0 at a line's beginning.
        column: usize,
        /// What was expected, and what was found.
        problem: String,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, error } => write!(f, "cannot read the feature database {file}: {error}"),
            Self::Format { file, line, column, problem } => write!(f, "{file}:{line}:{column}: {problem} ({FORMAT})"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } => Some(error),
            Self::Format { .. } => None,
        }
    }
}

impl Features {
    /// Loads the database in the file `path`; see [`Features::parse`].
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::parse(io::BufReader::with_capacity(1 << 18, file), &name),
            Err(error) => Err(LoadError::Read { file: name, error }),
        }
    }

    /// Reads a database from `json`, called `file` in errors. It must be what the published tutorials use, an array of
    ///
    /// ```json
    /// {"location": {"latitude": 409146138, "longitude": -746188906}, "name": "Berkshire Valley Management Area Trail, Jefferson, NJ, USA"}
    /// ```
    ///
    /// All four fields are required, so a misspelt one is noticed; other fields are skipped. Entries are taken over one
    /// by one as they are read: a file needs no memory beside what it becomes. Give a buffered reader.
    pub fn parse(json: impl Read, file: &str) -> Result<Self, LoadError> {
        let mut builder = Builder::default();
        let mut json = serde_json::Deserializer::from_reader(json);
        let outcome = json.deserialize_seq(Entries(&mut builder)).and_then(|()| json.end());
        match outcome {
            Ok(()) => Ok(builder.finish()),
            Err(error) if error.is_io() => Err(LoadError::Read { file: file.to_owned(), error: error.into() }),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                let problem = error.to_string();
                let problem = problem.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&problem);
                Err(LoadError::Format { file: file.to_owned(), line, column, problem: problem.to_owned() })
            }
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    location: Object<Location>,
    name: String,
}

#[derive(Deserialize)]
struct Location {
    latitude: i32,
    longitude: i32,
}

/// A visitor of the array that hands each entry on at once.
struct Entries<'a>(&'a mut Builder);

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(Object(Entry { location: Object(Location { latitude, longitude }), name })) =
            entries.next_element()?
        {
            let feature = Feature { name, location: Some(Point { latitude, longitude }) };
            self.0.push(&feature).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

/// A `T` written as a JSON object: derived readers would take an array of the fields' values too, whose order nobody agrees on.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Object)
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
    fn a_broken_file_is_refused_with_file_line_column_and_what_was_expected() {
        let location = r#"{"location": {"latitude": 1, "longitude": 2}"#;
        let cases = [
            (String::new(), "places.json:1:0: EOF while parsing a value"),
            ("{}".into(), "places.json:1:0: invalid type: map, expected an array of features"),
            ("[\n{}\n]".into(), "places.json:2:2: missing field `location`"),
            (format!("[{location}}}]"), "places.json:1:45: missing field `name`"),
            (format!("[{location}, \"name\": \"a\"},\n]"), "places.json:2:1: trailing comma"),
            (format!("[{location}, \"name\": 5}}]"), "places.json:1:54: invalid type: integer `5`, expected a string"),
            (format!("[{location}, \"name\": \"a\"}}"), "places.json:1:57: EOF while parsing a list"),
            (format!("[{location}, \"name\": \"a\"}}] x"), "places.json:1:60: trailing characters"),
            (
                r#"[{"location": {"latitude": 2147483648, "#.into(),
                "places.json:1:37: invalid value: integer `2147483648`, expected i32",
            ),
            (
                r#"[{"location": {"latitude": 40.9, "#.into(),
                "places.json:1:31: invalid type: floating point `40.9`, expected i32",
            ),
            (
                r#"[{"location": [1, 2], "name": ""}]"#.into(),
                "places.json:1:14: invalid type: sequence, expected an object",
            ),
            (r#"[[[1, 2], ""]]"#.into(), "places.json:1:1: invalid type: sequence, expected an object"),
            (r#"[{"name": "a", "name": "b"}]"#.into(), "places.json:1:21: duplicate field `name`"),
        ];
        for (json, expected) in cases {
            let refusal = refusal(&json);
            assert_eq!(refusal, format!("{expected} ({FORMAT})"), "for {json}");
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
        assert!(matches!(directory, LoadError::Read { .. }), "{directory}");
    }
}
