//! Texts and meanings of a page, each written once and then referred to by number.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::super::meaning::Meaning;
use super::super::span::What;
use super::super::text::printable;
use crate::wire::rules::{self, Rule};

/// Texts that a page has but once. A page of 10,000 frames has the same few hundred again and again.
#[derive(Debug, Default, Serialize)]
pub(super) struct Table {
    strings: Vec<String>,
    /// Name, value, note, sentence and rule of a span; then 1 if it is broken. All but the last are numbers of strings,
    /// and in the sentence the value is `\u{1}`.
    meanings: Vec<[usize; 6]>,
    rules: Vec<Cited>,
    /// The bits of each letter that is shown in the Huffman code.
    pub(super) letters: BTreeMap<u8, String>,
    #[serde(skip)]
    numbers: HashMap<String, usize>,
    #[serde(skip)]
    known: HashMap<[usize; 6], usize>,
    #[serde(skip)]
    cited: HashMap<&'static str, usize>,
    /// How many bytes it takes, about.
    #[serde(skip)]
    pub(super) size: usize,
}

/// A rule as the page tells it.
#[derive(Debug, Serialize)]
struct Cited {
    id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    title: &'static str,
    section: &'static str,
    url: String,
    text: &'static str,
    kept: &'static [&'static str],
    tests: &'static [&'static str],
}

/// More of a value than this is not shown.
const VALUE: usize = 4096;

/// Stands for the value in a sentence.
const PLACE: &str = "\u{1}";

impl Table {
    /// The number of a text.
    pub(super) fn string(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.strings.len();
        self.size += text.len() + 4;
        self.strings.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The number of a span's meaning.
    pub(super) fn meaning(&mut self, what: &What) -> usize {
        let value = printable(what.value().as_bytes());
        let sentence = what.sentence();
        // A sentence with its value left out is the same for many spans.
        let sentence = if value.len() > 1 { sentence.replace(&value, PLACE) } else { sentence };
        let meaning = [
            self.string(&short(&printable(what.name().as_bytes()))),
            self.string(&short(&value)),
            self.string(&short(&printable(what.note().as_bytes()))),
            self.string(&short(&sentence)),
            what.rule().map_or(0, |rule| self.rule(rule) + 1),
            usize::from(what.is_broken()),
        ];
        let next = self.meanings.len();
        *self.known.entry(meaning).or_insert_with(|| {
            self.meanings.push(meaning);
            self.size += 30;
            next
        })
    }

    /// The number of a rule.
    pub(super) fn rule(&mut self, id: &'static str) -> usize {
        let next = self.rules.len();
        *self.cited.entry(id).or_insert_with(|| {
            self.rules.push(Cited { id, rule: rules::find(id).map(Told::from) });
            next
        })
    }
}

impl From<&'static Rule> for Told {
    fn from(rule: &'static Rule) -> Self {
        let numbered = rule.section.starts_with(|c: char| c.is_ascii_digit());
        let url = rule.source.url();
        let url = if numbered { format!("{url}#section-{}", rule.section) } else { url.to_owned() };
        let Rule { section, text, kept, tests, .. } = *rule;
        Told { title: rule.source.title(), section, url, text, kept, tests }
    }
}

/// The first part of a long text.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
