//! `docs/rules.md` as it must be.

use std::fmt::Write;

use h2grpc::wire::rules::{self, BY_H2, BY_PROST, READ_ONLY, Source};

const BEGIN: &str = "\
# The rules

The rules of the specifications that this crate keeps: of each one who keeps it and which tests show it. The rules are told in
our own words; the specification is what counts. A comment in the source that cites a specification names its rule, so that one
can go from the sentence to the function, from there to the test, and to the bytes. `UPDATE_TABLES=1 cargo test --test rules`
writes this document from `src/wire/rules/`. The test fails when a function or a test named here does not exist.
";

pub fn text() -> String {
    let mut text = BEGIN.to_owned();
    for source in Source::ALL {
        let of: Vec<_> = rules::all().filter(|rule| rule.source == source).collect();
        write!(text, "\n## {}\n\n{} rules of [{}]({}).\n\n", source.title(), of.len(), source.title(), source.url())
            .unwrap();
        let has_transcripts = rules::all().any(|rule| !rule.transcripts.is_empty());
        let (head, line) = if has_transcripts { (" bytes |", "---|") } else { ("", "") };
        write!(text, "| rule | section | what it says | kept by | shown by |{head}\n|---|---|---|---|---|{line}\n")
            .unwrap();
        for rule in of {
            let kept: Vec<String> = rule.kept.iter().map(|kept| keeper(kept)).collect();
            let tests: Vec<String> = rule.tests.iter().map(|test| linked(test)).collect();
            write!(
                text,
                "| `{}` | {} | {} | {} | {} |",
                rule.id,
                rule.section,
                rule.text,
                kept.join(", "),
                tests.join(", ")
            )
            .unwrap();
            if has_transcripts {
                let transcripts = rule.transcripts.iter().map(|file| format!("[`{}`](../{file})", name_of(file)));
                let transcripts: Vec<String> = transcripts.collect();
                let cell = if transcripts.is_empty() { "none".to_owned() } else { transcripts.join(", ") };
                write!(text, " {cell} |").unwrap();
            }
            text.push('\n');
        }
    }
    text
}

fn keeper(kept: &str) -> String {
    match kept {
        BY_H2 => "the crate h2".to_owned(),
        BY_PROST => "the crate prost".to_owned(),
        READ_ONLY => "explained by the [transcript](../src/transcript)".to_owned(),
        _ => linked(kept),
    }
}

/// A function or a test, with a link to its file.
fn linked(place: &str) -> String {
    match place.split_once("::") {
        Some((file, name)) => format!("[`{}::{name}`](../{file})", short(file)),
        None => format!("`{place}`"),
    }
}

/// A file as a reader of the table wants it: without the folder that all of its kind are in.
fn short(file: &str) -> &str {
    let below = file.strip_prefix("src/").or_else(|| file.strip_prefix("tests/")).unwrap_or(file);
    below.trim_end_matches(".rs")
}

fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file).trim_end_matches(".txt")
}
