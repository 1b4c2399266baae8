//! `docs/rules.md` tells of each rule of the specifications who keeps it and which tests show it. It is written from
//! `src/wire/rules/`: what it says is there, and what the source quotes is in it.

mod document;
mod quotes;
mod shown;
mod source;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use h2grpc::wire::rules::{self, BY_H2, BY_PROST, InBytes, READ_ONLY, Rule, Source};

const DOCUMENT: &str = "docs/rules.md";

#[test]
fn identifiers_are_well_formed_and_no_two_are_the_same() {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in rules::all() {
        *seen.entry(rule.id).or_default() += 1;
        let prefix = match rule.source {
            Source::ProtocolHttp2 => "grpc",
            Source::HttpStatusMapping => "status",
            Source::StatusCodes => "code",
            Source::Compression => "compression",
            Source::Keepalive => "keepalive",
            Source::ConnectionBackoff => "backoff",
            Source::Http2 => "h2",
            Source::Hpack => "hpack",
            Source::Protobuf => "protobuf",
        };
        if quotes::identifiers(&format!("rule {}", rule.id)) != [rule.id] {
            wrong
                .push(format!("{} is no identifier: expected small letters, digits and hyphens, and one dot", rule.id));
        }
        if rule.id.split('.').next() != Some(prefix) {
            wrong.push(format!("{} is of {}, whose identifiers begin with {prefix}.", rule.id, rule.source.title()));
        }
    }
    wrong
        .extend(seen.iter().filter(|(_, count)| **count > 1).map(|(id, count)| format!("{id} is there {count} times")));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen.len() > 200, "only {} rules", seen.len());
}

#[test]
fn rules_are_found_by_their_identifiers_and_all_specifications_have_some() {
    for rule in rules::all() {
        assert_eq!(rules::find(rule.id), Some(rule));
    }
    assert_eq!(rules::find("grpc.no-such-rule"), None);
    let mut sources: Vec<Source> = rules::all().map(|rule| rule.source).collect();
    sources.dedup();
    assert_eq!(sources, Source::ALL, "each specification once, in their order");
}

#[test]
fn whoever_keeps_a_rule_and_whatever_shows_it_is_there() {
    let mut files = Files::default();
    let mut wrong = Vec::new();
    for rule in rules::all() {
        wrong.extend(empty_cells(rule));
        for kept in rule.kept {
            wrong.extend(files.wrong_keeper(kept).map(|what| format!("{}: {what}", rule.id)));
        }
        for test in rule.tests {
            wrong.extend(files.wrong_test(test).map(|what| format!("{}: {what}", rule.id)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_golden_transcripts_of_a_rule_show_it() {
    let golden = shown::all();
    let mut wrong: Vec<String> = rules::all().flat_map(|rule| shown::wrong(rule, &golden)).collect();
    let ids = words::WORDS.iter().map(|(id, _)| *id);
    wrong.extend(ids.filter(|id| rules::find(id).is_none()).map(|id| format!("{id} has words and is no rule")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_transcript_that_does_not_show_its_rule_is_told() {
    let golden = shown::all();
    let told = |id: &str, bytes| shown::wrong(&Rule { bytes, ..*rules::find(id).unwrap() }, &golden).join("; ");
    assert_eq!(told("h2.ping", InBytes::Golden(&["goaway", "keepalive"])), "");
    assert_eq!(told("h2.ping", InBytes::Golden(&["cancel"])), "h2.ping: cancel does not show it");
    assert_eq!(told("grpc.timeout", InBytes::Golden(&["cancel"])), "grpc.timeout: cancel does not show it");
    assert_eq!(told("h2.ping", InBytes::Golden(&["pong"])), "h2.ping: there is no tests/golden/pong.txt");
    assert_eq!(told("h2.ping", InBytes::Golden(&[])), "h2.ping: expected one to three transcripts, found 0");
    assert_eq!(told("backoff.max", InBytes::Nowhere("")), "backoff.max: \"\" is no reason that a table can hold");
    let nowhere = InBytes::Nowhere("nobody sends one");
    assert_eq!(told("h2.ping", nowhere), "h2.ping: it is said to be nowhere in bytes, but goaway shows it");
}

/// The folder of the table itself.
const TABLE: &str = "wire/rules/";

#[test]
fn comments_that_quote_a_specification_name_rules_that_are_in_the_table() {
    let mut wrong = Vec::new();
    for (path, text) in source::files(&root().join("src")) {
        if !path.starts_with(TABLE) {
            wrong.extend(quotes::wrong(&text, |id| rules::find(id).is_some()).map(|what| format!("src/{path}:{what}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_transcript_explains_bytes_by_rules_that_are_in_the_table() {
    let prefixes: BTreeSet<&str> = rules::all().filter_map(|rule| rule.id.split('.').next()).collect();
    let mut wrong = Vec::new();
    let mut named = 0;
    for (path, text) in source::files(&root().join("src/transcript")) {
        // A literal such as "h2.settings-ack" is an identifier; others have a blank, or no prefix of these.
        let literals = text.split('"').skip(1).step_by(2).filter(|literal| {
            let name = literal.split_once('.').filter(|(prefix, _)| prefixes.contains(prefix)).map(|(_, name)| name);
            name.is_some_and(|name| {
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            })
        });
        for id in literals {
            named += 1;
            if rules::find(id).is_none() {
                wrong.push(format!("src/transcript/{path} names {id}, which is no rule"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(named > 50, "only {named} names");
}

#[test]
fn the_document_tells_the_rules_as_they_are() {
    let expected = document::text();
    let file = root().join(DOCUMENT);
    if std::env::var_os("UPDATE_TABLES").is_some() {
        fs::write(&file, &expected).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    if found != expected {
        let lines = expected.lines().zip(found.lines().chain(std::iter::repeat("")));
        let first = lines.into_iter().find(|(expected, found)| expected != found);
        let (expected, found) = first.unwrap_or(("no more lines", "more lines"));
        panic!(
            "{DOCUMENT} is not what the source says; UPDATE_TABLES=1 cargo test --test rules writes it\n\
            expected: {expected}\n   found: {found}"
        );
    }
}

#[test]
fn a_function_a_test_and_a_crate_that_are_not_there_are_told() {
    let mut files = Files::default();
    let told = |wrong: Option<String>| wrong.unwrap_or_default();
    assert_eq!(files.wrong_keeper("src/wire/head.rs::read_request"), None);
    assert_eq!(told(files.wrong_keeper("src/wire/head.rs::write_it")), "src/wire/head.rs has no function write_it");
    assert_eq!(told(files.wrong_keeper("src/wire/tail.rs::f")), "there is no file src/wire/tail.rs");
    assert_eq!(
        told(files.wrong_keeper("tests/rules/main.rs::f")),
        "tests/rules/main.rs::f is no function of a file below src/"
    );
    assert_eq!(told(files.wrong_test("tests/spec_server.rs::serve")), "tests/spec_server.rs has no test serve");
    assert!(is_dependency(BY_H2) && !is_dependency("hyper"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn empty_cells(rule: &Rule) -> Vec<String> {
    let cells = [("section", rule.section.is_empty()), ("text", rule.text.is_empty())];
    let lists = [("kept", rule.kept.is_empty()), ("tests", rule.tests.is_empty())];
    let empty = cells.into_iter().chain(lists).filter(|(_, is_empty)| *is_empty);
    let mut wrong: Vec<String> = empty.map(|(cell, _)| format!("{}: {cell} is empty", rule.id)).collect();
    if !rule.text.ends_with('.') || ["|", "  ", "- "].iter().any(|bad| rule.text.contains(bad)) {
        wrong.push(format!("{}: the text is no sentence that a table can hold: {}", rule.id, rule.text));
    }
    wrong
}

/// Files of this package that were read, with the functions and the tests that they have.
#[derive(Default)]
struct Files(BTreeMap<String, Option<source::Names>>);

impl Files {
    fn names(&mut self, file: &str) -> Option<&source::Names> {
        let read = || fs::read_to_string(root().join(file)).ok().map(|text| source::names(&text));
        self.0.entry(file.to_owned()).or_insert_with(read).as_ref()
    }

    fn wrong_keeper(&mut self, kept: &str) -> Option<String> {
        match kept {
            READ_ONLY => return (!root().join(kept).is_dir()).then(|| format!("there is no folder {kept}")),
            BY_H2 | BY_PROST => return (!is_dependency(kept)).then(|| format!("Cargo.toml has no dependency {kept}")),
            _ => {}
        }
        let Some((file, function)) = kept.split_once("::").filter(|(file, _)| file.starts_with("src/")) else {
            return Some(format!("{kept} is no function of a file below src/"));
        };
        match self.names(file) {
            None => Some(format!("there is no file {file}")),
            Some(names) => (!names.functions.contains(function)).then(|| format!("{file} has no function {function}")),
        }
    }

    fn wrong_test(&mut self, test: &str) -> Option<String> {
        let Some((file, name)) = test.split_once("::") else {
            return Some(format!("{test} is no test of a file"));
        };
        match self.names(file) {
            None => Some(format!("there is no file {file}")),
            Some(names) => (!names.tests.contains(name)).then(|| format!("{file} has no test {name}")),
        }
    }
}

fn is_dependency(name: &str) -> bool {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    manifest.lines().any(|line| line.starts_with(&format!("{name} =")))
}
