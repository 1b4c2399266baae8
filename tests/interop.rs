//! Real peers against the binaries `server` and `client`: grpcio (Python) and grpc-js (Node) as clients of our server,
//! and grpcio as the server of our client and of the library's channel. And `tap` between two programs, with tonic as a
//! third stack.
//!
//! The trials set their peers up themselves, below Cargo's target directory and only when a trial that needs them
//! runs. Where an interpreter is missing, or its packages cannot be installed, the trials are reported as ignored with
//! the reason; with `CI=true` in the environment they fail with it instead.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{self as system, Command, ExitCode},
    sync::LazyLock,
    time::Duration,
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use process::Process;

#[path = "common/checked.rs"]
mod checked;
#[path = "interop/judged.rs"]
mod judged;
#[path = "interop/our_channel.rs"]
mod our_channel;
#[path = "interop/our_client.rs"]
mod our_client;
#[path = "interop/our_server.rs"]
mod our_server;
#[path = "interop/peers.rs"]
mod peers;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "interop/record.rs"]
mod record;
#[path = "interop/relay.rs"]
mod relay;
#[path = "interop/tap.rs"]
mod tap;
#[path = "interop/tonic.rs"]
mod tonic;

/// The service under its name in the published examples, and under that of the tutorial's .proto, which has no package.
/// With each, what a trial's name says of it.
const SERVICES: [(&str, &str); 2] = [("routeguide.RouteGuide", ""), ("RouteGuide", "without_package::")];
const SERVICE: &str = SERVICES[0].0;

/// How long a client may take; the scripts give themselves up earlier, with a trace of where they stand.
const CLIENT_TIME: Duration = Duration::from_secs(300);
const START_TIME: Duration = Duration::from_secs(60);
const STOP_TIME: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = our_server::trials();
    trials.extend(our_client::trials());
    trials.extend(our_channel::trials());
    trials.extend(tap::trials());
    trials.extend(record::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A trial that needs a peer: ignored where there is none, unless this is CI.
fn trial<P>(
    name: String, peer: fn() -> Result<&'static P, String>, run: impl FnOnce(&P) -> Result<(), String> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || match peer() {
        Ok(peer) => run(peer).map(|()| Completion::Completed).map_err(Failed::from),
        Err(reason) if env::var_os("CI").is_some_and(|ci| ci == "true") => Err(Failed::from(reason)),
        Err(reason) => Ok(Completion::ignored_with(reason)),
    })
}

/// A server, ours or a peer's, that has said where it listens. Dropping it kills it.
struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// Starts `command` and waits until a line of its output names an address on 127.0.0.1.
    fn start(command: &mut Command) -> Result<Self, String> {
        let mut process = Process::spawn(command)?;
        let address = process.wait_for_line(START_TIME, "127.0.0.1:PORT", loopback_address)?;
        Ok(Self { process, address })
    }

    /// Our own server.
    fn ours() -> Result<Self, String> {
        Server::start(Command::new(env!("CARGO_BIN_EXE_server")).args(["--addr", "127.0.0.1:0"]))
    }

    /// A server of `benches/peers`, with the features of our own database, that leaves all else as its stack has it.
    fn plain(program: &Path) -> Result<Self, String> {
        let mut server = Command::new(program);
        server.args(["--addr", "127.0.0.1:0", "--plain", "--db"]).arg(source("src/route_guide/features.json"));
        Server::start(&mut server)
    }

    /// Stops the server with SIGTERM and returns its standard output; any exit code but 0 is an error.
    fn stop(self) -> Result<String, String> {
        self.process.terminate()?;
        self.stopped()
    }

    /// The same for a server that has already been told to stop.
    fn stopped(self) -> Result<String, String> {
        let output = self.process.wait(STOP_TIME)?;
        if output.succeeded() { Ok(output.stdout) } else { Err(format!("the server did not end well: {output}")) }
    }
}

fn loopback_address(line: &str) -> Option<SocketAddr> {
    let after = line.split_once("127.0.0.1:")?.1;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    format!("127.0.0.1:{digits}").parse().ok()
}

/// The descriptors of the .proto files, in a file for the Python scripts.
fn descriptors() -> Result<PathBuf, String> {
    static FILE: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
        let own = peers::directory().join(format!("interop-descriptors-{}", system::id()));
        let shared = peers::directory().join("interop-descriptors");
        fs::write(&own, h2grpc::route_guide::FILE_DESCRIPTOR_SET)
            .and_then(|()| fs::rename(&own, &shared))
            .map_err(|error| format!("cannot write {}: {error}", shared.display()))?;
        Ok(shared)
    });
    FILE.clone()
}

/// A file of this package.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
