//! The library's modules: what each defines, what each takes from others, and where a path leads.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::slice::from_ref;

use syn::{ImplItem, Item, Visibility};

use crate::lines;
use crate::names::{self, Kind, Name, Names, Visible};

/// A module's path from the root of the crate.
pub type ModulePath = Vec<String>;

/// All sources below `src/`.
#[derive(Debug, Default)]
pub struct Tree {
    /// The library's files. Those of unit tests are not among them.
    pub files: Vec<File>,
    /// The files below `src/bin/`: each is a crate of its own, or a part of one.
    pub binaries: Vec<File>,
    modules: BTreeMap<ModulePath, Module>,
    /// The exported macros, and where they are defined.
    macros: BTreeMap<String, ModulePath>,
}

#[derive(Debug)]
pub struct File {
    /// As in `call/mod.rs`.
    pub path: String,
    pub module: ModulePath,
    pub names: Names,
    /// How many lines of code it has.
    pub lines: usize,
}

#[derive(Debug)]
struct Module {
    /// The file that it stands in.
    file: String,
    /// Its modules and items, also a type's functions as in `Type::function`, and whether they are `pub`.
    modules: BTreeMap<String, bool>,
    items: BTreeMap<String, bool>,
    uses: Vec<Use>,
}

#[derive(Debug)]
struct Use {
    path: Vec<String>,
    /// The name that it has here; none for a glob.
    bound: Option<String>,
    public: bool,
    reexport: bool,
}

/// Where a path begins.
#[derive(Debug, PartialEq)]
pub enum Target {
    /// In another crate. `std`, `core` and `alloc` are all `std`.
    Crate(String),
    /// In this crate, with the path from its root.
    Own(Vec<String>),
}

/// Where a path leads.
#[derive(Debug, PartialEq)]
pub enum Place {
    Crate(String),
    Module(ModulePath),
}

impl Tree {
    /// Reads the sources in a folder.
    pub fn read(src: &Path) -> Result<Tree, String> {
        let sources = sources(src)?;
        Tree::new(sources.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// Takes sources with their paths below `src/`.
    pub fn new<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Tree, String> {
        let mut tree = Tree::default();
        for (path, text) in sources {
            let (file, items) = File::parse(path, text)?;
            if path.starts_with("bin/") {
                tree.binaries.push(file);
                continue;
            }
            tree.add(&file, file.module.clone(), &items);
            tree.files.push(file);
        }
        // A module that is declared for unit tests alone is declared nowhere in the product.
        let Tree { files, modules, .. } = &mut tree;
        files.retain(|file| is_declared(modules, &file.module));
        Ok(tree)
    }

    fn add(&mut self, file: &File, path: ModulePath, items: &[Item]) {
        let inside = &path[file.module.len()..];
        let uses = file.names.names.iter().filter(|name| name.inside == inside).filter_map(Use::of).collect();
        let mut module = Module { file: file.path.clone(), modules: BTreeMap::new(), items: BTreeMap::new(), uses };
        for item in items {
            match item {
                Item::Mod(item) => {
                    module.modules.insert(item.ident.to_string(), is_public(&item.vis));
                    if let Some((_, items)) = &item.content {
                        self.add(file, [&path[..], &[item.ident.to_string()]].concat(), items);
                    }
                }
                Item::Macro(item) => {
                    let Some(name) = &item.ident else { continue };
                    if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")) {
                        self.macros.insert(name.to_string(), path.clone());
                    }
                    module.items.insert(name.to_string(), false);
                }
                other => module.items.extend(defined(other)),
            }
        }
        self.modules.insert(path, module);
    }

    /// The file that a module stands in.
    pub fn file_of(&self, module: &ModulePath) -> &str {
        self.modules.get(module).map_or("", |module| &module.file)
    }

    /// Where a name of a file begins; `None` where it begins with something that the file has by itself: a type, a
    /// primitive, a lint.
    pub fn target(&self, file: &File, name: &Name) -> Option<Target> {
        if let (Kind::Macro, [root, called]) = (&name.kind, &name.path[..])
            && root == "crate"
            && let Some(module) = self.macros.get(called)
        {
            return Some(Target::Own([&module[..], from_ref(called)].concat()));
        }
        self.begin(&[&file.module[..], &name.inside].concat(), &name.path)
    }

    fn begin(&self, from: &[String], path: &[String]) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let mut here = from.to_vec();
        match first.as_str() {
            "crate" => return Some(Target::Own(rest.to_vec())),
            "self" => return Some(Target::Own([from, rest].concat())),
            "super" => {
                here.pop();
                let up = rest.iter().take_while(|segment| *segment == "super").count();
                here.truncate(here.len().saturating_sub(up));
                return Some(Target::Own([&here[..], &rest[up..]].concat()));
            }
            "::" => return Some(Target::Crate(foreign(rest.first()?))),
            _ => {}
        }
        let module = self.modules.get(from)?;
        if module.modules.contains_key(first) || module.items.contains_key(first) {
            return Some(Target::Own([from, path].concat()));
        }
        // `use h2;` binds what it names: that is the crate.
        if let Some(found) = module.uses.iter().find(|it| it.bound.as_ref() == Some(first) && it.path[0] != *first) {
            return self.begin(from, &[&found.path[..], rest].concat());
        }
        for glob in module.uses.iter().filter(|it| it.bound.is_none() && it.path[0] != *first) {
            if let Some(Target::Own(path_of_glob)) = self.begin(from, &glob.path)
                && self
                    .modules
                    .get(&path_of_glob)
                    .is_some_and(|module| module.binds(first, from.starts_with(&path_of_glob)))
            {
                return Some(Target::Own([&path_of_glob[..], path].concat()));
            }
        }
        let is_own = first.starts_with(char::is_uppercase)
            || PRIMITIVES.contains(&first.as_str())
            || TOOLS.contains(&first.as_str());
        (!is_own).then(|| Target::Crate(foreign(first)))
    }

    /// Where a path leads, through all re-exports.
    pub fn place(&self, target: Target) -> Place {
        self.follow(target, 0)
    }

    fn follow(&self, target: Target, depth: usize) -> Place {
        let path = match target {
            Target::Crate(name) => return Place::Crate(name),
            Target::Own(path) => path,
        };
        let (here, rest) = self.walk(&path);
        let Some(first) = rest.first() else { return Place::Module(here) };
        let module = &self.modules[&here];
        if module.items.contains_key(first) || depth > 16 {
            return Place::Module(here);
        }
        if let Some(found) = module.uses.iter().find(|it| it.bound.as_ref() == Some(first)) {
            let path = [&found.path[..], &rest[1..]].concat();
            return self.begin(&here, &path).map_or(Place::Module(here), |target| self.follow(target, depth + 1));
        }
        for glob in module.uses.iter().filter(|it| it.bound.is_none() && it.reexport) {
            if let Some(Target::Own(path)) = self.begin(&here, &glob.path)
                && self.modules.get(&path).is_some_and(|module| module.binds(first, false))
            {
                return self.follow(Target::Own([&path[..], rest].concat()), depth + 1);
            }
        }
        Place::Module(here) // made by a macro there
    }

    /// Goes down the modules of a path: where they end, and what is left of it.
    fn walk<'a>(&self, path: &'a [String]) -> (ModulePath, &'a [String]) {
        let mut here = ModulePath::new();
        for (at, segment) in path.iter().enumerate() {
            let below = [&here[..], from_ref(segment)].concat();
            if !self.modules.contains_key(&below) {
                return (here, &path[at..]);
            }
            here = below;
        }
        (here, &[])
    }

    /// The places of everything that a module lets `from` take by a glob, other than its own.
    pub fn passed_on(&self, module: &ModulePath, from: &ModulePath) -> Vec<Place> {
        let Some(found) = self.modules.get(module) else { return Vec::new() };
        let uses = found.uses.iter().filter(|it| it.reexport || from.starts_with(module));
        uses.filter_map(|it| self.begin(module, &it.path)).map(|target| self.place(target)).collect()
    }

    /// The first part of a path that a user of the crate can't name.
    pub fn hidden<'a>(&self, path: &'a [String]) -> Option<&'a str> {
        let (here, rest) = self.walk(path);
        for at in 0..here.len() {
            if self.modules[&here[..at]].modules.get(&here[at]) == Some(&false) {
                return Some(&path[at]);
            }
        }
        let first = rest.first()?;
        let module = &self.modules[&here];
        let by_use = module.uses.iter().find(|it| it.bound.as_ref() == Some(first)).map(|it| it.public);
        if module.items.get(first).copied().or(by_use) == Some(false) {
            return Some(first);
        }
        let (Place::Module(place), second) = (self.place(Target::Own(path.to_vec())), rest.get(1)?) else {
            return None;
        };
        let function = self.modules[&place].items.get(&format!("{first}::{second}"));
        (function == Some(&false)).then_some(second)
    }

    /// The exported macro at the end of a path, which is public wherever its module is.
    pub fn is_exported_macro(&self, path: &[String]) -> bool {
        let Some((name, module)) = path.split_last() else { return false };
        self.macros.get(name).is_some_and(|found| found == module)
    }
}

impl File {
    /// Reads a source, and gives its items too.
    pub fn parse(path: &str, text: &str) -> Result<(File, Vec<Item>), String> {
        let failed = |error: String| format!("{path}: {error}");
        let product = names::product(text).map_err(failed)?;
        let items = syn::parse2::<syn::File>(product.clone()).map_err(|error| failed(error.to_string()))?.items;
        let lines = lines::count(&product);
        Ok((File { path: path.to_owned(), module: module_of(path), names: names::names(product), lines }, items))
    }
}

impl Module {
    /// Whether a glob takes a name from here. One of a module inside also takes what is imported here.
    fn binds(&self, name: &str, from_inside: bool) -> bool {
        let bound = |it: &Use| (it.reexport || from_inside) && it.bound.as_deref() == Some(name);
        self.modules.contains_key(name) || self.items.contains_key(name) || self.uses.iter().any(bound)
    }
}

impl Use {
    fn of(name: &Name) -> Option<Use> {
        let (bound, visible) = match &name.kind {
            Kind::Use { bound, visible } => (Some(bound.clone()), *visible),
            Kind::Glob { visible } => (None, *visible),
            Kind::Code | Kind::Macro => return None,
        };
        let public = visible == Visible::Everywhere;
        (!name.path.is_empty()).then(|| Use { path: name.path.clone(), bound, public, reexport: name.is_reexport() })
    }
}

/// Names that begin a path and are no crates.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32", "u64", "u8",
    "usize",
];
const TOOLS: [&str; 4] = ["clippy", "diagnostic", "rustdoc", "rustfmt"];

fn foreign(name: &str) -> String {
    if ["core", "alloc"].contains(&name) { "std".to_owned() } else { name.to_owned() }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// What an item defines, and whether it is `pub`.
fn defined(item: &Item) -> Vec<(String, bool)> {
    let (name, visibility) = match item {
        Item::Const(it) => (&it.ident, &it.vis),
        Item::Enum(it) => (&it.ident, &it.vis),
        Item::Fn(it) => (&it.sig.ident, &it.vis),
        Item::Static(it) => (&it.ident, &it.vis),
        Item::Struct(it) => (&it.ident, &it.vis),
        Item::Trait(it) => (&it.ident, &it.vis),
        Item::Type(it) => (&it.ident, &it.vis),
        Item::Union(it) => (&it.ident, &it.vis),
        Item::Impl(it) => return functions(it),
        _ => return Vec::new(),
    };
    vec![(name.to_string(), is_public(visibility))]
}

/// The functions and constants that a type has of its own.
fn functions(item: &syn::ItemImpl) -> Vec<(String, bool)> {
    let syn::Type::Path(path) = &*item.self_ty else { return Vec::new() };
    let Some(owner) = path.path.segments.last().filter(|_| item.trait_.is_none()) else { return Vec::new() };
    let named = |it: &ImplItem| match it {
        ImplItem::Fn(it) => Some((format!("{}::{}", owner.ident, it.sig.ident), is_public(&it.vis))),
        ImplItem::Const(it) => Some((format!("{}::{}", owner.ident, it.ident), is_public(&it.vis))),
        _ => None,
    };
    item.items.iter().filter_map(named).collect()
}

/// Whether a module is declared, and all that it stands in.
fn is_declared(modules: &BTreeMap<ModulePath, Module>, path: &[String]) -> bool {
    (0..path.len()).all(|at| modules.get(&path[..at]).is_some_and(|module| module.modules.contains_key(&path[at])))
}

/// The module of a file below `src/`.
fn module_of(path: &str) -> ModulePath {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').filter(|segment| *segment != "lib").map(str::to_owned).collect()
}

/// The sources in a folder, with their paths below it. What cargo has built is none of them.
pub fn sources(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let mut sources = Vec::new();
    collect(folder, "", &mut sources)?;
    Ok(sources)
}

fn collect(folder: &Path, below: &str, sources: &mut Vec<(String, String)>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut entries = fs::read_dir(folder).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() && entry.file_name() != "target" {
            collect(&entry.path(), &format!("{name}/"), sources)?;
        } else if name.ends_with(".rs") {
            sources.push((name, fs::read_to_string(entry.path()).map_err(failed)?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the only name of the last source leads.
    fn leads(sources: &[(&str, &str)]) -> Option<Place> {
        let tree = Tree::new(sources.iter().copied()).unwrap();
        let file = tree.files.last().unwrap();
        let [name] = &file.names.names[..] else { panic!("one name, please: {:?}", file.names) };
        tree.target(file, name).map(|target| tree.place(target))
    }

    fn module(path: &str) -> Option<Place> {
        Some(Place::Module(path.split("::").map(str::to_owned).collect()))
    }

    fn foreign(name: &str) -> Option<Place> {
        Some(Place::Crate(name.to_owned()))
    }

    const LIB: (&str, &str) = ("lib.rs", "pub mod a; mod b;");
    const A: (&str, &str) =
        ("a/mod.rs", "mod one; mod two; pub mod three; pub use one::One; pub(crate) use two::make as Made;");
    const ONE: (&str, &str) = ("a/one.rs", "pub struct One; impl One { pub fn new() {} pub(crate) fn secret() {} }");
    const TWO: (&str, &str) = ("a/two.rs", "pub fn make() {}");

    #[test]
    fn a_path_leads_through_reexports_to_the_file_that_defines_its_end() {
        let ends = [
            ("use super::One;", "a::one"),
            ("use super::one::One;", "a::one"),
            ("use super::Made;", "a::two"),
            ("use crate::a::Made;", "a::two"),
            ("use crate::a::One as Other;", "a::one"),
            ("fn f() { super::two::make() }", "a::two"),
            ("fn f() { super::One::new() }", "a::one"),
            ("use super::Unknown;", "a"),
            ("use self::inner::X; mod inner {}", "a::three::inner"),
        ];
        for (text, end) in ends {
            assert_eq!(leads(&[LIB, A, ONE, TWO, ("a/three.rs", text)]), module(end), "{text}");
        }
    }

    #[test]
    fn a_path_that_begins_with_a_name_of_the_file_is_followed_from_there() {
        let tree = Tree::new([LIB, A, ONE, TWO, ("a/three.rs", "use super::two; fn f() { two::make() }")]).unwrap();
        let file = tree.files.last().unwrap();
        assert_eq!(tree.place(tree.target(file, &file.names.names[1]).unwrap()), module("a::two").unwrap());
    }

    #[test]
    fn crates_are_told_from_types_primitives_and_lints() {
        let ends = [
            ("use h2::Reason;", foreign("h2")),
            ("use h2;", foreign("h2")),
            ("extern crate h2;", foreign("h2")),
            ("fn f() { tokio::spawn() }", foreign("tokio")),
            ("fn f() -> ::core::option::Option<u8> {}", foreign("std")),
            ("fn f() { u32::from_str() }", None),
            ("fn f() { One::new() }", None),
            ("#[allow(clippy::all)] fn f() {}", None),
            ("mod h2 {} fn f() { h2::x() }", module("a::three::h2")),
        ];
        for (text, end) in ends {
            assert_eq!(leads(&[LIB, A, ONE, TWO, ("a/three.rs", text)]), end, "{text}");
        }
    }

    #[test]
    fn a_glob_of_the_parent_brings_what_the_parent_imports() {
        let a = ("a/mod.rs", "mod one; mod two; use crate::b; use one::One;");
        let one = ("a/one.rs", "use super::*; fn f() { b::g() }");
        let tree = Tree::new([LIB, a, TWO, one, ("b.rs", "")]).unwrap();
        let file = tree.files.iter().find(|file| file.path == "a/one.rs").unwrap();
        assert_eq!(tree.place(tree.target(file, &file.names.names[1]).unwrap()), module("b").unwrap());
        let passed_on = tree.passed_on(&vec!["a".to_owned()], &file.module);
        assert_eq!(passed_on, [module("b").unwrap(), module("a::one").unwrap()]);
    }

    #[test]
    fn a_foreign_item_that_is_taken_from_another_file_still_belongs_to_its_crate() {
        let lib = ("lib.rs", "mod a; mod b;");
        assert_eq!(leads(&[lib, ("a.rs", "pub use h2::Reason;"), ("b.rs", "use crate::a::Reason;")]), foreign("h2"));
        assert_eq!(
            leads(&[lib, ("a.rs", "pub use h2 as http2;"), ("b.rs", "use crate::a::http2::Reason;")]),
            foreign("h2")
        );
    }

    #[test]
    fn an_exported_macro_is_found_by_its_name_at_the_root() {
        let lib = ("lib.rs", "mod a; mod b;");
        let a = ("a.rs", "#[macro_export] macro_rules! b { () => {} }");
        assert_eq!(leads(&[lib, a, ("b.rs", "crate::b! {}")]), module("a"));
    }

    #[test]
    fn what_a_user_can_not_name_is_hidden() {
        let tree = Tree::new([LIB, A, ONE, TWO, ("a/three.rs", "struct X; pub struct Y;"), ("b.rs", "pub struct B;")])
            .unwrap();
        let hidden = |path: &str| {
            let path: Vec<String> = path.split("::").map(str::to_owned).collect();
            tree.hidden(&path).map(str::to_owned)
        };
        assert_eq!(hidden("a::One"), None);
        assert_eq!(hidden("a::One::new"), None);
        assert_eq!(hidden("a::three::Y"), None);
        assert_eq!(hidden("a::MadeByAMacro"), None);
        assert_eq!(hidden("a::One::secret").as_deref(), Some("secret"));
        assert_eq!(hidden("a::one::One").as_deref(), Some("one"));
        assert_eq!(hidden("a::Made").as_deref(), Some("Made"));
        assert_eq!(hidden("a::three::X").as_deref(), Some("X"));
        assert_eq!(hidden("b::B").as_deref(), Some("b"));
    }

    #[test]
    fn a_file_of_unit_tests_is_no_part_of_the_product() {
        let tree =
            Tree::new([("lib.rs", "#[cfg(test)] mod fixtures; mod a;"), ("fixtures.rs", ""), ("a.rs", "")]).unwrap();
        assert_eq!(tree.files.iter().map(|file| &file.path).collect::<Vec<_>>(), ["lib.rs", "a.rs"]);
    }
}
