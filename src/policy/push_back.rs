//! `grpc-retry-pushback-ms`: what a server says about trying again.

use std::time::Duration;

use crate::metadata::Metadata;
use crate::wire::head;

/// What a server asks of a client whose call has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushBack {
    /// Try again after exactly this time.
    After(Duration),
    /// Do not try again.
    Never,
}

impl PushBack {
    /// Reads what trailers say. They mostly say nothing.
    ///
    /// "The value is to be an ASCII encoded signed 32-bit integer with no unnecessary leading zeros that represents how
    /// many milliseconds to wait before sending a retry. If the value for pushback is negative or unparseble, then it
    /// will be seen as the server asking the client not to retry at all" (gRFC A6, Pushback). Two values are no integer.
    pub(crate) fn read(trailers: &Metadata) -> Option<PushBack> {
        let mut values = trailers.as_headers().get_all(head::GRPC_RETRY_PUSHBACK_MS).iter();
        let value = values.next()?;
        let millis = values.next().is_none().then(|| millis(value.as_bytes())).flatten();
        Some(millis.map_or(PushBack::Never, |millis| PushBack::After(Duration::from_millis(millis.into()))))
    }
}

/// Digits without a sign that fit 31 bits.
fn millis(value: &[u8]) -> Option<u32> {
    let text = str::from_utf8(value).ok()?;
    let zeros = text.len() > 1 && text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|millis| digits && !zeros && *millis <= i32::MAX as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};

    fn read(values: &[&[u8]]) -> Option<PushBack> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(head::GRPC_RETRY_PUSHBACK_MS, HeaderValue::from_bytes(value).unwrap());
        }
        PushBack::read(&Metadata::from_headers(headers))
    }

    #[test]
    fn push_back_is_read_from_trailers() {
        assert_eq!(read(&[]), None);
        for (value, millis) in [("0", 0), ("1", 1), ("250", 250), ("2147483647", i32::MAX as u64)] {
            assert_eq!(read(&[value.as_bytes()]), Some(PushBack::After(Duration::from_millis(millis))), "{value}");
        }
    }

    #[test]
    fn push_back_that_is_negative_or_unparsable_means_no_retry() {
        for value in ["-1", "-0", "+1", "007", "00", "", " ", "1.5", "1s", "x", "2147483648", "99999999999999999999"] {
            assert_eq!(read(&[value.as_bytes()]), Some(PushBack::Never), "{value:?}");
        }
        assert_eq!(read(&[b"\xff1"]), Some(PushBack::Never));
        assert_eq!(read(&[b"1", b"1"]), Some(PushBack::Never));
    }
}
