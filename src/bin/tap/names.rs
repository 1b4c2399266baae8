//! Names for the fields of messages, from .proto files and from compiled descriptors.

use std::fs;
use std::path::{Path, PathBuf};

use h2grpc::transcript::protobuf::Types;
use prost::Message;
use prost_types::FileDescriptorSet;

use super::options::Names;

/// Reads all that the command line names.
pub fn types(names: &Names) -> Result<Types, String> {
    let mut set = FileDescriptorSet::default();
    for file in &names.descriptor_set {
        set.file.extend(descriptors(file)?.file);
    }
    if !names.proto.is_empty() {
        set.file.extend(compiled(names)?.file);
    }
    Types::decode(&set.encode_to_vec()).map_err(|error| error.to_string())
}

fn descriptors(file: &Path) -> Result<FileDescriptorSet, String> {
    let bytes = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let set = FileDescriptorSet::decode(&bytes[..]).map_err(|error| error.to_string());
    let set = set.and_then(|set| if set.file.is_empty() { Err("it names no .proto file".to_owned()) } else { Ok(set) });
    set.map_err(|why| {
        let file = file.display();
        format!("{file} has no descriptors: {why}; make one with protoc --descriptor_set_out=FILE --include_imports")
    })
}

fn compiled(names: &Names) -> Result<FileDescriptorSet, String> {
    let mut includes = names.include.clone();
    if includes.is_empty() {
        let folder = |file: &PathBuf| match file.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        includes = names.proto.iter().map(folder).collect();
        includes.sort();
        includes.dedup();
    }
    if let Some(missing) = names.proto.iter().find(|file| !file.is_file() && !is_below(file, &includes)) {
        return Err(format!("cannot read {}: there is no such file", missing.display()));
    }
    let set = protox::compile(&names.proto, &includes);
    set.map_err(|error| {
        // protox tells file, line and column where it can, over several lines in its own format.
        let text = format!("{error:?}");
        format!(
            "cannot compile: {}; --include names the folders of imports",
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        )
    })
}

fn is_below(file: &Path, includes: &[PathBuf]) -> bool {
    includes.iter().any(|include| include.join(file).is_file())
}
