//! The two servers that are attacked, and how they are started.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use peers::builds::{here, product_server};

use crate::Result;
use crate::list::Terms;

/// Whose server.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Ours,
    Tonic,
}

impl Kind {
    pub const BOTH: [Kind; 2] = [Kind::Ours, Kind::Tonic];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Ours => "h2grpc",
            Kind::Tonic => "tonic",
        }
    }
}

/// Where the programs are, and the database that ours has in itself.
pub struct Programs {
    ours: PathBuf,
    tonic: PathBuf,
    database: PathBuf,
}

/// Builds our server as its users do, from its package and with its release profile. Tonic's is a binary of this crate.
pub fn build(product: &Path) -> Result<Programs> {
    let ours = product_server(product, &product.join("benches/peers/target/work"))?;
    let tonic = here("tonic_server")?;
    if !tonic.exists() {
        return Err(format!("{} is missing: cargo build --release --bins builds it", tonic.display()).into());
    }
    let database = product.join("src/route_guide/features.json");
    Ok(Programs { ours, tonic, database })
}

/// A server that listens; it is killed when this is dropped.
pub struct Running {
    child: Child,
    pub address: SocketAddr,
}

impl Programs {
    /// Starts a server with its defaults, on a free port. Ours has the arguments that the attack asks for; both have the
    /// limits of the system that it asks for.
    pub fn start(&self, kind: Kind, terms: &Terms) -> Result<Running> {
        let mut command = match terms.limit {
            None => Command::new(self.program(kind)),
            Some(limit) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]).arg(self.program(kind));
                shell
            }
        };
        command.args(["--addr", "127.0.0.1:0"]).env_remove("RUST_LOG");
        match kind {
            Kind::Ours => command.args(terms.arguments),
            Kind::Tonic => command.args(["--plain", "--db"]).arg(&self.database),
        };
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("its output was asked for")?).read_line(&mut line)?;
        let address = line.trim_end().rsplit(' ').next().unwrap_or_default().parse();
        let address = address.map_err(|_| format!("{} tells no address: {line:?}", kind.name()))?;
        Ok(Running { child, address })
    }

    fn program(&self, kind: Kind) -> &Path {
        match kind {
            Kind::Ours => &self.ours,
            Kind::Tonic => &self.tonic,
        }
    }
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// It has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
