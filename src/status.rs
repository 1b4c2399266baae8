//! Status: how a call ended, as the one error type of this crate's calls.
//!
//! A [`Code`], a text for people, details for programs (a `google.rpc.Status` message), and metadata. On the wire it is
//! the trailers of the answer ("gRPC over HTTP/2", section Responses; rule grpc.trailers):
//!
//! ```text
//! grpc-status: 5
//! grpc-message: no such place
//! ```

use std::fmt::{self, Write};
use std::num::{ParseFloatError, ParseIntError};
use std::string::FromUtf8Error;
use std::{borrow::Cow, error::Error, io, sync::Arc, sync::LazyLock};

use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::metadata::{Metadata, MetadataError};
pub use crate::wire::Code;
use crate::wire::code::codes;
use crate::wire::frame::{FrameError, TooLong};
use crate::wire::head::{self, Refusal, WireStatus};

/// How a call ended. Small enough (40 bytes) to be the error of every result.
///
/// ```
/// use h2grpc::status::{Code, Status};
/// let status = Status::not_found("no such place");
/// assert_eq!(status.code(), Code::NOT_FOUND);
/// assert_eq!(status.to_string(), "NOT_FOUND: no such place");
/// assert_eq!(Status::from_trailers(status.to_trailers()).message(), "no such place");
/// ```
#[derive(Clone, Debug)]
pub struct Status {
    code: Code,
    message: Cow<'static, str>,
    /// What few statuses have: in a box, so that every result stays small.
    rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug, Default)]
struct Rare {
    details: Bytes,
    metadata: Metadata,
    head: Metadata,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

static NOTHING_RARE: LazyLock<Rare> = LazyLock::new(Rare::default);

macro_rules! constructors {
    ($($(#[$doc:meta])* $number:literal $code:ident $($name:ident)?;)*) => {
        impl Status {
            $($(
                #[doc = concat!("A status with [`Code::", stringify!($code), "`].")]
                pub fn $name(message: impl Into<Cow<'static, str>>) -> Status {
                    Status::new(Code::$code, message)
                }
            )?)*
        }
    };
}

codes!(constructors);

impl Status {
    /// A status with a text that says who, what and where to the person who reads it.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Status {
        Status { code, message: message.into(), rare: None }
    }

    /// Whether the call ended well.
    pub fn is_ok(&self) -> bool {
        self.code == Code::OK
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The text; may be empty.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The details: by convention an encoded `google.rpc.Status`; mostly empty.
    pub fn details(&self) -> &Bytes {
        &self.rare().details
    }

    /// What the peer sent, or will be sent, beside the status.
    pub fn metadata(&self) -> &Metadata {
        &self.rare().metadata
    }

    /// The metadata, to add to it.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.rare.get_or_insert_default().metadata
    }

    /// The same status, whose text says `more`.
    pub(crate) fn adding(mut self, more: &str) -> Status {
        self.message = format!("{}; {more}", self.message).into();
        self
    }

    /// The metadata of the response head that came before this status. A unary or client-streaming call that has failed
    /// has it here; a stream of responses has its own.
    pub fn head_metadata(&self) -> &Metadata {
        &self.rare().head
    }

    /// The same status, after a response head with `metadata`.
    pub(crate) fn after_head(mut self, metadata: Metadata) -> Status {
        if !metadata.is_empty() {
            self.rare.get_or_insert_default().head = metadata;
        }
        self
    }

    /// The same status with these details.
    ///
    /// ```
    /// use h2grpc::status::Status;
    /// use prost::Message;
    ///
    /// /// google.rpc.Status, whose details clients in other languages read; generated code has it too.
    /// #[derive(Clone, PartialEq, Message)]
    /// struct RpcStatus {
    ///     #[prost(int32, tag = "1")]
    ///     code: i32,
    ///     #[prost(string, tag = "2")]
    ///     message: String,
    /// }
    ///
    /// let details = RpcStatus { code: 5, message: "no such place".to_owned() };
    /// let status = Status::not_found("no such place").with_details(details.encode_to_vec());
    /// assert_eq!(RpcStatus::decode(status.details().clone()), Ok(details));
    /// ```
    pub fn with_details(mut self, details: impl Into<Bytes>) -> Status {
        self.rare.get_or_insert_default().details = details.into();
        self
    }

    /// The same status with the error that caused it: for logs on this side, it is never sent.
    pub fn with_source(mut self, source: Arc<dyn Error + Send + Sync>) -> Status {
        self.rare.get_or_insert_default().source = Some(source);
        self
    }

    /// The trailers that say this, within [`head::MAX_STATUS_LEN`].
    pub fn to_trailers(&self) -> HeaderMap {
        let Rare { details, metadata, .. } = self.rare();
        let mut trailers = HeaderMap::with_capacity(1);
        head::put_status(&mut trailers, self.code, &self.message, details, Some(metadata.as_headers()));
        trailers
    }

    /// The answer without messages that says this: send it with END_STREAM.
    pub fn to_trailers_only(&self) -> Response<()> {
        let Rare { details, metadata, .. } = self.rare();
        head::trailers_only(self.code, &self.message, details, Some(metadata.as_headers()))
    }

    /// What trailers say. Other entries than those of the status become its metadata.
    ///
    /// Without `grpc-status` it is UNKNOWN, as "HTTP to gRPC Status Code Mapping" has it for HTTP status 200 (rule
    /// status.http-200): no status means that the call did not end well.
    pub fn from_trailers(trailers: HeaderMap) -> Status {
        let none = || Status::unknown("the peer ended the call without grpc-status in its trailers");
        let mut status = head::read_status(&trailers).map_or_else(none, Status::from);
        let metadata = Metadata::from_headers(trailers);
        // What a retry policy asks for has a reserved name, which does not count as an entry.
        if !metadata.is_empty() || metadata.as_headers().contains_key(head::GRPC_RETRY_PUSHBACK_MS) {
            *status.metadata_mut() = metadata;
        }
        status
    }

    fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NOTHING_RARE)
    }
}

/// Code and text in one line: what the text has of line breaks and control characters is escaped, as a peer may have
/// written it.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if self.message.is_empty() {
            return Ok(());
        }
        f.write_str(": ")?;
        self.message.chars().try_for_each(|char| match char.is_control() {
            true => write!(f, "{}", char.escape_default()),
            false => f.write_char(char),
        })
    }
}

impl Error for Status {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.rare().source.as_deref().map(|source| source as _)
    }
}

/// A message over the limit is RESOURCE_EXHAUSTED, with both sizes and the setting; bytes that are no message are
/// INTERNAL.
impl From<FrameError> for Status {
    fn from(error: FrameError) -> Status {
        let code = match error {
            FrameError::TooLarge { .. } => Code::RESOURCE_EXHAUSTED,
            FrameError::Flag { .. } | FrameError::Truncated { .. } => Code::INTERNAL,
        };
        Status::new(code, error.to_string()).with_source(Arc::new(error))
    }
}

impl From<TooLong> for Status {
    fn from(error: TooLong) -> Status {
        Status::resource_exhausted(error.to_string()).with_source(Arc::new(error))
    }
}

/// A handler's or caller's mistake on its own side: INTERNAL.
impl From<MetadataError> for Status {
    fn from(error: MetadataError) -> Status {
        Status::internal(error.to_string()).with_source(Arc::new(error))
    }
}

impl From<WireStatus> for Status {
    fn from(WireStatus { code, message, details }: WireStatus) -> Status {
        let status = Status::new(code, message);
        if details.is_empty() { status } else { status.with_details(details) }
    }
}

impl From<Refusal> for Status {
    fn from(Refusal { code, message, .. }: Refusal) -> Status {
        Status::new(code, message)
    }
}

/// What the operating system says, as the code that fits it best: a missing file is NOT_FOUND, a refused connection
/// UNAVAILABLE; what fits none is INTERNAL.
impl From<io::Error> for Status {
    fn from(error: io::Error) -> Status {
        let code = match error.kind() {
            io::ErrorKind::NotFound => Code::NOT_FOUND,
            io::ErrorKind::PermissionDenied => Code::PERMISSION_DENIED,
            io::ErrorKind::AlreadyExists => Code::ALREADY_EXISTS,
            io::ErrorKind::TimedOut => Code::DEADLINE_EXCEEDED,
            io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory => Code::RESOURCE_EXHAUSTED,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected => Code::UNAVAILABLE,
            _ => Code::INTERNAL,
        };
        Status::new(code, error.to_string()).with_source(Arc::new(error))
    }
}

macro_rules! caused_by_the_caller {
    ($($Error:ty),+) => {
        $(
            /// A value that the caller should have given otherwise: INVALID_ARGUMENT.
            impl From<$Error> for Status {
                fn from(error: $Error) -> Status {
                    Status::invalid_argument(error.to_string()).with_source(Arc::new(error))
                }
            }
        )+
    };
}

caused_by_the_caller!(ParseIntError, ParseFloatError, FromUtf8Error, std::str::Utf8Error);

/// Says in a status what was being done when it came about.
///
/// ```
/// use h2grpc::status::{Code, Doing, Status};
///
/// fn read() -> Result<String, Status> {
///     std::fs::read_to_string("no/such/file").doing("reading the list of trails")
/// }
/// let status = read().unwrap_err();
/// assert_eq!(status.code(), Code::NOT_FOUND);
/// assert!(status.message().starts_with("reading the list of trails: "));
/// ```
pub trait Doing<T> {
    /// Puts `what` in front of the status's text.
    ///
    /// # Errors
    /// That of the result itself, as a status.
    fn doing(self, what: impl fmt::Display) -> Result<T, Status>;
}

impl<T, E: Into<Status>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl fmt::Display) -> Result<T, Status> {
        self.map_err(|error| {
            let mut status = error.into();
            status.message = format!("{what}: {}", status.message).into();
            status
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_small() {
        assert!(size_of::<Status>() <= 40);
        assert!(size_of::<Result<(), Status>>() <= 40);
    }

    #[test]
    fn everything_but_the_source_crosses_the_wire() {
        let mut status =
            Status::not_found("no caf\u{e9}").with_details(&b"\x08\x05"[..]).with_source(Arc::new(fmt::Error));
        status.metadata_mut().insert("tried", "3").unwrap();
        let read = Status::from_trailers(status.to_trailers());
        assert_eq!((read.code(), read.message(), &read.details()[..]), (Code::NOT_FOUND, "no caf\u{e9}", &[8, 5][..]));
        assert_eq!((read.metadata().get("tried"), read.metadata().len()), (Some("3"), 1));
        assert!(status.source().is_some() && read.source().is_none());
        let only = status.to_trailers_only();
        assert_eq!((only.status().as_u16(), &only.headers()["content-type"]), (200, &head::CONTENT_TYPE_GRPC));
        assert_eq!(Status::from_trailers(only.into_parts().0.headers).message(), "no caf\u{e9}");
    }

    #[test]
    fn trailers_without_grpc_status_are_unknown_and_keep_their_metadata() {
        let mut trailers = HeaderMap::new();
        trailers.insert("tried", 3.into());
        let status = Status::from_trailers(trailers);
        assert_eq!((status.code(), status.metadata().get("tried")), (Code::UNKNOWN, Some("3")));
    }

    #[test]
    fn a_status_without_metadata_keeps_no_map() {
        let status = Status::from_trailers(Status::aborted("lost a race").to_trailers());
        assert!(status.rare.is_none());
        assert!(status.metadata().is_empty() && status.details().is_empty());
    }

    #[test]
    fn display_is_code_and_message() {
        assert_eq!(Status::aborted("lost a race").to_string(), "ABORTED: lost a race");
        assert_eq!(Status::new(Code::from_u32(42), "").to_string(), "code 42");
    }

    #[test]
    fn a_message_with_a_line_break_is_displayed_in_one_line() {
        let status = Status::internal("first\nsecond\u{1b}[31m caf\u{e9}");
        assert_eq!(status.to_string(), "INTERNAL: first\\nsecond\\u{1b}[31m caf\u{e9}");
        assert_eq!(status.message(), "first\nsecond\u{1b}[31m caf\u{e9}");
    }

    #[test]
    fn common_errors_become_statuses_and_say_what_was_done() {
        let status = "x".parse::<i32>().doing("reading the number of trails").unwrap_err();
        assert_eq!(status.code(), Code::INVALID_ARGUMENT);
        assert_eq!(status.message(), "reading the number of trails: invalid digit found in string");
        assert!(status.source().is_some());
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(Status::from(refused).code(), Code::UNAVAILABLE);
    }

    #[test]
    fn a_message_over_the_limit_is_resource_exhausted_other_broken_frames_are_internal() {
        let status = Status::from(FrameError::TooLarge { length: 5_000_000, limit: 4_194_304 });
        assert_eq!(status.code(), Code::RESOURCE_EXHAUSTED);
        assert!(status.message().contains("5000000") && status.message().contains("4194304"));
        assert!(status.message().contains("max_message"));
        assert_eq!(Status::from(FrameError::Flag { found: 7 }).code(), Code::INTERNAL);
        assert_eq!(Status::from(FrameError::Truncated { have: 3, need: 5 }).code(), Code::INTERNAL);
    }
}
