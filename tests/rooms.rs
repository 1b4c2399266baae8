//! The house rules that a reader relies on: who imports whom, and how much there is to read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, with the crates and rooms it may use. Its own name and `std` are always allowed.
const RULES: &[(&str, &[&str])] = &[
    ("wire", &["bytes", "http"]),
    ("status", &["bytes", "http", "wire", "metadata"]),
    ("metadata", &["bytes", "http", "wire"]),
    ("limits", &["wire"]),
    ("codec", &["bytes", "prost", "wire", "status"]),
    ("call", &["bytes", "h2", "http", "prost", "tokio", "codec", "limits", "metadata", "status", "wire"]),
    ("service", &["call", "prost", "status"]),
    ("connection", &["bytes", "h2", "limits", "socket2", "tokio"]),
    (
        "server",
        &[
            "bytes",
            "call",
            "connection",
            "h2",
            "http",
            "limits",
            "metadata",
            "service",
            "socket2",
            "status",
            "tokio",
            "tracing",
            "wire",
        ],
    ),
    (
        "client",
        &[
            "bytes",
            "call",
            "codec",
            "connection",
            "h2",
            "http",
            "limits",
            "prost",
            "rand",
            "server",
            "status",
            "tokio",
            "tracing",
            "wire",
        ],
    ),
    ("transcript", &["bytes", "http", "prost", "prost_types", "tokio", "tokio_util", "wire"]),
    ("route_guide", &["bytes", "call", "codec", "foldhash", "prost", "rand", "serde", "serde_json", "status", "tokio"]),
];

#[test]
fn each_room_imports_only_what_its_rule_allows() {
    let mut broken = Vec::new();
    for file in sources(Path::new("src")) {
        let room = room_of(&file);
        let Some((_, allowed)) = RULES.iter().find(|(name, _)| *name == room) else {
            assert!(["lib", "bin"].contains(&room.as_str()), "{} is in no room", file.display());
            continue;
        };
        for import in imports(&product(&fs::read_to_string(&file).unwrap())) {
            if import != "std" && import != room && !allowed.contains(&import.as_str()) {
                broken.push(format!("{} uses {import}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_call_connection_server_and_client_name_h2() {
    for (room, allowed) in RULES {
        assert_eq!(allowed.contains(&"h2"), ["call", "connection", "server", "client"].contains(room), "{room}");
    }
}

#[test]
fn binaries_use_the_public_api_alone() {
    for file in sources(Path::new("src/bin")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("crate::"), "{} reaches into the library", file.display());
        assert!(!text.contains("#[path"), "{} includes a file of the library", file.display());
    }
}

/// Comment lines and blank lines do not count: documentation is not what makes a source long.
#[test]
fn the_source_without_its_tests_stays_under_6000_lines_of_code() {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let code = |file: &PathBuf| product(&fs::read_to_string(file).unwrap()).lines().filter(is_code).count();
    let lines: usize = sources(Path::new("src")).iter().map(code).sum();
    assert!(lines < 6000, "{lines} lines of code (neither blank nor comment), expected fewer than 6,000 lines of code");
}

/// All Rust files below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The folder or file under `src` that `file` belongs to.
fn room_of(file: &Path) -> String {
    let below = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    below.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// A file without its unit tests, which stand at its foot.
fn product(text: &str) -> String {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

/// The crates and rooms that the file names in paths: after `use`, and in full paths such as `crate::wire::..`.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        for path in line.split("crate::").skip(1) {
            if let Some(room) = path.split(|c: char| !(c.is_alphanumeric() || c == '_')).next() {
                let is_macro = path[room.len()..].starts_with('!');
                if !room.is_empty() && !is_macro && !line.contains("$crate::") {
                    found.insert(room.to_owned());
                }
            }
        }
        let Some(path) = line.strip_prefix("pub use ").or_else(|| line.strip_prefix("use ")) else { continue };
        let first = path.split([':', ';', ' ']).next().unwrap();
        let local = ["crate", "super", "self"].contains(&first)
            || first.starts_with(char::is_uppercase)
            || text.contains(&format!("mod {first};"))
            || text.contains(&format!("mod {first} {{"));
        if !local && path.contains("::") {
            found.insert(first.to_owned());
        }
    }
    found
}
