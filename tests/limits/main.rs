//! `docs/limits.md` tells of every limit what it is, which flag sets it, what the peer sees when it is reached, and which
//! test shows that. It is written from `src/limits.rs` and from the rows of `server_rows.rs` and `client_rows.rs`: what it
//! says is there.

mod client_rows;
mod server_rows;
mod source;
mod table;
mod worst_case;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use source::Limit;
use table::{Row, rows};

const DOCUMENT: &str = "docs/limits.md";

#[test]
fn every_limit_has_its_row_with_a_flag_that_exists_and_tests_that_exist() {
    let limits = limits();
    assert!(limits.len() > 30, "only {} limits were found in src/limits.rs", limits.len());
    let mut wrong = Vec::new();
    for limit in &limits {
        let count = rows().filter(|row| row.is_of(limit)).count();
        if count != 1 {
            wrong.push(format!("{} of src/limits.rs has {count} rows in tests/limits, expected one", limit.path()));
        }
    }
    for row in rows() {
        if !limits.iter().any(|limit| row.is_of(limit)) {
            wrong.push(format!("there is a row for {}::{}, but src/limits.rs has no such limit", row.set, row.limit));
        }
        wrong.extend(wrong_with(row));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_document_tells_the_limits_as_they_are() {
    let expected = document();
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
            "{DOCUMENT} is not what the source says; UPDATE_TABLES=1 cargo test --test limits writes it\n\
            expected: {expected}\n   found: {found}"
        );
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: impl Into<PathBuf>) -> Option<String> {
    fs::read_to_string(root().join(file.into())).ok()
}

fn limits() -> Vec<Limit> {
    source::limits(&read("src/limits.rs").expect("there is src/limits.rs"))
}

/// Which cells of a row are empty, or name a test or a flag that does not exist.
fn wrong_with(row: &Row) -> Vec<String> {
    let mut wrong = Vec::new();
    let of = format!("the row of {}::{}", row.set, row.limit);
    if row.sees.trim().is_empty() || row.tests.is_empty() {
        wrong.push(format!("{of} does not say what the peer sees, or has no test"));
    }
    for (file, name) in row.tests {
        let text = read(*file).unwrap_or_default();
        if !source::has_test(&text, name) {
            wrong.push(format!("{of} names the test {name}, but {file} has no such test"));
        }
    }
    if let Some((program, flag)) = row.flag {
        let file = match program {
            "server" => "src/bin/server/main.rs",
            _ => "src/bin/client/options.rs",
        };
        let tests = format!("tests/{program}_program.rs");
        if !row.tests.iter().any(|(file, _)| *file == tests) {
            wrong.push(format!("{of} names no test of {tests} that shows that {flag} is applied"));
        }
        let flags = source::flags(&read(file).unwrap_or_default());
        if !flags.iter().any(|known| known == flag) {
            wrong.push(format!("{of} names the flag {flag} of {program}, but {file} has only {flags:?}"));
        }
    }
    wrong
}

fn document() -> String {
    let limits = limits();
    let mut text = BEGIN.to_owned();
    for (set, title) in table::SETS {
        write!(text, "\n## {title}\n\n").unwrap();
        text += "| limit | default | what it bounds, and why this number | flag | what the peer sees | shown by |\n";
        text += "|---|---|---|---|---|---|\n";
        for limit in limits.iter().filter(|limit| limit.set == *set) {
            let row = rows().find(|row| row.is_of(limit)).unwrap_or_else(|| panic!("{} has no row", limit.path()));
            line(&mut text, limit, row);
        }
    }
    text + &worst_case::text()
}

const BEGIN: &str = "\
# The limits

Everything that a peer can make a server or a client hold, do or wait for has a limit for one call or one connection, and memory one
for all. What that adds up to stands at the end. This document is written by
`UPDATE_TABLES=1 cargo test --test limits` from `src/limits.rs` and `tests/limits/`. The test fails when a limit, a flag or a test
named here does not exist. A program that uses the library sets `Limits`, `ClientLimits` and `MethodLimits` in code; the flags are
those of the binaries `server` and `client`.
";

fn line(text: &mut String, limit: &Limit, row: &Row) {
    let flag = row.flag.map_or("none".to_owned(), |(program, flag)| format!("`{program} {flag}`"));
    let tests: Vec<String> = row.tests.iter().map(|(file, name)| format!("`{file}`: `{name}`")).collect();
    let default = limit.default.in_words(table::COUNTS.contains(&limit.name.as_str()));
    let cells = [&format!("`{}`", limit.name), &default, &limit.reason, &flag, row.sees, &tests.join("; ")];
    for cell in cells {
        assert!(!cell.is_empty() && !cell.contains('|'), "a cell of {} is empty or has a |", limit.path());
        write!(text, "| {cell} ").unwrap();
    }
    text.push_str("|\n");
}
