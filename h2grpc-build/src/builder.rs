//! The steps from `.proto` files to the files in `OUT_DIR`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{cell::RefCell, env, fs, rc::Rc};

use prost::Message;
use prost_build::{Config, Module};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::descriptors::{Descriptors, check};
use crate::{Error, comments, names::Names, service};

/// The file with all packages, as nested modules: `h2grpc::include_proto!()` brings it in.
const ALL_PACKAGES: &str = "h2grpc.packages";

/// Compiles with other settings than [`compile`](crate::compile).
///
/// ```no_run
/// fn main() -> Result<(), h2grpc_build::Error> {
///     h2grpc_build::Builder::new()
///         .configure(|config| {
///             config.btree_map(["."]);
///         })
///         .compile(&["proto/till.proto"], &["proto"])
/// }
/// ```
#[derive(Default)]
pub struct Builder {
    config: Config,
    out_dir: Option<PathBuf>,
    messages_only: bool,
}

impl Builder {
    /// The settings of [`compile`](crate::compile).
    pub fn new() -> Self {
        Builder::default()
    }

    /// Writes into this folder instead of `OUT_DIR`. It must exist.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Leaves out the services, for a crate that declares them by hand.
    pub fn messages_only(mut self) -> Self {
        self.messages_only = true;
        self
    }

    /// Changes how prost writes the messages: see [`Config`].
    ///
    /// Its settings for files and folders, for protoc and for services have no effect here.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Compiles `.proto` files: see [`compile`](crate::compile).
    ///
    /// # Errors
    /// The first mistake in the files, with file and line.
    pub fn compile(self, protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<(), Error> {
        for proto in protos {
            println!("cargo:rerun-if-changed={}", proto.as_ref().display());
        }
        let mut compiler = crate::descriptors::compiler(protos, includes)?;
        for path in compiler.files().filter_map(|file| file.path()) {
            println!("cargo:rerun-if-changed={}", path.display());
        }
        let set = compiler.file_descriptor_set();
        // What is kept in the program has no comments and no lines.
        compiler.include_source_info(false);
        let kept = Descriptors::decode(&compiler.encode_file_descriptor_set())?;
        self.generate(set, &kept)
    }

    /// Compiles a descriptor set: see [`compile_descriptor_set`](crate::compile_descriptor_set).
    ///
    /// # Errors
    /// What is wrong with the set.
    pub fn compile_descriptor_set(self, set: &[u8]) -> Result<(), Error> {
        let decoded = FileDescriptorSet::decode(set)
            .map_err(|error| Error::new(format!("these bytes are no google.protobuf.FileDescriptorSet: {error}")))?;
        self.generate(decoded, &Descriptors::decode(set)?)
    }

    /// Writes the files of each package.
    fn generate(mut self, mut set: FileDescriptorSet, kept: &Descriptors) -> Result<(), Error> {
        check(&set)?;
        comments::clean(&mut set);
        let folder = self.folder()?;
        let packages: BTreeMap<Module, String> =
            set.file.iter().map(|file| (module(file), file.package().to_owned())).collect();
        let services = self.collect_services();
        let names = Names::of(&set);
        let files = set.file.into_iter().map(|file| (module(&file), file)).collect();
        let mut texts = self.config.generate(files).map_err(|error| Error::new(error.to_string()))?;
        let mut services = services.take();
        if self.messages_only {
            services.clear();
        }
        for service in services {
            let text = texts.entry(Module::from_protobuf_package_name(&service.package)).or_default();
            service::write(&service, &names, text);
        }
        for (module, text) in &mut texts {
            let package = file_name(&packages[module]);
            text.push_str(&service::descriptor_set_const(package));
            write(&folder, &format!("{package}.bin"), &kept.of_package(&packages[module]))?;
            write(&folder, &format!("{package}.rs"), text.as_bytes())?;
        }
        let written: BTreeSet<&Module> = texts.keys().collect();
        let all = nested_modules(written.into_iter().map(|module| (module, file_name(&packages[module]))));
        write(&folder, &format!("{ALL_PACKAGES}.rs"), all.as_bytes())
    }

    fn folder(&self) -> Result<PathBuf, Error> {
        let of_cargo = || env::var_os("OUT_DIR").map(PathBuf::from);
        let message = "OUT_DIR is not set: call this in a build script, or say where to write by Builder::out_dir";
        self.out_dir.clone().or_else(of_cargo).ok_or_else(|| Error::new(message))
    }

    /// Has the services, with their comments and the Rust paths of their types, put into what is returned.
    fn collect_services(&mut self) -> Rc<RefCell<Vec<prost_build::Service>>> {
        struct Collect(Rc<RefCell<Vec<prost_build::Service>>>);

        impl prost_build::ServiceGenerator for Collect {
            fn generate(&mut self, service: prost_build::Service, text: &mut String) {
                text.push('\n'); // prost forgets the packages that have no text
                self.0.borrow_mut().push(service);
            }
        }

        let services = Rc::new(RefCell::new(Vec::new()));
        self.config.service_generator(Box::new(Collect(Rc::clone(&services))));
        services
    }
}

fn module(file: &FileDescriptorProto) -> Module {
    Module::from_protobuf_package_name(file.package())
}

/// The name of a package's files without their ending. Files without a package have one of their own.
fn file_name(package: &str) -> &str {
    if package.is_empty() { "_" } else { package }
}

/// One `pub mod` for each part of each package's name, with the package's file inside.
fn nested_modules<'a>(files: impl Iterator<Item = (&'a Module, &'a str)>) -> String {
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    let close = |text: &mut String, open: &mut Vec<&str>, left: usize| {
        while open.len() > left {
            open.pop();
            text.push_str(&format!("{}}}\n", "    ".repeat(open.len())));
        }
    };
    for (module, file) in files {
        let parts: Vec<&str> = module.parts().collect();
        let common = parts.iter().zip(&open).take_while(|(one, other)| one == other).count();
        close(&mut text, &mut open, common);
        for part in &parts[common..] {
            text.push_str(&format!("{}pub mod {part} {{\n", "    ".repeat(open.len())));
            open.push(part);
        }
        text.push_str(&format!("{}include!(\"{file}.rs\");\n", "    ".repeat(open.len())));
    }
    close(&mut text, &mut open, 0);
    text
}

/// Writes a file, and leaves one alone that has this content: it would be compiled again.
fn write(folder: &Path, name: &str, content: &[u8]) -> Result<(), Error> {
    let path = folder.join(name);
    if fs::read(&path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    fs::write(&path, content).map_err(|error| Error::of_file(&path, error))
}
