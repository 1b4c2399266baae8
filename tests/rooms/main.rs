//! The house rules that a reader relies on: who imports whom, and how much there is to read.

mod circles;
mod lines;
mod names;
mod rules;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use rules::{Broken, Rule};
use tree::{File, Tree};

/// Each room, with the crates and the other rooms that it may use. `std` is always allowed.
const RULES: &[Rule] = &[
    Rule { room: "wire", crates: "bytes http", rooms: "" },
    Rule { room: "metadata", crates: "bytes http", rooms: "wire" },
    Rule { room: "status", crates: "bytes http", rooms: "metadata wire" },
    Rule { room: "limits", crates: "", rooms: "" },
    Rule { room: "memory", crates: "", rooms: "limits status" },
    Rule { room: "policy", crates: "rand serde_json", rooms: "limits metadata status wire" },
    Rule { room: "codec", crates: "bytes prost", rooms: "status wire" },
    Rule {
        room: "call",
        crates: "bytes futures_core h2 http tokio",
        rooms: "codec limits memory metadata policy status wire",
    },
    Rule { room: "service", crates: "prost", rooms: "call limits status" },
    Rule { room: "connection", crates: "h2 socket2 tokio", rooms: "limits wire" },
    Rule {
        room: "server",
        crates: "bytes h2 http rand socket2 tokio tracing",
        rooms: "call connection limits memory metadata service status wire",
    },
    Rule {
        room: "client",
        crates: "bytes h2 http tokio tracing",
        rooms: "call codec connection limits metadata policy service status wire",
    },
    Rule {
        room: "transcript",
        crates: "bytes flate2 http prost prost_types serde serde_json tokio tokio_util tracing",
        rooms: "wire",
    },
    Rule {
        room: "route_guide",
        crates: "foldhash prost rand serde serde_json terminal_size tokio",
        rooms: "call codec service status wire",
    },
];

/// The rooms whose code is a user's: they name of the others what is public.
const USERS: &[&str] = &["route_guide", "services"];

/// The most lines of code that a file may have, and the most that the one in the middle may have.
const LONGEST: usize = 300;
const MEDIAN: usize = 110;

#[test]
fn each_file_belongs_to_a_room_that_imports_only_what_its_rule_allows() {
    must_be_none(rules::imports(&library(), RULES));
}

#[test]
fn only_call_connection_server_and_client_name_h2() {
    for rule in RULES {
        assert_eq!(rule.allows("h2"), ["call", "connection", "server", "client"].contains(&rule.room), "{}", rule.room);
    }
}

#[test]
fn client_and_server_import_nothing_of_each_other() {
    for (room, other) in [("client", "server"), ("server", "client")] {
        assert!(RULES.iter().any(|rule| rule.room == room && !rule.allows(other)), "{room}");
    }
}

#[test]
fn there_is_no_circle_between_rooms() {
    must_be_none(rules::circles_of_rooms(&library()));
}

#[test]
fn there_is_no_circle_inside_a_room() {
    must_be_none(rules::circles_of_files(&library()));
}

#[test]
fn rooms_that_are_users_of_the_others_use_what_is_public() {
    must_be_none(rules::hidden(&library(), USERS));
}

#[test]
fn binaries_and_examples_use_the_public_api_alone() {
    must_be_none(rules::reaching(&library().binaries));
    let sources = tree::sources(&root().join("examples")).unwrap();
    let examples: Vec<File> = sources.iter().map(|(path, text)| File::parse(path, text).unwrap().0).collect();
    must_be_none(rules::included(&examples));
}

#[test]
fn no_file_of_the_product_includes_another_by_its_path() {
    let Tree { files, binaries, .. } = library();
    must_be_none(rules::included(files.iter().chain(&binaries)));
}

#[test]
fn the_longest_file_and_the_median_file_are_short() {
    must_be_none(too_long());
}

/// The figures are told, and nothing is asked of them. `UPDATE_TABLES=1` writes them.
#[test]
fn the_table_of_rooms_in_the_readme_has_the_right_figures() {
    must_be_none(table_of_rooms(std::env::var_os("UPDATE_TABLES").is_some()));
}

fn too_long() -> Vec<Broken> {
    let lines = lines_of_code();
    let long = lines.iter().filter(|(_, lines)| **lines >= LONGEST).map(|(path, lines)| Broken {
        what: format!("src/{path} is long"),
        evidence: format!("{lines} lines of code, expected fewer than {LONGEST}"),
    });
    let mut broken: Vec<Broken> = long.collect();
    let median = lines::median(lines.into_values().collect());
    if median >= MEDIAN {
        let evidence = format!("{median} lines of code, expected fewer than {MEDIAN}");
        broken.push(Broken { what: "the median file is long".to_owned(), evidence });
    }
    broken
}

fn table_of_rooms(update: bool) -> Vec<Broken> {
    let path = root().join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let what = match lines::rewritten(&text, &lines_of_code()) {
        Ok(right) if right == text => return Vec::new(),
        Ok(right) if update => {
            fs::write(path, right).unwrap();
            return Vec::new();
        }
        Ok(_) => "README.md's table of rooms has old figures".to_owned(),
        Err(what) => what,
    };
    vec![Broken { what, evidence: "UPDATE_TABLES=1 cargo test --test rooms writes the figures".to_owned() }]
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn library() -> Tree {
    Tree::read(&root().join("src")).unwrap()
}

/// The lines of code of every file by its path below `src/`.
fn lines_of_code() -> BTreeMap<String, usize> {
    let Tree { files, binaries, .. } = library();
    files.into_iter().chain(binaries).map(|file| (file.path, file.lines)).collect()
}

fn must_be_none(broken: Vec<Broken>) {
    let told: Vec<String> = broken.iter().map(|it| format!("{}\n    {}", it.what, it.evidence)).collect();
    assert!(told.is_empty(), "\n{}\n", told.join("\n"));
}
