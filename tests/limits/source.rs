//! Reads the limits, the flags and the tests from the source.

use std::collections::BTreeMap;
use std::time::Duration;

use h2grpc::transcript::grouped;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, BinOp, Expr, Fields, Ident, Item, Lit, Meta, Token, Type, UnOp, Visibility, braced};

/// A limit as `src/limits.rs` has it.
pub struct Limit {
    /// The struct that it is a field of, or `constants`.
    pub set: String,
    pub name: String,
    pub default: Value,
    /// The first paragraph of its documentation.
    pub reason: String,
}

/// The value of a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    None,
    Flag(bool),
    Number(u128),
    Time(Duration),
}

impl Limit {
    pub fn path(&self) -> String {
        format!("{}::{}", self.set, self.name)
    }
}

impl Value {
    /// As a reader wants it: a number that is no count is one of bytes.
    pub fn in_words(self, is_count: bool) -> String {
        match self {
            Value::None => "not set".to_owned(),
            Value::Flag(is_set) => is_set.to_string(),
            Value::Time(time) if time.as_secs() >= 120 && time.as_secs() % 60 == 0 => {
                format!("{} min", time.as_secs() / 60)
            }
            Value::Time(time) if time.subsec_nanos() == 0 => format!("{} s", time.as_secs()),
            Value::Time(time) => format!("{} ms", time.as_millis()),
            Value::Number(count) if is_count => grouped(count),
            Value::Number(bytes) => in_bytes(bytes),
        }
    }
}

/// 2,097,152 is 2 MiB.
pub fn in_bytes(bytes: u128) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes >= 1 << 10 && bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        bytes => format!("{} bytes", grouped(bytes)),
    }
}

/// Every limit of `src/limits.rs`, in its order. Private constants bound what a user may set, and are none.
pub fn limits(text: &str) -> Vec<Limit> {
    let file = syn::parse_file(text).expect("src/limits.rs is Rust");
    let (mut limits, mut known) = (Vec::new(), BTreeMap::new());
    for item in &file.items {
        match item {
            Item::Const(it) => {
                let (name, default) = (it.ident.to_string(), value(&it.expr, &known));
                known.insert(name.clone(), default);
                if !matches!(it.vis, Visibility::Inherited) {
                    limits.push(Limit { set: "constants".to_owned(), name, default, reason: reason(&it.attrs) });
                }
            }
            // `limits! { .. }`
            Item::Macro(it) if it.ident.is_none() => {
                let Declared { set, fields } = it.mac.parse_body().expect("limits! declares fields with defaults");
                limits.extend(fields.into_iter().map(|Field { attrs, name, default }| Limit {
                    set: set.to_string(),
                    name: name.to_string(),
                    default: value(&default, &known),
                    reason: reason(&attrs),
                }));
            }
            // Of a struct that is declared by hand every field is an `Option` whose default is `None`.
            Item::Struct(it) if it.ident.to_string().ends_with("Limits") => {
                limits.extend(it.fields.iter().map(|field| Limit {
                    set: it.ident.to_string(),
                    name: field.ident.as_ref().expect("a limit has a name").to_string(),
                    default: Value::None,
                    reason: reason(&field.attrs),
                }));
            }
            _ => {}
        }
    }
    limits
}

struct Declared {
    set: Ident,
    fields: Vec<Field>,
}

struct Field {
    attrs: Vec<Attribute>,
    name: Ident,
    default: Expr,
}

impl Parse for Declared {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.call(Attribute::parse_outer)?;
        let set = input.parse()?;
        Ok(Declared { set, fields: fields(input)? })
    }
}

fn fields(input: ParseStream<'_>) -> syn::Result<Vec<Field>> {
    let inside;
    braced!(inside in input);
    let mut fields = Vec::new();
    while !inside.is_empty() {
        let (attrs, name) = (inside.call(Attribute::parse_outer)?, inside.parse()?);
        inside.parse::<Token![:]>()?;
        inside.parse::<Type>()?;
        inside.parse::<Token![=]>()?;
        fields.push(Field { attrs, name, default: inside.parse()? });
        inside.parse::<Token![;]>()?;
    }
    Ok(fields)
}

/// What an expression of `src/limits.rs` is worth.
fn value(expr: &Expr, known: &BTreeMap<String, Value>) -> Value {
    let number = |expr| match value(expr, known) {
        Value::Number(number) => number,
        other => panic!("{other:?} is no number"),
    };
    match expr {
        Expr::Lit(it) => match &it.lit {
            Lit::Int(it) => Value::Number(it.base10_parse().expect("an integer")),
            Lit::Bool(it) => Value::Flag(it.value),
            _ => panic!("a literal that is neither a number nor a flag"),
        },
        Expr::Paren(it) => value(&it.expr, known),
        Expr::Binary(it) => {
            let (left, right) = (number(&it.left), number(&it.right));
            Value::Number(match it.op {
                BinOp::Mul(_) => left * right,
                BinOp::Sub(_) => left - right,
                BinOp::Shl(_) => left << right,
                BinOp::Shr(_) => left >> right,
                _ => panic!("an operator that tests/limits/source.rs does not know"),
            })
        }
        Expr::Unary(it) if matches!(it.op, UnOp::Neg(_)) => panic!("a limit below zero"),
        Expr::Path(it) => {
            let name = it.path.segments.last().expect("a path has a last part").ident.to_string();
            match name.as_str() {
                "None" => Value::None,
                "MAX" => Value::Number(usize::MAX as u128),
                _ => known[&name],
            }
        }
        Expr::Call(it) => {
            let Expr::Path(function) = &*it.func else { panic!("a call of what has no name") };
            let name = function.path.segments.last().expect("a path has a last part").ident.to_string();
            match name.as_str() {
                "Some" => value(&it.args[0], known),
                "from_secs" => Value::Time(Duration::from_secs(number(&it.args[0]) as u64)),
                "from_millis" => Value::Time(Duration::from_millis(number(&it.args[0]) as u64)),
                _ => panic!("{name} is a function that tests/limits/source.rs does not know"),
            }
        }
        _ => panic!("an expression that tests/limits/source.rs does not know"),
    }
}

/// The first paragraph of a documentation, in one line, with its links as plain code.
fn reason(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(it) if it.path.is_ident("doc") => match &it.value {
            Expr::Lit(it) => match &it.lit {
                Lit::Str(it) => Some(it.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let paragraph = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    without_links(&paragraph)
}

/// ``[`a`](b)`` and ``[`a`]`` as `` `a` ``.
fn without_links(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((name, after)) = link.split_once("`]") else { break };
        plain += &format!("{before}`{name}`");
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain + rest
}

/// The long flags that a program's structs declare.
pub fn flags(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("a program is Rust");
    let mut flags = Vec::new();
    for item in &file.items {
        let Item::Struct(it) = item else { continue };
        let Fields::Named(fields) = &it.fields else { continue };
        for field in &fields.named {
            let is_long = |attr: &Attribute| match &attr.meta {
                Meta::List(it) => {
                    it.path.is_ident("arg") && it.tokens.to_string().split([',', ' ']).any(|word| word == "long")
                }
                _ => false,
            };
            if let Some(name) = field.ident.as_ref().filter(|_| field.attrs.iter().any(is_long)) {
                flags.push(format!("--{}", name.to_string().replace('_', "-")));
            }
        }
    }
    flags
}

/// Whether a source has a test of this name.
pub fn has_test(text: &str, name: &str) -> bool {
    let Ok(file) = syn::parse_file(text) else { return false };
    tests(&file.items).iter().any(|test| test == name)
}

fn tests(items: &[Item]) -> Vec<String> {
    let mut names = Vec::new();
    for item in items {
        match item {
            Item::Fn(it)
                if it.attrs.iter().any(|attr| attr.path().segments.last().is_some_and(|last| last.ident == "test")) =>
            {
                names.push(it.sig.ident.to_string());
            }
            Item::Mod(it) => names.extend(it.content.iter().flat_map(|(_, items)| tests(items))),
            _ => {}
        }
    }
    names
}

#[test]
fn values_are_read_as_they_are_written() {
    let known = BTreeMap::from([("BATCH".to_owned(), Value::Number(16384))]);
    let read = |text: &str| value(&syn::parse_str(text).unwrap(), &known);
    assert_eq!(read("4 * BATCH"), Value::Number(65_536));
    assert_eq!(read("(1 << 31) - 1"), Value::Number(2_147_483_647));
    assert_eq!(read("Some(Duration::from_secs(15 * 60))").in_words(false), "15 min");
    assert_eq!(Value::Number(65_536).in_words(false), "64 KiB");
    assert_eq!(Value::Number(16_384).in_words(true), "16,384");
    assert_eq!(without_links("as [`a`](Self#b), and [`c`]."), "as `a`, and `c`.");
    assert_eq!(flags("struct O { #[arg(long, value_name = \"N\")] max_it: u32, #[arg(short)] no: u8 }"), ["--max-it"]);
    assert!(has_test("#[tokio::test] async fn one() {}", "one") && !has_test("fn one() {}", "one"));
}
