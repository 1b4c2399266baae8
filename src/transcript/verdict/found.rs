//! What is found in a frame.

use super::super::event::Event;
use super::super::place::Place;
use super::super::record::Direction;

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The identifier of the rule: a row of `docs/rules.md`.
    pub rule: &'static str,
    /// The stream, 0 for the connection.
    pub stream: u32,
    /// The bytes that break it.
    pub place: Place,
    /// Who breaks it and how, in a sentence.
    pub text: String,
}

/// What was found in a frame.
pub(super) struct Found<'a> {
    pub(super) event: &'a Event,
    pub(super) verdicts: Vec<Verdict>,
}

impl Found<'_> {
    /// The frame breaks a rule.
    pub(super) fn add(&mut self, rule: &'static str, text: impl Into<String>) {
        let event = self.event;
        self.verdicts.push(Verdict { rule, stream: event.stream(), place: event.place(), text: text.into() });
    }

    /// The frame breaks a rule if this holds.
    pub(super) fn add_if(&mut self, broken: bool, rule: &'static str, text: impl FnOnce() -> String) {
        if broken {
            self.add(rule, text());
        }
    }
}

/// "the client" or "the server", by the way that its frames go.
pub(super) fn who(direction: Direction) -> &'static str {
    ["the client", "the server"][direction.index()]
}
