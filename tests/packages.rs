//! Packages as users have them, outside of this workspace: they are built from their `.proto` files, and their own
//! tests are run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// Runs cargo in a package. It shares the folder `target`, so that little is built again.
fn cargo(package: &Path, arguments: &[&str]) -> Output {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(arguments).arg("--color=never").current_dir(package).env("CARGO_TARGET_DIR", target).output().unwrap()
}

/// Runs `cargo test` in a package of this repository.
fn test(package: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = cargo(&root.join(package), &["test", "--locked"]);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "cargo test in {package}:\n{said}");
    assert!(said.contains("test result: ok."), "no test ran in {package}:\n{said}");
}

#[test]
fn the_own_service_of_the_examples_is_built_served_and_called() {
    test("examples/own-service");
}

/// A reader who copies the four files of the README, and has no more than them, has a package that builds. What it does,
/// the test of `examples/own-service` shows, which has the same files.
#[test]
fn the_readme_alone_makes_a_package_that_builds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let package = Scratch(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{}", std::process::id())));
    for file in ["Cargo.toml", "proto/till.proto", "build.rs", "src/main.rs"] {
        let told = block(&readme, file);
        let path = package.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, told).unwrap();
        if file != "Cargo.toml" {
            let example = fs::read_to_string(root.join("examples/own-service").join(file)).unwrap();
            assert_eq!(told.trim(), example.split("\n#[cfg(test)]").next().unwrap().trim(), "{file}");
        }
    }
    // The crates of this repository in place of those of the registry, and the versions that are tested here.
    let patch = format!(
        "\n[workspace]\n[patch.crates-io]\nh2grpc = {{ path = {root:?} }}\nh2grpc-build = {{ path = {:?} }}\n",
        root.join("h2grpc-build")
    );
    let manifest = package.0.join("Cargo.toml");
    fs::write(&manifest, fs::read_to_string(&manifest).unwrap() + &patch).unwrap();
    fs::copy(root.join("examples/own-service/Cargo.lock"), package.0.join("Cargo.lock")).unwrap();
    let output = cargo(&package.0, &["build"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The code block of the README that follows the name of `file`.
fn block<'a>(readme: &'a str, file: &str) -> &'a str {
    let (_, after) = readme.split_once(&format!("\n`{file}`:\n\n```")).unwrap_or_else(|| panic!("there is no {file}"));
    let (_, code) = after.split_once('\n').unwrap();
    code.split_once("```").unwrap().0
}

/// A folder that is gone when its test is over.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_oddest_proto_files_become_services_that_are_served_and_called() {
    test("tests/own-protos");
}

/// "At most 25 lines of own Rust from nothing to a served and called method": blank lines and tests do not count.
#[test]
fn the_own_service_of_the_examples_has_25_lines_of_rust() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-service");
    let lines = |file: &str| {
        let text = fs::read_to_string(package.join(file)).unwrap();
        let program = text.split("#[cfg(test)]").next().unwrap();
        program.lines().filter(|line| !line.trim().is_empty()).count()
    };
    assert!(lines("build.rs") + lines("src/main.rs") <= 25);
}
