//! Every path that a source names: in all forms of `use`, and in the code itself, also inside macros.
//!
//! It reads tokens, so strings and comments never look like code. Documentation and unit tests are left out first.

use std::collections::BTreeSet;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};

/// What a source names.
#[derive(Debug, Default)]
pub struct Names {
    pub names: Vec<Name>,
    /// The names that the code itself uses, outside of `use`: a re-export alone is none of them.
    pub words: BTreeSet<String>,
    /// It has a `#[path = ".."]`, which makes a module of any file.
    pub includes_by_path: bool,
}

/// One path that a source names.
#[derive(Debug)]
pub struct Name {
    /// The modules inside the file that it stands in, outermost first.
    pub inside: Vec<String>,
    /// Its segments. A leading `::` is a segment of its own; the `*` of a glob is none.
    pub path: Vec<String>,
    pub kind: Kind,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `use path as bound;`
    Use {
        bound: String,
        visible: Visible,
    },
    /// `use path::*;`
    Glob {
        visible: Visible,
    },
    Code,
    /// `path!(..)`
    Macro,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Visible {
    Here,
    Crate,
    Everywhere,
}

impl Name {
    /// Whether it is `pub use` in any form: the file names it for others.
    pub fn is_reexport(&self) -> bool {
        matches!(self.kind, Kind::Use { visible, .. } | Kind::Glob { visible } if visible != Visible::Here)
    }
}

/// The tokens of a source without its documentation and its unit tests.
pub fn product(text: &str) -> Result<TokenStream, String> {
    let tokens = TokenStream::from_str(text).map_err(|error| error.to_string())?;
    Ok(stripped(tokens))
}

fn stripped(tokens: TokenStream) -> TokenStream {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at..];
        if let Some(len) = documentation(rest).or_else(|| unit_tests(rest)) {
            at += len;
            continue;
        }
        kept.push(match token {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), stripped(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other.clone(),
        });
        at += 1;
    }
    kept.into_iter().collect()
}

/// How many tokens `#[doc = ..]` or `#![doc = ..]` has, which is what a documentation comment is.
fn documentation(tokens: &[TokenTree]) -> Option<usize> {
    let is_doc = |group: &Group| matches!(&inside(group)[..], [TokenTree::Ident(doc), equals, ..] if doc == "doc" && is(equals, '='));
    match tokens {
        [hash, TokenTree::Group(group), ..] if is(hash, '#') && is_doc(group) => Some(2),
        [hash, not, TokenTree::Group(group), ..] if is(hash, '#') && is(not, '!') && is_doc(group) => Some(3),
        _ => None,
    }
}

/// How many tokens `#[cfg(test)] mod tests { .. }` or `#[cfg(test)] mod tests;` has, with other attributes and `pub`.
fn unit_tests(tokens: &[TokenTree]) -> Option<usize> {
    let [hash, TokenTree::Group(attribute), ..] = tokens else { return None };
    if !is(hash, '#') || attribute.stream().to_string().replace(' ', "") != "cfg(test)" {
        return None;
    }
    let mut at = 2;
    loop {
        match &tokens[at..] {
            [hash, TokenTree::Group(_), ..] if is(hash, '#') => at += 2,
            [word, TokenTree::Group(_), ..] if is_word(word, "pub") => at += 2,
            [word, ..] if is_word(word, "pub") => at += 1,
            [word, _, body, ..] if is_word(word, "mod") && (is(body, ';') || is_block(body)) => return Some(at + 3),
            _ => return None,
        }
    }
}

/// Everything that `product` names.
pub fn names(product: TokenStream) -> Names {
    let mut names = Names::default();
    names.read(product, &[]);
    names
}

impl Names {
    fn read(&mut self, tokens: TokenStream, inside: &[String]) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at += self.step(&tokens, at, inside);
        }
    }

    /// Reads what begins at a token, and gives how many tokens that were.
    fn step(&mut self, tokens: &[TokenTree], at: usize, inside: &[String]) -> usize {
        match &tokens[at..] {
            [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Group(body), ..]
                if word == "mod" && body.delimiter() == Delimiter::Brace =>
            {
                self.read(body.stream(), &[inside, &[plain(name)]].concat());
                3
            }
            [TokenTree::Ident(word), TokenTree::Ident(_), ..] if word == "mod" => 2,
            // `use<'a>` says what an `impl Trait` captures.
            [TokenTree::Ident(word), next, ..] if word == "use" && !is(next, '<') => {
                let mut tree = UseTree { visible: visible(&tokens[..at]), inside, names: &mut self.names };
                1 + tree.read(&tokens[at + 1..], &[])
            }
            [TokenTree::Ident(first), TokenTree::Ident(second), TokenTree::Ident(name), ..]
                if first == "extern" && second == "crate" =>
            {
                let kind = Kind::Use { bound: plain(name), visible: Visible::Here };
                self.push(inside, vec!["::".to_owned(), plain(name)], kind, name);
                3
            }
            // `$crate::x` is the macro's own, and `$x::y` is whatever the macro is given.
            [dollar, TokenTree::Ident(_), ..] if is(dollar, '$') => 1 + segments(&tokens[at + 1..]).1,
            [TokenTree::Ident(first), ..] => {
                let (path, len) = segments(&tokens[at..]);
                let is_own = at > 0 && (is(&tokens[at - 1], '.') || is_word(&tokens[at - 1], "fn"));
                if !is_own {
                    self.words.insert(path[0].clone());
                }
                self.path(inside, path, first, &tokens[at + len..]);
                len
            }
            [colon, second, TokenTree::Ident(first), ..] if is(colon, ':') && is(second, ':') => {
                let (path, len) = segments(&tokens[at + 2..]);
                // After `Vec<u8>` or `<T as Trait>` the path goes on; after `->` and `=>` one begins.
                let goes_on = at > 0 && is(&tokens[at - 1], '>') && !(at > 1 && is_joint(&tokens[at - 2]));
                if !goes_on {
                    self.path(inside, [vec!["::".to_owned()], path].concat(), first, &tokens[at + 2 + len..]);
                }
                2 + len
            }
            [hash, TokenTree::Group(attribute), ..] if is(hash, '#') => {
                self.includes_by_path |= gives_path(attribute);
                1
            }
            [TokenTree::Group(group), ..] => {
                self.read(group.stream(), inside);
                1
            }
            _ => 1,
        }
    }

    /// A path in the code. One segment alone names nothing that is not there by a `use`.
    fn path(&mut self, inside: &[String], path: Vec<String>, first: &Ident, after: &[TokenTree]) {
        let is_macro = matches!(after, [not, next, ..] if is(not, '!') && !is(next, '='));
        if path.len() > 1 {
            self.push(inside, path, if is_macro { Kind::Macro } else { Kind::Code }, first);
        }
    }

    fn push(&mut self, inside: &[String], path: Vec<String>, kind: Kind, at: &Ident) {
        self.names.push(Name { inside: inside.to_vec(), path, kind, line: at.span().start().line });
    }
}

/// What comes after `use`.
struct UseTree<'a> {
    visible: Visible,
    inside: &'a [String],
    names: &'a mut Vec<Name>,
}

impl UseTree<'_> {
    /// Reads one tree below `prefix`, up to its comma or semicolon, and gives how many tokens it has.
    fn read(&mut self, tokens: &[TokenTree], prefix: &[String]) -> usize {
        let (mut path, mut bound, mut at) = (prefix.to_vec(), None, 0);
        let line = tokens.first().map_or(0, |token| token.span().start().line);
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    bound = tokens.get(at + 1).map(|name| name.to_string());
                    at += 1;
                }
                TokenTree::Ident(word) => path.push(plain(word)),
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    if path.is_empty() {
                        path.push("::".to_owned());
                        at += 1;
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    self.push(path, Kind::Glob { visible: self.visible }, line);
                    return at + 1;
                }
                TokenTree::Group(group) => {
                    let inner = inside(group);
                    let mut from = 0;
                    while from < inner.len() {
                        from += self.read(&inner[from..], &path) + 1; // and its comma
                    }
                    return at + 1;
                }
                // A macro's own, or what it is given.
                TokenTree::Punct(punct) if punct.as_char() == '$' => {
                    return tokens.iter().position(|token| is(token, ',') || is(token, ';')).unwrap_or(tokens.len());
                }
                _ => break,
            }
            at += 1;
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop(); // `a::{self}` names `a`
        }
        if let Some(last) = path.last().cloned() {
            self.push(path, Kind::Use { bound: bound.unwrap_or(last), visible: self.visible }, line);
        }
        at
    }

    fn push(&mut self, path: Vec<String>, kind: Kind, line: usize) {
        self.names.push(Name { inside: self.inside.to_vec(), path, kind, line });
    }
}

/// Whether an attribute has `path = ..`, by itself or in a `cfg_attr`.
fn gives_path(attribute: &Group) -> bool {
    let tokens = inside(attribute);
    let here = tokens.windows(2).any(|pair| is_word(&pair[0], "path") && is(&pair[1], '='));
    here || tokens.iter().any(|token| matches!(token, TokenTree::Group(inner) if gives_path(inner)))
}

/// What stands before a `use`.
fn visible(before: &[TokenTree]) -> Visible {
    match before {
        [.., word] if is_word(word, "pub") => Visible::Everywhere,
        [.., word, TokenTree::Group(_)] if is_word(word, "pub") => Visible::Crate,
        _ => Visible::Here,
    }
}

/// Words after which a path may begin with `::`. They are no part of it.
const KEYWORDS: [&str; 17] = [
    "as", "box", "break", "const", "dyn", "else", "for", "if", "impl", "in", "match", "move", "mut", "ref", "return",
    "where", "while",
];

/// The segments of the path at the beginning of `tokens`, and how many tokens that are.
fn segments(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let (mut path, mut len) = (Vec::new(), 0);
    while let Some(TokenTree::Ident(segment)) = tokens.get(len) {
        path.push(plain(segment));
        len += 1;
        if KEYWORDS.iter().any(|keyword| segment == keyword) {
            break;
        }
        match &tokens[len..] {
            [colon, second, TokenTree::Ident(_), ..] if is(colon, ':') && is_joint(colon) && is(second, ':') => {
                len += 2
            }
            _ => break,
        }
    }
    (path, len)
}

fn inside(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn plain(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

fn is(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_joint(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint)
}

fn is_word(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(word) if word == wanted)
}

fn is_block(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Names {
        names(product(text).unwrap())
    }

    /// The paths in the order of the source: `use` with what it binds, globs with a star, macros with an exclamation mark.
    fn paths(text: &str) -> Vec<String> {
        let text_of = |name: Name| {
            let path = name.path.join("::").replace("::::", "::");
            match name.kind {
                Kind::Use { bound, .. } if path.ends_with(&bound) => format!("use {path}"),
                Kind::Use { bound, .. } => format!("use {path} as {bound}"),
                Kind::Glob { .. } => format!("use {path}::*"),
                Kind::Code => path,
                Kind::Macro => format!("{path}!"),
            }
        };
        read(text).names.into_iter().map(text_of).collect()
    }

    #[test]
    fn every_form_of_use_is_seen() {
        assert_eq!(paths("use bytes::Bytes;"), ["use bytes::Bytes"]);
        assert_eq!(paths("use h2;"), ["use h2"]);
        assert_eq!(
            paths("use crate::{a::b, c::{d, e as f}};"),
            ["use crate::a::b", "use crate::c::d", "use crate::c::e as f"]
        );
        assert_eq!(
            paths("use crate::{\n    a::{\n        b,\n        c,\n    },\n};"),
            ["use crate::a::b", "use crate::a::c"]
        );
        assert_eq!(paths("use {a::b, ::c::d};"), ["use a::b", "use ::c::d"]);
        assert_eq!(paths("use super::super::x;"), ["use super::super::x"]);
        assert_eq!(paths("pub(crate) use a::b; pub(in crate::c) use d::e;")[..], ["use a::b", "crate::c", "use d::e"]);
        assert_eq!(paths("use a::b as _;"), ["use a::b as _"]);
        assert_eq!(paths("use a::{self, b};"), ["use a", "use a::b"]);
        assert_eq!(paths("use a::b::*; use a::{b::*, c};"), ["use a::b::*", "use a::b::*", "use a::c"]);
        assert_eq!(paths("use ::a::b; use r#type::x;"), ["use ::a::b", "use type::x"]);
        assert_eq!(paths("fn f() { use a::b; }"), ["use a::b"]);
        assert_eq!(paths("extern crate h2;"), ["use ::h2"]);
    }

    #[test]
    fn what_others_may_take_from_a_use_is_known() {
        let visible: Vec<_> = read("pub use a::b; pub(crate) use a::c; pub(super) use a::*; use a::d;")
            .names
            .iter()
            .map(Name::is_reexport)
            .collect();
        assert_eq!(visible, [true, true, true, false]);
    }

    #[test]
    fn full_paths_in_code_are_seen_wherever_they_stand() {
        assert_eq!(
            paths("fn f(a: http::Uri) -> ::core::option::Option<h2::Reason> { tokio::time::sleep(a) }"),
            ["http::Uri", "::core::option::Option", "h2::Reason", "tokio::time::sleep",]
        );
        assert_eq!(
            paths("#[derive(prost::Message)] struct A(crate::wire::Code);"),
            ["prost::Message", "crate::wire::Code"]
        );
        assert_eq!(paths("crate::service! { a::B }"), ["crate::service!", "a::B"]);
        assert_eq!(paths("fn f() { if a::B != c::D {} }"), ["a::B", "c::D"]);
        assert_eq!(paths("fn f() { tokio::select! { x = crate::a::b() => {} } }"), ["tokio::select!", "crate::a::b"]);
        assert_eq!(paths("fn f() -> impl A + use<'static> { Vec::<h2::Reason>::new() }"), ["h2::Reason"]);
        assert_eq!(paths("fn f() { <a::T as b::U>::new(); match x { _ => ::c::d() } }"), ["a::T", "b::U", "::c::d"]);
        assert_eq!(paths("fn f(x: &mut ::a::B, y: &dyn ::c::D) -> impl ::e::F {}"), ["::a::B", "::c::D", "::e::F"]);
    }

    #[test]
    fn what_a_macro_names_by_dollar_is_its_own() {
        assert_eq!(
            paths("macro_rules! m { ($A:ty) => { $crate::a::b($A::c(), d::e()); use $crate::x; use f::g; } }"),
            ["d::e", "use f::g"]
        );
    }

    #[test]
    fn strings_comments_documentation_and_unit_tests_are_no_code() {
        let text = r####"
            //! use a::b;
            #![doc = "crate::a"]
            // use a::b;
            /* crate::a::b */
            /// [`x`](crate::a::b)
            fn f() { "crate::a::b"; r#"use a::b;"# }
            #[cfg(test)]
            #[allow(dead_code)]
            pub(crate) mod fixtures;
            #[cfg(test)]
            mod tests { use a::b; }
        "####;
        assert_eq!(paths(text), [""; 0]);
    }

    #[test]
    fn a_name_knows_its_line_and_the_modules_that_it_stands_in() {
        let names = read("use a::b;\nmod x {\n    mod y {\n        use c::d;\n    }\n}\n").names;
        assert_eq!((names[0].line, names[1].line), (1, 4));
        assert_eq!(names[1].inside, ["x", "y"]);
    }

    #[test]
    fn a_module_that_is_included_by_its_path_is_seen() {
        assert!(read("#[path = \"x.rs\"] mod x;").includes_by_path);
        assert!(read("#[cfg_attr(unix, path = \"x.rs\")] mod x;").includes_by_path);
        assert!(!read("#[doc(hidden)] fn f(path: u8) { let path = 1; }").includes_by_path);
    }

    #[test]
    fn words_are_the_names_that_the_code_uses() {
        let words = read("pub use a::A; pub use a::B; fn c() -> B { x.d() }").words;
        assert!(words.contains("B"), "{words:?}");
        assert!(["A", "c", "d"].iter().all(|word| !words.contains(*word)), "{words:?}");
    }
}
