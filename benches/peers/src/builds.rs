//! Where the programs are that are measured, and how our own server is built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Builds the product's server as its users do, from its package and with its release profile, below the folder `work`.
pub fn product_server(product: &Path, work: &Path) -> Result<PathBuf> {
    let target = work.join("product");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(product);
    cargo.args(["build", "--quiet", "--release", "--bin", "server", "--target-dir"]).arg(&target);
    run(&mut cargo)?;
    Ok(target.join("release/server"))
}

/// A binary beside this one.
pub fn here(binary: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(binary))
}

/// Runs a command to its end; the last line that it says is the error.
pub fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().map_err(|e| format!("{:?}: {e}", command.get_program()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.trim().lines().next_back().unwrap_or("it says nothing").to_owned();
    Err(format!("{:?} failed: {last}", command.get_program()).into())
}
