//! docs/threats.md has a row for each attack.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn each_attack_has_its_row_in_the_table_of_threats_and_each_row_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let [head, _, attacks @ ..] = &rows[..] else { panic!("docs/threats.md has no table") };
    for row in attacks {
        assert!(
            row.len() == head.len() && row.iter().all(|cell| !cell.is_empty()),
            "this row has empty cells: {row:?}"
        );
    }
    let mut told: Vec<&str> = attacks.iter().map(|row| row[row.len() - 1].trim_matches('`')).collect();
    told.sort_unstable();
    assert_eq!(told, tests(&root.join("tests/attacks")).iter().collect::<Vec<_>>(), "left the rows, right the tests");
}

#[test]
fn what_stops_an_attack_is_in_the_source_by_its_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (text, source) = (fs::read_to_string(root.join("docs/threats.md")).unwrap(), source(&root.join("src")));
    for row in text.lines().filter(|line| line.starts_with('|')).map(cells) {
        let parts: Vec<&str> = row[2].split('`').collect();
        // What stands in backticks, but for what is h2's.
        for pair in parts.chunks(2).filter(|pair| pair.len() == 2 && !pair[0].ends_with("h2's ")) {
            let name = pair[1].rsplit("::").next().unwrap().trim_start_matches("--").replace('-', "_");
            assert!(source.contains(&name), "there is no {name} in the source: {row:?}");
        }
    }
}

/// The text of all files below `folder`, and their paths.
fn source(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all += path.to_str().unwrap();
        all += &if path.is_dir() { source(&path) } else { fs::read_to_string(&path).unwrap() };
    }
    all
}

fn cells(row: &str) -> Vec<&str> {
    row.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// The names of the asynchronous tests below `folder`: all of them are attacks.
fn tests(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let names = files.flat_map(|text| {
        let functions = text.split("\n#[tokio::test").skip(1);
        let names = functions.map(|function| function.split_once("async fn ").unwrap().1.split_once('(').unwrap().0);
        names.map(str::to_owned).collect::<Vec<_>>()
    });
    names.collect()
}
