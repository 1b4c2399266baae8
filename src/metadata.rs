//! Metadata: what a call says beside its messages, as HTTP/2 headers and trailers.
//!
//! "Custom-Metadata -> Binary-Header / ASCII-Header" (gRPC over HTTP/2, section Requests; rule grpc.custom-metadata). A
//! name that ends in `-bin` has bytes for a value, base64 on the wire; every other value is printable ASCII. A name may
//! have several values.
//!
//! ```text
//! trace-id: 7f3a            ASCII-Header
//! token-bin: +/8B           Binary-Header: fb ff 01
//! ```

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::wire::{binary, head};

/// Names and values that go with a call. Empty metadata allocates nothing.
///
/// ```
/// use h2grpc::metadata::Metadata;
/// let mut metadata = Metadata::new();
/// metadata.insert("trace-id", "7f3a")?;
/// metadata.insert_bin("token-bin", &[0xfb, 0xff, 1])?;
/// assert_eq!(metadata.get("trace-id"), Some("7f3a"));
/// assert_eq!(metadata.get_bin("token-bin").as_deref(), Some(&[0xfb, 0xff, 1][..]));
/// assert!(metadata.insert("grpc-timeout", "1S").is_err()); // reserved
/// # Ok::<(), h2grpc::metadata::MetadataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata(HeaderMap);

impl Metadata {
    /// No entries.
    pub fn new() -> Metadata {
        Metadata::default()
    }

    /// All headers that a peer sent. Those with reserved names stay readable with [`get`](Self::get), but do not count
    /// as entries: they are neither listed nor sent on.
    pub fn from_headers(headers: HeaderMap) -> Metadata {
        Metadata(headers)
    }

    /// For each header, those with reserved names among them, how long name and value are together.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(name, value)| name.as_str().len() + value.len())
    }

    /// The first ASCII value of `name`; `None` for a value with other bytes and for a `-bin` name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// All ASCII values of `name`, one for each header line: commas in them are left alone.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = (!is_binary(name)).then(|| self.0.get_all(name));
        lines.into_iter().flatten().filter_map(|value| value.to_str().ok())
    }

    /// The first value of a `-bin` name.
    pub fn get_bin(&self, name: &str) -> Option<Bytes> {
        self.get_all_bin(name).next()
    }

    /// All values of a `-bin` name, in one header line or in several. A value that is not base64 is left out: it says
    /// nothing about the others, and the call need not fail for it.
    pub fn get_all_bin(&self, name: &str) -> impl Iterator<Item = Bytes> {
        let lines = is_binary(name).then(|| self.0.get_all(name));
        let values = lines.into_iter().flatten().flat_map(|line| binary::split(line.as_bytes()));
        values.filter_map(|value| binary::decode(value).ok().map(Bytes::from))
    }

    /// Sets `name` to one ASCII value, in place of those it had. White space at the ends of the value is not sent.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<(), MetadataError> {
        let (name, value) = ascii_entry(name, value)?;
        self.0.try_insert(name, value).map(drop).map_err(full)
    }

    /// Adds an ASCII value to those that `name` has.
    pub fn append(&mut self, name: &str, value: &str) -> Result<(), MetadataError> {
        let (name, value) = ascii_entry(name, value)?;
        self.0.try_append(name, value).map(drop).map_err(full)
    }

    /// Sets a `-bin` name to one value, in place of those it had.
    pub fn insert_bin(&mut self, name: &str, value: &[u8]) -> Result<(), MetadataError> {
        let (name, value) = binary_entry(name, value)?;
        self.0.try_insert(name, value).map(drop).map_err(full)
    }

    /// Adds a value to those that a `-bin` name has.
    pub fn append_bin(&mut self, name: &str, value: &[u8]) -> Result<(), MetadataError> {
        let (name, value) = binary_entry(name, value)?;
        self.0.try_append(name, value).map(drop).map_err(full)
    }

    /// Removes all values of `name`; says whether there were any.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// All entries as they are on the wire: `-bin` values in base64. A name with several values comes once for each.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().filter(|(name, _)| head::reserved(name.as_str()).is_none())
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Adds the entries of `other`.
    pub fn merge(&mut self, other: &Metadata) {
        other.copy_to(&mut self.0);
    }

    /// Adds the entries to the headers of a message.
    pub fn copy_to(&self, headers: &mut HeaderMap) {
        // It fails at 32,768 fields: no peer takes that many.
        let _ = self.iter().try_for_each(|(name, value)| headers.try_append(name, value.clone()).map(drop));
    }

    /// The headers as they came, reserved names and all.
    pub fn as_headers(&self) -> &HeaderMap {
        &self.0
    }
}

/// Whether the values of this name are bytes.
fn is_binary(name: &str) -> bool {
    name.len() >= 4 && name.as_bytes()[name.len() - 4..].eq_ignore_ascii_case(b"-bin")
}

/// "Header-Name -> 1*( %x30-39 / %x61-7A / "_" / "-" / ".") ; 0-9 a-z _ - ." (rule grpc.header-name): upper case is
/// lowered, as HTTP/2 wants it (rule h2.field-names).
fn checked_name(name: &str) -> Result<HeaderName, MetadataError> {
    let lower = name.to_ascii_lowercase();
    if let Some(why) = head::reserved(&lower) {
        return Err(refused(name, why));
    }
    let legal = lower.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_' | b'-' | b'.'));
    let checked = HeaderName::try_from(lower).ok().filter(|_| legal);
    checked.ok_or_else(|| refused(name, "expected one or more of 0-9 a-z _ - . in a name"))
}

/// "ASCII-Value -> 1*( %x20-%x7E ) ; space and printable ASCII" (rule grpc.ascii-value).
fn ascii_entry(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), MetadataError> {
    let checked = checked_name(name)?;
    if is_binary(name) {
        return Err(refused(name, "a name in -bin holds bytes: use insert_bin or append_bin"));
    }
    let printable = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let value = HeaderValue::from_str(value.trim()).ok().filter(|_| printable);
    let why = "the value is not printable ASCII: give it a name in -bin and use insert_bin";
    Ok((checked, value.ok_or_else(|| refused(name, why))?))
}

fn binary_entry(name: &str, value: &[u8]) -> Result<(HeaderName, HeaderValue), MetadataError> {
    let checked = checked_name(name)?;
    let value = HeaderValue::try_from(binary::encode(value)).ok().filter(|_| is_binary(name));
    Ok((checked, value.ok_or_else(|| refused(name, "bytes need a name that ends in -bin"))?))
}

fn full(_: http::header::MaxSizeReached) -> MetadataError {
    refused("", "a header map holds 32,768 entries and no more")
}

fn refused(name: &str, why: &'static str) -> MetadataError {
    MetadataError { name: name.to_owned(), why }
}

/// An entry that is not legal metadata, and why: a reserved or misspelt name, or a value that does not fit the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataError {
    name: String,
    why: &'static str,
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metadata {:?}: {}", self.name, self.why)
    }
}

impl std::error::Error for MetadataError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_and_binary_values_round_trip() {
        let mut metadata = Metadata::new();
        metadata.insert("Trace-Id", " 7f3a ").unwrap();
        metadata.append("trace-id", "b, c").unwrap();
        metadata.insert_bin("token-bin", &[0xfb, 0xff]).unwrap();
        metadata.append_bin("token-bin", b"").unwrap();
        assert_eq!(metadata.get_all("trace-id").collect::<Vec<_>>(), ["7f3a", "b, c"]);
        assert_eq!(metadata.get_all_bin("token-bin").collect::<Vec<_>>(), [&[0xfb, 0xff][..], b""]);
        assert_eq!((metadata.get("token-bin"), metadata.get_bin("trace-id")), (None, None));
        assert_eq!(metadata.len(), 4);
        assert!(metadata.remove("trace-id") && !metadata.remove("trace-id"));
        assert_eq!(metadata.as_headers()["token-bin"], "+/8");
    }

    #[test]
    fn comma_joined_and_padded_binary_values_are_split_and_bad_ones_left_out() {
        let mut headers = HeaderMap::new();
        headers.append("a-bin", HeaderValue::from_static("Zg==, Zm8,?,Zm9v"));
        headers.append("a-bin", HeaderValue::from_static("Zg"));
        let values: Vec<_> = Metadata::from_headers(headers).get_all_bin("a-bin").collect();
        assert_eq!(values, [&b"f"[..], b"fo", b"foo", b"f"]);
    }

    #[test]
    fn reserved_names_are_refused_with_a_reason() {
        let mut metadata = Metadata::new();
        for name in [
            "grpc-status",
            "grpc-x-bin",
            "GRPC-Timeout",
            ":path",
            "content-type",
            "te",
            "user-agent",
            "connection",
            "host",
            "content-length",
            "transfer-encoding",
            "keep-alive",
            "upgrade",
            "proxy-connection",
        ] {
            let why = head::reserved(&name.to_ascii_lowercase()).unwrap();
            assert_eq!(metadata.insert(name, "x"), Err(refused(name, why)));
            assert_eq!(metadata.append_bin(name, b"x"), Err(refused(name, why)));
        }
        let error = metadata.insert("host", "x").unwrap_err().to_string();
        assert_eq!(error, "metadata \"host\": it is reserved, HTTP/2 has :authority in its place");
        assert!(metadata.is_empty());
    }

    #[test]
    fn illegal_names_and_values_are_refused() {
        let mut metadata = Metadata::new();
        let mut refusal = |name, value| metadata.insert(name, value).unwrap_err().to_string();
        for name in ["", "a b", "a/b", "caf\u{e9}", "a\n", "a!"] {
            assert_eq!(
                refusal(name, "x"),
                format!("metadata {name:?}: expected one or more of 0-9 a-z _ - . in a name")
            );
        }
        for value in ["caf\u{e9}", "a\nb", "a\tb", "\u{7f}", "\0"] {
            assert!(refusal("a", value).starts_with("metadata \"a\": the value is not printable ASCII"));
        }
        assert!(refusal("a-bin", "x").contains("use insert_bin"));
        assert!(metadata.insert_bin("a", b"x").unwrap_err().to_string().contains("ends in -bin"));
    }

    #[test]
    fn reserved_headers_of_a_peer_are_readable_but_neither_listed_nor_sent() {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_static("grpc-go/1.70"));
        headers.insert("grpc-status", HeaderValue::from_static("0"));
        headers.append("a", HeaderValue::from_static("1"));
        headers.append("a", HeaderValue::from_static("2"));
        let metadata = Metadata::from_headers(headers);
        assert_eq!(metadata.get("user-agent"), Some("grpc-go/1.70"));
        assert_eq!(metadata.len(), 2);
        let mut sent = HeaderMap::new();
        metadata.copy_to(&mut sent);
        assert_eq!((sent.len(), sent.get("grpc-status")), (2, None));
    }

    #[test]
    fn empty_metadata_allocates_nothing() {
        assert_eq!(Metadata::new().as_headers().capacity(), 0);
    }
}
