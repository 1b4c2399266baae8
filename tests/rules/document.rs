//! `docs/rules.md` as it must be.

use std::fmt::Write;

use h2grpc::wire::rules::{self, BY_H2, BY_PROST, InBytes, READ_ONLY, Source};

const BEGIN: &str = "\
# The rules

The rules of the specifications that this crate keeps: of each one who keeps it, which tests show it, and which
[golden transcripts](../tests/golden) have it in bytes. A transcript has a rule in bytes when bytes in it follow the rule or
break it. Where none has, the table says why. The rules are told in our own words; the specification is what counts. A comment in
the source that cites a specification names its rule, so that one can go from the sentence to the function, from there to the
test, and to the bytes. `UPDATE_TABLES=1 cargo test --test rules` writes this document from `src/wire/rules/`. The test fails when
a function, a test or a transcript named here does not exist, or when a transcript does not show its rule.
";

pub fn text() -> String {
    let mut text = BEGIN.to_owned();
    for source in Source::ALL {
        let of: Vec<_> = rules::all().filter(|rule| rule.source == source).collect();
        write!(text, "\n## {}\n\n{} rules of [{}]({}).\n\n", source.title(), of.len(), source.title(), source.url())
            .unwrap();
        text.push_str("| rule | section | what it says | kept by | shown by | in bytes |\n|---|---|---|---|---|---|\n");
        for rule in of {
            let kept: Vec<String> = rule.kept.iter().map(|kept| keeper(kept)).collect();
            let tests: Vec<String> = rule.tests.iter().map(|test| linked(test)).collect();
            let (kept, tests, bytes) = (kept.join(", "), tests.join(", "), in_bytes(rule.bytes));
            let (id, section, says) = (rule.id, rule.section, rule.text);
            writeln!(text, "| `{id}` | {section} | {says} | {kept} | {tests} | {bytes} |").unwrap();
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

fn in_bytes(bytes: InBytes) -> String {
    match bytes {
        InBytes::Golden(names) => {
            let links: Vec<String> =
                names.iter().map(|name| format!("[`{name}`](../tests/golden/{name}.txt)")).collect();
            links.join(", ")
        }
        InBytes::Nowhere(reason) => format!("none: {reason}"),
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
