//! docs/threats.md has two rows for each attack: what stops it, and what it costs.

use std::fs;
use std::path::Path;

use crate::NAMES;

#[test]
fn each_attack_has_its_row_in_both_tables_of_threats_and_each_row_its_test() {
    let text = fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let [stops, costs] = &tables(&text)[..] else { panic!("docs/threats.md has not two tables") };
    let named = |table: &[Vec<&str>], column: fn(&[&str]) -> usize| -> Vec<String> {
        table[2..].iter().map(|row| row[column(row)].trim_matches('`').to_owned()).collect()
    };
    assert_eq!(named(stops, |row| row.len() - 1), NAMES, "left the rows, right the tests");
    assert_eq!(named(costs, |_| 0), NAMES, "left the rows of what attacks cost, right the tests");
    for table in [stops, costs] {
        for row in table {
            let whole = row.len() == table[0].len() && row.iter().all(|cell| !cell.is_empty());
            assert!(whole, "this row has empty cells: {row:?}");
        }
    }
}

#[test]
fn what_stops_an_attack_is_in_the_source_by_its_name() {
    let (text, source) = (fs::read_to_string(root().join("docs/threats.md")).unwrap(), source(&root().join("src")));
    for row in &tables(&text)[0] {
        let parts: Vec<&str> = row[2].split('`').collect();
        // What stands in backticks, but for what is h2's.
        for pair in parts.chunks(2).filter(|pair| pair.len() == 2 && !pair[0].ends_with("h2's ")) {
            let name = pair[1].rsplit("::").next().unwrap().trim_start_matches("--").replace('-', "_");
            assert!(source.contains(&name), "there is no {name} in the source: {row:?}");
        }
    }
}

/// The rows of each table, with those of its head.
fn tables(text: &str) -> Vec<Vec<Vec<&str>>> {
    let lines: Vec<&str> = text.lines().collect();
    let parts = lines.split(|line| !line.starts_with('|')).filter(|part| !part.is_empty());
    parts.map(|part| part.iter().map(|row| cells(row)).collect()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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
