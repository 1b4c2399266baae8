//! `docs/reading.md` follows a unary call through the source, function by function, on the server and on the client. What
//! it says is there.

use std::fs;
use std::path::Path;

use syn::{ImplItem, Item, TraitItem, Type};

/// The most functions that a reader of a unary call has to go through on each side.
const MOST: usize = 16;

#[test]
fn a_unary_call_is_read_on_each_side_in_few_hops_and_straight_on() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/reading.md")).unwrap();
    let chapters = chapters(&text);
    let titles: Vec<&str> = chapters.iter().map(|(title, _)| *title).collect();
    assert_eq!(titles, ["The server's way", "The client's way"]);
    for (title, list) in chapters {
        let hops = hops(list).unwrap_or_else(|wrong| panic!("docs/reading.md, {title}: {wrong}"));
        assert!(!hops.is_empty(), "docs/reading.md, {title}: it lists nothing");
        let wrong = wrong(&hops, |file| fs::read_to_string(root.join(file)).ok());
        assert!(wrong.is_empty(), "docs/reading.md, {title}: {wrong:#?}");
    }
}

/// The README shows a part of it, which is compiled there.
#[test]
fn the_call_in_the_readme_is_the_one_in_the_guide_of_the_client() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let [readme, guide] = ["README.md", "docs/client.md"].map(|file| fs::read_to_string(root.join(file)).unwrap());
    let (_, section) = readme.split_once("\n## Calling a server\n\n```rust\n").expect("the section begins with a call");
    let (call, _) = section.split_once("```").unwrap();
    assert_eq!(call.lines().count(), 3);
    let indented: String = call.lines().map(|line| format!("    {line}\n")).collect();
    assert!(guide.contains(&indented), "docs/client.md does not have:\n{indented}");
}

/// The chapters of a text, each with its title. What stands before the first is no part of it.
fn chapters(text: &str) -> Vec<(&str, &str)> {
    text.split("\n## ").skip(1).filter_map(|chapter| chapter.split_once('\n')).collect()
}

/// A function that the reader comes to.
#[derive(Debug, PartialEq)]
struct Hop {
    file: String,
    /// `function`, `Type::function`, `Trait::function` or `macro!`.
    function: String,
}

/// The numbered items of a list, each beginning with a file and a function: ``1. `src/a.rs`: `Type::function` ``.
fn hops(list: &str) -> Result<Vec<Hop>, String> {
    let mut hops = Vec::new();
    for line in list.lines() {
        let Some((number, item)) = line.split_once(". ") else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        if number != hops.len() + 1 {
            return Err(format!("hop {number} comes after hop {}: {line}", hops.len()));
        }
        let expected = || format!("hop {number} has no file and function, as in `src/a.rs`: `function`: {line}");
        hops.push(parts(item).ok_or_else(expected)?);
    }
    Ok(hops)
}

fn parts(item: &str) -> Option<Hop> {
    let (file, rest) = item.strip_prefix('`')?.split_once("`: `")?;
    let (function, _) = rest.split_once('`')?;
    Some(Hop { file: file.to_owned(), function: function.to_owned() })
}

/// What is wrong with a list. `read` gives the text of a file, where there is such a file.
fn wrong(hops: &[Hop], read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    if hops.len() > MOST {
        wrong.push(format!("{} hops, expected at most {MOST}", hops.len()));
    }
    for (at, Hop { file, function }) in hops.iter().enumerate() {
        let number = at + 1;
        match read(file).filter(|_| file.starts_with("src/")) {
            None => wrong.push(format!("hop {number}: there is no file {file} below src/")),
            Some(text) if !defines(&text, function) => wrong.push(format!("hop {number}: {file} has no {function}")),
            Some(_) => {}
        }
        let was_left = at > 0 && hops[at - 1].file != *file && hops[..at].iter().any(|before| before.file == *file);
        if was_left {
            wrong.push(format!("hop {number} comes back to {file}"));
        }
    }
    wrong
}

/// Whether a source has a function of this name that is no test.
fn defines(text: &str, function: &str) -> bool {
    let Ok(source) = syn::parse_file(text) else { return false };
    defined(&source.items).iter().any(|name| name == function)
}

fn defined(items: &[Item]) -> Vec<String> {
    let mut names = Vec::new();
    for item in items {
        match item {
            Item::Fn(it) => names.push(it.sig.ident.to_string()),
            Item::Macro(it) => names.extend(it.ident.as_ref().map(|name| format!("{name}!"))),
            Item::Impl(it) => {
                let Type::Path(owner) = &*it.self_ty else { continue };
                let Some(owner) = owner.path.segments.last() else { continue };
                let functions =
                    it.items.iter().filter_map(|item| if let ImplItem::Fn(it) = item { Some(it) } else { None });
                names.extend(functions.map(|function| format!("{}::{}", owner.ident, function.sig.ident)));
            }
            Item::Trait(it) => {
                let functions =
                    it.items.iter().filter_map(|item| if let TraitItem::Fn(it) = item { Some(it) } else { None });
                names.extend(functions.map(|function| format!("{}::{}", it.ident, function.sig.ident)));
            }
            Item::Mod(it) if it.ident != "tests" => {
                names.extend(it.content.iter().flat_map(|(_, items)| defined(items)));
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(file: &str, function: &str) -> Hop {
        Hop { file: file.to_owned(), function: function.to_owned() }
    }

    #[test]
    fn a_hop_is_a_numbered_item_with_a_file_and_a_function() {
        let list =
            "# Title\n\nText 1. not an item\n\n1. `src/a.rs`: `f`. Takes it.\n   More.\n2. `src/b/c.rs`: `T::g`\n";
        assert_eq!(hops(list), Ok(vec![hop("src/a.rs", "f"), hop("src/b/c.rs", "T::g")]));
    }

    #[test]
    fn each_chapter_has_a_list_of_its_own() {
        let text = "# Title\n\n1. before\n\n## One\n1. `a`: `b`\n\n## Two\n\n1. `c`: `d`\n";
        assert_eq!(chapters(text), [("One", "1. `a`: `b`\n"), ("Two", "\n1. `c`: `d`\n")]);
    }

    #[test]
    fn an_item_that_can_not_be_read_is_told() {
        assert!(hops("1. src/a.rs: f").unwrap_err().starts_with("hop 1 has no file and function"));
        assert!(hops("1. `src/a.rs`: `f`\n3. `src/a.rs`: `g`").unwrap_err().starts_with("hop 3 comes after hop 1"));
    }

    #[test]
    fn a_function_is_found_by_the_name_of_its_type_or_trait() {
        let text = "fn free() {} struct A; impl A { fn own(&self) {} } impl<T> B for super::C<T> { fn of(&self) {} }
                    trait D { fn asked(&self); } macro_rules! m { () => { fn inner() {} } } mod n { fn deep() {} }
                    #[cfg(test)] mod tests { fn helper() {} } // fn comment()";
        let there = ["free", "A::own", "C::of", "D::asked", "m!", "deep"];
        let missing = ["own", "A::of", "B::of", "asked", "m", "inner", "helper", "comment", "A"];
        assert!(there.iter().all(|name| defines(text, name)));
        assert!(missing.iter().all(|name| !defines(text, name)));
        assert!(!defines("this is no Rust", "this"));
    }

    fn read(file: &str) -> Option<String> {
        ["src/a.rs", "src/b.rs"].contains(&file).then(|| "fn f() {} fn g() {}".to_owned())
    }

    #[test]
    fn a_list_that_goes_straight_on_is_right() {
        let hops = [hop("src/a.rs", "f"), hop("src/a.rs", "g"), hop("src/b.rs", "f")];
        assert_eq!(wrong(&hops, read), [""; 0]);
    }

    #[test]
    fn a_missing_file_a_missing_function_and_a_way_back_are_told() {
        let hops =
            [hop("src/a.rs", "h"), hop("src/b.rs", "f"), hop("src/c.rs", "f"), hop("src/a.rs", "f"), hop("b.rs", "f")];
        assert_eq!(
            wrong(&hops, read),
            [
                "hop 1: src/a.rs has no h",
                "hop 3: there is no file src/c.rs below src/",
                "hop 4 comes back to src/a.rs",
                "hop 5: there is no file b.rs below src/",
            ]
        );
    }

    #[test]
    fn seventeen_hops_are_too_many() {
        let hops: Vec<Hop> = (0..17).map(|_| hop("src/a.rs", "f")).collect();
        assert_eq!(wrong(&hops, read), ["17 hops, expected at most 16"]);
        assert_eq!(wrong(&hops[1..], read), [""; 0]);
    }
}
