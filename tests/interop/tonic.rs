//! tonic as a peer: its client and server from `benches/peers`, a package of its own that the product never depends on.
//! They are built below Cargo's target directory when a trial needs them.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use crate::{Server, peers, process, source};

/// For the build, with all that tonic depends on.
const BUILD_TIME: Duration = Duration::from_secs(900);

/// The folder of tonic's programs.
pub struct Tonic(PathBuf);

/// tonic's programs, or why there are none.
pub fn tonic() -> Result<&'static Tonic, String> {
    static TONIC: LazyLock<Result<Tonic, String>> = LazyLock::new(|| {
        let target = peers::directory().with_file_name("packages");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--locked", "--bin", "tonic_server", "--bin", "tonic_calls"]);
        cargo.arg("--manifest-path").arg(source("benches/peers/Cargo.toml")).arg("--target-dir").arg(&target);
        let output = process::run(&mut cargo, BUILD_TIME)?;
        if output.succeeded() {
            Ok(Tonic(target.join("debug")))
        } else {
            Err(format!("tonic cannot be built: {}", peers::on_one_line(&output.to_string())))
        }
    });
    TONIC.as_ref().map_err(String::clone)
}

impl Tonic {
    /// A server of tonic.
    pub fn server(&self) -> Result<Server, String> {
        Server::plain(&self.0.join("tonic_server"))
    }

    /// A client of tonic that makes a check.
    pub fn client(&self, address: SocketAddr, check: &str) -> Command {
        let mut client = Command::new(self.0.join("tonic_calls"));
        client.args(["--address", &address.to_string(), check]);
        client
    }
}
