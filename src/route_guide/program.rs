//! What the programs `server`, `client` and `tour` share: how they write their lines, and how they end.

use std::io::{self, Write};
use std::{borrow::Cow, error::Error, process::ExitCode};

/// How a program, or a part of one, ended.
pub type Outcome = Result<(), Box<dyn Error>>;

/// The end of a program. An error is one line on standard error, and the exit code is 1; see [`failure`].
pub fn exit_code(outcome: Outcome) -> ExitCode {
    let Some(line) = failure(outcome) else { return ExitCode::SUCCESS };
    // Where standard error fails too, the exit code must do. `eprintln!` would panic.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::FAILURE
}

/// The line that says why a program failed, if it did. A reader of standard output that has seen enough and closed the
/// pipe, such as `head`, is no failure.
pub fn failure(outcome: Outcome) -> Option<String> {
    let error = outcome.err()?;
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return None;
    }
    Some(format!("error: {}", printable(&error.to_string())))
}

/// Standard output, with errors that say that it is standard output which failed.
#[derive(Debug)]
pub struct Stdout(io::Stdout);

impl Stdout {
    /// The standard output of this process.
    #[allow(clippy::new_without_default)] // there is nothing default about it
    pub fn new() -> Self {
        Stdout(io::stdout())
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}

/// How wide the lines on standard output may be: as COLUMNS says, or as the terminal is. A pipe or a file has room for
/// everything, which is `None`.
#[cfg(feature = "cli")]
pub fn columns() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || Some(terminal_size::terminal_size_of(io::stdout())?.0.0.into());
    told.filter(|&columns| columns > 0).or_else(terminal)
}

/// Text from elsewhere, fit for a terminal: on one line, and unable to control it. Escaped are control characters, line
/// and paragraph separators, and those that turn the direction of the text around them (Unicode's Bidi_Control).
///
/// ```
/// use h2grpc::route_guide::program::printable;
///
/// assert_eq!(printable("Caf\u{e9} \"Zum L\u{f6}wen\" \u{65e5}\u{672c}"), "Caf\u{e9} \"Zum L\u{f6}wen\" \u{65e5}\u{672c}");
/// assert_eq!(printable("\u{1b}[2Jgone\n"), "\\u{1b}[2Jgone\\n");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(controls) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::new();
    for c in text.chars() {
        match controls(c) {
            true => escaped.extend(c.escape_debug()),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

fn controls(c: char) -> bool {
    let breaks_line = matches!(c, '\u{2028}' | '\u{2029}');
    let turns_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || breaks_line || turns_direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_of_any_language_is_printed_as_it_is() {
        for text in [
            "",
            "a \"b\" 'c' \\d",
            "Gru\u{308}\u{df}e",
            "\u{939}\u{93f}\u{928}\u{94d}\u{926}\u{940}",
            "\u{1f468}\u{200d}\u{1f469}",
            "\u{a0}\u{3000}",
        ] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn what_could_control_a_terminal_is_escaped() {
        assert_eq!(printable("a\r\n\tb\0\u{7f}\u{9b}2J"), "a\\r\\n\\tb\\0\\u{7f}\\u{9b}2J");
        assert_eq!(printable("\u{202e}txt.exe\u{2028}\u{61c}"), "\\u{202e}txt.exe\\u{2028}\\u{61c}");
    }
}
