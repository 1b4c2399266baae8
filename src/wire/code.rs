//! Status codes: 17 with a name, and the tables that turn other failures into them.
//!
//! "Status -> `grpc-status` 1*DIGIT" (gRPC over HTTP/2, section Responses; rule grpc.status-digits). The names and
//! their meaning are those of the document "Status codes and their use in gRPC" (rules code.ok to code.unauthenticated).
//!
//! ```text
//! grpc-status: 5                     NOT_FOUND
//! 67 72 70 63 2d 73 74 61 74 75 73   grpc-status
//! 35                                 '5'
//! ```

use std::fmt;

use http::HeaderValue;

/// A gRPC status code. Numbers that the specification does not name are kept as they came.
///
/// ```
/// use h2grpc::wire::Code;
/// let code = Code::parse(b"5");
/// assert!(matches!(code, Code::NOT_FOUND));
/// assert_eq!(code.to_string(), "NOT_FOUND");
/// assert_eq!(Code::from_u32(42).to_string(), "code 42");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(u32);

/// Gives the table of codes to the macro `$make`: meaning, number, name, and the constructor of a `Status`.
macro_rules! codes {
    ($make:ident) => {
        $make! {
            /// The call did what was asked.
            0 OK;
            /// The caller gave up.
            1 CANCELLED cancelled;
            /// An error of which nothing better is known; also a missing or malformed `grpc-status`.
            2 UNKNOWN unknown;
            /// The request can never be right, whatever the state of the system.
            3 INVALID_ARGUMENT invalid_argument;
            /// The deadline passed before the answer; the work may have been done all the same.
            4 DEADLINE_EXCEEDED deadline_exceeded;
            /// The thing asked for does not exist.
            5 NOT_FOUND not_found;
            /// The thing to create is there already.
            6 ALREADY_EXISTS already_exists;
            /// The caller is known, and may not do this.
            7 PERMISSION_DENIED permission_denied;
            /// A quota, a limit or memory is used up; also a message over the size limit.
            8 RESOURCE_EXHAUSTED resource_exhausted;
            /// The system is not in the state that the call needs: do not retry before it is.
            9 FAILED_PRECONDITION failed_precondition;
            /// A conflict with another call, such as a lost race: retry at a higher level.
            10 ABORTED aborted;
            /// Past the end of a valid range, which may grow later.
            11 OUT_OF_RANGE out_of_range;
            /// No such service or method here; also a wrong number of messages for the method.
            12 UNIMPLEMENTED unimplemented;
            /// An invariant is broken: a bug, or bytes that violate the protocol.
            13 INTERNAL internal;
            /// The service cannot be reached now: retry with backoff.
            14 UNAVAILABLE unavailable;
            /// Data is lost or damaged for good.
            15 DATA_LOSS data_loss;
            /// The caller's credentials are missing or wrong.
            16 UNAUTHENTICATED unauthenticated;
        }
    };
}
pub(crate) use codes;

macro_rules! constants {
    ($($(#[$doc:meta])* $number:literal $name:ident $($constructor:ident)?;)*) => {
        impl Code {
            $($(#[$doc])* pub const $name: Code = Code($number);)*

            /// The name in the specification, such as `NOT_FOUND`; none for a number that it does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// The value of `grpc-status`: no allocation for a named code.
            pub fn to_header_value(self) -> HeaderValue {
                match self.0 {
                    $($number => const { HeaderValue::from_static(stringify!($number)) },)*
                    unknown => HeaderValue::from(unknown),
                }
            }
        }
    };
}

codes!(constants);

impl Code {
    /// Any number, named or not.
    pub const fn from_u32(number: u32) -> Code {
        Code(number)
    }

    /// The number on the wire.
    pub const fn value(self) -> u32 {
        self.0
    }

    /// Reads the value of `grpc-status`: decimal digits that fit 32 bits. Anything else is UNKNOWN (rule
    /// code.case-status-not-parsed).
    pub fn parse(value: &[u8]) -> Code {
        // The standard library would take a sign too.
        let digits = str::from_utf8(value).ok().filter(|text| !text.starts_with('+'));
        digits.and_then(|digits| digits.parse().ok()).map_or(Code::UNKNOWN, Code)
    }

    /// The status of a call whose stream was reset (gRPC over HTTP/2, section Errors; rules grpc.reset-no-error to
    /// grpc.reset-inadequate-security). `reason` is the error code of RST_STREAM (RFC 9113, section 7; rule
    /// h2.error-codes).
    ///
    /// The table names no status for STREAM_CLOSED and HTTP_1_1_REQUIRED: INTERNAL, like all other violations.
    pub const fn from_reset(reason: u32) -> Code {
        match reason {
            0x7 => Code::UNAVAILABLE,        // REFUSED_STREAM: not processed, can be tried again
            0x8 => Code::CANCELLED,          // CANCEL
            0xb => Code::RESOURCE_EXHAUSTED, // ENHANCE_YOUR_CALM
            0xc => Code::PERMISSION_DENIED,  // INADEQUATE_SECURITY
            _ => Code::INTERNAL,
        }
    }

    /// The status of an answer that carries no `grpc-status`, such as a proxy's error page ("HTTP to gRPC Status Code
    /// Mapping", rules status.http-400 to status.http-other). For clients only: a server never derives a status from
    /// this table (rule status.clients-only).
    pub const fn from_http_status(status: http::StatusCode) -> Code {
        match status.as_u16() {
            400 => Code::INTERNAL,
            401 => Code::UNAUTHENTICATED,
            403 => Code::PERMISSION_DENIED,
            404 => Code::UNIMPLEMENTED,
            429 | 502 | 503 | 504 => Code::UNAVAILABLE,
            _ => Code::UNKNOWN,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "code {}", self.0),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seventeen_codes_have_their_names_and_numbers() {
        let names = [
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        ];
        for (number, name) in (0..).zip(names) {
            assert_eq!(Code::from_u32(number).name(), Some(name));
            assert_eq!(Code::from_u32(number).to_header_value(), number.to_string().as_str());
        }
        assert_eq!(Code::from_u32(17).name(), None);
    }

    #[test]
    fn an_unknown_number_is_kept() {
        let code = Code::parse(b"4294967295");
        assert_eq!(code.value(), u32::MAX);
        assert_eq!(code.to_header_value(), "4294967295");
        assert_eq!(code.to_string(), "code 4294967295");
    }

    #[test]
    fn a_malformed_grpc_status_is_unknown() {
        for value in ["", "-1", "+1", "1 ", "0x5", "NOT_FOUND", "4294967296", "99999999999999999999"] {
            assert_eq!(Code::parse(value.as_bytes()), Code::UNKNOWN, "{value:?}");
        }
        assert_eq!(Code::parse(b"005"), Code::NOT_FOUND);
    }

    #[test]
    fn rst_stream_codes_map_as_in_the_table() {
        let expected = [
            (0x7, Code::UNAVAILABLE),
            (0x8, Code::CANCELLED),
            (0xb, Code::RESOURCE_EXHAUSTED),
            (0xc, Code::PERMISSION_DENIED),
        ];
        for reason in 0..0x20 {
            let code = expected.iter().find(|row| row.0 == reason).map_or(Code::INTERNAL, |row| row.1);
            assert_eq!(Code::from_reset(reason), code, "{reason:#x}");
        }
    }

    #[test]
    fn http_statuses_map_as_in_the_table() {
        let expected = [
            (400, Code::INTERNAL),
            (401, Code::UNAUTHENTICATED),
            (403, Code::PERMISSION_DENIED),
            (404, Code::UNIMPLEMENTED),
            (429, Code::UNAVAILABLE),
            (502, Code::UNAVAILABLE),
            (503, Code::UNAVAILABLE),
            (504, Code::UNAVAILABLE),
        ];
        for status in 100..1000 {
            let code = expected.iter().find(|row| row.0 == status).map_or(Code::UNKNOWN, |row| row.1);
            let status = http::StatusCode::from_u16(status).unwrap();
            assert_eq!(Code::from_http_status(status), code, "{status}");
        }
    }
}
