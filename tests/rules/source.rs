//! The functions and the tests that a file has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Attribute, ImplItem, Item, ItemFn, TraitItem, Type};

/// What a file has.
#[derive(Debug, Default)]
pub struct Names {
    /// Functions, those of a type or a trait also with its name before them: `parse` and `Code::parse`. Those in a
    /// module of tests are none.
    pub functions: BTreeSet<String>,
    /// Tests, those of `proptest!` too.
    pub tests: BTreeSet<String>,
}

/// The names in a source that can be parsed.
pub fn names(text: &str) -> Names {
    let mut names = Names::default();
    if let Ok(file) = syn::parse_file(text) {
        names.add(&file.items);
    }
    names
}

impl Names {
    fn add(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Fn(it) => self.add_function(it),
                Item::Impl(it) => {
                    let functions = it.items.iter().filter_map(|item| match item {
                        ImplItem::Fn(it) => Some(it.sig.ident.to_string()),
                        _ => None,
                    });
                    self.add_of(owner(&it.self_ty), functions);
                }
                Item::Trait(it) => {
                    let functions = it.items.iter().filter_map(|item| match item {
                        TraitItem::Fn(it) => Some(it.sig.ident.to_string()),
                        _ => None,
                    });
                    self.add_of(Some(it.ident.to_string()), functions);
                }
                Item::Mod(it) => {
                    let mut inside = Names::default();
                    it.content.iter().for_each(|(_, items)| inside.add(items));
                    self.tests.extend(inside.tests);
                    if it.ident != "tests" {
                        self.functions.extend(inside.functions);
                    }
                }
                // What a macro makes is read as it is written: `macro_rules! constants` makes `Code::name`.
                Item::Macro(it) => self.add_tokens(it.mac.tokens.clone()),
                _ => {}
            }
        }
    }

    fn add_function(&mut self, function: &ItemFn) {
        let name = function.sig.ident.to_string();
        if function.attrs.iter().any(is_test) {
            self.tests.insert(name)
        } else {
            self.functions.insert(name)
        };
    }

    fn add_of(&mut self, owner: Option<String>, functions: impl Iterator<Item = String>) {
        for function in functions {
            self.functions.extend(owner.as_ref().map(|owner| format!("{owner}::{function}")));
            self.functions.insert(function);
        }
    }

    /// Functions in the tokens of a macro. One after `#[test]` is a test.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let (mut is_name, mut is_test) = (false, false);
        for token in tokens {
            match token {
                TokenTree::Ident(name) if is_name => {
                    let set = if is_test { &mut self.tests } else { &mut self.functions };
                    set.insert(name.to_string());
                    (is_name, is_test) = (false, false);
                }
                TokenTree::Ident(word) => is_name = word == "fn",
                TokenTree::Group(group) => {
                    let attribute = group.delimiter() == Delimiter::Bracket;
                    is_test |= attribute && group.stream().to_string() == "test";
                    self.add_tokens(group.stream());
                }
                _ => {}
            }
        }
    }
}

fn owner(of: &Type) -> Option<String> {
    let Type::Path(path) = of else { return None };
    path.path.segments.last().map(|segment| segment.ident.to_string())
}

fn is_test(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == "test")
}

/// The sources in a folder, with their paths below it, in order.
pub fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(folder, "", &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, below: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else if name.ends_with(".rs") {
            files.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

#[test]
fn functions_are_told_from_tests_wherever_they_stand() {
    let text = "fn free() {} struct A; impl A { fn own(&self) {} } impl<T> B for super::C<T> { fn of(&self) {} } \
                trait D { fn asked(&self); } macro_rules! m { () => { impl A { pub const fn made() {} } } } \
                #[cfg(test)] mod tests { fn helper() {} #[test] fn shown() {} #[tokio::test(start_paused = true)] \
                async fn awaited() {} proptest! { #[test] fn any(x: u8) { f(x) } } }";
    let names = names(text);
    let functions = ["A::own", "C::of", "D::asked", "asked", "free", "made", "of", "own"];
    assert_eq!(names.functions.iter().collect::<Vec<_>>(), functions);
    assert_eq!(names.tests.iter().collect::<Vec<_>>(), ["any", "awaited", "shown"]);
}
