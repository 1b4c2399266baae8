//! Text for people: a screen at a time where somebody sits there, and all at once elsewhere.

use std::io::{self, BufRead, IsTerminal, Write};

use h2grpc::route_guide::program::Stdout;

/// What the reader wants after a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next screen.
    GoOn,
    /// No more.
    End,
}

/// Shows text on standard output.
pub struct Pager {
    out: Stdout,
    /// How many lines a screen has; `None` where nobody waits for screens.
    lines: Option<usize>,
    /// Whether something was shown.
    begun: bool,
}

/// What stands between two screens.
const PROMPT: &str = "-- Enter goes on, q and Enter end -- ";

/// The fewest lines of a screen. A window may be too low for a sentence with its bytes.
const FEWEST: usize = 10;

impl Pager {
    /// Waits before each screen but the first if a person is at both ends, unless `all` is wanted at once.
    pub fn new(all: bool) -> Self {
        let person = !all && io::stdin().is_terminal() && io::stdout().is_terminal();
        let height = || terminal_size::terminal_size_of(io::stdout()).map(|(_, height)| usize::from(height.0));
        let lines = person.then(height).flatten().map(|height| height.saturating_sub(1).max(FEWEST));
        Pager { out: Stdout::new(), lines, begun: false }
    }

    /// Shows a text, in screens that end before a frame where that is possible.
    pub fn show(&mut self, text: &str) -> io::Result<Next> {
        let Some(most) = self.lines else {
            self.out.write_all(text.as_bytes())?;
            return Ok(Next::GoOn);
        };
        for screen in screens(text, most) {
            if std::mem::replace(&mut self.begun, true) && self.ask()? == Next::End {
                return Ok(Next::End);
            }
            self.out.write_all(screen.as_bytes())?;
        }
        Ok(Next::GoOn)
    }

    /// Waits for an answer. The end of the input is one, too.
    fn ask(&mut self) -> io::Result<Next> {
        self.out.write_all(PROMPT.as_bytes())?;
        self.out.flush()?;
        let mut answer = String::new();
        let ended = io::stdin().lock().read_line(&mut answer)? == 0 || answer.trim().eq_ignore_ascii_case("q");
        Ok(if ended { Next::End } else { Next::GoOn })
    }

    /// Shows the last lines, after which nobody waits.
    pub fn end(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }
}

/// Cuts a text into screens of at most so many lines.
fn screens(text: &str, most: usize) -> Vec<String> {
    let mut screens = Vec::new();
    let mut screen: Vec<&str> = Vec::new();
    for line in text.split_inclusive('\n') {
        if screen.len() == most {
            let begins =
                |line: &&&str| ["->", "<-", "\x1b[1;34m->", "\x1b[1;32m<-"].iter().any(|arrow| line.starts_with(arrow));
            // A frame that fits on a screen is not cut.
            let last = screen.iter().rposition(|line| begins(&line));
            // A heading stays with the frame that follows it.
            let is_of_next = |line: &&str| line.starts_with("On the wire") || line.trim().is_empty();
            let last = last.map(|last| last - screen[..last].iter().rev().take_while(|line| is_of_next(line)).count());
            let last = last.filter(|last| *last > most / 3);
            let rest = screen.split_off(last.unwrap_or(most));
            screens.push(screen.concat());
            screen = rest;
        }
        screen.push(line);
    }
    screens.extend((!screen.is_empty()).then(|| screen.concat()));
    screens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_have_at_most_so_many_lines_and_end_before_a_frame() {
        let text = "-> A\n a\n a\n<- B\n b\n b\n b\n b\n b\n b\n b\n";
        let cut = screens(text, 5);
        assert_eq!(cut, ["-> A\n a\n a\n", "<- B\n b\n b\n b\n b\n", " b\n b\n b\n"]);
        assert_eq!(cut.concat(), text);
        assert_eq!(screens("", 5), [""; 0]);
        assert_eq!(
            screens("-> A\n a\n a\n\nOn the wire:\n\n-> B\n b\n", 7),
            ["-> A\n a\n a\n", "\nOn the wire:\n\n-> B\n b\n"]
        );
    }
}
