//! `grpc-timeout`: how long the caller waits, counted from now.
//!
//! "Timeout -> `grpc-timeout` TimeoutValue TimeoutUnit; TimeoutValue -> positive integer as ASCII string of at most 8
//! digits; TimeoutUnit -> Hour / Minute / Second / Millisecond / Microsecond / Nanosecond" (gRPC over HTTP/2, section
//! Requests; rules grpc.timeout and grpc.timeout-digits), the units as `H M S m u n`.
//!
//! ```text
//! grpc-timeout: 1500m     31 35 30 30  "1500"    6d  'm'    one and a half seconds
//! ```

use std::{fmt, time::Duration};

use http::HeaderValue;

/// The largest number that 8 digits hold.
const MAX_VALUE: u128 = 99_999_999;
/// The units, the finest first.
const UNITS: [(u8, Duration); 6] = [
    (b'n', Duration::from_nanos(1)),
    (b'u', Duration::from_micros(1)),
    (b'm', Duration::from_millis(1)),
    (b'S', Duration::from_secs(1)),
    (b'M', Duration::from_secs(60)),
    (b'H', Duration::from_secs(3600)),
];

/// Reads the value of `grpc-timeout`. Zero is accepted, as peers send it for a deadline that has passed already.
pub fn parse(value: &[u8]) -> Result<Duration, TimeoutError> {
    let malformed = |is_too_long| TimeoutError { found: super::quoted(value), is_too_long };
    let (letter, digits) = value.split_last().ok_or_else(|| malformed(false))?;
    let (_, unit) = UNITS.iter().find(|(known, _)| known == letter).ok_or_else(|| malformed(false))?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(malformed(false));
    }
    if digits.len() > 8 {
        return Err(malformed(true));
    }
    Ok(*unit * digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
}

/// Writes a value for `grpc-timeout` in the finest unit whose number fits 8 digits, rounded up: what [`parse`] reads
/// from it is never shorter than `timeout`, and less than a ten-millionth longer. What no unit holds becomes
/// `99999999H`, 11,000 years.
pub fn format(timeout: Duration) -> HeaderValue {
    let mut numbers = UNITS.iter().map(|(letter, unit)| (timeout.as_nanos().div_ceil(unit.as_nanos()), *letter));
    let (number, letter) = numbers.find(|(number, _)| *number <= MAX_VALUE).unwrap_or((MAX_VALUE, b'H'));
    let text = format!("{}{}", number as u32, char::from(letter));
    HeaderValue::try_from(text).unwrap_or(const { HeaderValue::from_static("99999999H") })
}

/// A `grpc-timeout` that is not 1 to 8 digits and a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeoutError {
    found: String,
    is_too_long: bool,
}

impl TimeoutError {
    /// Whether it is a number and a unit, and only has too many digits (rule grpc.timeout-digits).
    pub fn is_too_long(&self) -> bool {
        self.is_too_long
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed grpc-timeout {}: expected 1 to 8 digits and a unit, one of H M S m u n", self.found)
    }
}

impl std::error::Error for TimeoutError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_six_units_are_read() {
        for (value, nanos) in [
            ("2H", 7_200_000_000_000u128),
            ("2M", 120_000_000_000),
            ("2S", 2_000_000_000),
            ("2m", 2_000_000),
            ("2u", 2_000),
            ("2n", 2),
            ("0n", 0),
            ("00000001S", 1_000_000_000),
            ("99999999H", 359_999_996_400_000_000_000),
        ] {
            assert_eq!(parse(value.as_bytes()).map(|timeout| timeout.as_nanos()), Ok(nanos), "{value}");
        }
    }

    #[test]
    fn a_malformed_timeout_is_refused_and_quoted() {
        for value in ["", "S", "5", "5s", "5 S", " 5S", "-5S", "+5S", "1.5S", "123456789S", "5SS", "\u{665}S"] {
            assert!(parse(value.as_bytes()).is_err(), "{value:?}");
        }
        let error = parse(b"5 weeks").unwrap_err().to_string();
        assert_eq!(error, "malformed grpc-timeout \"5 weeks\": expected 1 to 8 digits and a unit, one of H M S m u n");
    }

    #[test]
    fn the_finest_unit_that_fits_eight_digits_is_written() {
        for (timeout, value) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_001), "100001u"),
            (Duration::from_millis(1500), "1500000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(100_000_000), "1666667M"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(format(timeout), value);
        }
    }

    proptest! {
        #[test]
        fn a_written_timeout_is_never_shortened(secs in 0..300_000_000_000u64, nanos in 0..1_000_000_000u32) {
            let timeout = Duration::new(secs, nanos);
            let read = parse(format(timeout).as_bytes()).unwrap();
            prop_assert!(read >= timeout);
            prop_assert!((read - timeout).as_nanos() <= timeout.as_nanos() / 1_000_000);
        }

        #[test]
        fn what_is_read_is_written_with_the_same_meaning(number in 0..100_000_000u32, unit in "[HMSmun]") {
            let timeout = parse(format!("{number}{unit}").as_bytes()).unwrap();
            prop_assert_eq!(parse(format(timeout).as_bytes()), Ok(timeout));
        }
    }
}
