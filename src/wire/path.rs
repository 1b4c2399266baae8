//! `:path`: which method of which service is called.
//!
//! "Path -> `:path` "/" Service-Name "/" {method name}" (gRPC over HTTP/2, section Requests; rule grpc.path). The
//! service's name has its package in front, and may contain slashes itself: the last one counts.
//!
//! ```text
//! /routeguide.RouteGuide/GetFeature
//!  service               method
//! ```

use std::{error::Error, fmt};

use http::uri::PathAndQuery;

use super::quoted;

/// The path of a method: parsed once, where the request comes in or the client is made.
///
/// ```
/// use h2grpc::wire::path::Path;
/// let path = Path::new("routeguide.RouteGuide", "GetFeature")?;
/// assert_eq!(path.as_str(), "/routeguide.RouteGuide/GetFeature");
/// assert_eq!((path.service(), path.method()), ("routeguide.RouteGuide", "GetFeature"));
/// # Ok::<(), h2grpc::wire::path::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: PathAndQuery,
    /// Where the slash before the method is.
    slash: usize,
}

impl Path {
    /// Reads the path of a request. A query, which gRPC has no use for, is ignored.
    ///
    /// # Errors
    /// A path without a service or without a method.
    pub fn parse(text: PathAndQuery) -> Result<Path, PathError> {
        let path = text.path().as_bytes();
        match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) if slash > 1 && path[0] == b'/' && slash + 1 < path.len() => Ok(Path { text, slash }),
            _ => Err(PathError { found: quoted(path) }),
        }
    }

    /// The path of `method` in `service`.
    ///
    /// # Errors
    /// Names that are empty or that cannot stand in a path.
    pub fn new(service: &str, method: &str) -> Result<Path, PathError> {
        let text = format!("/{service}/{method}");
        let parsed = PathAndQuery::try_from(text.as_str()).ok().filter(|parsed| parsed.path() == text);
        Path::parse(parsed.ok_or_else(|| PathError { found: quoted(text.as_bytes()) })?)
    }

    /// The full name of the service, such as `routeguide.RouteGuide`.
    pub fn service(&self) -> &str {
        &self.text.path()[1..self.slash]
    }

    /// The name of the method, such as `GetFeature`.
    pub fn method(&self) -> &str {
        &self.text.path()[self.slash + 1..]
    }

    /// The whole path, such as `/routeguide.RouteGuide/GetFeature`.
    pub fn as_str(&self) -> &str {
        self.text.path()
    }

    /// The path as the `http` crate has it.
    pub fn as_path_and_query(&self) -> &PathAndQuery {
        &self.text
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A path that names no method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// What came, quoted and cut.
    found: String,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed path {}: expected /service/method", self.found)
    }
}

impl Error for PathError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &'static str) -> Result<Path, PathError> {
        Path::parse(PathAndQuery::from_static(text))
    }

    #[test]
    fn a_path_is_a_service_and_a_method() {
        for (text, service, method) in
            [("/a.B/C", "a.B", "C"), ("/a/b/C", "a/b", "C"), ("/a/C?x=/y", "a", "C"), ("/a%20/b%2Fc", "a%20", "b%2Fc")]
        {
            let path = parse(text).unwrap();
            assert_eq!((path.service(), path.method()), (service, method), "{text}");
            assert_eq!(path.to_string(), format!("/{service}/{method}"));
        }
    }

    #[test]
    fn a_path_without_service_or_method_is_quoted() {
        for text in ["/", "//", "/a", "/a/", "//a", "*"] {
            assert_eq!(
                parse(text).unwrap_err().to_string(),
                format!("malformed path \"{text}\": expected /service/method")
            );
        }
    }

    #[test]
    fn names_that_make_no_path_are_refused() {
        for (service, method) in [("", "A"), ("a", ""), ("a b", "C"), ("a?b", "C"), ("a", "C#d"), ("caf\u{e9}\n", "C")]
        {
            assert!(Path::new(service, method).is_err(), "{service:?} {method:?}");
        }
        assert_eq!(Path::new("a.B", "C"), parse("/a.B/C"));
    }
}
