//! What is written for a service reads like its `.proto`, and like a declaration by hand.

use std::{fs, path::Path, process::Command};

use h2grpc_build::Builder;
use prost::Message;
use prost_types::FileDescriptorSet;
use tempfile::TempDir;

const TILL: &str = r#"
syntax = "proto3";
package shop;
import "google/protobuf/empty.proto";

// A till.
service Till {
  // Adds up some items.
  rpc Scan(stream Item) returns (Receipt);
  rpc Close(google.protobuf.Empty) returns (google.protobuf.Empty);
  // What was sold today,
  // in the order of its sale.
  rpc ListSold(Receipt) returns (stream Item);
}

message Item { string name = 1; }
message Receipt { uint64 cents = 1; }
"#;

const DECLARATION: &str = r#"h2grpc::service! {
    /// A till.
    pub service Till("shop.Till") client TillClient {
        /// Adds up some items.
        rpc Scan     as scan      (stream Item) returns (Receipt);
        rpc Close    as close     (())          returns (());
        /// What was sold today,
        /// in the order of its sale.
        rpc ListSold as list_sold (Receipt)     returns (stream Item);
    }
}
"#;

/// The folder in which `proto/till.proto` was compiled, and `shop.rs`.
fn compile(builder: Builder) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("till.proto"), TILL).unwrap();
    builder.out_dir(folder.path()).compile(&["till.proto"], &[folder.path()]).unwrap();
    let text = read(folder.path());
    (folder, text)
}

fn read(folder: &Path) -> String {
    fs::read_to_string(folder.join("shop.rs")).unwrap()
}

#[test]
fn a_service_is_written_as_a_declaration() {
    let (_folder, text) = compile(Builder::new());
    assert!(text.contains(DECLARATION), "{text}");
    assert!(text.contains("pub struct Item {") && text.contains("pub const FILE_DESCRIPTOR_SET"), "{text}");
}

#[test]
fn messages_alone_have_no_declaration() {
    let (_folder, text) = compile(Builder::new().messages_only());
    assert!(text.contains("pub struct Item {") && !text.contains("service!"), "{text}");
}

#[test]
fn settings_of_prost_have_an_effect() {
    let builder = Builder::new().configure(|config| {
        config.message_attribute("shop.Item", "#[derive(PartialOrd)]");
    });
    let (_folder, text) = compile(builder);
    assert!(text.contains("#[derive(PartialOrd)]\n"), "{text}");
}

#[test]
fn the_descriptors_are_kept_with_all_imports_and_without_comments() {
    let (folder, _) = compile(Builder::new());
    let set = FileDescriptorSet::decode(&fs::read(folder.path().join("shop.bin")).unwrap()[..]).unwrap();
    let names: Vec<&str> = set.file.iter().map(|file| file.name()).collect();
    assert_eq!(names, ["google/protobuf/empty.proto", "till.proto"]);
    assert!(set.file.iter().all(|file| file.source_code_info.is_none()));
}

/// With protoc's set the same is written; without protoc, with that of protox.
#[test]
fn a_descriptor_set_made_elsewhere_gives_the_same() {
    let (folder, text) = compile(Builder::new());
    let (path, elsewhere) = (folder.path().join("set.bin"), TempDir::new().unwrap());
    let by_protoc = Command::new("protoc")
        .args(["--include_imports", "--include_source_info", "--descriptor_set_out=set.bin", "till.proto"])
        .current_dir(folder.path())
        .status();
    if !by_protoc.is_ok_and(|status| status.success()) {
        let set = protox::compile([folder.path().join("till.proto")], [folder.path()]).unwrap();
        fs::write(&path, set.encode_to_vec()).unwrap();
    }
    Builder::new().out_dir(elsewhere.path()).compile_descriptor_set(&fs::read(path).unwrap()).unwrap();
    assert_eq!(read(elsewhere.path()), text);
}

#[test]
fn a_second_run_writes_nothing_new() {
    let (folder, _) = compile(Builder::new());
    let written = || fs::metadata(folder.path().join("shop.rs")).unwrap().modified().unwrap();
    let before = written();
    Builder::new().out_dir(folder.path()).compile(&["till.proto"], &[folder.path()]).unwrap();
    assert_eq!(written(), before);
}
