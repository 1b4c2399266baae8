//! A misspelt declaration does not compile, and the error stands at the line that is wrong and says what was expected.
//!
//! Each declaration below becomes a program of a package that is made for this test. One `cargo check` compiles them
//! all, and its messages are compared with what stands behind `//~`: words that the error at this line must have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use serde_json::Value;

/// The name of a case, and the rpcs of its declaration.
const RPCS: &[(&str, &str)] = &[
    (
        "missing_semicolon",
        "rpc Scan as scan (Item) returns (Item);
         /// A comment.
         rpc Total as total (Item) returns (Item) //~ expected `;` after this rpc
         rpc Last as last (Item) returns (Item);",
    ),
    ("braces_as_in_a_proto", "rpc Scan as scan (Item) returns (Item) {} //~ expected `;` after this rpc"),
    (
        "stream_behind_the_type",
        "rpc Scan as scan //~ expected one type, or `stream` and a type
             (Item stream)
             returns (Item);",
    ),
    (
        "two_types",
        "rpc Scan as scan (Item) returns (Item);
         rpc Total as total (Item) returns (Item, Item); //~ expected one type, or `stream` and a type",
    ),
    ("no_type", "rpc Scan as scan () returns (Item); //~ expected one type, or `stream` and a type"),
    (
        "missing_returns",
        "rpc Scan as scan (Item) (Item); //~ expected `returns` and the response
         rpc Total as total (Item) returns (Item);",
    ),
    (
        "missing_as",
        "rpc Scan as scan (Item) returns (Item);
         rpc Total (Item) returns (Item); //~ expected `as` and the method's name in Rust",
    ),
    (
        "misspelt_rpc",
        "rpc Scan as scan (Item) returns (Item);
         rcp Total as total (Item) returns (Item); //~ no rules expected `rcp`
         rpc Last as last (Item) returns (Item);",
    ),
    ("missing_parentheses", "rpc Scan as scan Item returns (Item); //~ no rules expected `Item`"),
    (
        "declared_twice",
        "rpc Scan as scan (Item) returns (Item);
         rpc Total as total (Item) returns (Item);
         rpc Scan as scan (Item) returns (Item); //~ the rpc Scan is declared more than once",
    ),
    (
        "declared_twice_under_two_names",
        "rpc Scan as scan (Item) returns (Item);
         rpc Scan as scan_again (Item) returns (Item); //~ the rpc Scan is declared more than once",
    ),
    (
        "called_into_service",
        "rpc IntoService as into_service (Item) returns (Item); //~ no rpc can be called `into_service`, as the trait has that; write another name after `as`",
    ),
    ("unknown_type", "rpc Scan as scan (Item) returns (stream Itme); //~ cannot find type `Itme`"),
];

/// The name of a case, and how its declaration begins.
const HEADS: &[(&str, &str)] = &[
    ("missing_client", "pub service Till(\"shop.Till\") { //~ expected `client` and the client's name"),
    ("path_as_name", "pub service Till(shop::Till) client TillClient { //~ expected the service's full name in quotes"),
    ("number_as_name", "pub service Till(42) client TillClient { //~ expected `&str`, found integer"),
    ("method_in_name", "pub service Till(\"shop.Till/Scan\") client TillClient {"),
];

/// The programs and their errors, by the names of their cases.
static PROGRAMS: LazyLock<BTreeMap<&str, String>> = LazyLock::new(|| {
    let right_head = "pub service Till(\"shop.Till\") client TillClient {";
    let right_rpc = "rpc Scan as scan (Item) returns (Item);";
    let rpcs = RPCS.iter().map(|(name, rpcs)| (*name, program(right_head, rpcs)));
    let heads = HEADS.iter().map(|(name, head)| (*name, program(head, right_rpc)));
    let many: String = (0..300).map(|n| format!("rpc Scan{n} as scan{n} (stream Item) returns (Item);\n")).collect();
    rpcs.chain(heads).chain([("many_rpcs", program(right_head, &many))]).collect()
});
static ERRORS: LazyLock<BTreeMap<String, Vec<CompileError>>> = LazyLock::new(|| check(&PROGRAMS));

#[test]
fn the_error_of_a_misspelt_declaration_stands_at_its_line() {
    for (name, text) in PROGRAMS.iter().filter(|(name, _)| **name != "many_rpcs") {
        let errors = ERRORS.get(*name).unwrap_or_else(|| panic!("{name} compiles"));
        for (line, words) in expected(text) {
            let found = errors.iter().any(|error| error.line == line && error.text.contains(words));
            assert!(found, "{name} has no error \"{words}\" at line {line}, but {errors:#?}");
        }
    }
}

/// The compiler lets a macro call itself 128 times.
#[test]
fn a_declaration_may_have_300_rpcs() {
    assert!(!ERRORS.contains_key("many_rpcs"), "{:#?}", ERRORS["many_rpcs"]);
}

/// The error of a constant points at the whole declaration.
#[test]
fn the_name_of_a_service_has_no_method() {
    let [error] = &ERRORS["method_in_name"][..] else { panic!("{:#?}", ERRORS["method_in_name"]) };
    assert!(error.text.contains("the service's name has a `/`"), "{}", error.text);
}

/// A declaration that is wrong brings an error or two, and not one for everything that was to be made of it.
#[test]
fn one_mistake_is_two_errors_at_most() {
    for (name, errors) in &*ERRORS {
        let brings_others = ["called_into_service", "declared_twice", "declared_twice_under_two_names", "unknown_type"];
        assert!(errors.len() <= 2 || brings_others.contains(&name.as_str()), "{name}: {errors:#?}");
    }
}

/// A whole program with one declaration.
fn program(head: &str, rpcs: &str) -> String {
    format!(
        "#[derive(Clone, PartialEq, prost::Message)]\npub struct Item {{}}\n\n\
         h2grpc::service! {{\n    /// A till.\n    {head}\n         {rpcs}\n    }}\n}}\n\nfn main() {{}}\n"
    )
}

/// The lines with `//~`, counted from 1, and the words behind.
fn expected(text: &str) -> Vec<(u64, &str)> {
    let lines = text.lines().zip(1..);
    lines.filter_map(|(line, number)| line.split_once("//~ ").map(|(_, words)| (number, words.trim()))).collect()
}

/// An error of the compiler: the line at which it begins, and what it says there.
#[derive(Clone, Debug)]
struct CompileError {
    line: u64,
    text: String,
}

/// The errors of each program.
fn check(programs: &BTreeMap<&str, String>) -> BTreeMap<String, Vec<CompileError>> {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("declarations");
    write_package(&package, programs);
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["check", "--bins", "--keep-going", "--offline", "--message-format=json"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .output()
        .unwrap();
    let mut errors: BTreeMap<String, Vec<CompileError>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let report: Value = serde_json::from_str(line).unwrap();
        let message = &report["message"];
        let text = message["rendered"].as_str().unwrap_or_default().to_owned();
        // The first place that a reader sees, such as ` --> src/bin/two_types.rs:8:24`. An error without a place counts the others.
        let place = text.split_once("--> src/bin/").and_then(|(_, place)| place.split(':').nth(1)?.parse().ok());
        if let (Some("error"), Some(line)) = (message["level"].as_str(), place) {
            let name = report["target"]["name"].as_str().unwrap().to_owned();
            errors.entry(name).or_default().push(CompileError { line, text });
        }
    }
    assert!(!errors.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    errors
}

/// Writes a package outside the workspace that has a program for each declaration.
fn write_package(package: &Path, programs: &BTreeMap<&str, String>) {
    let library = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let bins = package.join("src/bin");
    let _ = fs::remove_dir_all(&bins); // of an earlier run, if there was one
    fs::create_dir_all(&bins).unwrap();
    let manifest = format!(
        "[package]\nname = \"declarations\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         h2grpc = {{ path = {library:?}, default-features = false }}\nprost = \"0.14\"\n"
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(library.join("Cargo.lock"), package.join("Cargo.lock")).unwrap(); // the versions that are there already
    for (name, text) in programs {
        fs::write(bins.join(name).with_extension("rs"), text).unwrap();
    }
}
