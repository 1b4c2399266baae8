//! Compiles `.proto` files into messages and services for h2grpc, in a build script and without protoc.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), h2grpc_build::Error> {
//!     h2grpc_build::compile(&["proto/till.proto"], &["proto"])
//! }
//! ```
//!
//! Each package of the `.proto` files becomes one file in `OUT_DIR`, which `h2grpc::include_proto!("my.package")` brings
//! into a module. It holds:
//!
//! - the messages and enums, as [prost](https://docs.rs/prost) writes them;
//! - for a service `Till` a declaration `h2grpc::service!`, that is the trait `Till` for servers and `TillClient`. The
//!   comments of the `.proto` are their documentation;
//! - `FILE_DESCRIPTOR_SET`, a `google.protobuf.FileDescriptorSet` with the package's files and all that they import, for
//!   server reflection.
//!
//! [`protox`] reads the files and [`prost_build`] writes the messages, so a crate that uses this one depends on `prost`
//! as well, and on `prost-types` if its messages have types such as `google.protobuf.Timestamp`. As a type of an rpc,
//! `google.protobuf.Empty` is `()`.
//!
//! # Names
//!
//! A method's name is in snake case, a keyword as a raw identifier: `rpc GetType` becomes `get_type`, and `rpc Type`
//! becomes `r#type`. Where a name is taken already, by a message `TillClient` or a second rpc whose name differs in case
//! alone, an underscore is added at its end.
//!
//! Packages that use each other's messages name them by `super::`, so their modules have to be nested as the packages'
//! names are: `h2grpc::include_proto!()`, without a name, brings in all packages so.
//!
//! Files with `edition = "2023"` and later are refused: prost cannot compile them yet.

mod builder;
mod comments;
mod descriptors;
mod error;
mod names;
mod service;

use std::path::Path;

pub use builder::Builder;
pub use error::Error;
pub use prost_build;

/// Compiles `.proto` files, with all files that they import, into `OUT_DIR`.
///
/// `includes` are the folders in which imports are looked for; each of the `protos` must be below one of them. The
/// imports of `google/protobuf/*.proto` need no file. Cargo runs the build script again when one of the files changes.
///
/// Call it once for all files of a package: a second call overwrites what the first one wrote for the same package.
///
/// # Errors
/// The first mistake in the files, with file and line.
pub fn compile(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<(), Error> {
    Builder::new().compile(protos, includes)
}

/// Compiles the files of an encoded `google.protobuf.FileDescriptorSet`, made by another compiler:
/// `protoc --include_imports --include_source_info --descriptor_set_out=FILE ..`.
///
/// ```no_run
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     println!("cargo:rerun-if-changed=proto/till.bin");
///     Ok(h2grpc_build::compile_descriptor_set(&std::fs::read("proto/till.bin")?)?)
/// }
/// ```
///
/// # Errors
/// What is wrong with the set.
pub fn compile_descriptor_set(set: &[u8]) -> Result<(), Error> {
    Builder::new().compile_descriptor_set(set)
}
