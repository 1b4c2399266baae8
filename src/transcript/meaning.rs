//! What every layer tells of its bytes.

use std::borrow::Cow;

/// What every layer tells of its bytes.
pub trait Meaning {
    /// What the bytes are, in a word or two: "length", ":path", "1 latitude".
    fn name(&self) -> Cow<'_, str>;

    /// The value that they stand for; empty where there is none. It may have characters that are not safe to print.
    fn value(&self) -> Cow<'_, str>;

    /// How the value is represented, or what is wrong with the bytes, in a few words; may be empty.
    fn note(&self) -> Cow<'_, str>;

    /// What the bytes say, as one or two plain English sentences.
    fn sentence(&self) -> String;

    /// The identifier of the rule that the bytes follow or break: a row of `docs/rules.md`.
    fn rule(&self) -> Option<&'static str>;

    /// Whether they break it, or cannot be read at all.
    fn is_broken(&self) -> bool {
        false
    }
}
