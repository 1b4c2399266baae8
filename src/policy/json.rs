//! A value in a JSON text, which knows where it stands: what is wrong with it can be told.

use std::time::Duration;

use serde_json::Value;

use super::error::ConfigError;

/// The longest Duration of Protocol Buffers, in seconds: ten thousand years.
const MOST_SECONDS: u64 = 315_576_000_000;

/// How much of a value an error text shows, in characters.
const SHOWN: usize = 64;

/// A value and the path to it, such as `methodConfig[0].timeout`.
pub(super) struct At<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        At { path: String::new(), value }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// That this value is not what is expected.
    pub(super) fn refuse(&self, expected: impl Into<String>) -> ConfigError {
        let text = self.value.to_string();
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push_str("..");
        }
        ConfigError::new(&self.path, shown, expected)
    }

    /// The field of an object. One that is `null` is absent, as in the JSON form of Protocol Buffers.
    pub(super) fn field(&self, name: &str) -> Result<Option<At<'a>>, ConfigError> {
        let object = self.value.as_object().ok_or_else(|| self.refuse("an object"))?;
        let value = object.get(name).filter(|value| !value.is_null());
        Ok(value.map(|value| At { path: self.path_to(name), value }))
    }

    /// A field that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<At<'a>, ConfigError> {
        self.field(name)?.ok_or_else(|| ConfigError::new(self.path_to(name), "missing", "a value"))
    }

    /// What `read` makes of a field, if it is there.
    pub(super) fn read<T>(
        &self, name: &str, read: impl FnOnce(&At<'a>) -> Result<T, ConfigError>,
    ) -> Result<Option<T>, ConfigError> {
        self.field(name)?.map(|field| read(&field)).transpose()
    }

    /// The elements of the array in a field; none when it is not there.
    pub(super) fn elements(&self, name: &str) -> Result<Vec<At<'a>>, ConfigError> {
        let Some(At { path, value }) = self.field(name)? else { return Ok(Vec::new()) };
        let Value::Array(values) = value else { return Err(At { path, value }.refuse("an array")) };
        Ok(values.iter().enumerate().map(|(at, value)| At { path: format!("{path}[{at}]"), value }).collect())
    }

    /// The name of the only field of an object, and its value.
    pub(super) fn only(&self) -> Result<(&'a str, At<'a>), ConfigError> {
        let mut fields = self.value.as_object().into_iter().flatten();
        match (fields.next(), fields.next()) {
            (Some((name, value)), None) => Ok((name, At { path: self.path_to(name), value })),
            _ => Err(self.refuse("an object with one field")),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, ConfigError> {
        self.value.as_str().ok_or_else(|| self.refuse("a string"))
    }

    pub(super) fn truth(&self) -> Result<bool, ConfigError> {
        self.value.as_bool().ok_or_else(|| self.refuse("true or false"))
    }

    pub(super) fn number(&self) -> Result<f64, ConfigError> {
        self.value.as_f64().ok_or_else(|| self.refuse("a number"))
    }

    /// A whole number that fits 32 bits; 4.0 is one too.
    pub(super) fn integer(&self) -> Result<u32, ConfigError> {
        let whole = |number: &f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(number);
        let integer = self.value.as_f64().filter(whole).map(|number| number as u32);
        integer.ok_or_else(|| self.refuse(format!("a whole number from 0 to {}", u32::MAX)))
    }

    /// The same, which may be written as a string too, as the JSON form of Protocol Buffers has it.
    pub(super) fn bytes(&self) -> Result<usize, ConfigError> {
        let written = self.value.as_str().filter(|text| !text.starts_with('+')).and_then(|text| text.parse().ok());
        let bytes: u32 = written.map_or_else(|| self.integer(), Ok)?;
        usize::try_from(bytes).map_err(|_| self.refuse("a size that this machine has"))
    }

    /// A Duration of Protocol Buffers: seconds, up to nine decimals, and an `s`.
    pub(super) fn duration(&self) -> Result<Duration, ConfigError> {
        let duration = self.value.as_str().and_then(duration);
        duration.ok_or_else(|| self.refuse("seconds in a string, such as \"1.5s\""))
    }

    fn path_to(&self, name: &str) -> String {
        // A name from the text itself may be of any length.
        let name: String = name.chars().take(SHOWN).collect();
        if self.path.is_empty() { name } else { format!("{}.{name}", self.path) }
    }
}

/// "The numeric portion of the string must be a valid JSON number" (gRFC A6): a digit before the point and one after it,
/// and no needless zeros in front. There is no negative time-out or pause.
fn duration(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (seconds, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let zeros = seconds.len() > 1 && seconds.starts_with('0');
    if !digits(seconds) || zeros || !digits(decimals) || decimals.len() > 9 {
        return None;
    }
    let nanos: u32 = format!("{decimals:0<9}").parse().ok()?;
    let seconds = seconds.parse().ok().filter(|seconds| *seconds <= MOST_SECONDS)?;
    Some(Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn durations_are_seconds_with_up_to_nine_decimals() {
        for (text, nanos) in [
            ("1s", 1_000_000_000u128),
            ("1.5s", 1_500_000_000),
            ("0.1s", 100_000_000),
            ("0s", 0),
            ("0.000000001s", 1),
            ("1.000340012s", 1_000_340_012),
            ("315576000000s", 315_576_000_000_000_000_000),
        ] {
            assert_eq!(duration(text).map(|duration| duration.as_nanos()), Some(nanos), "{text}");
        }
        for text in [
            "",
            "s",
            "1",
            "1m",
            "1 s",
            ".1s",
            "1.s",
            "-1s",
            "+1s",
            "01s",
            "1e3s",
            "0x1s",
            "1.0000000001s",
            "1.-1s",
            "315576000001s",
            "99999999999999999999s",
            "1,5s",
            "1S",
            "\u{661}s",
        ] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn whole_numbers_are_read_however_they_are_written() {
        for (value, number) in [(json!(0), 0), (json!(4.0), 4), (json!(1e3), 1000), (json!(u32::MAX), u32::MAX)] {
            assert_eq!(At::root(&value).integer(), Ok(number), "{value}");
        }
        for value in [json!(-1), json!(0.5), json!(1u64 << 32), json!(1e300), json!("4"), json!(true), json!([4])] {
            assert!(At::root(&value).integer().is_err(), "{value}");
        }
        assert_eq!(At::root(&json!("4096")).bytes(), Ok(4096));
        for value in [json!(""), json!("+1"), json!("-1"), json!("1k"), json!("4294967296")] {
            assert!(At::root(&value).bytes().is_err(), "{value}");
        }
    }

    #[test]
    fn a_long_value_is_cut_in_an_error() {
        let error = At::root(&json!("\u{e9}".repeat(1000))).number().unwrap_err().to_string();
        assert!(error.starts_with("the service config is \"\u{e9}") && error.ends_with("\u{e9}.., expected a number"));
        assert!(error.len() < 200);
    }
}
