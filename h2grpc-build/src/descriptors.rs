//! Descriptors: made by protox, checked, and kept for each package.

use std::collections::{BTreeMap, BTreeSet};
use std::{env, path::Path};

use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use protox::Compiler;

use crate::Error;

/// Compiles the files with protox, the comments included.
pub(crate) fn compiler(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<Compiler, Error> {
    let includes: Vec<&Path> = includes.iter().map(AsRef::as_ref).collect();
    let mut compiler = Compiler::new(&includes).map_err(|error| explain(&error, &includes))?;
    compiler.include_imports(true).include_source_info(true);
    for proto in protos.iter().map(AsRef::as_ref) {
        if !proto.is_file() && !includes.iter().any(|include| include.join(proto).is_file()) {
            let here = env::current_dir().unwrap_or_default();
            return Err(Error::of_file(proto, format!("there is no such file in {}", here.display())));
        }
        compiler.open_file(proto).map_err(|error| match error.file() {
            None if error.is_file_not_found() => {
                let folders: Vec<String> = includes.iter().map(|include| include.display().to_string()).collect();
                let folders = folders.join(", ");
                Error::of_file(proto, format!("the file is below none of the include folders: {folders}"))
            }
            _ => explain(&error, &includes),
        })?;
    }
    Ok(compiler)
}

/// As protox says it, `till.proto:3:5: ..`, but with the path that leads there.
fn explain(error: &protox::Error, includes: &[&Path]) -> Error {
    let text = format!("{error:?}");
    let text = match text.strip_suffix("but found 'edition'") {
        Some(place) => {
            let place = place.split(": expected").next().unwrap_or(place);
            format!("{place}: editions cannot be compiled, only files with syntax = \"proto2\" or \"proto3\"")
        }
        None => text,
    };
    let file = error.file().unwrap_or_default();
    let path = includes.iter().map(|include| include.join(file)).find(|path| path.is_file());
    Error::new(match (path, text.strip_prefix(file)) {
        (Some(path), Some(rest)) if rest.starts_with(':') => format!("{}{rest}", path.display()),
        _ => text,
    })
}

/// Refuses a set that prost cannot compile.
pub(crate) fn check(set: &FileDescriptorSet) -> Result<(), Error> {
    let names: BTreeSet<&str> = set.file.iter().map(FileDescriptorProto::name).collect();
    for file in &set.file {
        if !["", "proto2", "proto3"].contains(&file.syntax()) {
            return Err(Error::new(format!(
                "{}: the syntax \"{}\" cannot be compiled, only proto2 and proto3",
                file.name(),
                file.syntax()
            )));
        }
        // prost has types for the well-known ones.
        let mut imports = file.dependency.iter().filter(|import| !import.starts_with("google/protobuf/"));
        if let Some(import) = imports.find(|import| !names.contains(import.as_str())) {
            return Err(Error::new(format!(
                "{} imports {import}, which is not in the descriptor set (protoc adds it with --include_imports)",
                file.name()
            )));
        }
    }
    Ok(())
}

/// Files of a set, each encoded: what this crate does not know of them, such as options of their own, is kept.
pub(crate) struct Descriptors {
    files: Vec<(FileDescriptorProto, Vec<u8>)>,
}

impl Descriptors {
    pub(crate) fn decode(set: &[u8]) -> Result<Self, Error> {
        let broken = |error| Error::new(format!("these bytes are no google.protobuf.FileDescriptorSet: {error}"));
        let encoded = EncodedSet::decode(set).map_err(broken)?.file;
        let decode = |bytes: Vec<u8>| Ok((FileDescriptorProto::decode(&bytes[..]).map_err(broken)?, bytes));
        Ok(Descriptors { files: encoded.into_iter().map(decode).collect::<Result<_, _>>()? })
    }

    /// A set of the files of a package and of all that they import, in their order here.
    pub(crate) fn of_package(&self, package: &str) -> Vec<u8> {
        let by_name: BTreeMap<&str, &FileDescriptorProto> =
            self.files.iter().map(|(file, _)| (file.name(), file)).collect();
        let mut needed = BTreeSet::new();
        let files = self.files.iter().map(|(file, _)| file);
        let mut open: Vec<_> = files.filter(|file| file.package() == package).collect();
        while let Some(file) = open.pop() {
            if needed.insert(file.name()) {
                open.extend(file.dependency.iter().filter_map(|import| by_name.get(import.as_str()).copied()));
            }
        }
        let kept = self.files.iter().filter(|(file, _)| needed.contains(file.name()));
        EncodedSet { file: kept.map(|(_, bytes)| bytes.clone()).collect() }.encode_to_vec()
    }
}

/// A `google.protobuf.FileDescriptorSet` whose files are left as bytes.
#[derive(Clone, PartialEq, Message)]
struct EncodedSet {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}
