//! Lines of code, told in the README's table of rooms.
//!
//! A line counts when it holds a token. Blank lines, comments, documentation and unit tests do not.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};

/// Counts the lines of a source from which documentation and unit tests are taken.
pub fn count(product: &TokenStream) -> usize {
    let mut lines = BTreeSet::new();
    collect(product.clone(), &mut lines);
    lines.len()
}

fn collect(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            lines.extend([group.span_open().start().line, group.span_close().end().line]);
            collect(group.stream(), lines);
        } else {
            lines.extend(token.span().start().line..=token.span().end().line);
        }
    }
}

/// The one in the middle, in the order of their size.
pub fn median(mut counts: Vec<usize>) -> usize {
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied().unwrap_or_default()
}

/// The marks around the table in the README.
const BEGIN: &str = "<!-- rooms -->";
const END: &str = "<!-- /rooms -->";

/// The README with the right figures in the last column of its table of rooms. `lines` has the lines of code of every
/// file by its path below `src/`.
///
/// In the first column stand names in backticks: `wire/` is all files of a folder, `status.rs` is one file. A row without
/// a name has the sum of all files. Every file belongs to one row.
pub fn rewritten(readme: &str, lines: &BTreeMap<String, usize>) -> Result<String, String> {
    let (before, rest) =
        readme.split_once(BEGIN).ok_or(format!("README.md has no {BEGIN} before its table of rooms"))?;
    let (table, after) = rest.split_once(END).ok_or(format!("README.md has no {END} after its table of rooms"))?;
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    let mut rows = Vec::new();
    for (at, row) in table.trim().lines().enumerate() {
        if at < 2 {
            rows.push(row.to_owned()); // what the columns are
            continue;
        }
        let cells: Vec<&str> = row.trim().trim_matches('|').split('|').collect();
        let (names, others) = cells
            .split_first()
            .filter(|(_, others)| !others.is_empty())
            .ok_or(format!("a row without columns: {row}"))?;
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        let mut sum = if names.is_empty() { lines.values().sum() } else { 0 };
        for name in names {
            let belongs = |path: &&String| path.as_str() == name || name.ends_with('/') && path.starts_with(name);
            let files: Vec<&String> = lines.keys().filter(belongs).collect();
            if files.is_empty() {
                return Err(format!("README.md's table of rooms has {name}, and there is no such file below src/"));
            }
            for file in files {
                if let Some(other) = told.insert(file, name) {
                    return Err(format!("README.md's table of rooms has src/{file} twice: as {other} and as {name}"));
                }
                sum += lines[file];
            }
        }
        let others = others[..others.len() - 1].iter().map(|cell| format!("{cell}|")).collect::<String>();
        rows.push(format!("|{}|{others} {} |", cells[0], thousands(sum)));
    }
    match lines.keys().find(|file| !told.contains_key(file.as_str())) {
        Some(file) => Err(format!("src/{file} is in no row of README.md's table of rooms")),
        None => Ok(format!("{before}{BEGIN}\n{}\n{END}{after}", rows.join("\n"))),
    }
}

fn thousands(count: usize) -> String {
    if count < 1000 { count.to_string() } else { format!("{},{:03}", count / 1000, count % 1000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_comments_documentation_and_unit_tests_do_not_count() {
        let text = "//! Room.\n\nuse a::b; // why\n\n/// A thing.\n#[derive(Debug)]\nstruct A {\n    // none\n    /// It.\n    b: u8,\n}\n\
                    /* a\n b */\nconst T: &str = \"x\n// y\n\";\n#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";
        // use, derive, struct, field, brace, and the three lines of the string
        assert_eq!(count(&crate::names::product(text).unwrap()), 8);
    }

    #[test]
    fn median_is_the_one_in_the_middle() {
        assert_eq!((median(vec![5, 1, 9]), median(vec![4]), median(vec![])), (5, 4, 0));
    }

    fn lines() -> BTreeMap<String, usize> {
        [("lib.rs", 20), ("status.rs", 100), ("wire/mod.rs", 30), ("wire/frame.rs", 1200)]
            .map(|(path, lines)| (path.to_owned(), lines))
            .into()
    }

    const README: &str = "# It\n<!-- rooms -->\n| room | what | lines |\n|---|---|---:|\n| [`wire/`](src/wire) | bytes, `x` | 7 |\n\
                          | `lib.rs`, `status.rs` | values | |\n| together | | 0 |\n<!-- /rooms -->\nmore | 7 |\n";

    #[test]
    fn figures_of_the_table_are_put_right_and_nothing_else() {
        let right = README
            .replace("`x` | 7 |", "`x` | 1,230 |")
            .replace("values | |", "values | 120 |")
            .replace("| 0 |", "| 1,350 |");
        assert_eq!(rewritten(README, &lines()).as_deref(), Ok(right.as_str()));
        assert_eq!(rewritten(&right, &lines()).as_deref(), Ok(right.as_str()));
    }

    #[test]
    fn a_table_that_does_not_fit_the_files_is_told() {
        let told = |from: &str, to: &str| rewritten(&README.replace(from, to), &lines()).unwrap_err();
        assert_eq!(told("<!-- rooms -->", ""), "README.md has no <!-- rooms --> before its table of rooms");
        assert_eq!(told("<!-- /rooms -->", ""), "README.md has no <!-- /rooms --> after its table of rooms");
        assert_eq!(told("`lib.rs`, ", ""), "src/lib.rs is in no row of README.md's table of rooms");
        assert_eq!(
            told("`lib.rs`", "`attic.rs`"),
            "README.md's table of rooms has attic.rs, and there is no such file below src/"
        );
        assert_eq!(
            told("`lib.rs`", "`wire/mod.rs`"),
            "README.md's table of rooms has src/wire/mod.rs twice: as wire/ and as wire/mod.rs"
        );
    }
}
