//! Errors say which file, which line, and what is wrong there.

use std::{fs, path::Path};

use h2grpc_build::Builder;
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tempfile::TempDir;

const HEAD: &str = "syntax = \"proto3\";\npackage shop;\n";

/// Compiles `proto/till.proto` of a new folder, beside other files, and gives the error with paths from that folder on.
fn error(till: &str, others: &[(&str, &str)]) -> String {
    let folder = TempDir::new().unwrap();
    let proto = folder.path().join("proto");
    fs::create_dir(&proto).unwrap();
    for (name, text) in others.iter().chain(&[("till.proto", till)]) {
        fs::write(proto.join(name), text).unwrap();
    }
    let error = Builder::new().out_dir(folder.path()).compile(&[proto.join("till.proto")], &[&proto]).unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string(), "what `main` prints is the text");
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_mistake_of_grammar_is_told_with_its_line() {
    let error = error(&format!("{HEAD}message Item {{\n  string name 1;\n}}\n"), &[]);
    assert!(error.starts_with("proto/till.proto:4:15: expected '='"), "{error}");
}

#[test]
fn an_unknown_type_is_told_with_its_line() {
    let error = error(&format!("{HEAD}service Till {{\n  rpc Scan(Item) returns (Item);\n}}\n"), &[]);
    assert!(error.starts_with("proto/till.proto:4:12: ") && error.contains("'Item' is not defined"), "{error}");
}

#[test]
fn a_mistake_in_an_imported_file_is_told_with_that_file() {
    let error =
        error(&format!("{HEAD}import \"stock.proto\";\n"), &[("stock.proto", "syntax = \"proto3\";\nmessage {}\n")]);
    assert!(error.starts_with("proto/stock.proto:2:9: expected "), "{error}");
}

#[test]
fn a_missing_import_is_told_with_its_line() {
    let error = error(&format!("{HEAD}import \"stock.proto\";\n"), &[]);
    assert_eq!(error, "proto/till.proto:3:1: import 'stock.proto' not found");
}

#[test]
fn a_circle_of_imports_is_told() {
    let error = error("import \"stock.proto\";\n", &[("stock.proto", "import \"till.proto\";\n")]);
    assert!(error.contains("till.proto -> stock.proto -> till.proto"), "{error}");
}

#[test]
fn an_edition_is_refused() {
    let error = error("edition = \"2023\";\npackage shop;\nmessage Item {}\n", &[]);
    assert_eq!(
        error,
        "proto/till.proto:1:1: editions cannot be compiled, only files with syntax = \"proto2\" or \"proto3\""
    );
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let error = Builder::new().out_dir("/").compile(&["proto/tlil.proto"], &["proto"]).unwrap_err();
    let here = std::env::current_dir().unwrap();
    assert_eq!(error.to_string(), format!("proto/tlil.proto: there is no such file in {}", here.display()));
}

#[test]
fn a_file_outside_the_includes_is_told() {
    let folder = TempDir::new().unwrap();
    let (file, include) = (folder.path().join("till.proto"), folder.path().join("proto"));
    fs::create_dir(&include).unwrap();
    fs::write(&file, HEAD).unwrap();
    let error = Builder::new().out_dir(folder.path()).compile(&[&file], &[&include]).unwrap_err();
    let expected = format!("{}: the file is below none of the include folders: {}", file.display(), include.display());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let folder = TempDir::new().unwrap();
    let proto = folder.path().join("till.proto");
    fs::write(&proto, format!("{HEAD}message Item {{}}\n")).unwrap();
    let out = folder.path().join("nowhere");
    let error = Builder::new().out_dir(&out).compile(&[&proto], &[folder.path()]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: ", out.join("shop.bin").display())), "{error}");
}

#[test]
fn without_out_dir_a_build_script_is_asked_for() {
    let error = h2grpc_build::compile_descriptor_set(b"").unwrap_err().to_string();
    assert_eq!(error, "OUT_DIR is not set: call this in a build script, or say where to write by Builder::out_dir");
}

/// The error for a descriptor set made elsewhere.
fn error_of_set(files: Vec<FileDescriptorProto>) -> String {
    let set = FileDescriptorSet { file: files }.encode_to_vec();
    Builder::new().out_dir(Path::new("/nowhere")).compile_descriptor_set(&set).unwrap_err().to_string()
}

#[test]
fn a_set_without_its_imports_is_refused() {
    let file = FileDescriptorProto {
        name: Some("till.proto".to_owned()),
        dependency: vec!["google/protobuf/empty.proto".to_owned(), "stock.proto".to_owned()],
        ..Default::default()
    };
    let expected =
        "till.proto imports stock.proto, which is not in the descriptor set (protoc adds it with --include_imports)";
    assert_eq!(error_of_set(vec![file]), expected);
}

#[test]
fn a_set_with_an_edition_is_refused() {
    let file = FileDescriptorProto {
        name: Some("till.proto".to_owned()),
        syntax: Some("editions".to_owned()),
        ..Default::default()
    };
    assert_eq!(
        error_of_set(vec![file]),
        "till.proto: the syntax \"editions\" cannot be compiled, only proto2 and proto3"
    );
}

#[test]
fn bytes_that_are_no_set_are_refused() {
    let error = Builder::new().out_dir("/nowhere").compile_descriptor_set(b"syntax = \"proto3\";").unwrap_err();
    assert!(error.to_string().starts_with("these bytes are no google.protobuf.FileDescriptorSet: "), "{error}");
}
