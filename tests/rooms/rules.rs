//! The rules, as functions from a tree of sources to what breaks them.

use std::collections::{BTreeMap, BTreeSet};

use crate::circles::{Graph, circles};
use crate::names::Kind;
use crate::tree::{File, Place, Target, Tree};

/// The crates and the other rooms that a room may use, separated by spaces. Itself and `std` it may always use.
pub struct Rule {
    pub room: &'static str,
    pub crates: &'static str,
    pub rooms: &'static str,
}

impl Rule {
    pub fn allows(&self, used: &str) -> bool {
        let allowed = self.crates.split_whitespace().chain(self.rooms.split_whitespace());
        ["std", self.room].into_iter().chain(allowed).any(|allowed| allowed == used)
    }
}

/// The file that declares the rooms. It is in none of them, and may show what is in any.
const MAP: &str = "lib.rs";

/// Something that breaks a rule.
#[derive(Debug)]
pub struct Broken {
    /// The same whatever line it stands in.
    pub what: String,
    /// Where it is seen.
    pub evidence: String,
}

/// Files of no room, and rooms that use what their rule does not allow.
pub fn imports(tree: &Tree, rules: &[Rule]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != MAP) {
        let room = room_of(&file.path);
        let Some(rule) = rules.iter().find(|rule| rule.room == room) else {
            let what = format!("src/{} is in no room of the table", file.path);
            broken.push(Broken { what, evidence: "add the room to the table, with its rule".to_owned() });
            continue;
        };
        for (used, evidence) in uses(tree, file) {
            if !rule.allows(&used) {
                broken.push(Broken { what: format!("src/{} uses {used}", file.path), evidence });
            }
        }
    }
    broken
}

/// The rooms and crates that a file uses, with the place of the first use. A foreign item that is taken from another
/// room's re-export counts as its crate too.
fn uses(tree: &Tree, file: &File) -> BTreeMap<String, String> {
    let mut uses = BTreeMap::new();
    for name in &file.names.names {
        let Some(target) = tree.target(file, name) else { continue };
        let evidence = format!("line {}: {}", name.line, name.path.join("::"));
        let room = room(tree, &target);
        if let Place::Crate(foreign) = tree.place(target) {
            uses.entry(foreign).or_insert(evidence.clone());
        }
        if let Some(room) = room {
            uses.entry(room).or_insert(evidence);
        }
    }
    uses
}

/// The room that a path names, or that has what it names at the root.
fn room(tree: &Tree, target: &Target) -> Option<String> {
    let Target::Own(path) = target else { return None };
    let first = path.first()?;
    if tree.file_of(&vec![first.clone()]).is_empty() {
        let Place::Module(place) = tree.place(Target::Own(path.clone())) else { return None };
        return place.first().cloned();
    }
    Some(first.clone())
}

/// Circles between rooms.
pub fn circles_of_rooms(tree: &Tree) -> Vec<Broken> {
    let (mut graph, mut evidence) = (Graph::new(), BTreeMap::new());
    for file in tree.files.iter().filter(|file| file.path != MAP) {
        let from = room_of(&file.path);
        for (to, place) in uses(tree, file) {
            if to != from && tree.files.iter().any(|file| room_of(&file.path) == to) {
                evidence.entry((from.clone(), to.clone())).or_insert(format!("src/{}, {place}", file.path));
                graph.entry(from.clone()).or_default().insert(to);
            }
        }
    }
    told("rooms", &graph, &evidence)
}

/// Circles between the files inside a room.
pub fn circles_of_files(tree: &Tree) -> Vec<Broken> {
    let (mut graph, mut evidence) = (Graph::new(), BTreeMap::new());
    for file in tree.files.iter().filter(|file| file.path != MAP) {
        for (to, place) in files_used(tree, file) {
            if to != file.path && room_of(&to) == room_of(&file.path) {
                evidence.insert((file.path.clone(), to.clone()), format!("src/{}, {place}", file.path));
                graph.entry(file.path.clone()).or_default().insert(to);
            }
        }
    }
    told("files", &graph, &evidence)
}

/// The files that a file uses, through all re-exports, with the place of the first use.
fn files_used(tree: &Tree, file: &File) -> BTreeMap<String, String> {
    let mut used = BTreeMap::new();
    for name in &file.names.names {
        let Some(target) = tree.target(file, name) else { continue };
        let place = tree.place(target);
        let mut places = BTreeSet::new();
        if let Place::Module(module) = place {
            if matches!(name.kind, Kind::Glob { .. }) {
                let passed_on = tree.passed_on(&module, &file.module).into_iter();
                places.extend(
                    passed_on.filter_map(|place| if let Place::Module(path) = place { Some(path) } else { None }),
                );
            }
            // A parent that only shows what its children have does not use them.
            let is_child = module.len() > file.module.len() && module.starts_with(&file.module);
            let is_shown = match &name.kind {
                Kind::Use { bound, .. } => name.is_reexport() && !file.names.words.contains(bound),
                Kind::Glob { .. } => name.is_reexport(),
                Kind::Code | Kind::Macro => false,
            };
            if !(is_child && is_shown) {
                places.insert(module);
            }
        }
        for module in places {
            let evidence = format!("line {}: {}", name.line, name.path.join("::"));
            used.entry(tree.file_of(&module).to_owned()).or_insert(evidence);
        }
    }
    used
}

fn told(of: &str, graph: &Graph, evidence: &BTreeMap<(String, String), String>) -> Vec<Broken> {
    let tell = |circle: Vec<String>| {
        let steps = circle.windows(2).filter_map(|step| evidence.get(&(step[0].clone(), step[1].clone())));
        let evidence = steps.cloned().collect::<Vec<_>>().join("; ");
        Broken { what: format!("a circle of {of}: {}", circle.join(" -> ")), evidence }
    };
    circles(graph).into_iter().map(tell).collect()
}

/// What these rooms name of others that a user of the library can't name.
pub fn hidden(tree: &Tree, rooms: &[&str]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for file in tree.files.iter().filter(|file| rooms.contains(&room_of(&file.path).as_str())) {
        for name in &file.names.names {
            let Some(Target::Own(path)) = tree.target(file, name) else { continue };
            let is_own = path.first() == file.module.first();
            if is_own || name.kind == Kind::Macro && tree.is_exported_macro(&path) {
                continue;
            }
            if let Some(hidden) = tree.hidden(&path) {
                let what = format!("src/{} uses {}, whose {hidden} is not public", file.path, path.join("::"));
                broken.push(Broken { what, evidence: format!("line {}", name.line) });
            }
        }
    }
    broken
}

/// Programs that reach into the library.
pub fn reaching(binaries: &[File]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for file in binaries {
        for name in file.names.names.iter().filter(|name| name.path[0] == "crate") {
            let what = format!("src/{} says {}", file.path, name.path.join("::"));
            broken.push(Broken { what, evidence: format!("line {}", name.line) });
        }
    }
    broken
}

/// Files that include others by their path, which hides who uses whom.
pub fn included<'a>(files: impl IntoIterator<Item = &'a File>) -> Vec<Broken> {
    let tell = |file: &File| Broken {
        what: format!("{} includes a file by its path", file.path),
        evidence: "declare the module without #[path]".to_owned(),
    };
    files.into_iter().filter(|file| file.names.includes_by_path).map(tell).collect()
}

/// The folder or file below `src/` that a file belongs to.
pub fn room_of(path: &str) -> String {
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(sources: &[(&str, &str)]) -> Tree {
        Tree::new(sources.iter().copied()).unwrap()
    }

    fn what(broken: Vec<Broken>) -> Vec<String> {
        broken.into_iter().map(|broken| broken.what).collect()
    }

    const LIB: (&str, &str) = ("lib.rs", "pub mod wire; pub mod call; mod service; pub use wire::Code;");
    const RULES: &[Rule] = &[
        Rule { room: "wire", crates: "bytes", rooms: "" },
        Rule { room: "call", crates: "h2", rooms: "wire" },
        Rule { room: "service", crates: "", rooms: "call" },
    ];

    #[test]
    fn an_import_that_the_rule_does_not_allow_is_told_in_every_form() {
        for text in [
            "use crate::call::Outlet;",
            "use crate::{wire::frame, call::{self}};",
            "use crate::{\n    wire,\n    call,\n};",
            "use super::super::call::Outlet as _;",
            "pub(crate) use crate::call::*;",
            "fn f() -> crate::call::Outlet {}",
            "macro_rules! m { () => { crate::call::f() } }",
            "fn f() { m!(crate::call::f()) }",
        ] {
            assert_eq!(what(imports(&wire_with(text), RULES)), ["src/wire/inner.rs uses call"], "{text}");
        }
        assert_eq!(
            what(imports(&wire_with("use super::call; macro_rules! m { () => { $crate::call::f() } }"), RULES)),
            [""; 0]
        );
    }

    fn wire_with(inner: &str) -> Tree {
        tree(&[LIB, ("wire/mod.rs", "mod inner;"), ("wire/inner.rs", inner), ("call.rs", ""), ("service.rs", "")])
    }

    #[test]
    fn crates_are_told_also_when_another_room_passes_them_on() {
        let call = ("call.rs", "pub use h2::Reason;");
        let sources = |service| [LIB, ("wire.rs", "pub enum Code {}"), call, ("service.rs", service)];
        assert_eq!(what(imports(&tree(&sources("use h2::Reason;")), RULES)), ["src/service.rs uses h2"]);
        assert_eq!(what(imports(&tree(&sources("fn f(_: h2::Reason) {}")), RULES)), ["src/service.rs uses h2"]);
        assert_eq!(what(imports(&tree(&sources("extern crate h2;")), RULES)), ["src/service.rs uses h2"]);
        assert_eq!(what(imports(&tree(&sources("use crate::call::Reason;")), RULES)), ["src/service.rs uses h2"]);
        assert_eq!(what(imports(&tree(&sources("use crate::Code;")), RULES)), ["src/service.rs uses wire"]);
        assert_eq!(what(imports(&tree(&sources("use crate::call; use std::io; use core::fmt;")), RULES)), [""; 0]);
    }

    #[test]
    fn a_file_without_a_room_is_told() {
        let tree = tree(&[("lib.rs", "mod attic;"), ("attic/mod.rs", "mod box_;"), ("attic/box_.rs", "")]);
        assert_eq!(
            what(imports(&tree, RULES)),
            ["src/attic/mod.rs is in no room of the table", "src/attic/box_.rs is in no room of the table"]
        );
    }

    #[test]
    fn a_circle_between_rooms_is_told_with_its_places() {
        let wire = ("wire.rs", "\nuse crate::call;");
        let broken = circles_of_rooms(&tree(&[LIB, wire, ("call.rs", "use super::wire::{self};"), ("service.rs", "")]));
        assert_eq!(broken[0].what, "a circle of rooms: call -> wire -> call");
        assert_eq!(broken[0].evidence, "src/call.rs, line 1: super::wire; src/wire.rs, line 2: crate::call");
    }

    fn circles_with(parent: &str, one: &str, two: &str) -> Vec<String> {
        let call = [("call/mod.rs", parent), ("call/one.rs", one), ("call/two.rs", two)];
        let others = [LIB, ("wire.rs", ""), ("service.rs", "")];
        what(circles_of_files(&tree(&[&others[..], &call[..]].concat())))
    }

    #[test]
    fn a_parent_that_declares_and_shows_its_children_makes_no_circle() {
        let parent = "mod one; mod two; pub use one::One; pub(crate) use two::{Two as Second, *}; pub struct Own;";
        assert_eq!(
            circles_with(parent, "use super::Own; pub struct One;", "use super::{Own, One}; pub struct Two;"),
            [""; 0]
        );
    }

    #[test]
    fn an_import_from_the_parent_counts_as_one_of_the_sibling_that_it_shows() {
        let parent = "mod one; mod two; pub use one::One; pub(crate) use two::Two as Second;";
        let circle = ["a circle of files: call/one.rs -> call/two.rs -> call/one.rs"];
        let two = "use super::one::One; pub struct Two;";
        assert_eq!(circles_with(parent, "use super::Second; pub struct One;", two), circle);
        assert_eq!(circles_with(parent, "use crate::call::Second; pub struct One;", two), circle);
        assert_eq!(circles_with(parent, "pub struct One(super::Second);", two), circle);
        assert_eq!(circles_with(parent, "use super::*; pub struct One;", two), circle);
        assert_eq!(circles_with(parent, "use super::two; pub struct One;", two), circle);
    }

    #[test]
    fn a_parent_that_uses_its_child_itself_may_not_be_used_by_it() {
        let one = "use super::Own; pub struct One;";
        let circle = ["a circle of files: call/mod.rs -> call/one.rs -> call/mod.rs"];
        assert_eq!(circles_with("mod one; mod two; use one::One; pub struct Own;", one, ""), circle);
        assert_eq!(circles_with("mod one; mod two; pub struct Own; fn f() { one::f() }", one, ""), circle);
        assert_eq!(circles_with("mod one; mod two; pub use one::One; pub struct Own(One);", one, ""), circle);
    }

    #[test]
    fn what_a_user_can_not_name_is_told_of_rooms_that_are_users() {
        let wire = ("wire.rs", "pub mod frame { pub struct Decoder; pub(crate) fn secret() {} }");
        let service = ("service.rs", "#[macro_export] macro_rules! service { () => {} } pub struct Service;");
        let sources =
            |guide| [("lib.rs", "pub mod wire; mod service; pub mod guide;"), wire, service, ("guide.rs", guide)];
        let told = |guide| what(hidden(&tree(&sources(guide)), &["guide"]));
        assert_eq!(
            told("use crate::wire::frame; crate::service! {} mod own { fn f() {} } fn f() { own::f() }"),
            [""; 0]
        );
        assert_eq!(
            told("use crate::wire::frame::{Decoder, secret};"),
            ["src/guide.rs uses wire::frame::secret, whose secret is not public"]
        );
        assert_eq!(
            told("use crate::wire::frame; fn f() { frame::secret() }"),
            ["src/guide.rs uses wire::frame::secret, whose secret is not public"]
        );
        assert_eq!(
            told("use crate::service::Service;"),
            ["src/guide.rs uses service::Service, whose service is not public"]
        );
    }

    #[test]
    fn programs_that_reach_into_the_library_are_told() {
        let tree = tree(&[
            ("lib.rs", ""),
            ("bin/one.rs", "use h2grpc::wire; fn main() { \"crate::wire\"; }"),
            ("bin/two.rs", "use crate::wire; fn main() {}"),
            ("bin/three.rs", "#[path = \"../wire.rs\"] mod wire; fn main() {}"),
        ]);
        assert_eq!(what(reaching(&tree.binaries)), ["src/bin/two.rs says crate::wire"]);
        assert_eq!(what(included(&tree.binaries)), ["bin/three.rs includes a file by its path"]);
    }
}
