//! Packages as users have them, outside of this workspace: they are built from their `.proto` files, and their own
//! tests are run.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Runs `cargo test` in a package of this repository. It shares the folder `target`, so that little is built again.
fn test(package: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["test", "--locked", "--color=never"])
        .current_dir(root.join(package))
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "cargo test in {package}:\n{said}");
    assert!(said.contains("test result: ok."), "no test ran in {package}:\n{said}");
}

#[test]
fn the_own_service_of_the_examples_is_built_served_and_called() {
    test("examples/own-service");
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
