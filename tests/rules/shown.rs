//! Which rules the golden transcripts have in bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Checker, Meaning, Recorded, Span, Transcript};
use h2grpc::wire::rules::{InBytes, Rule};

use super::root;
use super::words::WORDS;

/// A golden transcript: its text, and the rules by which its bytes are explained or which they break.
pub struct Golden {
    /// Without its story, and with single spaces.
    text: String,
    rules: BTreeSet<&'static str>,
}

/// All golden transcripts by their names.
pub fn all() -> BTreeMap<String, Golden> {
    let types = Types::decode(FILE_DESCRIPTOR_SET).unwrap();
    let paths = fs::read_dir(root().join("tests/golden")).unwrap().map(|entry| entry.unwrap().path());
    let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    texts
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), Golden::read(&text, &types))
        })
        .collect()
}

impl Golden {
    fn read(text: &str, types: &Types) -> Self {
        let recorded = Recorded::parse(text).unwrap();
        let transcript = Transcript::read(&recorded, types);
        let mut checker = Checker::new(recorded.late);
        let mut rules = BTreeSet::new();
        for event in &transcript.events {
            collect(&transcript.tree(event), &mut rules);
            rules.extend(checker.check(event).iter().map(|verdict| verdict.rule));
        }
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Golden { text: lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" "), rules }
    }

    /// Whether its bytes are explained by the rule, or break it.
    fn is_about(&self, rule: &str) -> bool {
        self.rules.contains(rule)
    }

    /// Whether all these words stand in it, one after the other.
    fn has(&self, words: &[&str]) -> bool {
        let mut rest = &self.text[..];
        words.iter().all(|words| rest.split_once(words).map(|(_, after)| rest = after).is_some())
    }
}

/// The rules of a span, of all in it, and of the panes beside them.
fn collect(span: &Span, rules: &mut BTreeSet<&'static str>) {
    span.walk(&mut |span, _| {
        rules.extend(span.what.rule());
        span.pane.iter().flat_map(|pane| &pane.spans).for_each(|span| collect(span, rules));
    });
}

/// What is wrong with where a rule is said to be in bytes.
pub fn wrong(rule: &Rule, golden: &BTreeMap<String, Golden>) -> Vec<String> {
    let words = WORDS.iter().find(|(id, _)| *id == rule.id).map(|(_, words)| *words);
    let shows = |golden: &Golden| golden.is_about(rule.id) || words.is_some_and(|words| golden.has(words));
    let wrong: Vec<String> = match rule.bytes {
        InBytes::Nowhere(reason) => {
            let is_reason = !reason.is_empty() && !reason.contains('|') && !reason.ends_with('.');
            let no_reason = (!is_reason).then(|| format!("{reason:?} is no reason that a table can hold"));
            let shown = golden.iter().find(|(_, golden)| shows(golden));
            let shown = shown.map(|(name, _)| format!("it is said to be nowhere in bytes, but {name} shows it"));
            no_reason.into_iter().chain(shown).collect()
        }
        InBytes::Golden(names) if !(1..=3).contains(&names.len()) => {
            vec![format!("expected one to three transcripts, found {}", names.len())]
        }
        InBytes::Golden(names) => names
            .iter()
            .filter_map(|name| match golden.get(*name) {
                None => Some(format!("there is no tests/golden/{name}.txt")),
                Some(golden) => (!shows(golden)).then(|| format!("{name} does not show it")),
            })
            .collect(),
    };
    wrong.into_iter().map(|wrong| format!("{}: {wrong}", rule.id)).collect()
}
